/* SPDX-License-Identifier: MIT */
/* graph_by_hand.c - functions that call the handlers of ftrace/graph.h themselves. */
#define _GNU_SOURCE
#include "graph_handlers.h"

/* Calls through pointers, as the library's are. */
static struct ftrace_graph_ops volatile by_hand = {.entryfunc = graph_count_entry,
						   .retfunc = graph_count_return};

#define KIND	   graph_by_hand
#define TRACED
#define NOT_TRACED
#define ENTER(function)                                                                            \
	struct ftrace_graph_call call = {                                                          \
		.ip = (unsigned long)function,                                                     \
		.parent_ip = (unsigned long)__builtin_return_address(0)};                          \
	int wanted = by_hand.entryfunc(&call, (struct ftrace_graph_ops *)&by_hand, NULL)
#define LEAVE                                                                                      \
	do {                                                                                       \
		if (wanted)                                                                        \
			by_hand.retfunc(&call, (struct ftrace_graph_ops *)&by_hand, NULL);         \
	} while (0)

#include "graph_functions.h"
