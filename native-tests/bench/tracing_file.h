/* SPDX-License-Identifier: MIT */
/*
 * tracing_file.h - what a trace file has, in an object of its own: trace_file.h has a clock, too.
 */
#ifndef TRACING_FILE_H
#define TRACING_FILE_H

#include <stdint.h>

/* Entries and exits of a function in the file. Exits if the file is damaged. */
unsigned long events_of(const char *path, const char *function);

/* When the first call of all entered a function, by CLOCK_MONOTONIC; UINT64_MAX if none did. */
uint64_t first_event_ns(const char *path);

#endif /* TRACING_FILE_H */
