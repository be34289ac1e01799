/* SPDX-License-Identifier: MIT */
/*
 * graph_handlers.h - the handlers of the part "graph", and what calls its functions.
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
void graph_clock_loop(enum graph_way way);
void graph_traced_loop(enum graph_way way);
void graph_hijacked_loop(enum graph_way way);
void graph_by_hand_loop(enum graph_way way);
void graph_instrumented_loop(enum graph_way way);

#endif /* GRAPH_HANDLERS_H */
