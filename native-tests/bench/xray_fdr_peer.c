/* SPDX-License-Identifier: MIT */
/*
 * xray_fdr_peer.c - the functions of the part "graph" recorded by XRay's flight data recorder.
 * Reads '0' and so on, a way to call them, writes how long that took, or 0 if not all of it was
 * recorded. The rings are as large as the recorder's, and warm.
 */
#define _GNU_SOURCE
#include "graph_loops.h"

#include <stdio.h>
#include <string.h>

#define KIND		graph_fdr
#define TRACED		__attribute__((xray_always_instrument))
#define NOT_TRACED	__attribute__((xray_never_instrument))
#define ENTER(function) (void)0
#define LEAVE		(void)0

#include "graph_functions.h"
#include "xray_program.h"

/* 1 MB for each thread; it begins with the first buffer again. */
#define OPTIONS                                                                                    \
	"buffer_size=65536:buffer_max=32:func_duration_threshold_us=0:no_file_flush=true:grace_"   \
	"period_ms=1"
#define WARM_LOOPS 7 /* times 24,000 calls, two events, 8 bytes: more than all buffers */

/* From xray/xray_log_interface.h and xray_interface.h, which are for C++ only. */
enum { LOG_FLUSHED = 2, LOG_INITIALIZED = 2, LOG_FINALIZED = 4 };

struct buffer {
	const void *data;
	size_t size;
};

int __xray_log_select_mode(const char *mode);
int __xray_log_init_mode(const char *mode, const char *options);
int __xray_log_finalize(void);
int __xray_log_flushLog(void);
int __xray_log_process_buffers(void (*processor)(const char *mode, struct buffer buffer));
uintptr_t __xray_function_address(int32_t id);

__thread unsigned long graph_counted;
static uint32_t timed_id;
static unsigned long buffers, found;

/* A function's record has 8 bytes: a 0, 3 bits for what happened, and 28 for its id. Others
 * have 16. */
static NOT_TRACED void count_events(const char *mode, struct buffer buffer)
{
	const unsigned char *at = buffer.data, *end = at + buffer.size;
	uint32_t word;

	(void)mode;
	if (!buffers++) /* the header of the file */
		return;
	for (; at + 8 <= end; at += word & 1 ? 16 : 8) {
		memcpy(&word, at, sizeof(word));
		if (!(word & 1) && word >> 4 == timed_id)
			found++;
	}
}

/* ns of the loop; 0: it was not recorded. */
static NOT_TRACED uint64_t time_way(enum graph_way way)
{
	unsigned long counted;
	double ns;

	if (__xray_log_init_mode("xray-fdr", OPTIONS) != LOG_INITIALIZED ||
	    __xray_patch() != XRAY_SUCCESS)
		return 0;
	for (int i = 0; i < WARM_LOOPS; i++)
		graph_fdr_loop(IN_TURN);
	ns = graph_time(graph_fdr_loop, way, &counted);
	buffers = found = 0;
	if (__xray_log_finalize() != LOG_FINALIZED)
		return 0;
	__xray_log_process_buffers(count_events);
	if (__xray_log_flushLog() != LOG_FLUSHED)
		return 0;
	/* The others are those before, in turn. */
	if (found < 2 * GRAPH_CALLS * (way == ON_THREADS ? GRAPH_THREADS : 1))
		return 0;
	return ns * GRAPH_CALLS;
}

NOT_TRACED int main(void)
{
	char command;

	/* It says each time that it does not know the speed of the TSC, which it does not need. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	put(__xray_max_function_id());
	for (size_t id = 1; id <= __xray_max_function_id(); id++) {
		if (__xray_function_address(id) - (uintptr_t)graph_fdr_small_1 < 16)
			timed_id = id;
	}
	__xray_log_select_mode("xray-fdr");
	graph_begin();
	while (read(STDIN_FILENO, &command, 1) == 1)
		put(time_way((enum graph_way)(command - '0')));
	return 0;
}
