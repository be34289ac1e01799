/* SPDX-License-Identifier: MIT */
/*
 * graph_handlers.c - handlers of ftrace/graph.h: they leave the vector registers alone, as they
 * promise. And what the peer does that replaces return addresses on the stack, as uftrace and the
 * kernel do.
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

/* The frames that the peer has replaced the return addresses of. */
#define FRAMES 1024

struct ftrace_graph_ops graph_hijack_ops;

static __thread struct {
	unsigned int depth;
	struct {
		unsigned long parent_ip, ip;
		void *data;
	} frames[FRAMES];
} hijacked;

void graph_hijack_enter(unsigned long *parent, unsigned long ip);
unsigned long graph_hijack_exit(void);

/* @parent: the stack's word of the return address. */
void graph_hijack_enter(unsigned long *parent, unsigned long ip)
{
	unsigned int depth = hijacked.depth;

	if (depth == FRAMES)
		return;
	hijacked.frames[depth].parent_ip = *parent;
	hijacked.frames[depth].ip = ip;
	if (graph_hijack_ops.entryfunc) {
		struct ftrace_graph_call call = {
			.ip = ip, .parent_ip = *parent, .depth = depth};

		if (!graph_hijack_ops.entryfunc(&call, &graph_hijack_ops, NULL))
			return;
		hijacked.frames[depth].data = call.data;
	}
	hijacked.depth = depth + 1;
	*parent = (unsigned long)graph_hijack_return;
}

/* Returns where the function returns to. */
unsigned long graph_hijack_exit(void)
{
	unsigned int depth = --hijacked.depth;

	if (graph_hijack_ops.retfunc) {
		struct ftrace_graph_call call = {.ip = hijacked.frames[depth].ip,
						 .parent_ip = hijacked.frames[depth].parent_ip,
						 .depth = depth,
						 .data = hijacked.frames[depth].data};

		graph_hijack_ops.retfunc(&call, &graph_hijack_ops, NULL);
	}
	return hijacked.frames[depth].parent_ip;
}
