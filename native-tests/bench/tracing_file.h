/* SPDX-License-Identifier: MIT */
/*
 * tracing_file.h - what a trace file has, in an object of its own: trace_file.h has a clock, too.
 */
#ifndef TRACING_FILE_H
#define TRACING_FILE_H

/* Entries and exits of a function in the file. Exits if the file is damaged. */
unsigned long events_of(const char *path, const char *function);

#endif /* TRACING_FILE_H */
