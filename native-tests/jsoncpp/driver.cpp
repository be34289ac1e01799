/* SPDX-License-Identifier: MIT */
/*
 * driver.cpp - runs the test-suite of jsoncpp in several threads, many times.
 *
 * Shows that C++ code with exceptions computes the same while its functions are
 * traced: built once as it is and once with WITH_FTRACE (tracer.h), it must write the
 * same bytes. What a thread's suite writes goes to OUT_DIR/THREAD.out.
 */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tracer.h"

static const int max_threads = 4;

thread_local FILE *test_output;

/* The suite's main(), renamed. */
int suite_main(int argc, const char *argv[]);

static std::atomic<int> running;
static std::atomic<int> failed;

static void work(const std::string &out, int rounds)
{
	const char *argv[] = {"jsoncpp_test", nullptr};

	test_output = std::fopen(out.c_str(), "w");
	if (!test_output) {
		std::perror(out.c_str());
		failed = 1;
		running--;
		return;
	}
	tracer_thread_begin();
	for (int i = 0; i < rounds; i++)
		if (suite_main(1, argv))
			failed = 1;
	tracer_thread_end();
	std::fclose(test_output);
	running--;
}

int main(int argc, char **argv)
{
	int threads = argc == 5 ? std::atoi(argv[2]) : 0;
	std::vector<std::thread> workers;

	if (threads < 1 || threads > max_threads || std::atoi(argv[3]) < 1) {
		std::fprintf(stderr, "usage: %s OUT_DIR THREADS ROUNDS METHOD\n", argv[0]);
		return 2;
	}
	tracer_init(argv[4]);
	running = threads;

	auto start = std::chrono::steady_clock::now();

	for (int i = 0; i < threads; i++)
		workers.emplace_back(work, std::string(argv[1]) + "/" + std::to_string(i) + ".out",
				     std::atoi(argv[3]));
	tracer_while(running);
	for (auto &worker : workers)
		worker.join();

	std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

	std::fprintf(stderr, "  %-24s %.2f\n", VARIANT " run, seconds", took.count());
	return tracer_report() | failed;
}
