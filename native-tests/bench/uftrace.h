/* SPDX-License-Identifier: MIT */
/*
 * uftrace.h - calls_program, recorded by uftrace.
 */
#ifndef UFTRACE_H
#define UFTRACE_H

/* ns a call, of so many threads at once; 0 if there is no uftrace. */
double uftrace_time(int threads);

#endif /* UFTRACE_H */
