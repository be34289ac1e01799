/* SPDX-License-Identifier: MIT */
/*
 * forks.c - a program that records itself, and forks: what the child's calls of the library do.
 *
 * A child that hangs is killed by its alarm, which fails the test.
 */
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define CHILD_SECONDS 60
#define CALLS	      50
#define FORKS	      40

static TRACED int leaf(int n)
{
	return n + 1;
}

static void call(void)
{
	for (int i = 0; i < CALLS; i++)
		leaf(i);
}

static void in_child(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		alarm(CHILD_SECONDS);
		fn();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static unsigned int calls_in(struct trace_file *file)
{
	uint64_t address = trace_symbol(file, "leaf");
	struct trace_event event;
	unsigned int calls = 0;

	first_event(file);
	while (next_event(file, &event))
		calls += event.kind == TRACE_ENTRY && event.argument == address;
	return calls;
}

static char parent_path[64];

/* Its file is finished when it stops; then it can begin another one. */
static void stop_and_start(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf");
	struct trace_file file;
	char path[100];

	call();
	CHECK_EQ(ftrace_tracing_start(&opts), -EBUSY);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	CHECK_EQ(ftrace_tracing_stop(), -ESRCH);
	snprintf(path, sizeof(path), "%s.%d", parent_path, getpid());
	open_trace(&file, path);
	unlink(path);
	CHECK(!check_trace(&file));
	CHECK_EQ(file.header->state, TRACE_FINISHED);
	CHECK_EQ(calls_in(&file), CALLS);
	close_trace(&file);

	call(); /* not recorded */
	start_recording(&opts);
	call();
	call();
	stop_recording(&file);
	CHECK_EQ(calls_in(&file), 2 * CALLS);
	close_trace(&file);
}

/* The same in a child that has no file. */
static void stop_unused(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf");
	struct trace_file file;

	CHECK_EQ(ftrace_tracing_stop(), 0);
	CHECK_EQ(ftrace_tracing_start(&opts), 0);
	call();
	stop_recording(&file);
	CHECK_EQ(calls_in(&file), CALLS);
	close_trace(&file);
}

static void run_with(unsigned int flags, void (*fn)(void))
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .flags = flags);
	struct trace_file file;

	snprintf(parent_path, sizeof(parent_path), "%s", recording_path());
	start_recording(&opts);
	call();
	in_child(fn);
	call();
	recording_path(); /* of this process again */
	stop_recording(&file);
	CHECK_EQ(calls_in(&file), 2 * CALLS);
	close_trace(&file);
}

static void own(void)
{
	run_with(0, stop_and_start);
	run_with(FTRACE_TRACING_STREAM, stop_and_start);
	run_with(0, stop_unused);
	run_with(FTRACE_TRACING_NO_CHILDREN, stop_unused);
}

static atomic_bool finish;
static atomic_int rounds;

static void *records(void *arg)
{
	struct ftrace_tracing_opts opts = {
		.size = sizeof(opts), .path = arg, .filter = "leaf", .buffer_size = 128 << 10};

	while (!finish) {
		unlink(opts.path);
		CHECK_EQ(ftrace_tracing_start(&opts), 0);
		rounds++;
		CHECK_EQ(ftrace_tracing_stop(), 0);
	}
	return NULL;
}

/* Whatever the other thread was doing: no crash, no hang. */
static void try_all(void)
{
	struct ftrace_tracing_opts opts = {.size = sizeof(opts), .filter = "leaf", .buffer_size = 128 << 10};
	char path[64], own[100];
	int error;

	call();
	snprintf(path, sizeof(path), "record-busy-%d", getppid());
	snprintf(own, sizeof(own), "%s.%d", path, getpid());
	opts.path = own;
	ftrace_tracing_stop();
	unlink(own);
	error = ftrace_tracing_start(&opts);
	CHECK(error == 0 || error == -EBUSY || error == -EAGAIN || error == -EEXIST);
	call();
	ftrace_tracing_stop();
	unlink(own);
}

/* Another thread starts and stops recordings. */
static void busy(void)
{
	pthread_t thread;
	char path[64];
	int before;

	snprintf(path, sizeof(path), "record-busy-%d", getpid());
	CHECK_EQ(pthread_create(&thread, NULL, records, path), 0);
	for (int i = 0; i < FORKS; i++) {
		before = rounds;
		WAIT_FOR(rounds != before);
		in_child(try_all);
	}
	finish = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"own", own}, {"busy", busy}, {}};

	return run_mode(modes, argc, argv);
}
