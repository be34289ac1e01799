/* SPDX-License-Identifier: MIT */
/*
 * uftrace_peer.c - the small function of trace_calls.h, compiled for uftrace (-pg -mfentry). Calls
 * it so many times, writes how long that took.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOT_TRACED __attribute__((no_instrument_function))

unsigned long uftraced(unsigned long x);
__attribute__((noipa, aligned(64))) unsigned long uftraced(unsigned long x)
{
	return x * 3 + 1;
}

static NOT_TRACED uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

NOT_TRACED int main(int argc, char **argv)
{
	unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, x = 0;
	uint64_t start;

	/* The first ones find their buffers. */
	for (unsigned long i = 0; i < 100; i++)
		x = uftraced(x);
	start = now_ns();
	for (unsigned long i = 0; i < calls; i++)
		x = uftraced(x);
	__asm__ __volatile__("" ::"r"(x));
	printf("took %llu\n", (unsigned long long)(now_ns() - start));
	return 0;
}
