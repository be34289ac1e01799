/* SPDX-License-Identifier: MIT */
/*
 * graphed.h - what the tests of ftrace/graph.h share: handlers that check that entries and
 * exits pair, on every thread. C and C++.
 */
#ifndef GRAPHED_H
#define GRAPHED_H

#include "../general_regs.h"
#include "../test.h"
#include "../traced.h"

#include <stdbool.h>

/* The compiler must not make a tail call of the call before. */
#define KEEP __asm__ __volatile__("" ::: "memory")

#define GRAPH_OPS(entry, exit, ...)                                                                \
	{                                                                                          \
		.size = sizeof(struct ftrace_graph_ops), .entryfunc = entry, .retfunc = exit,      \
		__VA_ARGS__                                                                        \
	}

/* From nothing to handlers on the functions that match. */
static inline void graph(struct ftrace_graph_ops *ops, const char *pattern)
{
	CHECK_EQ(ftrace_graph_set_filter(ops, pattern, 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(ops), 0);
}

static inline void ungraph(struct ftrace_graph_ops *ops)
{
	CHECK_EQ(ftrace_unregister_graph(ops), 0);
	CHECK_EQ(ftrace_graph_set_filter(ops, NULL, 0, 1), 0);
}

/* Flags of ops that lead to different code: the short one, vectors saved, all registers. */
static const unsigned long graph_kinds[] = {FTRACE_OPS_FL_NO_VECTORS, 0,
					    FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_NO_VECTORS,
					    FTRACE_OPS_FL_SAVE_REGS};
#define GRAPH_KINDS 4

/*
 * A pair of handlers that keeps the calls of each thread which have been entered and not been
 * left, and checks that the innermost of them is left, as it was entered. So all that leaves
 * without a return must be reported, once, with its own data, from the inner to the outer.
 *
 * A handler of a signal may come between any two instructions of these, and makes calls that
 * pair.
 */
#ifndef MAX_OPEN
#define MAX_OPEN 256
#endif

struct open_call {
	unsigned long serial;
	uintptr_t ip, parent_ip;
	unsigned int depth;
};

struct open_calls {
	unsigned int count;
	struct open_call calls[MAX_OPEN];
};

static __thread struct open_calls open_calls;
static unsigned long entries;
static unsigned long exits[4]; /* by flags */
static bool any_depth;	       /* a signal may come before the library has linked a call */

GENERAL_REGS static inline int pair_entry(struct ftrace_graph_call *call,
					  struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	struct open_calls *open = &open_calls;
	unsigned long serial = __atomic_add_fetch(&entries, 1, __ATOMIC_RELAXED);
	unsigned int at = open->count;

	CHECK(!call->data);
	CHECK_EQ(call->flags, 0);
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	CHECK(!regs || regs->ip == call->ip + 5);
	CHECK(!regs || ftrace_graph_ret_addr(regs->parent_ip) == call->parent_ip);
	CHECK(at < MAX_OPEN);
	if (!any_depth)
		CHECK_EQ(call->depth, at);
	__atomic_store_n(&open->count, at + 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	open->calls[at].serial = serial;
	open->calls[at].ip = call->ip;
	open->calls[at].parent_ip = call->parent_ip;
	open->calls[at].depth = call->depth;
	call->data = (void *)serial;
	return 1;
}

GENERAL_REGS static inline void pair_exit(struct ftrace_graph_call *call,
					  struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	struct open_calls *open = &open_calls;
	unsigned int count = open->count;
	struct open_call *entered = &open->calls[count - 1];

	CHECK(count > 0);
	CHECK_EQ((unsigned long)call->data, entered->serial);
	CHECK_EQ(call->ip, entered->ip);
	CHECK_EQ(call->parent_ip, entered->parent_ip);
	CHECK_EQ(call->depth, entered->depth);
	CHECK(call->flags == 0 || call->flags == FTRACE_GRAPH_TAIL ||
	      call->flags == FTRACE_GRAPH_UNWOUND);
	CHECK(!regs == (!(ops->flags & FTRACE_OPS_FL_SAVE_REGS) || call->flags));
	__atomic_add_fetch(&exits[call->flags], 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&open->count, count - 1, __ATOMIC_RELAXED);
}

/* Handlers that check only that each exit has its entry, on whatever thread, in any order. */
static unsigned char open_state[1 << 20]; /* 1: entered, 2: left */

GENERAL_REGS static inline int once_entry(struct ftrace_graph_call *call,
					  struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	unsigned long serial = __atomic_add_fetch(&entries, 1, __ATOMIC_RELAXED);

	(void)ops, (void)regs;
	open_state[serial % sizeof(open_state)] = 1;
	call->data = (void *)serial;
	return 1;
}

GENERAL_REGS static inline void once_exit(struct ftrace_graph_call *call,
					  struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	unsigned long serial = (unsigned long)call->data % sizeof(open_state);

	(void)ops, (void)regs;
	CHECK_EQ(open_state[serial], 1);
	open_state[serial] = 2;
	__atomic_add_fetch(&exits[call->flags], 1, __ATOMIC_RELAXED);
}

static inline void forget_counts(void)
{
	entries = 0;
	memset(exits, 0, sizeof(exits));
}

#define RETURNED exits[0]
#define TAILS	 exits[FTRACE_GRAPH_TAIL]
#define UNWOUND	 exits[FTRACE_GRAPH_UNWOUND]

#endif /* GRAPHED_H */
