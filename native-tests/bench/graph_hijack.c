/* SPDX-License-Identifier: MIT */
/*
 * graph_hijack.c - what graph_hijack.S calls: keeps the return addresses of a thread in an array,
 * as uftrace does, and calls the handlers.
 */
#define _GNU_SOURCE
#include "graph_hijack.h"

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
		struct ftrace_graph_call call = {.ip = ip, .parent_ip = *parent, .depth = depth};

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
