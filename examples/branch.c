/* SPDX-License-Identifier: MIT */
/* branch.c - a static key in a hot loop: measures the cost while the key is off, and checks that
 * the branch works when the key is on. */
#include <ftrace/ftrace.h>
#include <stdio.h>
#include <time.h>

#define LOOPS 100000000UL

FTRACE_DEFINE_STATIC_KEY_FALSE(verbose);
static unsigned long seen;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Nanoseconds per iteration. */
static double loop(int with_key)
{
	double start = now();

	for (unsigned long i = 0; i < LOOPS; i++) {
		__asm__ __volatile__("" ::: "memory");
		if (with_key && ftrace_static_branch_unlikely(&verbose))
			seen++;
	}
	return (now() - start) * 1e9 / LOOPS;
}

int main(void)
{
	double without = loop(0), off = loop(1), on;
	unsigned long seen_off = seen;
	int error = ftrace_static_branch_enable(&verbose);

	on = loop(1);
	error = error ? error : ftrace_static_branch_disable(&verbose);
	printf("ns per iteration: without a branch %.2f, off %.2f, on %.2f\n", without, off, on);
	printf("error %d, seen %lu while off, %lu while on\n", error, seen_off, seen - seen_off);
	return error || seen_off != 0 || seen != LOOPS;
}
