/* SPDX-License-Identifier: MIT */
/*
 * The sites: where they are, how all of them are changed, and how an execution
 * of one is checked.
 */
#ifndef SITES_H
#define SITES_H

#include "hammer.h"

/* Who executes. */
struct executor {
	unsigned int thread;
	struct counters *counters;
	struct anomaly *first;
};

/*
 * Lays the sites out and makes one nop of each function's entry. Only one
 * thread may run. Returns 0 or what the library returned; results->error says
 * what failed.
 */
int sites_init(const struct settings *settings, struct results *results);

/* Changes all sites with one call, to the other state. Returns as sites_init(). */
int sites_toggle(struct results *results);

/*
 * Executes @count sites, from number @from on, around the end, and checks
 * every one. Async-signal-safe.
 */
void sites_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count);

#endif /* SITES_H */
