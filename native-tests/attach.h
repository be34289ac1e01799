/* SPDX-License-Identifier: MIT */
/*
 * attach.h - a thread's first call and its end, one step at a time, with a fork before
 * one of them. Each round takes a later one; of all steps every ATTACH_STRIDE-th is tried.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include "steps.h"
#include "test.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#define ATTACH_STRIDE 50

/* Who forks waits for @go, and sets @forked. */
static atomic_int round_no, go, forked;
static atomic_long steps, wanted_step;
static bool (*attach_goes_on)(void);
static pthread_key_t last_key;
static __thread int destructor_round;
static __thread bool over;

static inline bool attach_step(void)
{
	if (over)
		return false;
	if (++steps < wanted_step)
		return true;
	go = round_no;
	WAIT_FOR(attach_goes_on());
	return false;
}

/* A key younger than the library's: in the last round its destructor is the last. */
static inline void last_destructor(void *value)
{
	if (++destructor_round < PTHREAD_DESTRUCTOR_ITERATIONS)
		CHECK_EQ(pthread_setspecific(last_key, value), 0);
	else
		over = true;
}

/* Once, for the process, which has called the library; a thread at its step waits for @goes_on. */
static inline void attach_init(bool (*goes_on)(void))
{
	attach_goes_on = goes_on;
	CHECK_EQ(pthread_key_create(&last_key, last_destructor), 0);
	step_from(SIGUSR1, attach_step);
}

static inline void attach_next_round(void)
{
	round_no++;
	wanted_step += ATTACH_STRIDE;
	steps = 0;
}

/* By the thread: from here on each instruction counts. */
static inline void attach_begin(void)
{
	CHECK_EQ(pthread_setspecific(last_key, &destructor_round), 0);
	raise(SIGUSR1);
}

#endif /* ATTACH_H */
