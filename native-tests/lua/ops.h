/* SPDX-License-Identifier: MIT */
/*
 * ops.h - handlers on Lua's functions, by ftrace/trace.h (ops.c) or by ftrace/graph.h (graph.c).
 * What can fail returns 0 or a negative errno.
 */
#ifndef OPS_H
#define OPS_H

#include <stdbool.h>

/* The thread's own. */
extern _Thread_local volatile unsigned long counted_calls;

/* How many functions there are, or are traced. */
unsigned long ops_sites(bool enabled);

struct tracer {
	const char *prefix; /* of the method, on the command line */

	/* Begins to trace all functions. */
	int (*begin)(void);

	/* Goes over to other functions. */
	int (*change)(unsigned long changes);

	int (*end)(void);

	/* The calling thread calls no function of Lua any more. NULL: nothing is to be done then.
	 */
	void (*thread_end)(void);

	/* Prints what was counted; false if it shows a failure. NULL: nothing else was counted. */
	bool (*report)(void);

	/* How many calls. NULL: the sum of counted_calls. */
	unsigned long (*counted)(void);
};

extern const struct tracer ops_tracer, graph_tracer;

#endif /* OPS_H */
