/* SPDX-License-Identifier: MIT */
/*
 * closing.c - a handler of a signal makes a traced call while calls that were left are being
 * closed, at each instruction of that: each is closed once, the inner ones first.
 *
 * The calls that were left reach far down, so that the handler's own call lies between
 * them: it finds that those below it were left, but cannot say so of the others.
 */
#include "../modes.h"
#include "../steps.h"
#include "graphed.h"

#include <setjmp.h>

#define LEFT  24
#define FRAME 2048

TRACED int lc_leaf(int n);
TRACED int lc_down(int n);

static jmp_buf out;
static int closed, steps, call_at;
static bool stepping;

TRACED int lc_leaf(int n)
{
	return n + 1;
}

TRACED int lc_down(int n)
{
	volatile char frame[FRAME];
	int result;

	frame[n] = (char)n;
	if (n == LEFT - 1)
		longjmp(out, 1);
	result = lc_down(n + 1);
	KEEP;
	return result + frame[n];
}

/* In a handler that is declared as an NMI by its bracket. */
static bool call_at_step(void)
{
	if (stepping && steps++ == call_at) {
		ftrace_nmi_enter();
		CHECK_EQ(lc_leaf(1), 2);
		ftrace_nmi_exit();
	}
	return stepping;
}

/* From the exit of the third call to that of the fifth. */
static void exit_and_step(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			  struct ftrace_regs *regs)
{
	int number = closed + (call->flags == FTRACE_GRAPH_UNWOUND);

	if (call->flags == FTRACE_GRAPH_UNWOUND) {
		closed = number;
		if (number == 3) {
			stepping = true;
			CHECK_EQ(raise(SIGUSR1), 0);
		}
	}
	pair_exit(call, ops, regs);
	if (number >= 5)
		stepping = false;
}

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, exit_and_step);

/* True if there is no such instruction. */
static __attribute__((noipa)) bool call_at_instruction(int number)
{
	forget_counts();
	closed = steps = 0;
	call_at = number;
	if (setjmp(out) == 0)
		lc_down(0);
	CHECK_EQ(lc_leaf(1), 2);
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(UNWOUND, LEFT);
	CHECK_EQ(RETURNED, steps > call_at ? 2 : 1);
	return steps <= call_at;
}

static void each(int stride)
{
	any_depth = true;
	step_from(SIGUSR1, call_at_step);
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		int number = 0;

		pairs.flags = graph_kinds[kind];
		graph(&pairs, "lc_*");
		while (!call_at_instruction(number))
			number += stride;
		dprintf(1, "%d instructions\n", number);
		CHECK(number > 100);
		ungraph(&pairs);
	}
}

static void some(void)
{
	each(17);
}

static void all(void)
{
	each(1);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"some", some}, {"all", all}, {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
