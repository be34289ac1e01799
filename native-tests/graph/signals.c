/* SPDX-License-Identifier: MIT */
/*
 * signals.c - handlers of signals that make traced calls, at any moment of others.
 *
 * signals storm      a timer for each thread
 * signals bracketed  the same for handlers declared as NMIs, which are traced in handlers too
 * signals alternate  on an alternate stack within the thread's own
 * signals each       at each instruction of two traced calls
 * signals pool       the same, with calls so deep that slots are looked for
 * signals exhausted  the same, with all chunks used: none is needed for a call in between
 */
#include "../modes.h"
#include "../signals.h"
#include "../steps.h"
#include "../threads.h"
#include "graphed.h"

#include <stdatomic.h>
#include <string.h>

#define SIGNALS 600

TRACED int sf_leaf(int n);
TRACED int sf_outer(int n);
TRACED int sf_down(int n);

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

TRACED int sf_leaf(int n)
{
	return n + 1;
}

TRACED int sf_outer(int n)
{
	int result = sf_leaf(n);

	KEEP;
	return result + 1;
}

TRACED int sf_down(int n)
{
	int result;

	if (n == 0)
		return 0;
	result = sf_down(n - 1);
	KEEP;
	return result + 1;
}

static void end_pairs(void)
{
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(RETURNED, entries);
	ungraph(&pairs);
}

static atomic_int signals;
static unsigned long bracketed_calls;
static bool with_bracket, in_window;

static void call_in_handler(int signo)
{
	(void)signo;
	if (signals >= SIGNALS) /* however slow this is, the thread comes to its end */
		return;
	if (with_bracket)
		ftrace_nmi_enter();
	for (int depth = 0; depth < 5; depth++)
		CHECK_EQ(sf_down(depth), depth);
	if (with_bracket) {
		__atomic_add_fetch(&bracketed_calls, 15, __ATOMIC_RELAXED);
		ftrace_nmi_exit();
	}
	signals++;
}

static unsigned long thread_calls;

static void *call_under_signals(void *arg)
{
	timer_t timer = thread_timer(SIGRTMIN, 5000);
	unsigned long calls = 0;

	for (int i = 0; signals < SIGNALS; i++) {
		CHECK_EQ(sf_down(i % 30), i % 30);
		calls += i % 30 + 1;
	}
	CHECK_EQ(timer_delete(timer), 0);
	__atomic_add_fetch(&thread_calls, calls, __ATOMIC_RELAXED);
	CHECK_EQ(open_calls.count, 0);
	return arg;
}

static void storm_with(int flags)
{
	any_depth = true;
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pthread_t threads[2];

		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "sf_*");
		signals = 0;
		thread_calls = bracketed_calls = 0;
		on_signal(SIGRTMIN, call_in_handler, flags);
		for (int i = 0; i < 2; i++)
			threads[i] = start(call_under_signals, NULL);
		for (int i = 0; i < 2; i++)
			join(threads[i]);
		signal(SIGRTMIN, SIG_IGN);
		/* Of the others, those are not traced that interrupt a handler. */
		CHECK(entries >= thread_calls + bracketed_calls);
		if (with_bracket)
			CHECK_EQ(entries, thread_calls + bracketed_calls);
		end_pairs();
	}
}

static void storm(void)
{
	storm_with(0);
}

static void bracketed(void)
{
	with_bracket = true;
	storm_with(0);
}

static void alternate(void)
{
	char area[65536] __attribute__((aligned(64)));
	stack_t stack = {.ss_sp = area, .ss_size = sizeof(area)}, none = {.ss_flags = SS_DISABLE};

	any_depth = true;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "sf_*");
		signals = 0;
		on_signal(SIGRTMIN, call_in_handler, SA_ONSTACK);
		call_under_signals(NULL);
		signal(SIGRTMIN, SIG_IGN);
		end_pairs();
	}
	CHECK_EQ(sigaltstack(&none, NULL), 0);
}

static int step, stride, step_depth;

static bool call_at_step(void)
{
	if (step++ % stride == 0) {
		if (with_bracket)
			ftrace_nmi_enter();
		CHECK_EQ(sf_down(step_depth), step_depth);
		if (with_bracket)
			ftrace_nmi_exit();
	}
	return in_window;
}

static void step_calls(int depth, int each)
{
	any_depth = true;
	stride = each;
	step_depth = depth;
	step_from(SIGUSR1, call_at_step);
	for (int i = 0; i < 2 * GRAPH_KINDS; i++) {
		with_bracket = i % 2;
		pairs.flags = graph_kinds[i / 2];
		forget_counts();
		graph(&pairs, "sf_*");
		step = 0;
		in_window = true;
		CHECK_EQ(raise(SIGUSR1), 0);
		CHECK_EQ(sf_outer(1), 3);
		in_window = false;
		KEEP;
		sf_leaf(1); /* a step sees that it is over */
		if (with_bracket)
			CHECK_EQ(entries, 3 + (depth + 1UL) * ((step + stride - 1) / stride));
		CHECK(entries > 3);
		CHECK(step > 200);
		end_pairs();
	}
}

static void each(void)
{
	step_calls(2, 1);
}

/* All slots of a chunk, and then some, taken in between. */
static void pool(void)
{
	step_calls(100, 7);
}

#define DEEP 62000

static void exhausted(void)
{
	static struct ftrace_graph_ops once = GRAPH_OPS(once_entry, once_exit);

	stride = 1;
	with_bracket = true;
	step_from(SIGUSR1, call_at_step);
	for (int kind = 0; kind < GRAPH_KINDS; kind += 2) {
		unsigned long overruns;

		once.flags = graph_kinds[kind];
		forget_counts();
		graph(&once, "sf_*");
		CHECK_EQ(sf_down(DEEP), DEEP);
		overruns = stats().graph_overruns;
		CHECK(overruns > 0);
		entries = 0;
		step = 0;
		in_window = true;
		CHECK_EQ(raise(SIGUSR1), 0);
		CHECK_EQ(sf_outer(1), 3);
		in_window = false;
		KEEP;
		sf_leaf(1); /* a step sees that it is over */
		CHECK_EQ(stats().graph_overruns, overruns);
		CHECK_EQ(entries, 3 + step);
		CHECK(step > 200);
		ungraph(&once);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"storm", storm}, {"bracketed", bracketed}, {"alternate", alternate},
		{"each", each},	  {"pool", pool},	    {"exhausted", exhausted},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
