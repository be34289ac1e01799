/* SPDX-License-Identifier: MIT */
/*
 * ways.h - how a test changes text: by which method and which writer.
 */
#ifndef WAYS_H
#define WAYS_H

#include "test.h"

#include <stdbool.h>
#include <string.h>

/* How text is changed by what follows. Most tests are about the stop. */
static struct ftrace_patch_opts way = {.size = sizeof(way), .method = FTRACE_METHOD_STOP_MACHINE};

/* An argument of a test that runs in several ways. */
static inline bool take_way(const char *word)
{
	static const char *const methods[] = {"auto", "stop", "breakpoint"};
	static const char *const writers[] = {NULL, "proc-mem", "mprotect"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(word, methods[i]) == 0)
			way.method = i;
		else if (writers[i] && strcmp(word, writers[i]) == 0)
			way.writer = i;
		else
			continue;
		return true;
	}
	return false;
}

/* All four of them. */
#define WAYS 4

static inline void set_way(int number)
{
	way.method = number / 2 ? FTRACE_METHOD_BREAKPOINT : FTRACE_METHOD_STOP_MACHINE;
	way.writer = number % 2 ? FTRACE_WRITER_MPROTECT : FTRACE_WRITER_PROC_MEM;
}

static inline bool by_stopping(void)
{
	return way.method == FTRACE_METHOD_STOP_MACHINE;
}

static inline int change(struct ftrace_patch *patches, size_t count)
{
	return ftrace_patch_text(patches, count, &way);
}

#endif /* WAYS_H */
