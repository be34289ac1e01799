/* SPDX-License-Identifier: MIT */
/*
 * timers.c - timers with SIGEV_THREAD: the C library has a thread for them that blocks every
 * signal, and starts one for each expiration, which begins with every signal blocked.
 */
#include "../../test.h"
#include "work.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define TIMERS 3
#define TICKS  10 /* of each, at least */

static atomic_ulong ticks[TIMERS];

static void work_tick(union sigval value)
{
	work_verify(ticks[value.sival_int]++);
}

int main(void)
{
	struct itimerspec period = {{0, 5000000}, {0, 5000000}};
	timer_t timers[TIMERS];

	for (int i = 0; i < TIMERS; i++) {
		struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = i};

		event.sigev_notify_function = work_tick;
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timers[i]), 0);
		CHECK_EQ(timer_settime(timers[i], 0, &period, NULL), 0);
	}
	for (unsigned long i = 0; work_continues(20); i++) {
		unsigned long seen = ticks[i % TIMERS];

		WAIT_FOR(ticks[i % TIMERS] > seen);
		work_verify(i);
	}
	for (int i = 0; i < TIMERS; i++) {
		WAIT_FOR(ticks[i] >= TICKS);
		CHECK_EQ(timer_delete(timers[i]), 0);
	}
	printf("%#lx\n", work_checksum());
	return 0;
}
