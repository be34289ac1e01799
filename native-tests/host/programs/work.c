/* SPDX-License-Identifier: MIT */
/*
 * work.c - see work.h. Compiled with -fpatchable-function-entry=5.
 */
#define _GNU_SOURCE
#include "work.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each call is made, and each function stays one. */
#define WORK	      __attribute__((noinline))
#define OPAQUE(value) __asm__ __volatile__("" : "+r"(value))

struct work_pair {
	int64_t number;
	double real;
};

struct work_many {
	uint64_t words[5];
};

uint64_t work_mix(uint64_t a, uint64_t b);
double work_average(double a, double b, double c);
struct work_pair work_divide(int64_t a, int64_t b);
struct work_many work_spread(uint64_t value);
uint64_t work_ten(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
		  uint64_t g, uint64_t h, uint64_t i, uint64_t j);
uint64_t work_sum(int count, ...);
uint64_t work_fibonacci(unsigned int n);
int work_compare(const void *a, const void *b);
uint64_t work_sort(uint64_t seed);
uint64_t work_vectors(const float *a, const float *b, int count);
long double work_long(long double value);
uint64_t work_text(uint64_t value);

WORK uint64_t work_mix(uint64_t a, uint64_t b)
{
	OPAQUE(a);
	a = (a ^ b) * 0x9e3779b97f4a7c15ULL;
	return a ^ a >> 29;
}

WORK double work_average(double a, double b, double c)
{
	__asm__ __volatile__("" : "+x"(a));
	return (a + b + c) / 3;
}

WORK struct work_pair work_divide(int64_t a, int64_t b)
{
	OPAQUE(a);
	return (struct work_pair){a / b, (double)a / (double)b};
}

WORK struct work_many work_spread(uint64_t value)
{
	struct work_many many;

	for (int i = 0; i < 5; i++)
		many.words[i] = work_mix(value, (uint64_t)i);
	return many;
}

WORK uint64_t work_ten(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
		       uint64_t g, uint64_t h, uint64_t i, uint64_t j)
{
	OPAQUE(a);
	return a + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h + 19 * i + 23 * j;
}

WORK uint64_t work_sum(int count, ...)
{
	uint64_t sum = 0;
	va_list list;

	va_start(list, count);
	while (count-- > 0) {
		sum += va_arg(list, uint64_t);
		sum += (uint64_t)va_arg(list, double);
	}
	va_end(list);
	return sum;
}

WORK uint64_t work_fibonacci(unsigned int n)
{
	OPAQUE(n);
	return n < 2 ? n : work_fibonacci(n - 1) + work_fibonacci(n - 2);
}

WORK int work_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

WORK uint64_t work_sort(uint64_t seed)
{
	uint64_t numbers[64], sum = 0;

	for (int i = 0; i < 64; i++)
		numbers[i] = seed = work_mix(seed, (uint64_t)i);
	qsort(numbers, 64, sizeof(*numbers), work_compare);
	for (int i = 0; i < 64; i++)
		sum = work_mix(sum, numbers[i]);
	return sum;
}

WORK uint64_t work_vectors(const float *a, const float *b, int count)
{
	float sum = 0;

	for (int i = 0; i < count; i++)
		sum += a[i] * b[i];
	return (uint64_t)sum;
}

WORK long double work_long(long double value)
{
	__asm__ __volatile__("" : "+t"(value));
	return value * 3 + 1;
}

WORK uint64_t work_text(uint64_t value)
{
	char text[64];
	uint64_t sum = 0;

	snprintf(text, sizeof(text), "%lu %.3f %s", value % 1000003, (double)(value % 1009) / 7,
		 "end");
	for (const char *at = text; *at; at++)
		sum = work_mix(sum, (uint64_t)*at);
	return sum;
}

WORK uint64_t work_call(uint64_t (*function)(uint64_t), uint64_t value)
{
	return function(value) + 1;
}

static uint64_t work_square(uint64_t value)
{
	return work_mix(value, value * value);
}

WORK uint64_t work_unit(uint64_t seed)
{
	float a[32], b[32];
	uint64_t sum = work_sort(seed);

	for (int i = 0; i < 32; i++) {
		a[i] = (float)(work_mix(seed, (uint64_t)i) % 256);
		b[i] = (float)(work_mix(seed, (uint64_t)i + 32) % 256);
	}
	for (uint64_t i = 1; i < 20; i++) {
		struct work_pair pair = work_divide((int64_t)(sum >> 1), (int64_t)i);
		struct work_many many = work_spread(sum);

		sum = work_mix(sum, (uint64_t)pair.number + (uint64_t)(pair.real / 4096));
		sum = work_mix(sum, many.words[0] ^ many.words[1] ^ many.words[2] ^ many.words[3] ^
					    many.words[4]);
		sum += work_ten(i, sum, 3, 4, 5, seed, 7, 8, 9, sum >> 7);
		sum += work_sum(3, i, 1.5, seed, 2.25, sum, 1e6);
		sum += (uint64_t)work_average((double)(sum % 1000), (double)i, 17.5);
		sum += (uint64_t)work_long((long double)(sum % 4096));
		sum = work_mix(sum, work_vectors(a, b, 32));
		sum = work_mix(sum, work_call(work_square, sum));
	}
	sum = work_mix(sum, work_fibonacci(12));
	return work_mix(sum, work_text(sum));
}

static atomic_ullong work_expected[WORK_SEEDS];

void work_verify(unsigned long number)
{
	unsigned long long none = 0, result = work_unit(number % WORK_SEEDS);

	if (!atomic_compare_exchange_strong(&work_expected[number % WORK_SEEDS], &none, result) &&
	    none != result) {
		dprintf(STDERR_FILENO, "unit %lu: %#llx, and %#llx at first\n", number % WORK_SEEDS,
			result, none);
		_exit(1);
	}
}

uint64_t work_checksum(void)
{
	uint64_t sum = 0;

	for (unsigned long i = 0; i < WORK_SEEDS; i++) {
		work_verify(i);
		sum = work_mix(sum, work_unit(i));
	}
	return sum;
}

int work_continues(unsigned long least)
{
	static atomic_ulong calls;
	int (*tool_done)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "toggler_done");

	/* Both: a tool may be done before the program has done what is to be seen of it. */
	return atomic_fetch_add(&calls, 1) < least ||
	       (tool_done && getenv("TOGGLE_PATTERN") && !tool_done());
}
