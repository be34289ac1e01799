/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions that have handlers at both ends (--graph).
 */
#ifndef GRAPH_H
#define GRAPH_H

#include "sites.h"

/* All return 0 or what the library returned; results->error says what failed. */

/* Only one thread may run. */
int graph_init(struct run *run);

/* Begins to trace. Handlers of signals have been installed, and no other thread runs yet. */
int graph_begin(void);

/* As sites_execute(), for functions. Async-signal-safe. */
void graph_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count);

/* As ops_finish(). */
int graph_finish(void);

#endif /* GRAPH_H */
