/* SPDX-License-Identifier: MIT */
/*
 * deferred.c - a stop that arrives inside an announced NMI takes effect when
 * the outermost announced one ends. Until it is over the thread takes declared
 * signals, and no others.
 *
 * Certain, not by luck: the NMI's handler runs with the stop signal blocked
 * until the kernel says that it is pending. Then it lets it in, which is in the
 * middle of the NMI. Three variants: one announced NMI; an announced one that
 * was interrupted by an unannounced one, in which the stop arrives; and the
 * other way round.
 *
 * deferred          the stop signal arrives
 * deferred seize    the thread is seen to block it, and seized there
 * deferred ordinary  a thread that brackets ordinary code, again and again: the stop arrives anywhere,
 *                   on the way in and out too, where a level that was closed would be counted twice
 */
#include "../proc.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define OUTER	   SIGUSR1
#define INNER	   SIGUSR2
#define DECLARED   SIGALRM
#define UNDECLARED SIGTERM

/* In a row. A stop that takes effect elsewhere misses every time. */
#define MOST_MISSED 50

static const struct variant {
	const char *name;
	int levels;
	bool announced[2];
} variants[] = {
	{"announced", 1, {true}},
	{"announced in announced", 2, {true, true}},
	{"unannounced in announced", 2, {true, false}},
	{"announced in unannounced", 2, {false, true}},
};

static const struct variant *variant;
static bool seizing;
static int stop_signal;
static unsigned char *function;
static atomic_int tid;
static atomic_int wanted, ready; /* the level that wants the gate to be set */
static atomic_bool inside, left[2], looked, finished;

static void handler(int signo)
{
	int level = signo == INNER;

	ftrace_nmi_enter();
	CHECK_EQ(ftrace_nmi_thread.saved & 1, variant->announced[level]);
	check_function(function);
	if (level + 1 < variant->levels) {
		wanted = 1;
		WAIT_FOR(ready == 1);
		send_signal(gettid(), INNER);
	} else {
		inside = true;
		let_in(stop_signal);
	}
	for (int i = 0; i < 1000; i++)
		check_function(function);
	left[level] = true;
	ftrace_nmi_exit();
}

static void *thread_main(void *arg)
{
	(void)arg;
	tid = gettid();
	wanted = 0;
	WAIT_FOR(ready == 0);
	send_signal(gettid(), OUTER);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	WAIT_FOR(looked); /* it is there if the stop was tried again */
	return NULL;
}

struct seen {
	bool left[2];
	bool blocks_undeclared, blocks_declared;
	int patched;
};

/* Runs when the thread stands still: how far did it come? */
static int look(void *data)
{
	struct seen *seen = data;
	unsigned char from[5], to[5];

	seen->left[0] = left[0];
	seen->left[1] = left[1];
	seen->blocks_undeclared = blocks(tid, UNDECLARED);
	seen->blocks_declared = blocks(tid, DECLARED);
	put_value(from, VALUE_A);
	put_value(to, VALUE_B);
	seen->patched = ftrace_modify_code((unsigned long)function, from, to);
	return 0;
}

/*
 * False if the stop was given up and tried again, as one is that makes no progress
 * on a busy machine: then the thread has gone on meanwhile, and it was not the case
 * in question.
 */
static bool run(void)
{
	bool open = false, gone_on;
	uint64_t deferred = stats().deferred_stops;
	struct seen seen;
	pthread_t thread;

	wanted = ready = -1;
	inside = left[0] = left[1] = looked = false;
	thread = start(thread_main, NULL);
	for (int level = 0; level < variant->levels; level++) {
		WAIT_FOR(wanted == level);
		if (level == 0 && !seizing)
			gain_trust();
		if (open != variant->announced[level]) {
			CHECK_EQ(open ? ftrace_arch_code_modify_post_process()
				      : ftrace_arch_code_modify_prepare(),
				 0);
			open = !open;
		}
		ready = level;
	}
	WAIT_FOR(inside);
	if (!open)
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_stop_machine(look, &seen), 0);
	looked = true;
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	join(thread);

	/* It stopped where the outermost announced NMI ended, not before and not after. */
	gone_on = stats().deferred_stops - deferred > 1 || (seen.left[0] && !variant->announced[0]);
	if (!gone_on) {
		CHECK_EQ(stats().deferred_stops - deferred, 1);
		CHECK_EQ(seen.left[0], variant->announced[0]);
		/* On its way out of the NMI, whose handler blocks neither. */
		CHECK(seen.blocks_undeclared);
		CHECK(!seen.blocks_declared);
	}
	CHECK_EQ(seen.left[1], variant->levels == 2);
	CHECK_EQ(seen.patched, 0);
	CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	return !gone_on;
}

static void *brackets(void *arg)
{
	(void)arg;
	while (!finished) {
		ftrace_nmi_enter();
		ftrace_nmi_enter();
		check_function(function);
		ftrace_nmi_exit();
		ftrace_nmi_exit();
	}
	return NULL;
}

static void ordinary(void)
{
	uint64_t deferred = stats().deferred_stops;
	pthread_t thread = start(brackets, NULL);

	for (int i = 0; i < 500 || stats().deferred_stops - deferred < 100; i++)
		toggle_twice(function);
	finished = true;
	join(thread);
	toggle_twice(function);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};

	seizing = argc > 1 && strcmp(argv[1], "seize") == 0;
	function = new_function();
	if (argc > 1 && strcmp(argv[1], "ordinary") == 0) {
		ordinary();
		return 0;
	}
	stop_signal = find_stop_signal();
	sigaddset(&action.sa_mask, stop_signal);
	CHECK_EQ(sigaction(OUTER, &action, NULL), 0);
	CHECK_EQ(sigaction(INNER, &action, NULL), 0);
	CHECK_EQ(ftrace_nmi_add_signal(OUTER), 0);
	CHECK_EQ(ftrace_nmi_add_signal(INNER), 0);
	CHECK_EQ(ftrace_nmi_add_signal(DECLARED), 0);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++) {
			int missed = 0;

			variant = &variants[i];
			while (!run())
				CHECK(++missed < MOST_MISSED);
		}
	return 0;
}
