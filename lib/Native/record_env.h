/* SPDX-License-Identifier: MIT */
/*
 * record_env.h - recordings that the environment starts, and the files of children.
 */
#ifndef RECORD_ENV_H
#define RECORD_ENV_H

#include "native.h"

/*
 * struct record_start - what ftrace_record_start() needs besides the options, and why it failed
 * @child_base: how the names of the children's files begin; NULL: as @path does
 * @children: forked children are recorded
 * @stage: where it failed
 * @trigger: as for ftrace_tracing_set_trigger(); NULL: none
 * @owner: the number of the connection that starts it, connection.c; 0: the process itself
 * @clock: 1: the TSC; 2: CLOCK_MONOTONIC; 0: what is best
 */
struct record_start {
	const char *child_base;
	unsigned int children;
	unsigned int stage;
	const char *trigger;
	unsigned int owner;
	unsigned int clock;
};

#define RECORD_VARIABLE "FTRACE_RECORD"

/* Which file a process of those that a variable has started records to. */
enum record_file {
	RECORD_FIRST, /* the one that the variable names */
	RECORD_CHILD, /* one of its own; another process has that one */
	RECORD_NONE,  /* it could not be named */
};

#pragma GCC visibility push(hidden)
/* entry.c, lib/Exports/TracingExports.cs */
int ftrace_record_start(const struct ftrace_tracing_opts *opts, struct record_start *start);
int ftrace_record_child(const char *path);
int ftrace_record_stop(unsigned int owner);
int ftrace_record_request(struct control_request *request);
int ftrace_record_mask(unsigned long *mask);

/* record_env.c */
void record_from_environment(void);

/* record_path.c */
int record_is_descendant(const char *variable, const char *value);
enum record_file record_choose(const char *path, const char *child_base, char *name, size_t size);
int record_child_name(const char *base, char *name, size_t size);
#pragma GCC visibility pop

_Static_assert(sizeof(struct record_start) == RecordStart_SizeOf, "struct record_start");

#endif /* RECORD_ENV_H */
