/* SPDX-License-Identifier: MIT */
/*
 * interrupted.h - two threads that do the same thing again and again, and are
 * interrupted 10,000 times a second by an NMI that does it too.
 */
#ifndef INTERRUPTED_H
#define INTERRUPTED_H

#include "../signals.h"
#include "../test.h"
#include "../threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static void (*interrupted_step)(void);
static atomic_bool interrupted_finish;
static atomic_uint phase; /* even: nothing changes */
static atomic_ulong rounds[2], ticks[2], compared[2];
static __thread int self; /* 0 or 1; the main thread is 0 as well */
static pthread_t interrupted_threads[2];

static inline void interrupted_tick(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	interrupted_step();
	ticks[self]++;
	ftrace_nmi_exit();
}

static inline void *interrupted_main(void *arg)
{
	timer_t timer;

	self = arg != NULL;
	timer = thread_timer(SIGALRM, 10000);
	while (!interrupted_finish) {
		interrupted_step();
		rounds[self]++;
	}
	CHECK_EQ(timer_delete(timer), 0);
	return NULL;
}

/* Both have done it, in and out of NMIs, when this returns. */
static inline void interrupted_start(void (*step)(void))
{
	interrupted_step = step;
	on_signal(SIGALRM, interrupted_tick, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGALRM), 0);
	for (long i = 0; i < 2; i++)
		interrupted_threads[i] = start(interrupted_main, i ? &interrupted_step : NULL);
	WAIT_FOR(rounds[0] && rounds[1] && ticks[0] && ticks[1]);
}

/* For a step that noted the phase first: what it found in between has to be what was set. */
static inline bool nothing_changed_since(unsigned int before)
{
	if (before % 2 || phase != before)
		return false;
	compared[self]++;
	return true;
}

/* After a change: the main thread sees what is now, and after some of them the others do. */
static inline void interrupted_compare(int change)
{
	unsigned long seen;

	interrupted_step();
	if (change % 16)
		return;
	seen = compared[1];
	WAIT_FOR(compared[1] > seen);
}

static inline void interrupted_stop(void)
{
	interrupted_finish = true;
	for (int i = 0; i < 2; i++)
		join(interrupted_threads[i]);
	CHECK_EQ(stats().gc_collections, 0);
}

#endif /* INTERRUPTED_H */
