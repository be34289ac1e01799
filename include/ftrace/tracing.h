/* SPDX-License-Identifier: MIT */
/*
 * ftrace/tracing.h - record what a program does, in a file.
 *
 * The recorder writes entries and exits of functions, and what the program marks itself, into
 * buffers of each thread. The buffers are parts of a file, so a process that is killed
 * loses nothing that was written. The command ftrace(1) starts the recorder in programs that
 * do not call it, and shows the file. A program that records itself:
 *
 *	struct ftrace_tracing_opts opts = {.size = sizeof(opts), .path = "parse.data", .filter = "parse*"};
 *
 *	ftrace_tracing_start(&opts);
 *	...
 *	ftrace_tracing_stop();
 *
 *	$ ftrace report parse.data
 *
 * As a flight recorder, which is the default, it keeps the last events of each thread, for
 * ever. With FTRACE_TRACING_STREAM it writes all events to the file, as long as there is
 * room for them; what is lost is counted.
 *
 * An event takes 16 bytes, and one clock reading more than a call whose exit is traced
 * (ftrace/graph.h). Nothing is allocated, no lock is taken and no system call is made for it.
 * Signal handlers are recorded too, wherever they interrupt.
 *
 * The format of the file is documented, in docs/trace-format.md.
 */
#ifndef FTRACE_TRACING_H
#define FTRACE_TRACING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write all events to the file, instead of keeping the last ones. */
#define FTRACE_TRACING_STREAM 1U

/* Record entries only, with their callers, and no exits. */
#define FTRACE_TRACING_FUNCTION 2U

/* Begin with tracing off: ftrace_tracing_on() starts it. */
#define FTRACE_TRACING_OFF 4U

/*
 * Do not record children that fork(3) makes. Otherwise a child records, from its first traced call on, to a
 * file of its own: @path, a dot, and its process id. With "fd:N" there is no such file.
 */
#define FTRACE_TRACING_NO_CHILDREN 16U

/**
 * struct ftrace_tracing_opts - how to record
 * @size: sizeof(struct ftrace_tracing_opts)
 * @path: the file, which must not exist yet; "fd:N": the empty file that is open as N, which
 *        the recorder keeps; NULL: "ftrace.data". It is created with mode 0600
 * @filter: patterns of functions to record, as for ftrace_set_filter(), separated by ';'
 *          or newlines; NULL: all functions that can be traced
 * @notrace: patterns of functions not to record
 * @buffer_size: bytes of each thread's buffer, rounded up to a power of two, up to 64 MB; 0: 1 MB
 * @max_size: of the file, in bytes; 0: 1 GB. Threads that find no room are not recorded, and
 *            what they would have recorded is counted
 * @flags: FTRACE_TRACING_*
 * @max_depth: record only calls that are nested in fewer recorded calls than this; 0: all
 * @min_time_ns: record only calls that take at least so long, in nanoseconds; 0: all
 * @hz: samples of each thread per second of its CPU time; 0: none
 * @snapshot_signal: a signal that makes the recorder write a snapshot; 0: none
 */
struct ftrace_tracing_opts {
	size_t size;
	const char *path;
	const char *filter;
	const char *notrace;
	size_t buffer_size;
	size_t max_size;
	unsigned int flags;
	unsigned int max_depth;
	unsigned long min_time_ns;
	unsigned int hz;
	int snapshot_signal;
};

/**
 * ftrace_tracing_start - start to record
 * @opts: how; NULL: with all defaults
 *
 * When this function has returned 0, every call of a selected function is recorded, on every
 * thread. Functions of objects that are opened later too.
 *
 * Returns 0 or
 *   -EBUSY    a recording is running
 *   -EINVAL   @opts has an unknown size, unknown flags, or an invalid pattern
 *   -ENOENT   a pattern matches no function
 *   -EEXIST   the file exists
 *   -EFBIG    the file would be larger than @max_size or RLIMIT_FSIZE
 *   -ENOSPC, -EACCES and other errors of open(2) and fallocate(2): the file cannot be written
 *   and the errors of ftrace_register_graph()
 *
 * Context: thread.
 * Source: tracing_on and set_ftrace_filter in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_start(const struct ftrace_tracing_opts *opts);

/**
 * ftrace_tracing_stop - stop to record, and finish the file
 *
 * Returns 0 or
 *   -ESRCH    no recording is running
 *   and the errors of ftrace_unregister_graph(); then it still runs
 *
 * Context: thread.
 */
int ftrace_tracing_stop(void);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_TRACING_H */
