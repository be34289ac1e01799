/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - what the traced build does besides running the suite.
 *
 * Without WITH_FTRACE nothing of it exists: the same source gives the two programs
 * that are compared.
 */
#ifndef TRACER_H
#define TRACER_H

#include <atomic>

#ifdef WITH_FTRACE

#define VARIANT "traced"

/* Single-threaded. @method: by which functions are changed: stop, breakpoint or auto. */
void tracer_init(const char *method);

/* Bracket a thread's work: its timer signals, and its share of the counters. */
void tracer_thread_begin();
void tracer_thread_end();

/* Traces all functions, and others again and again, until @running is 0. */
void tracer_while(const std::atomic<int> &running);

/* Prints the counters to stderr; returns 0, or 1 if they show a failure. */
int tracer_report();

#else

#define VARIANT "plain"

static inline void tracer_init(const char *)
{
}

static inline void tracer_thread_begin()
{
}

static inline void tracer_thread_end()
{
}

static inline void tracer_while(const std::atomic<int> &)
{
}

static inline int tracer_report()
{
	return 0;
}

#endif /* WITH_FTRACE */

#endif /* TRACER_H */
