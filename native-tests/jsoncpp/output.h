/* SPDX-License-Identifier: MIT */
/*
 * output.h - included before the test-suite's files: each thread that runs it
 * has an output of its own.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <cstdio>

extern thread_local FILE *test_output;

/* The suite has no other output than by these two. */
#define printf(...)  fprintf(test_output, __VA_ARGS__)
#define fflush(file) fflush(test_output)

#endif /* OUTPUT_H */
