/* SPDX-License-Identifier: MIT */
/*
 * graph_hijack.h - a peer: it sees the exits of functions by replacing return addresses on the
 * stack.
 */
#ifndef GRAPH_HIJACK_H
#define GRAPH_HIJACK_H

#include <ftrace/graph.h>

/* What the nop at the entry of a function is changed to call; and where the function returns to. */
extern const char graph_hijack_caller[], graph_hijack_return[];

/* The handlers; both are NULL, or neither is. */
extern struct ftrace_graph_ops graph_hijack_ops;

#endif /* GRAPH_HIJACK_H */
