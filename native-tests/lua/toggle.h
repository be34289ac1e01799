/* SPDX-License-Identifier: MIT */
/*
 * toggle.h - what the patched build does besides running scripts.
 *
 * Without WITH_FTRACE nothing of it exists, and the driver is a plain
 * interpreter: the same source gives the two programs that are compared.
 */
#ifndef TOGGLE_H
#define TOGGLE_H

#include <stdatomic.h>

#ifdef WITH_FTRACE

#define VARIANT "patched"

/*
 * Finds the entries of Lua's functions and makes each one 5-byte nop. Single-threaded.
 * @method: by which they are changed from then on: stop, breakpoint or auto; with ops- in
 *          front, for a handler on changing ones of them
 */
void toggle_init(const char *method);

/* Bracket a thread's work: its timer signals, and its share of the counters. */
void toggle_thread_begin(void);
void toggle_thread_end(void);

/* Changes all entries back and forth until @running is 0; the entries end as nops. */
void toggle_while(const atomic_uint *running);

/* Prints the counters to stderr; returns 0, or 1 if they show a failure. */
int toggle_report(void);

#else

#define VARIANT "plain"

static inline void toggle_init(const char *method)
{
	(void)method;
}

static inline void toggle_thread_begin(void)
{
}

static inline void toggle_thread_end(void)
{
}

static inline void toggle_while(const atomic_uint *running)
{
	(void)running;
}

static inline int toggle_report(void)
{
	return 0;
}

#endif /* WITH_FTRACE */

#endif /* TOGGLE_H */
