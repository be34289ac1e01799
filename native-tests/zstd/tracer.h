/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - what the traced build does besides compressing.
 *
 * Without WITH_FTRACE nothing of it exists: the same source gives the two programs
 * that are compared.
 */
#ifndef TRACER_H
#define TRACER_H

#include <stdatomic.h>

#ifdef WITH_FTRACE

#define VARIANT "traced"

/*
 * Single-threaded. From then on each new thread is interrupted by a timer of its own.
 * @method: by which functions are changed: stop, breakpoint or auto; with graph- in front,
 *          for handlers at both ends
 */
void tracer_init(const char *method);

/* Traces all functions, and others again and again, until @running is 0. */
void tracer_while(const atomic_uint *running);

/* When all threads have ended: prints the counters to stderr; 1 if they show a failure. */
int tracer_report(void);

#else

#define VARIANT "plain"

static inline void tracer_init(const char *method)
{
	(void)method;
}

static inline void tracer_while(const atomic_uint *running)
{
	(void)running;
}

static inline int tracer_report(void)
{
	return 0;
}

#endif /* WITH_FTRACE */

#endif /* TRACER_H */
