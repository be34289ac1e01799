/* SPDX-License-Identifier: MIT */
/*
 * many.c - 64 threads on however few CPUs there are: hundreds of stops finish,
 * every thread sees both variants of the text, and none sees anything else.
 *
 * The wait of the patcher for all threads to see a change is the proof that
 * parked threads leave it the CPU and that released ones come back.
 */
#include "test.h"

#include <sys/resource.h>

#define THREADS 64
#define STOPS	500

static unsigned char *function;
static atomic_bool finish;
static atomic_ulong seen_a[THREADS], seen_b[THREADS];

static void *thread_main(void *arg)
{
	long self = (long)arg;

	/* Between stops the patcher competes with all of them, and that is not the matter. */
	CHECK_EQ(setpriority(PRIO_PROCESS, gettid(), 19), 0);
	while (!finish) {
		uint32_t value = call_function(function);

		if (value == VALUE_A)
			seen_a[self]++;
		else if (value == VALUE_B)
			seen_b[self]++;
		else
			CHECK_EQ(value, VALUE_A);
		if (self % 2)
			sched_yield();
	}
	return NULL;
}

int main(void)
{
	/* The threads come last on a machine that is busy, and how soon is not the matter. */
	struct ftrace_patch_opts patient = {.size = sizeof(patient),
					    .timeout_ms = TEST_WAIT_SECONDS * 1000};
	pthread_t threads[THREADS];
	struct ftrace_stats before, after;

	CHECK_EQ(ftrace_set_patch_opts(&patient), 0);
	function = new_function();
	for (long i = 0; i < THREADS; i++)
		threads[i] = start(thread_main, (void *)i);
	for (int i = 0; i < THREADS; i++)
		WAIT_FOR(seen_a[i]);

	before = stats();
	CHECK_EQ(set_value(function, VALUE_A, VALUE_B), 0);
	for (int i = 0; i < THREADS; i++)
		WAIT_FOR(seen_b[i]);
	CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	for (int i = 2; i < STOPS; i += 2)
		toggle_twice(function);
	after = stats();
	CHECK_EQ(after.stops - before.stops, STOPS);
	CHECK_EQ(after.stopped_threads - before.stopped_threads, STOPS * THREADS);
	CHECK_EQ(after.patches - before.patches, STOPS);

	/* They all go on. */
	for (int i = 0; i < THREADS; i++) {
		unsigned long seen = seen_a[i];

		WAIT_FOR(seen_a[i] > seen);
	}
	finish = true;
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	return 0;
}
