/* SPDX-License-Identifier: MIT */
/*
 * ops.h - a handler on Lua's functions, by ftrace/trace.h. What can fail returns 0 or
 * a negative errno.
 */
#ifndef OPS_H
#define OPS_H

#include <stdbool.h>

/* The thread's own. */
extern _Thread_local volatile unsigned long counted_calls;

/* How many functions there are, or are traced. */
unsigned long ops_sites(bool enabled);

/* Begins to count the calls of all functions; @method: an enum ftrace_method, of all changes. */
int ops_begin(int method);

/* Goes over to other functions. */
int ops_change(unsigned long changes);

int ops_end(void);

#endif /* OPS_H */
