/* SPDX-License-Identifier: MIT */
/*
 * tails.c - calls in place of returns (tail calls): they use one slot, however many follow each
 * other. And recursion that is deeper than there are slots.
 *
 * tails mutual   each of a million calls ends with FTRACE_GRAPH_TAIL but the last
 * tails mixed    with functions in between that are not traced, or by other ops
 * tails left     the last one is left by a jump
 * tails after    a call that was left before the tail call ends before it
 * tails pool     calls beyond the pool are not traced, and counted; later ones are
 */
#define MAX_OPEN 65536
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>

TRACED int ta(long n);
TRACED int tb(long n);
TRACED int tu(long n);
TRACED int tc(long n);
TRACED int td(long n);
TRACED int tj(long n);
TRACED int te(long n);
TRACED long deep(long n);
__attribute__((noipa)) int untraced(long n);

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

TRACED int ta(long n)
{
	return n ? tb(n - 1) : 1;
}

TRACED int tb(long n)
{
	return n ? ta(n - 1) : 2;
}

static void mutual(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		unsigned long calls = kind == 0 ? 1000000 : 100000;

		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "t[ab]");
		CHECK_EQ(ta(calls), 1);
		CHECK_EQ(tb(calls + 1), 1);
		CHECK_EQ(entries, 2 * calls + 3);
		CHECK_EQ(TAILS, 2 * calls + 1);
		CHECK_EQ(RETURNED, 2);
		CHECK_EQ(open_calls.count, 0);
		ungraph(&pairs);
	}
}

/* Calls that are seen, by name: c, u, d. */
TRACED int tc(long n)
{
	return n ? untraced(n - 1) : 3;
}

int untraced(long n)
{
	return n ? td(n - 1) : 4;
}

TRACED int td(long n)
{
	return n ? tc(n - 1) : 5;
}

static unsigned long other_entries, other_exits, other_tails;

GENERAL_REGS static int other_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	call->data = (void *)++other_entries;
	return 1;
}

GENERAL_REGS static void other_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	CHECK_EQ((unsigned long)call->data, other_entries);
	other_exits++;
	other_tails += call->flags == FTRACE_GRAPH_TAIL;
}

static void mixed(void)
{
	struct ftrace_graph_ops other = GRAPH_OPS(other_entry, other_exit);

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "t[cd]");
		CHECK_EQ(tc(9), 3);
		/* c u d c u d c u d c: the last one returns. */
		CHECK_EQ(entries, 7);
		CHECK_EQ(TAILS, 6);
		CHECK_EQ(RETURNED, 1);
		CHECK_EQ(tc(10), 4);
		CHECK_EQ(entries, 14);
		/* It ends in one that is not traced, and returns for it. */
		CHECK_EQ(TAILS, 12);
		CHECK_EQ(RETURNED, 2);
		ungraph(&pairs);

		/* Of two ops each sees only its own. */
		forget_counts();
		other_entries = other_exits = other_tails = 0;
		other.flags = graph_kinds[(kind + 1) % GRAPH_KINDS];
		graph(&pairs, "tc");
		graph(&other, "td");
		CHECK_EQ(tc(11), 5);
		CHECK_EQ(entries, 4);
		CHECK_EQ(TAILS, 4);
		CHECK_EQ(RETURNED, 0);
		CHECK_EQ(other_entries, 4);
		CHECK_EQ(other_exits, 4);
		CHECK_EQ(other_tails, 3);
		ungraph(&other);
		CHECK_EQ(tc(11), 5);
		CHECK_EQ(other_exits, 4);
		CHECK_EQ(entries, 8);
		ungraph(&pairs);
	}
}

static jmp_buf out;

TRACED int tj(long n)
{
	if (n == 0)
		longjmp(out, 1);
	return tj(n - 1);
}

TRACED int tu(long n)
{
	return n ? tj(n) : 6;
}

static __attribute__((noipa)) void leave(void)
{
	if (setjmp(out) == 0)
		tu(3);
}

static void left(void)
{
	graph(&pairs, "t[uj]");
	for (unsigned long round = 1; round < 70000; round++) {
		leave();
		CHECK_EQ(tu(0), 6);
		CHECK_EQ(open_calls.count, 0);
		CHECK_EQ(UNWOUND, round);
	}
	ungraph(&pairs);
}

static __attribute__((noipa)) void jump_out(void)
{
	if (setjmp(out) == 0)
		tj(2);
}

TRACED int te(long n)
{
	jump_out();
	return ta(n);
}

static void after(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "t[aej]");
		for (unsigned long round = 1; round < 100; round++) {
			CHECK_EQ(te(0), 1);
			CHECK_EQ(open_calls.count, 0);
			CHECK_EQ(TAILS, round);
			CHECK_EQ(UNWOUND, round);
		}
		ungraph(&pairs);
	}
}

TRACED long deep(long n)
{
	long result;

	if (n == 0)
		return 0;
	result = deep(n - 1);
	KEEP;
	return result + 1;
}

#define DEEP 100000

static void *call_flat(void *arg)
{
	unsigned long before = entries;

	CHECK_EQ(deep(1000), 1000);
	CHECK_EQ(entries, before + 1001);
	return arg;
}

static void *call_deep(void *arg)
{
	for (int round = 0; round < 3; round++) {
		unsigned long before = entries, overruns = stats().graph_overruns, traced;

		CHECK_EQ(deep(DEEP), DEEP);
		traced = entries - before;
		CHECK(traced > 57000 && traced <= 57825);
		CHECK_EQ(RETURNED, entries);
		CHECK_EQ(stats().graph_overruns - overruns, DEEP + 1 - traced);
		/* Now there are slots again. */
		before = entries;
		CHECK_EQ(deep(1000), 1000);
		CHECK_EQ(entries, before + 1001);
		CHECK_EQ(stats().graph_overruns - overruns, DEEP + 1 - traced);
		/* And there are some for others, although this thread keeps its own. */
		join(start(call_flat, NULL));
		CHECK_EQ(stats().graph_overruns - overruns, DEEP + 1 - traced);
	}
	return arg;
}

static void pool(void)
{
	pthread_attr_t attr;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 64UL << 20), 0);
	for (int kind = 0; kind < GRAPH_KINDS; kind += 2) {
		pthread_t thread;

		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "deep");
		CHECK_EQ(pthread_create(&thread, &attr, call_deep, NULL), 0);
		join(thread);
		ungraph(&pairs);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"mutual", mutual}, {"mixed", mixed}, {"left", left},
		{"after", after},   {"pool", pool},   {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
