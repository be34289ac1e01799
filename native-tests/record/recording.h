/* SPDX-License-Identifier: MIT */
/* recording.h - a recording of this process, into a file that nobody else sees. */
#ifndef RECORDING_H
#define RECORDING_H

#include "../traced.h"
#include "trace_file.h"

#define FTRACE_RECORDING(...)                                                                      \
	{                                                                                          \
		.size = sizeof(struct ftrace_tracing_opts), .path = recording_path(), __VA_ARGS__      \
	}

/* The path of the recording that is read last; the file has no other name than this one. */
static inline char *recording_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "record-%d.data", getpid());
	return path;
}

static inline void start_recording(const struct ftrace_tracing_opts *opts)
{
	unlink(opts->path);
	CHECK_EQ(ftrace_tracing_start(opts), 0);
}

/* Reads what is there, whether it still runs or not, and removes the file's name. */
static inline void open_recording(struct trace_file *file)
{
	open_trace(file, recording_path());
	unlink(recording_path());
}

/* The file must hold nothing that is torn. */
static inline void stop_recording(struct trace_file *file)
{
	const char *fault;

	CHECK_EQ(ftrace_tracing_stop(), 0);
	open_recording(file);
	fault = check_trace(file);
	if (fault)
		dprintf(2, "%s\n", fault);
	CHECK(!fault);
}

#endif /* RECORDING_H */
