/* SPDX-License-Identifier: MIT */
/*
 * nested.c - NMIs of three different signals that interrupt each other while
 * the gate flips.
 *
 * First every history of the gate for three levels, each level entered only
 * after the gate was set, so that the saved words are known. Then the same at
 * random under timers. At the end nothing is left over: every saved word is 1,
 * and the library patches without waiting for anybody.
 *
 * nested [METHOD]
 */
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define LEVELS 3

static const int signals[LEVELS] = {SIGUSR1, SIGUSR2, SIGPROF};

static unsigned char *function;

/* Bit n: is the gate open when level n enters? */
static int history;
static atomic_int level_wanted, level_ready;

static void deterministic_handler(int signo)
{
	unsigned long before = ftrace_nmi_thread.saved;
	int level = signo == signals[0] ? 0 : signo == signals[1] ? 1 : 2;

	ftrace_nmi_enter();
	CHECK_EQ(ftrace_nmi_thread.saved, before << 1 | (history >> level & 1));
	check_function(function);
	if (level + 1 < LEVELS) {
		level_wanted = level + 1;
		WAIT_FOR(level_ready == level + 1);
		send_signal(gettid(), signals[level + 1]);
	}
	check_function(function);
	ftrace_nmi_exit();
	CHECK_EQ(ftrace_nmi_thread.saved, before);
}

static void *deterministic_thread(void *arg)
{
	(void)arg;
	level_wanted = 0;
	WAIT_FOR(level_ready == 0);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	send_signal(gettid(), signals[0]);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	return NULL;
}

static void deterministic(void)
{
	for (int i = 0; i < LEVELS; i++)
		on_signal(signals[i], deterministic_handler, 0);
	for (history = 0; history < 1 << LEVELS; history++) {
		bool open = false;
		pthread_t thread;

		level_wanted = level_ready = -1;
		thread = start(deterministic_thread, NULL);
		for (int level = 0; level < LEVELS; level++) {
			WAIT_FOR(level_wanted == level);
			if (open != (history >> level & 1)) {
				CHECK_EQ(open ? ftrace_arch_code_modify_post_process()
					      : ftrace_arch_code_modify_prepare(),
					 0);
				open = !open;
			}
			level_ready = level;
		}
		join(thread);
		if (open)
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		toggle_twice(function);
	}
}

static atomic_bool finish;
static atomic_int deepest;
static __thread int depth;

static void random_handler(int signo)
{
	unsigned long before = ftrace_nmi_thread.saved;
	int next = signo == signals[0] ? 1 : signo == signals[1] ? 2 : 0, max = deepest;

	ftrace_nmi_enter();
	depth++;
	while (depth > max && !atomic_compare_exchange_weak(&deepest, &max, depth))
		;
	check_function(function);
	/* Comes at once, or after this handler if it interrupted that one. */
	if (depth < LEVELS)
		send_signal(gettid(), signals[next]);
	check_function(function);
	depth--;
	ftrace_nmi_exit();
	CHECK_EQ(ftrace_nmi_thread.saved, before);
}

static void start_timers(timer_t timers[LEVELS])
{
	static const unsigned int hz[LEVELS] = {701, 907, 1103};

	for (int i = 0; i < LEVELS; i++)
		timers[i] = thread_timer(signals[i], hz[i]);
}

static void stop_timers(timer_t timers[LEVELS])
{
	for (int i = 0; i < LEVELS; i++)
		CHECK_EQ(timer_delete(timers[i]), 0);
}

static void *random_thread(void *arg)
{
	timer_t timers[LEVELS];

	(void)arg;
	start_timers(timers);
	while (!finish) {
		send_signal(gettid(), signals[0]);
		check_function(function);
	}
	stop_timers(timers);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	return NULL;
}

static void at_random(void)
{
	pthread_t threads[3];
	timer_t timers[LEVELS];

	for (int i = 0; i < LEVELS; i++)
		on_signal(signals[i], random_handler, 0);
	for (int i = 0; i < 3; i++)
		threads[i] = start(random_thread, NULL);
	/* This thread patches and is hit as well. */
	start_timers(timers);
	for (int round = 0; round < 500; round++) {
		for (int flip = 0; flip < 20; flip++) {
			CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
			check_function(function);
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		}
		toggle_twice(function);
	}
	WAIT_FOR(deepest == LEVELS);
	stop_timers(timers);
	finish = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
}

int main(int argc, char **argv)
{
	struct ftrace_stats before, after;

	if (argc > 1)
		CHECK(take_way(argv[1]));

	function = new_function();
	for (int i = 0; i < LEVELS; i++)
		CHECK_EQ(ftrace_nmi_add_signal(signals[i]), 0);
	deterministic();
	at_random();

	/* A count that did not balance would make this wait. */
	before = stats();
	toggle_twice(function);
	after = stats();
	CHECK_EQ(after.nmi_wait_count, before.nmi_wait_count);
	CHECK_EQ(after.nmi_update_count, before.nmi_update_count);
	CHECK_EQ(after.masked_stops, before.masked_stops);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	return 0;
}
