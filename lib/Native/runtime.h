/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - what the runtime of C# asks of the process, and what it gets.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

/*
 * Calls @enter, which enters the runtime. If the runtime gives up in the middle,
 * which is abort() everywhere else, returns -errno, and nothing may enter it again
 * before runtime_release(), or after that.
 *
 * One thread at a time.
 */
int runtime_try(void (*enter)(void));

/* The same, for the first time: what the runtime allocates is kept apart. */
int runtime_try_start(void (*enter)(void));

/* Gives back the memory of a runtime that could not start. */
void runtime_release(void);

#endif /* RUNTIME_H */
