/* SPDX-License-Identifier: MIT */
/*
 * uftrace_peer.c - the small function of trace_calls.h, compiled for uftrace (-pg -mfentry). Calls
 * it so many times, on so many threads at once, writes how long that took on average.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOT_TRACED  __attribute__((no_instrument_function))
#define MAX_THREADS 16

static unsigned long calls;
static int waiting;

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

static NOT_TRACED void *call_all(void *took)
{
	unsigned long x = 0;
	uint64_t start;

	/* The first ones find their buffers. */
	for (unsigned long i = 0; i < 100; i++)
		x = uftraced(x);
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
	start = now_ns();
	for (unsigned long i = 0; i < calls; i++)
		x = uftraced(x);
	__asm__ __volatile__("" ::"r"(x));
	*(uint64_t *)took = now_ns() - start;
	return NULL;
}

NOT_TRACED int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t ids[MAX_THREADS];
	uint64_t took[MAX_THREADS], all = 0;

	if (threads < 1 || threads > MAX_THREADS)
		return 1;
	calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	waiting = threads;
	for (int i = 1; i < threads; i++) {
		if (pthread_create(&ids[i], NULL, call_all, &took[i]))
			return 1;
	}
	call_all(&took[0]);
	for (int i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	for (int i = 0; i < threads; i++)
		all += took[i];
	printf("took %llu\n", (unsigned long long)all / threads);
	return 0;
}
