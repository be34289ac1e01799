/* SPDX-License-Identifier: MIT */
/*
 * graph.c - handlers at both ends of Lua's functions, whose pairs are checked.
 *
 * Two ops. One is registered all the time, with all functions every other time, and
 * others in between. The other one comes and goes while calls of its functions are
 * under way, and gets the registers. Lua leaves functions by longjmp() when a script
 * raises an error.
 */
#include "ops.h"
#include "../pairs.h"

static const char *const patterns[] = {
	"lua_*", "!luaV_*", "[a-l]*", "*_*", "lua[A-Z]_*", "!*e*", "str_*", "luaV_execute", "l?*",
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static _Thread_local struct pairs thread_pairs, thread_guests;
static struct pairs pairs, guests;

static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	/* A handler of a signal may count in between. */
	__atomic_add_fetch(&counted_calls, 1, __ATOMIC_RELAXED);
	return pairs_push(&thread_pairs, 1, call);
}

static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	pairs_pop(&thread_pairs, 1, call);
}

static int guest_enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	if (!regs || regs->ip - FTRACE_INSN_SIZE != call->ip)
		__atomic_add_fetch(&thread_guests.wrong, 1, __ATOMIC_RELAXED);
	return pairs_push(&thread_guests, (unsigned long)ops->data, call);
}

static void guest_leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			struct ftrace_regs *regs)
{
	if (!regs != (call->flags != 0))
		__atomic_add_fetch(&thread_guests.wrong, 1, __ATOMIC_RELAXED);
	pairs_pop(&thread_guests, (unsigned long)ops->data, call);
}

static struct ftrace_graph_ops ops = {.size = sizeof(ops), .entryfunc = enter, .retfunc = leave};
static struct ftrace_graph_ops guest = {.size = sizeof(guest),
					.entryfunc = guest_enter,
					.retfunc = guest_leave,
					.flags = FTRACE_OPS_FL_SAVE_REGS};
static bool has_guest;

static int begin(void)
{
	return ftrace_register_graph(&ops);
}

static int change_guest(unsigned long changes)
{
	int error;

	if (has_guest) {
		has_guest = false;
		return ftrace_unregister_graph(&guest);
	}
	guest.data = (void *)changes;
	has_guest = true;
	error = ftrace_graph_set_filter(&guest, patterns[changes / 3 % PATTERNS], 0, 1);
	return error ? error : ftrace_register_graph(&guest);
}

static int change(unsigned long changes)
{
	const char *pattern = changes % 2 ? patterns[changes / 2 % PATTERNS] : "*";

	return changes % 3 == 2 ? change_guest(changes)
				: ftrace_graph_set_filter(&ops, pattern, 0, 1);
}

static int end(void)
{
	int error = has_guest ? change_guest(0) : 0;

	error = error ? error : ftrace_unregister_graph(&ops);
	error = error ? error : ftrace_graph_set_filter(&guest, NULL, 0, 1);
	return error ? error : ftrace_graph_set_filter(&ops, NULL, 0, 1);
}

static void thread_end(void)
{
	pairs_add(&pairs, &thread_pairs, 1);
	pairs_add(&guests, &thread_guests, 0);
}

static bool report(void)
{
	fprintf(stderr, "  %-24s %lu, %lu of other functions in their place, %lu left\n", "exits",
		pairs.exits, pairs.tails, pairs.unwound);
	fprintf(stderr, "  %-24s %lu\n", "exits with registers", guests.exits);
	fprintf(stderr, "  %-24s %lu\n", "entries without exit", pairs.open);
	fprintf(stderr, "  %-24s %lu\n", "wrong exits", pairs.wrong + guests.wrong);
	if (!pairs.tails || !pairs.unwound || !guests.exits) {
		fprintf(stderr, "calls of a kind did not occur: nothing was tested\n");
		return true;
	}
	return pairs.open || pairs.exits != pairs.entries || pairs.wrong || guests.wrong;
}

const struct tracer graph_tracer = {
	.prefix = "graph-",
	.begin = begin,
	.change = change,
	.end = end,
	.thread_end = thread_end,
	.report = report,
};
