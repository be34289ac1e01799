/* SPDX-License-Identifier: MIT */
/*
 * gate.c - what a handler pays for enter and exit while nobody modifies code,
 * on one thread and on several at once.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftrace/nmi.h>

#include "bench.h"
#include "gate_loops.h"

#define MAX_THREADS   16
#define REPETITION_NS 300000

enum pair { EMPTY, INLINE, HAND, UNGATED, MFENCE, EXPORTED, OUT_OF_LINE, URCU, UCO, PAIRS };

static struct {
	void (*loop)(unsigned long count);
	unsigned long count; /* iterations that take about REPETITION_NS */
	bool present;
	struct series series; /* ns for one pair, the mean of the threads */
} pairs[PAIRS] = {
	[EMPTY] = {.loop = loop_empty, .present = true},
	[INLINE] = {.loop = loop_inline, .present = true},
	[HAND] = {.loop = loop_hand, .present = true},
	[UNGATED] = {.loop = loop_ungated, .present = true},
	[MFENCE] = {.loop = loop_mfence, .present = true},
	[EXPORTED] = {.loop = loop_exported, .present = true},
	[OUT_OF_LINE] = {.loop = loop_out_of_line, .present = true},
	[URCU] = {.loop = loop_urcu},
	[UCO] = {.loop = loop_uco},
};

static int threads, cpus;
static int rounds;
static pthread_barrier_t begin, end;
static int running[PAIRS * (MAX_SAMPLES + 1)]; /* threads on their marks, for each repetition */
static uint64_t elapsed[MAX_THREADS];

static cpu_set_t allowed;

/* The @n-th CPU that this process may use. */
static int nth_cpu(int n)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && n-- == 0)
			return cpu;
	}
	fail("a CPU is gone\n");
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void calibrate(enum pair pair)
{
	uint64_t took = 0;

	for (pairs[pair].count = 1000; took < REPETITION_NS; pairs[pair].count *= 2) {
		uint64_t start = now_ns();

		pairs[pair].loop(pairs[pair].count);
		took = now_ns() - start;
	}
	pairs[pair].count /= 2;
}

/* With more threads than CPUs, of the time that a thread runs. */
static uint64_t time_ns(void)
{
	struct timespec ts;

	clock_gettime(threads > cpus ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* All threads run one pair at the same time; no series is extended by the first round. */
static void repeat(int thread, enum pair pair, int round)
{
	int *ready = &running[round * PAIRS + pair];
	uint64_t start;

	/* The barrier wakes the threads; the spinning makes them start together. */
	pthread_barrier_wait(&begin);
	__atomic_add_fetch(ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(ready, __ATOMIC_ACQUIRE) < threads) {
		if (threads > cpus)
			sched_yield();
		else
			cpu_relax();
	}

	start = time_ns();
	pairs[pair].loop(pairs[pair].count);
	elapsed[thread] = time_ns() - start;

	pthread_barrier_wait(&end);
	if (thread == 0 && round > 0) {
		double sum = 0;

		for (int i = 0; i < threads; i++)
			sum += elapsed[i];
		add_sample(&pairs[pair].series, sum / threads / pairs[pair].count);
	}
}

static void *run_thread(void *arg)
{
	int thread = (int)(intptr_t)arg;

	urcu_thread_begin();
	for (int round = 0; round <= rounds; round++) {
		for (enum pair pair = 0; pair < PAIRS; pair++) {
			if (pairs[pair].present)
				repeat(thread, pair, round);
		}
	}
	urcu_thread_end();
	if (ftrace_nmi_thread.saved != 1)
		fail("enter and exit left the saved word at %#lx\n", ftrace_nmi_thread.saved);
	return NULL;
}

static void compare(enum pair ours, const char *what, enum pair peer, const char *against,
		    enum relation relation, double target)
{
	if (!pairs[peer].present)
		return;
	add_row(&(struct comparison){
		.section = "gate",
		.what = what,
		.unit = "ns",
		.n = threads,
		.axis = "threads",
		.ours = &pairs[ours].series,
		.peer = against,
		.peers = &pairs[peer].series,
		.relation = relation,
		.target = target,
	});
}

static void measure(void)
{
	pthread_t others[MAX_THREADS];

	memset(running, 0, sizeof(running));
	for (enum pair pair = 0; pair < PAIRS; pair++)
		pairs[pair].series.count = 0;
	pthread_barrier_init(&begin, NULL, threads);
	pthread_barrier_init(&end, NULL, threads);
	for (int i = 1; i < threads; i++) {
		pthread_attr_t attr;
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(nth_cpu(i % cpus), &set);
		pthread_attr_init(&attr);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		if (pthread_create(&others[i], &attr, run_thread, (void *)(intptr_t)i))
			fail("cannot create a thread\n");
		pthread_attr_destroy(&attr);
	}
	run_thread((void *)0);
	for (int i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
	pthread_barrier_destroy(&begin);
	pthread_barrier_destroy(&end);
}

void bench_gate(void)
{
	int most_rounds = quick ? 40 : 600;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	cpus = CPU_COUNT(&allowed);
	pairs[URCU].present = urcu_present();
	if (!pairs[URCU].present)
		leave_out("liburcu-dev", NULL);
	pairs[UCO].present = uco_open();
	if (!pairs[UCO].present)
		leave_out("dotnet-sdk-10.0", NULL);

	pin(nth_cpu(0));
	urcu_thread_begin();
	for (enum pair pair = 0; pair < PAIRS; pair++) {
		if (pairs[pair].present)
			calibrate(pair);
	}
	urcu_thread_end();

	for (threads = 1; threads <= MAX_THREADS; threads *= 2) {
		/* They take as long as there are threads for each CPU. */
		rounds = threads > cpus ? most_rounds * cpus / threads : most_rounds;
		measure();
		compare(INLINE, "pair inline", UNGATED, "ungated protocol in C", CHEAPER,
			threads == 1		   ? 10
			: threads == 2 && cpus > 1 ? 40
						   : 0);
		compare(INLINE, "pair inline", MFENCE, "ungated, mfence as in 2010", CHEAPER, 0);
		compare(INLINE, "pair inline", HAND, "hand-written gate in C", AT_MOST,
			threads <= 2 ? 1.05 : 0);
		compare(INLINE, "pair inline", URCU, "liburcu-memb read lock", AT_MOST,
			threads <= 2 ? 1.0 : 0);
		compare(INLINE, "pair inline", EMPTY, "empty loop, the limit", AT_MOST, 0);
		compare(EXPORTED, "pair exported", OUT_OF_LINE, "same gate in a C library", AT_MOST,
			threads <= 2 ? 1.5 : 0);
		compare(EXPORTED, "pair exported", UNGATED, "ungated protocol in C", CHEAPER, 0);
		compare(EXPORTED, "pair exported", UCO, "UnmanagedCallersOnly", CHEAPER, 0);
	}
}
