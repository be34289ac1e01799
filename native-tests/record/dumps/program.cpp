// SPDX-License-Identifier: MIT
// What is recorded for dumps.sh: two threads, recursion, exceptions, names that formats must quote.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#define NOINLINE __attribute__((noinline))

template <typename T> NOINLINE long sum(const std::vector<T> &values)
{
	long result = 0;
	for (const T &value : values)
		result += value;
	return result;
}

struct point {
	long x;
	NOINLINE bool operator<(const point &other) const
	{
		return x < other.x;
	}
	NOINLINE point operator&&(const point &other) const
	{
		return {x & other.x};
	}
};

NOINLINE long fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

NOINLINE void thrower(long n)
{
	if (n % 3 == 0)
		throw std::runtime_error(std::to_string(n));
}

NOINLINE long work(long rounds)
{
	long result = 0;
	for (long i = 0; i < rounds; i++) {
		point a{i}, b{i * 7 % 13};
		result += sum(std::vector<long>(20, i)) + sum(std::vector<char>(10, 'a')) +
			  fibonacci(i % 9);
		result += (a < b) + (a && b).x;
		try {
			thrower(i);
		} catch (const std::runtime_error &error) {
			result += error.what()[0];
		}
	}
	return result;
}

int main(int argc, char **argv)
{
	const long rounds = argc > 1 ? std::atol(argv[1]) : 200;
	long other = 0;
	std::thread thread([&] { other = work(rounds); });
	const long own = work(rounds);
	thread.join();
	return std::printf("%d\n", own == other) < 0;
}
