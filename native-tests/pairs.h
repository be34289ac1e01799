/* SPDX-License-Identifier: MIT */
/*
 * pairs.h - whether each entry of a traced call has exactly one exit (ftrace/graph.h), in
 * programs that nobody here wrote. What can fail returns 0 or a negative errno.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Begins to trace all functions. */
int pairs_begin(void);

/* Goes over to other functions. @changes: 1, 2, 3 and so on */
int pairs_change(const char *const *patterns, unsigned long nr_patterns, unsigned long changes);

int pairs_end(void);

/*
 * The calling thread is in no traced function, and calls none any more. Threads take turns. Waits
 * until the calls that it has left were reported, 3 seconds at most.
 */
void pairs_thread_end(void);
void pairs_event(void);

/* Prints what was counted; false if it shows a failure, or nothing. */
bool pairs_report(void);

/* Of all threads that have ended: entries; exits of calls that were left. */
unsigned long pairs_entries(void);
unsigned long pairs_unwound(void);

#ifdef __cplusplus
}
#endif

#endif /* PAIRS_H */
