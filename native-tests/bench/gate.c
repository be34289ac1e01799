/* SPDX-License-Identifier: MIT */
/*
 * gate.c - what a handler pays for enter and exit while nobody modifies code,
 * on one thread and on two at once.
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

#define MAX_THREADS   2
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

static int threads;
static int rounds;
static pthread_barrier_t begin, end;
static int running[PAIRS * (MAX_SAMPLES + 1)]; /* threads on their marks, for each repetition */
static uint64_t elapsed[MAX_THREADS];

/* The @thread-th CPU that this process may use; -1 if there are fewer. */
static int nth_cpu(int thread)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set) && thread-- == 0)
			return cpu;
	}
	return -1;
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

/* All threads run one pair at the same time; no series is extended by the first round. */
static void repeat(int thread, enum pair pair, int round)
{
	int *ready = &running[round * PAIRS + pair];
	uint64_t start;

	/* The barrier wakes the threads; the spinning makes them start together. */
	pthread_barrier_wait(&begin);
	__atomic_add_fetch(ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(ready, __ATOMIC_ACQUIRE) < threads)
		cpu_relax();

	start = now_ns();
	pairs[pair].loop(pairs[pair].count);
	elapsed[thread] = now_ns() - start;

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
	char text[64];

	if (!pairs[peer].present)
		return;
	snprintf(text, sizeof(text), "%s, %d thread%s", what, threads, threads > 1 ? "s" : "");
	add_row(&(struct comparison){
		.section = "gate",
		.what = text,
		.unit = "ns",
		.n = threads,
		.ours = &pairs[ours].series,
		.peer = against,
		.peers = &pairs[peer].series,
		.relation = relation,
		.target = target,
	});
}

static void measure(const int *cpus)
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
		CPU_SET(cpus[i], &set);
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
	int cpus[MAX_THREADS] = {nth_cpu(0), nth_cpu(1)};

	rounds = quick ? 40 : 600;
	pairs[URCU].present = urcu_present();
	if (!pairs[URCU].present)
		add_note("gate", "liburcu not found (package liburcu-dev): row skipped");
	pairs[UCO].present = uco_open();
	if (!pairs[UCO].present)
		add_note("gate", "C# exports not built (package dotnet-sdk-10.0): row skipped");

	pin(cpus[0]);
	urcu_thread_begin();
	for (enum pair pair = 0; pair < PAIRS; pair++) {
		if (pairs[pair].present)
			calibrate(pair);
	}
	urcu_thread_end();

	for (threads = 1; threads <= MAX_THREADS; threads++) {
		if (cpus[threads - 1] < 0) {
			add_note("gate", "only one CPU: rows for two threads skipped");
			break;
		}
		measure(cpus);
		compare(INLINE, "pair inline", UNGATED, "ungated protocol in C", CHEAPER,
			threads == 1 ? 10 : 40);
		compare(INLINE, "pair inline", MFENCE, "ungated, mfence as in 2010", CHEAPER, 0);
		compare(INLINE, "pair inline", HAND, "hand-written gate in C", AT_MOST, 1.05);
		compare(INLINE, "pair inline", URCU, "liburcu-memb read lock", AT_MOST, 1.0);
		compare(INLINE, "pair inline", EMPTY, "empty loop, the limit", AT_MOST, 0);
		compare(EXPORTED, "pair exported", OUT_OF_LINE, "same gate in a C library", AT_MOST,
			1.5);
		compare(EXPORTED, "pair exported", UNGATED, "ungated protocol in C", CHEAPER, 0);
		compare(EXPORTED, "pair exported", UCO, "UnmanagedCallersOnly", CHEAPER, 0);
	}
}
