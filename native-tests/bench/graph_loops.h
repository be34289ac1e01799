/* SPDX-License-Identifier: MIT */
/*
 * graph_loops.h - what is called in the part "graph" of the bench: the same functions in many
 * kinds, that differ in what happens at their entry and exit; how they are called; and the time
 * that it takes. Also for the peers in processes of their own.
 */
#ifndef GRAPH_LOOPS_H
#define GRAPH_LOOPS_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE"
#endif
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* A loop makes so many calls. */
#define GRAPH_CALLS   24000ul
#define GRAPH_THREADS 2
/* Before the loop on a thread that is timed: they find its memory, and other functions are called.
 */
#define GRAPH_WARM_LOOPS 2

enum graph_way {
	ONE_FUNCTION, /* depth 1; each call waits for the one before */
	IN_TURN,      /* 8 functions */
	RANDOM,	      /* one of 8, by an indirect call */
	NESTED_5,     /* 5 calls, each in the one before */
	NESTED_20,
	ON_THREADS, /* as the first, on GRAPH_THREADS at once */
	GRAPH_WAYS,
};

typedef void (*graph_loop)(enum graph_way way);

/* What the handlers count: in each thread, so that threads do not wait for each other. */
extern __thread unsigned long graph_counted;

struct graph_timed {
	graph_loop loop;
	int cpu;
	int *waiting;
	uint64_t ns;
	unsigned long counted;
};

static inline uint64_t graph_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The CPUs that the process may use. */
static cpu_set_t graph_cpus;

/* Moves the thread to the n-th of them. */
static inline void graph_pin(int n)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	n %= CPU_COUNT(&graph_cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &graph_cpus) && n-- == 0)
			CPU_SET(cpu, &one);
	}
	sched_setaffinity(0, sizeof(one), &one);
}

/* Before anything is measured; and after it. */
static inline void graph_begin(void)
{
	sched_getaffinity(0, sizeof(graph_cpus), &graph_cpus);
	graph_pin(1);
}

static inline void graph_end(void)
{
	sched_setaffinity(0, sizeof(graph_cpus), &graph_cpus);
}

static inline void *graph_time_thread(void *arg)
{
	struct graph_timed *timed = arg;

	graph_pin(timed->cpu);
	for (int i = 0; i < GRAPH_WARM_LOOPS; i++)
		timed->loop(IN_TURN);
	graph_counted = 0;
	__atomic_sub_fetch(timed->waiting, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(timed->waiting, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
	timed->ns = graph_now();
	timed->loop(ONE_FUNCTION);
	timed->ns = graph_now() - timed->ns;
	timed->counted = graph_counted;
	return NULL;
}

/* ns a call, 0 if there are no threads; @counted: what the handlers of one thread have counted. */
static inline double graph_time(graph_loop loop, enum graph_way way, unsigned long *counted)
{
	struct graph_timed timed[GRAPH_THREADS];
	pthread_t threads[GRAPH_THREADS];
	int waiting = GRAPH_THREADS;
	double ns = 0;

	*counted = 0;
	if (way != ON_THREADS) {
		uint64_t start;

		graph_counted = 0;
		start = graph_now();
		loop(way);
		ns = graph_now() - start;
		*counted = graph_counted;
		return ns / GRAPH_CALLS;
	}
	for (int i = 0; i < GRAPH_THREADS; i++) {
		timed[i] = (struct graph_timed){.loop = loop, .cpu = i, .waiting = &waiting};
		if (pthread_create(&threads[i], NULL, graph_time_thread, &timed[i]))
			return 0;
	}
	for (int i = 0; i < GRAPH_THREADS; i++) {
		pthread_join(threads[i], NULL);
		ns += timed[i].ns;
		*counted += timed[i].counted;
	}
	*counted /= GRAPH_THREADS;
	return ns / GRAPH_THREADS / GRAPH_CALLS;
}

#endif /* GRAPH_LOOPS_H */
