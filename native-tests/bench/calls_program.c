/* SPDX-License-Identifier: MIT */
/*
 * calls_program.c - calls a small function so many times, on so many threads at once, and prints
 * how long that took on average, and how much time of a CPU. It is compiled in several ways, for
 *the tools that trace its calls: plain; with -fpatchable-function-entry; with -pg and -mfentry for
 *gprof and uftrace; with -finstrument-functions; with HANDLER, which counts the calls by a handler
 *of the library; and with UPROBES, by probes of the kernel.
 *
 *	calls_program CALLS [THREADS]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calls_probes.h"

#define NOT_TRACED  __attribute__((no_instrument_function))
#define MAX_THREADS 16
#define FIRST_CALLS 100

static unsigned long calls;
static int waiting;

unsigned long called(unsigned long x);
__attribute__((noipa, aligned(64))) unsigned long called(unsigned long x)
{
	return x * 3 + 1;
}

struct took {
	uint64_t ns, cpu_ns;
};

static NOT_TRACED uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static NOT_TRACED void *call_all(void *arg)
{
	struct took *took = arg;
	unsigned long x = 0;

	/* The first ones find their buffers. */
	for (unsigned long i = 0; i < FIRST_CALLS; i++)
		x = called(x);
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
	took->cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
	took->ns = read_clock(CLOCK_MONOTONIC);
	for (unsigned long i = 0; i < calls; i++)
		x = called(x);
	__asm__ __volatile__("" ::"r"(x));
	took->ns = read_clock(CLOCK_MONOTONIC) - took->ns;
	took->cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID) - took->cpu_ns;
	return NULL;
}

NOT_TRACED int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t ids[MAX_THREADS];
	struct took took[MAX_THREADS], all = {0, 0};

	if (threads < 1 || threads > MAX_THREADS)
		return 1;
	calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	waiting = threads;
	begin_probes((unsigned long)called);
	for (int i = 1; i < threads; i++) {
		if (pthread_create(&ids[i], NULL, call_all, &took[i]))
			return 1;
	}
	call_all(&took[0]);
	for (int i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	for (int i = 0; i < threads; i++) {
		all.ns += took[i].ns / threads;
		all.cpu_ns += took[i].cpu_ns / threads;
	}
	check_probes(threads * (calls + FIRST_CALLS));
	printf("took %lu cpu %lu\n", all.ns, all.cpu_ns);
	return 0;
}
