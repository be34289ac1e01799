/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions that have handlers at their entries (--ops).
 */
#ifndef OPS_H
#define OPS_H

#include "sites.h"

/* Both return 0 or what the library returned; results->error says what failed. */

/* Only one thread may run. */
int ops_init(struct run *run);

/* As sites_execute(), for functions. Async-signal-safe. */
void ops_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count);

/*
 * When no other thread is left: a last call of each function, with the handlers that
 * there are and without any; and whether the text is as it was, and the sums agree.
 */
int ops_finish(void);

#endif /* OPS_H */
