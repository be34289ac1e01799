/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - enters the .NET runtime, and replaces C library functions that it calls.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

/*
 * Calls @enter, which enters the runtime. If the runtime gives up, where it would
 * otherwise call abort(), returns -errno, and the runtime must not be entered any more:
 * after a failed start runtime_release() may follow.
 *
 * One thread at a time.
 */
int runtime_try(void (*enter)(void));

/* The same for the first time: what the runtime allocates comes from a pool of its own. */
int runtime_try_start(void (*enter)(void));

/* Releases the memory of a runtime that could not start. */
void runtime_release(void);

#endif /* RUNTIME_H */
