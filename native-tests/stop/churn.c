/* SPDX-License-Identifier: MIT */
/*
 * churn.c - threads that are born and die all the time during thousands of
 * stops: joined ones, detached ones, ones that live for one instruction and
 * ones that are stopped several times.
 *
 * churn [METHOD] [STOPS]  default 10,000
 * churn no-leader STOPS   the same after the main thread called pthread_exit()
 *
 * With the breakpoint method a stop is a change that nobody stands still for.
 */
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MIN_BIRTHS    500
#define MOST_DETACHED 16

static unsigned char *function;
static atomic_bool finish;
static atomic_ulong births;
static atomic_int detached;
static long stops = 10000;

static void *short_life(void *arg)
{
	check_function(function);
	ftrace_nmi_enter();
	check_function(function);
	ftrace_nmi_exit();
	for (long i = 0; i < (long)arg; i++)
		check_function(function);
	return NULL;
}

static void *detached_life(void *arg)
{
	short_life(arg);
	detached--;
	return NULL;
}

static void *joins(void *arg)
{
	(void)arg;
	for (long i = 0; !finish; i++) {
		join(start(short_life, (void *)(i % 4 * 1000)));
		births++;
	}
	return NULL;
}

static void *detaches(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)arg;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
	for (long i = 0; !finish; i++) {
		WAIT_FOR(detached < MOST_DETACHED);
		detached++;
		CHECK_EQ(pthread_create(&thread, &attr, detached_life, (void *)(i % 4 * 1000)), 0);
		births++;
	}
	WAIT_FOR(detached == 0);
	return NULL;
}

static void *lives_long(void *arg)
{
	(void)arg;
	while (!finish)
		check_function(function);
	return NULL;
}

static void *patch(void *leader)
{
	void *(*const kinds[])(void *) = {joins, detaches, lives_long};
	pthread_t threads[3];
	struct ftrace_stats before = stats();

	/* Its entry stays behind, as a zombie that never acknowledges. */
	if (leader)
		join(*(pthread_t *)leader);
	for (int i = 0; i < 3; i++)
		threads[i] = start(kinds[i], NULL);
	for (long i = 0; i < stops || births < MIN_BIRTHS; i += 2)
		toggle_twice(function);
	finish = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	CHECK(stats().patches - before.patches >= (unsigned long)stops);
	if (by_stopping())
		CHECK(stats().stops - before.stops >= (unsigned long)stops);
	else
		CHECK_EQ(stats().stops, before.stops);
	toggle_twice(function);
	if (leader)
		exit(0);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t leader;
	bool no_leader = argc > 1 && strcmp(argv[1], "no-leader") == 0;

	for (int i = 1 + no_leader; i < argc; i++)
		if (!take_way(argv[i]))
			stops = atol(argv[i]);
	/* Breakpoints wait until each thread has been seen to have SIGTRAP unblocked, newborn ones too. */
	if (!by_stopping())
		way.timeout_ms = 60000;
	function = new_function();
	if (no_leader) {
		leader = pthread_self();
		start(patch, &leader);
		pthread_exit(NULL);
	}
	patch(NULL);
	return 0;
}
