/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads that come and go while calls are traced, and those that end in traced
 * calls: their slots are used again. exceptions.cpp has threads with objects to destroy.
 *
 * threads churn     many one after the other, each with calls deeper than a chunk
 * threads exits     pthread_exit() in traced calls
 * threads cancelled cancellation in traced calls
 * threads together  several at the same time
 */
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

/* 40 calls are three chunks; there are 4,096. */
#define DEPTH	40
#define THREADS 2000

TRACED int hf_down(int n);
TRACED void hf_exit(int n);
TRACED void hf_block(int n);

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);
static sem_t inside;
static int cleaned;

TRACED int hf_down(int n)
{
	int result;

	if (n == 0)
		return 0;
	result = hf_down(n - 1);
	KEEP;
	return result + 1;
}

TRACED void hf_exit(int n)
{
	if (n == 0)
		pthread_exit((void *)5);
	hf_exit(n - 1);
	KEEP;
}

static void clean(void *arg)
{
	(void)arg;
	CHECK_EQ(hf_down(3), 3);
	cleaned++;
}

TRACED void hf_block(int n)
{
	pthread_cleanup_push(clean, NULL);
	if (n == 0) {
		CHECK_EQ(sem_post(&inside), 0);
		for (;;)
			pause();
	}
	hf_block(n - 1);
	pthread_cleanup_pop(0);
}

static void *call_down(void *arg)
{
	CHECK_EQ(hf_down(DEPTH - 1), DEPTH - 1);
	CHECK_EQ(open_calls.count, 0);
	return arg;
}

static void *call_exit(void *arg)
{
	hf_exit(DEPTH - 1);
	return arg;
}

static void *call_block(void *arg)
{
	hf_block(DEPTH - 1);
	return arg;
}

static void churn(void)
{
	graph(&pairs, "hf_*");
	for (int i = 0; i < THREADS; i++)
		join(start(call_down, NULL));
	CHECK_EQ(entries, (unsigned long)THREADS * DEPTH);
	CHECK_EQ(RETURNED, entries);
	ungraph(&pairs);
}

static void exits_inside(void)
{
	graph(&pairs, "hf_*");
	for (int i = 0; i < THREADS; i++) {
		void *value;

		CHECK_EQ(pthread_join(start(call_exit, NULL), &value), 0);
		CHECK(value == (void *)5);
	}
	CHECK_EQ(entries, (unsigned long)THREADS * DEPTH);
	CHECK_EQ(RETURNED, 0);
	ungraph(&pairs);
}

static void cancelled(void)
{
	CHECK_EQ(sem_init(&inside, 0, 0), 0);
	graph(&pairs, "hf_*");
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread = start(call_block, NULL);
		void *value;

		while (sem_wait(&inside) != 0)
			CHECK_EQ(errno, EINTR);
		CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &value), 0);
		CHECK(value == PTHREAD_CANCELED);
	}
	CHECK_EQ(cleaned, THREADS * DEPTH);
	CHECK_EQ(entries, (unsigned long)THREADS * DEPTH * (1 + 4));
	CHECK_EQ(RETURNED, (unsigned long)THREADS * DEPTH * 4);
	ungraph(&pairs);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < 20000; i++)
		CHECK_EQ(hf_down(i % DEPTH), i % DEPTH);
	CHECK_EQ(open_calls.count, 0);
	return arg;
}

static void together(void)
{
	pthread_t threads[8];

	for (int kind = 0; kind < GRAPH_KINDS; kind += 2) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "hf_*");
		for (int i = 0; i < 8; i++)
			threads[i] = start(call_often, NULL);
		for (int i = 0; i < 8; i++)
			join(threads[i]);
		CHECK_EQ(entries, 8 * 20000L * (DEPTH + 1) / 2);
		CHECK_EQ(RETURNED, entries);
		ungraph(&pairs);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"churn", churn},
		{"exits", exits_inside},
		{"cancelled", cancelled},
		{"together", together},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
