/* SPDX-License-Identifier: MIT */
/*
 * many.c - 64 threads on however few CPUs there are: hundreds of stops finish, or as
 * many as a busy machine allows in 20 seconds; every thread sees both variants of the
 * text, and none sees anything else.
 *
 * The wait of the patcher for all threads to see a change is the proof that
 * parked threads leave it the CPU and that released ones come back.
 */
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 64
#define STOPS	500
#define SECONDS 20

static unsigned char *function;
static atomic_bool finish;
static atomic_ulong seen_a[THREADS], seen_b[THREADS];

static void *thread_main(void *arg)
{
	long self = (long)arg;

	/*
	 * Between stops the patcher competes with all of them, and that is not the matter. But
	 * together they must have a share beside other processes: at 19 they wait for minutes.
	 */
	CHECK_EQ(setpriority(PRIO_PROCESS, gettid(), 10), 0);
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
	pthread_t threads[THREADS];
	struct ftrace_stats before, after;
	uint64_t end;
	int stops;

	/* The threads come last on a machine that is busy, and how soon is not the matter. */
	way.timeout_ms = TEST_WAIT_SECONDS * 1000;
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
	end = now_ns() + SECONDS * 1000000000ULL;
	for (stops = 2; stops < STOPS && now_ns() < end; stops += 2)
		toggle_twice(function);
	after = stats();
	dprintf(1, "%d stops of %d threads\n", stops, THREADS);
	CHECK_EQ(after.stops - before.stops, stops);
	CHECK_EQ(after.stopped_threads - before.stopped_threads, (uint64_t)stops * THREADS);
	CHECK_EQ(after.patches - before.patches, stops);

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
