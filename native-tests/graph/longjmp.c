/* SPDX-License-Identifier: MIT */
/*
 * longjmp.c - jumps out of calls whose exits are traced. Each call that is left is reported at
 * the thread's next event, from the inner to the outer: graphed.h checks it.
 *
 * longjmp inside    from a traced function to one that it is nested in
 * longjmp through   to a function that is not traced, over both kinds
 * longjmp mixed     some calls return, some are left, at many depths
 * longjmp handlers  siglongjmp() out of signal handlers, at any moment
 * longjmp alternate the same from an alternate stack, also from one within the thread's own
 * longjmp each      the same at many instructions of two traced calls
 * longjmp all       the same at each instruction
 * longjmp control   who replaces return addresses, fails at the first
 */
#include "../modes.h"
#include "../signals.h"
#include "../steps.h"
#include "graphed.h"
#include "hijack.h"

#include <setjmp.h>

#define STACK 65536

TRACED int jf_leaf(int n);
TRACED int jf_down(int n);
TRACED int jf_set(int n);
TRACED int jf_mixed(int n);
TRACED int jf_spin(int n);
TRACED int jf_outer(int n);

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);
static jmp_buf out;
static sigjmp_buf signal_out;

TRACED int jf_leaf(int n)
{
	return n + 1;
}

TRACED int jf_outer(int n)
{
	int result = jf_leaf(n);

	KEEP;
	return result + 1;
}

TRACED int jf_down(int n)
{
	int result;

	if (n == 0)
		longjmp(out, 1);
	result = jf_down(n - 1);
	KEEP;
	return result + 1;
}

TRACED int jf_set(int n)
{
	if (setjmp(out) == 0)
		return jf_down(n);
	return 42;
}

static jmp_buf outer;

TRACED int jf_up(int n);
static __attribute__((noipa)) int untraced(int n);

TRACED int jf_up(int n)
{
	int result;

	if (n == 0)
		longjmp(outer, 1);
	result = untraced(n - 1);
	KEEP;
	return result + 1;
}

static int untraced(int n)
{
	int result = n % 5 ? jf_up(n) : jf_set(n) + jf_up(n);

	KEEP;
	return result + 1;
}

static __attribute__((noipa)) int set_untraced(int n)
{
	if (setjmp(outer) == 0)
		return untraced(n);
	return 43;
}

/* Half of the calls are left, by the other half. */
TRACED int jf_mixed(int n)
{
	jmp_buf saved;
	int result;

	if (n == 0)
		return jf_set(3);
	memcpy(saved, out, sizeof(out));
	result = jf_mixed(n - 1);
	CHECK_EQ(result, 42);
	if (n % 2)
		CHECK_EQ(jf_set(n), 42);
	memcpy(out, saved, sizeof(out));
	return result;
}

static void end_pairs(void)
{
	jf_leaf(0);
	CHECK_EQ(open_calls.count, 0);
	CHECK(UNWOUND > 0);
	CHECK_EQ(RETURNED + TAILS + UNWOUND, entries);
	ungraph(&pairs);
}

static void jump_often(int (*from)(int), int times, int result)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "jf_*");
		for (int i = 0; i < times; i++)
			CHECK_EQ(from(i % 50), result);
		end_pairs();
	}
}

/* 25 calls are left each time, on average; all slots together are 61,425. */
static void inside(void)
{
	jump_often(jf_set, 4000, 42);
}

static void through(void)
{
	jump_often(set_untraced, 2500, 43);
}

static void mixed(void)
{
	jump_often(jf_mixed, 400, 42);
}

/* Until a signal comes. */
TRACED int jf_spin(int n)
{
	int result = 0;

	if (n == 0) {
		for (;;)
			result = jf_leaf(result);
	}
	result = jf_spin(n - 1);
	KEEP;
	return result + 1;
}

static volatile int signals;
static struct ftrace_graph_ops once = GRAPH_OPS(once_entry, once_exit);

static void leave(int signo)
{
	(void)signo;
	signals = signals + 1;
	jf_outer(1);
	siglongjmp(signal_out, 1);
}

/* One signal, 10 to 200 microseconds from now. */
static __attribute__((noipa)) void spin_until_signal(timer_t timer, int round)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 10000 + round * 7919 % 190000};

	if (sigsetjmp(signal_out, 1) == 0) {
		CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
		jf_spin(round % 20);
	}
}

/* Calls are traced, and are nested in nothing. */
static void check_traced(void)
{
	unsigned long before = entries, returned = RETURNED;

	CHECK_EQ(jf_outer(1), 3);
	CHECK_EQ(entries, before + 2);
	CHECK_EQ(RETURNED, returned + 2);
}

static void leave_often(int flags)
{
	struct sigevent event = {.sigev_signo = SIGRTMIN, .sigev_notify = SIGEV_SIGNAL};

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		timer_t timer;

		once.flags = graph_kinds[kind];
		graph(&once, "jf_*");
		signals = 0;
		on_signal(SIGRTMIN, leave, flags);
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
		for (int i = 0; i < 200; i++)
			spin_until_signal(timer, i);
		CHECK(signals >= 200);
		CHECK_EQ(timer_delete(timer), 0);
		signal(SIGRTMIN, SIG_IGN);
		check_traced();
		ungraph(&once);
	}
}

static void handlers(void)
{
	leave_often(0);
}

static void leave_alternate(char *area)
{
	stack_t stack = {.ss_sp = area, .ss_size = STACK}, none = {.ss_flags = SS_DISABLE};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	leave_often(SA_ONSTACK);
	CHECK_EQ(sigaltstack(&none, NULL), 0);
}

static void alternate(void)
{
	static char outside[STACK] __attribute__((aligned(64)));
	char inside[STACK] __attribute__((aligned(64)));

	leave_alternate(outside);
	leave_alternate(inside);
}

static int step, leave_at;

static bool step_and_leave(void)
{
	if (++step == leave_at)
		siglongjmp(signal_out, 1);
	return step > 0;
}

/* True if the calls were over before that instruction. */
static __attribute__((noipa)) bool leave_at_step(void)
{
	char room[512]; /* the next call comes from higher up: that shows that this was left */

	__asm__ __volatile__("" ::"r"(room) : "memory");
	if (sigsetjmp(signal_out, 1) != 0)
		return false;
	step = 0;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(jf_outer(1), 3);
	step = -1000000;
	return true;
}

static void leave_each(int short_stride, int stride)
{
	step_from(SIGUSR1, step_and_leave);
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		int looks = 0;

		once.flags = graph_kinds[kind];
		graph(&once, "jf_*");
		check_traced();
		for (leave_at = 1 + kind; !leave_at_step();
		     leave_at += kind ? stride : short_stride) {
			/* Now and then others see first that it is gone. */
			if (++looks % 10 == 0)
				CHECK_EQ(ftrace_update_sites(), 0);
			check_traced();
			CHECK(leave_at < 10000);
		}
		CHECK(leave_at > 200);
		dprintf(1, "kind %d: %d instructions\n", kind, leave_at);
		ungraph(&once);
	}
}

static void each(void)
{
	/* An instruction takes as many steps as come before it: of 560, and 1,850 with vectors. */
	leave_each(3, 61);
}

static void all(void)
{
	leave_each(1, 1);
}

static void call_plain(void)
{
	CHECK_EQ(jf_outer(1), 3);
}

static void jump_once(void)
{
	CHECK_EQ(jf_set(3), 42);
}

static void control(void)
{
	CHECK(passes_hijacked("jf_*", call_plain));
	CHECK(!passes_hijacked("jf_*", jump_once));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"inside", inside},	{"through", through},	  {"mixed", mixed},
		{"handlers", handlers}, {"alternate", alternate}, {"each", each},
		{"all", all},		{"control", control},	  {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
