/* SPDX-License-Identifier: MIT */
/*
 * graph_handlers.h - the handlers of the part "graph", the kinds of functions that it calls, and
 * the peer that replaces return addresses on the stack.
 */
#ifndef GRAPH_HANDLERS_H
#define GRAPH_HANDLERS_H

#include <ftrace/graph.h>

#include "graph_loops.h"

/* Two that count, and two that do nothing, but want the exit. */
int graph_count_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		      struct ftrace_regs *regs);
void graph_count_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			struct ftrace_regs *regs);
int graph_want_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		      struct ftrace_regs *regs);
void graph_ignore_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			 struct ftrace_regs *regs);

/* The functions of graph_functions.h, in each kind. */
void graph_plain_loop(enum graph_way way);
void graph_traced_loop(enum graph_way way);
void graph_hijacked_loop(enum graph_way way);
void graph_by_hand_loop(enum graph_way way);
void graph_instrumented_loop(enum graph_way way);

/* What the functions of the kind "hijacked" call: graph_hijack.S. The handlers may be NULL. */
extern const char graph_hijack_caller[], graph_hijack_return[];
extern struct ftrace_graph_ops graph_hijack_ops;

/* How many the instrumented functions have counted. */
unsigned long graph_instrumented_counted(void);

#endif /* GRAPH_HANDLERS_H */
