/* SPDX-License-Identifier: MIT */
/*
 * graph_handlers.c - handlers of ftrace/graph.h. They leave the vector registers alone, as they
 * promise.
 */
#define _GNU_SOURCE
#include "graph_handlers.h"

__thread unsigned long graph_counted;

__attribute__((noipa)) int graph_count_entry(struct ftrace_graph_call *call,
					     struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	graph_counted++;
	return 1;
}

__attribute__((noipa)) void graph_count_return(struct ftrace_graph_call *call,
					       struct ftrace_graph_ops *ops,
					       struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	graph_counted++;
}

__attribute__((noipa)) int graph_want_return(struct ftrace_graph_call *call,
					     struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	return 1;
}

__attribute__((noipa)) void graph_ignore_return(struct ftrace_graph_call *call,
						struct ftrace_graph_ops *ops,
						struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
}
