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

#include <ftrace/static_key.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write all events to the file, instead of keeping the last ones. */
#define FTRACE_TRACING_STREAM 1U

/* Record entries only, with their callers, and no exits. */
#define FTRACE_TRACING_FUNCTION 2U

/* Begin with tracing off: ftrace_tracing_on() starts it. */
#define FTRACE_TRACING_OFF 4U

/* Record samples only, and no functions: for programs that were compiled without a flag. */
#define FTRACE_TRACING_SAMPLE 8U

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
 * @buffer_size: bytes of each thread's buffer, rounded up to a power of two, up to 64 MB; 0: 1 MB,
 *               and with FTRACE_TRACING_STREAM 4 MB
 * @max_size: of the file, in bytes; 0: 1 GB. Threads that find no room are not recorded, and
 *            what they would have recorded is counted
 * @flags: FTRACE_TRACING_*
 * @max_depth: record only calls that are nested in fewer recorded calls than this; 0: all
 * @min_time_ns: record only calls that take at least so long, in nanoseconds; 0: all
 * @hz: samples of each thread in a second of its CPU time, at most 100,000; 0: none, or
 *      1000 with FTRACE_TRACING_SAMPLE; see below
 * @snapshot_signal: a signal that makes the recorder write a snapshot, to @path with ".1", ".2" and so
 *                   on; 0: none. It must have its default action; the library's handler stays
 *                   when the recording ends, and does nothing then
 *
 * Samples: where a thread is, its callers as far as frame pointers show them, and the
 * recorded calls that it is in. They are taken in every thread, also in those that call no
 * recorded function; in a new one within 100 ms, or once it calls one.
 *
 * The time that counts is that in user mode, of perf's software task clock
 * (perf_event_open(2)). No system call is interrupted, and a thread that sleeps is
 * not woken. Each thread takes a descriptor, above half the limit or 512. If perf is not
 * permitted, CPU timers (timer_create(2)) are used. They count time in the kernel too, and
 * give no more than one sample in a tick of the kernel, mostly 250 a second; and they
 * interrupt system calls as any handler with SA_RESTART does. The options in the file
 * say which it was, as "sample_clock", and the rate, as "hz_obtained"; fewer samples are
 * reported to the function that ftrace_set_print() has set.
 *
 * The signal is the highest real-time signal with its default disposition. It is declared as
 * an NMI (ftrace/nmi.h) while samples are taken. If the program installs a handler of its own
 * for it, there are no more samples. The handler stays when the recording ends, and does
 * nothing then; so does one for SIGIO, if that had its default disposition: the kernel sends it
 * instead of the signal where RLIMIT_SIGPENDING is reached. A program that blocks the signal must not
 * replace itself by execve(2) while it does: the signal might be pending, and end it.
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
	uint64_t min_time_ns;
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
 *   -EBUSY    a recording is running; or no real-time signal is free, for samples; or the
 *             program handles or ignores @snapshot_signal
 *   -EINVAL   @opts has an unknown size, unknown flags, an invalid pattern, too great a @hz, a
 *             @snapshot_signal that a program cannot or should not handle, or
 *             patterns and FTRACE_TRACING_SAMPLE
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

/**
 * ftrace_snapshot - write what all threads have to a file, and continue with empty buffers
 * @path: as in struct ftrace_tracing_opts, but not NULL
 *
 * The file is a trace file of its own, which has what the buffers of all threads had at one
 * moment: if an event is in it, so are all events that happened before. Threads stand still for about
 * as long as in ftrace_stop_machine(); they have other buffers afterwards, and the old ones
 * are copied by the caller. The recording needs room for these in its file: see @max_size.
 *
 * What was in the buffers is not in the file of the recording any more, but only in the snapshot. A
 * signal handler that interrupts a thread in the middle of an event, and stays there until the
 * buffers were copied, makes the event count as lost in the snapshot. So do signal handlers that
 * are declared as NMIs and run while the threads are being stopped, in the recording.
 *
 * Returns 0 or
 *   -ESRCH       no recording is running
 *   -EOPNOTSUPP  it is written with FTRACE_TRACING_STREAM: its file has all events
 *   -EFAULT      @path is NULL
 *   -EEXIST      the file exists
 *   -EFBIG       it would be larger than RLIMIT_FSIZE
 *   -ENOMEM      the file of the recording has no room for other buffers, also without those of threads that
 *                have ended; or no memory
 *   -EAGAIN      threads were created faster than they could get buffers
 *   -ENOSPC, -EACCES and other errors of open(2), fallocate(2) and write(2)
 *   and the errors of ftrace_stop_machine()
 * After an error there is no such file, and no event is lost; except, if the recording's file cannot grow,
 * events of threads that have ended, which are counted.
 *
 * Context: thread.
 * Source: tracing_snapshot() in kernel/trace/trace.c of the kernel.
 */
int ftrace_snapshot(const char *path);

/**
 * ftrace_tracing_set_trigger - set which calls start a snapshot, or switch recording
 * @trigger: "PATTERN:ACTION", separated by ';' or newlines; NULL with @reset: none
 * @len: its length in bytes; 0: it ends with a 0
 * @reset: not 0: instead of the triggers before; 0: in addition to them
 *
 * A call of a function that matches PATTERN (as for ftrace_set_filter(), one pattern) causes the
 * action, at its entry:
 *
 *	snapshot	a snapshot is written, to the path of the recording with ".1", ".2" and so on: the first
 *			name that is free. It has the call itself, if that is recorded
 *	traceoff	nothing is recorded from now on, on any thread
 *	traceon		recording continues
 *
 * "PATTERN:ACTION:COUNT" does so for the first COUNT calls. "PATTERN:ACTION:>TIME", or
 * "PATTERN:ACTION:>TIME:COUNT", does so at the exit of calls that took longer than TIME,
 * in nanoseconds or with us, ms or s.
 *
 * traceoff and traceon act at once. While recording is off in this way, the functions still call the
 * library: it costs as much as a handler that does nothing. The snapshot is taken some
 * microseconds after the call, by a thread of the recorder; several calls meanwhile
 * lead to one snapshot. A recording begins without triggers. ftrace_tracing_on() undoes
 * traceoff; traceon undoes ftrace_tracing_off() and FTRACE_TRACING_OFF, but that takes the
 * recorder's thread some milliseconds.
 *
 * Returns 0 or
 *   -ESRCH    no recording is running
 *   -EINVAL   a trigger is malformed, or @trigger is NULL and @reset is 0
 *   -ENOSPC   with those before there would be more than four; or the host has registered so many
 *             struct ftrace_graph_ops that there is no room for these
 *   and the errors of ftrace_register_graph(); then the triggers are those before
 *
 * Context: thread.
 * Source: the commands of set_ftrace_filter in Documentation/trace/ftrace.rst of the kernel;
 *         tracing_thresh for the time.
 */
int ftrace_tracing_set_trigger(const char *trigger, size_t len, int reset);

/* The greatest length of a mark in bytes. */
#define FTRACE_MARK_MAX 1024

#ifdef __GNUC__
#define FTRACE_FORMAT_(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define FTRACE_FORMAT_(text, first)
#endif

/**
 * ftrace_write_mark - write a text into the recording
 * @text: the text, which ends with a 0
 *
 * The same as ftrace_mark(), as a function: for languages that have no macros.
 *
 * Context: any; async-signal-safe. Does not change errno.
 */
void ftrace_write_mark(const char *text);

/**
 * ftrace_write_printk - format a text and write it into the recording
 * @format: as for printf(3)
 *
 * The same as ftrace_printk(), as a function.
 *
 * Context: thread. Does not change errno.
 */
void ftrace_write_printk(const char *format, ...) FTRACE_FORMAT_(1, 2);

/**
 * struct ftrace_mark_key - what the marks of a source file share; the library fills it in
 * @key: on while a recording runs
 * @mark: ftrace_write_mark()
 * @printk: ftrace_write_printk()
 */
struct ftrace_mark_key {
	struct ftrace_static_key_false key;
	void (*volatile mark)(const char *text);
	void (*volatile printk)(const char *format, ...) FTRACE_FORMAT_(1, 2);
};

#if !defined(FTRACE_NO_INLINE) &&                                                                  \
	(defined(__clang_major__) ? __clang_major__ >= 11 : defined(__GNUC__) && __GNUC__ >= 9)
/* The key is recognized by the 3. */
static struct ftrace_mark_key ftrace_mark_key_ __attribute__((unused)) = {{{0, 3, 0}}, 0, 0};

#define FTRACE_WRITE_MARK_(text)  ftrace_mark_key_.mark(text)
#define FTRACE_WRITE_PRINTK_(...) ftrace_mark_key_.printk(__VA_ARGS__)
#define FTRACE_WHILE_RECORDING_(statement)                                                         \
	do {                                                                                       \
		if (ftrace_static_branch_unlikely(&ftrace_mark_key_.key))                          \
			statement;                                                                 \
	} while (0)
#else
/* A call, which returns if no recording runs. */
#define FTRACE_WRITE_MARK_(text)  ftrace_write_mark(text)
#define FTRACE_WRITE_PRINTK_(...) ftrace_write_printk(__VA_ARGS__)
#define FTRACE_WHILE_RECORDING_(statement)                                                         \
	do {                                                                                       \
		statement;                                                                         \
	} while (0)
#endif

/**
 * ftrace_mark - write a text into the recording
 * @text: the text, which ends with a 0; evaluated only while a recording runs
 *
 * The report shows it as a comment, where it was written. While no recording runs, a mark
 * is a nop: a branch on a static key, which the recorder turns on (ftrace/static_key.h).
 * Nothing has to be linked: the library finds the marks of every object when a
 * recording starts, or when the object is opened, and a program with marks runs without the
 * library. Only with a compiler that cannot compile static keys, or if FTRACE_NO_INLINE is
 * defined, a mark is a call of the library.
 *
 * At most FTRACE_MARK_MAX bytes are written; a longer text is cut off before the UTF-8
 * character that does not fit. A newline at its end is left out.
 *
 * Context: any; async-signal-safe. Does not change errno.
 * Source: trace_puts() in include/linux/trace_printk.h of the kernel.
 */
#define ftrace_mark(text) FTRACE_WHILE_RECORDING_(FTRACE_WRITE_MARK_(text))

/**
 * ftrace_printk - format a text and write it into the recording
 * @format: as for printf(3); the arguments are evaluated only while a recording runs
 *
 * As ftrace_mark(), with a text that vsnprintf(3) makes. Do not use it in a signal handler:
 * vsnprintf(3) is not async-signal-safe.
 *
 * Context: thread. Does not change errno.
 * Source: trace_printk(), in the same header of the kernel.
 */
#define ftrace_printk(...) FTRACE_WHILE_RECORDING_(FTRACE_WRITE_PRINTK_(__VA_ARGS__))

/**
 * ftrace_tracing_on - record calls and marks again
 *
 * Returns 0, also if calls are recorded already, or
 *   -ESRCH    no recording is running
 *   and the errors of ftrace_register_graph()
 *
 * Context: thread.
 * Source: tracing_on in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_on(void);

/**
 * ftrace_tracing_off - record no calls and no marks, until ftrace_tracing_on()
 *
 * The functions become what they were: they cost nothing. Buffers and file stay. Calls that
 * have not returned have no exit in the recording.
 *
 * Returns 0, also if none are recorded already, or
 *   -ESRCH    no recording is running
 *   and the errors of ftrace_unregister_graph()
 *
 * Context: thread.
 */
int ftrace_tracing_off(void);

/**
 * ftrace_tracing_set_filter - set which functions are recorded
 * @pattern: as in struct ftrace_tracing_opts; NULL with @reset: all functions are recorded
 * @len: its length in bytes; 0: it ends with a 0
 * @reset: not 0: instead of the patterns before; 0: in addition to them
 *
 * The change is one: with several patterns all of them count at the same time, or none does.
 *
 * Returns 0 or
 *   -ESRCH    no recording is running
 *   -EINVAL   a pattern is invalid, or @pattern is NULL and @reset is 0
 *   -E2BIG    there are too many patterns, or they are too long
 *   and the errors of ftrace_register_graph(); then the patterns are those before
 *
 * Context: thread.
 * Source: set_ftrace_filter in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_set_filter(const char *pattern, size_t len, int reset);

/**
 * ftrace_tracing_set_notrace - set which functions are not recorded
 * @pattern: as in struct ftrace_tracing_opts; NULL with @reset: no function is excluded
 * @len: its length in bytes; 0: it ends with a 0
 * @reset: not 0: instead of the patterns before; 0: in addition to them
 *
 * As ftrace_tracing_set_filter(), also its errors.
 *
 * Context: thread.
 * Source: set_ftrace_notrace in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_set_notrace(const char *pattern, size_t len, int reset);

/**
 * ftrace_tracing_set_depth - record only calls that are nested in fewer recorded calls than this
 * @depth: 0: all
 *
 * For a moment no calls are recorded. Those that have not returned then have no exit in
 * the recording.
 *
 * Returns as ftrace_tracing_on(); after an error the depth is that before.
 *
 * Context: thread.
 * Source: max_graph_depth in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_set_depth(unsigned int depth);

/**
 * ftrace_tracing_set_min_time - record only calls that take at least so long
 * @ns: nanoseconds; 0: all
 *
 * As ftrace_tracing_set_depth(), also its errors.
 *
 * Context: thread.
 * Source: tracing_thresh in Documentation/trace/ftrace.rst of the kernel.
 */
int ftrace_tracing_set_min_time(uint64_t ns);

/**
 * ftrace_tracing_thread - switch recording of the calling thread on or off
 * @on: 0: nothing that the thread does is recorded, until it calls this again, or the
 *      recording ends
 *
 * What the thread has recorded stays. Its calls still pass through the trampoline. Of calls
 * that begin before and end after the change only one end is recorded.
 *
 * Returns 0 or
 *   -ESRCH    no recording is running
 *   -ENOSPC   no buffer is free
 *
 * Context: thread.
 */
int ftrace_tracing_thread(int on);

/* A recording is running. */
#define FTRACE_TRACING_STATE_RUNNING 1U

/* Calls are recorded: ftrace_tracing_off() was not called. */
#define FTRACE_TRACING_STATE_ON 2U

/* All events go to the file. */
#define FTRACE_TRACING_STATE_STREAMS 4U

/**
 * struct ftrace_tracing_status - what is known of the recording
 * @size: sizeof(struct ftrace_tracing_status)
 * @state: FTRACE_TRACING_STATE_*; 0: no recording is running, and what follows is 0
 * @stream_error: with FTRACE_TRACING_STREAM: 0, or why the file does not get all events any
 *                more: -EFBIG if it has its greatest size, -ENOSPC and other errors of write(2)
 * @file_size: bytes
 * @max_size: of the file, in bytes
 * @buffer_size: of a thread, in bytes
 * @buffers: how many there are
 * @free_buffers: of these, how many threads can get that begin now
 * @threads: how many threads have got a buffer so far
 * @max_depth: as in struct ftrace_tracing_opts
 * @min_time_ns: as in struct ftrace_tracing_opts
 * @lost_without_buffer: units of 16 bytes that were lost because their thread had no buffer
 * @lost_overwritten: units that were lost because they were overwritten before they were in the file
 * @copied: bytes that were moved from buffers to the end of the file
 */
struct ftrace_tracing_status {
	size_t size;
	unsigned int state;
	int stream_error;
	uint64_t file_size;
	uint64_t max_size;
	uint64_t buffer_size;
	unsigned int buffers;
	unsigned int free_buffers;
	unsigned int threads;
	unsigned int max_depth;
	uint64_t min_time_ns;
	uint64_t lost_without_buffer;
	uint64_t lost_overwritten;
	uint64_t copied;
};

/**
 * ftrace_tracing_get_status - get what is known of the recording
 * @status: its @size is set by the caller
 *
 * Returns 0 or
 *   -EFAULT   @status is NULL
 *   -EINVAL   @status->size is too small
 *   -E2BIG    @status is of a newer version
 *
 * Context: thread.
 */
int ftrace_tracing_get_status(struct ftrace_tracing_status *status);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_TRACING_H */
