/* SPDX-License-Identifier: MIT */
/*
 * storm.c - NMIs that never let nmi_running reach 0 of their own accord: the
 * library has to block their signals, and says so in masked_stops.
 *
 * The construction. Two threads, "left" and "right", are in the window. Each
 * one's handler enters, sends the signal to the other thread, and does not exit
 * before the other one's handler has entered anew. So from the first enter on
 * one announced NMI is running at every moment, however the threads are
 * scheduled, as long as the signal is deliverable. It starts inside the window,
 * sent by fn, when both threads are parked, so no stop is deferred by it.
 *
 * It ends only when a handler sees that its partner blocks WITNESS, a signal
 * that is declared but that nobody sends, handles or blocks: only the library
 * can have done that. A library that waits without blocking waits for ever.
 *
 * Two forms. GAP: the other's handler has been told to go, and has left, some
 * microseconds before the signal is sent to it again, so that the thread gets to
 * run between two handlers. NO_GAP:
 * the signal is pending before the handler may leave, so the kernel starts the
 * next handler the moment the last one returns, and the thread itself does not
 * execute one instruction between them.
 *
 * In one of the pairs "left" is the thread that patches; only with GAP, because
 * a thread that executes nothing but handlers cannot patch.
 */
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#define STORM	SIGUSR1
#define WITNESS SIGUSR2

enum form { GAP, NO_GAP };

static enum form form;
static struct side {
	atomic_int tid;
	atomic_ulong entered;
	atomic_bool running;
} sides[2];

static unsigned char *function;
static atomic_bool storming, finish;
static atomic_ulong ended_by_mask;
static __thread int self;

static void handler(int signo)
{
	struct side *mine = &sides[self], *other = &sides[!self];
	unsigned long others_turn;

	(void)signo;
	ftrace_nmi_enter();
	check_function(function);
	if (storming) {
		mine->running = true;
		others_turn = other->entered;
		if (form == GAP) {
			mine->entered++;
			/* A look at /proc is time enough for a few instructions of the thread. */
			while (storming && other->running)
				sched_yield();
			blocks(other->tid, WITNESS);
		}
		send_signal(other->tid, STORM);
		if (form == NO_GAP)
			mine->entered++;
		while (storming && other->entered == others_turn) {
			if (blocks(other->tid, WITNESS)) {
				ended_by_mask++;
				storming = false;
			}
			sched_yield();
		}
		mine->running = false;
	}
	check_function(function);
	ftrace_nmi_exit();
}

static void *thread_main(void *arg)
{
	self = (long)arg;
	sides[self].tid = gettid();
	while (!finish)
		check_function(function);
	CHECK_EQ(signal_mask() >> (WITNESS - 1) & 1, 0);
	CHECK_EQ(signal_mask() >> (STORM - 1) & 1, 0);
	return NULL;
}

static int in_window(void *data)
{
	unsigned char from[5], to[5];

	(void)data;
	storming = true;
	/* To the right: that one is parked, and its handler runs over the parking. */
	send_signal(sides[1].tid, STORM);
	while (sides[1].entered == 0)
		;
	put_value(from, VALUE_A);
	put_value(to, VALUE_B);
	return ftrace_modify_code((unsigned long)function, from, to);
}

static void storm(enum form which, bool patcher_is_left)
{
	struct ftrace_stats before, after;
	pthread_t left = 0, right;

	form = which;
	sides[0].tid = sides[1].tid = 0;
	sides[0].entered = sides[1].entered = 0;
	sides[0].running = sides[1].running = false;
	ended_by_mask = 0;
	finish = false;
	if (patcher_is_left) {
		self = 0;
		sides[0].tid = gettid();
	} else {
		self = -1;
		left = start(thread_main, (void *)0);
	}
	right = start(thread_main, (void *)1);
	WAIT_FOR(sides[0].tid && sides[1].tid);

	before = stats();
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_stop_machine(in_window, NULL), 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	after = stats();
	CHECK_EQ(after.masked_stops - before.masked_stops, 1);
	CHECK(after.nmi_wait_count > before.nmi_wait_count);
	CHECK(!storming);
	CHECK(ended_by_mask >= 1);
	CHECK(sides[1].entered > 0);

	/* Calm again: no masks needed. */
	CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	toggle_twice(function);
	CHECK_EQ(signal_mask() >> (STORM - 1) & 1, 0);
	CHECK_EQ(signal_mask() >> (WITNESS - 1) & 1, 0);
	finish = true;
	if (!patcher_is_left)
		join(left);
	join(right);
}

int main(void)
{
	function = new_function();
	on_signal(STORM, handler, 0);
	CHECK_EQ(ftrace_nmi_add_signal(STORM), 0);
	CHECK_EQ(ftrace_nmi_add_signal(WITNESS), 0);
	for (int round = 0; round < 10; round++) {
		storm(GAP, false);
		storm(GAP, true);
		storm(NO_GAP, false);
	}
	return 0;
}
