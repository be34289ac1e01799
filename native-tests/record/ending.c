/* SPDX-License-Identifier: MIT */
/* ending.c - what other threads do at the moment when a recording ends. */
#include "../calls.h"
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <stdlib.h>
#include <sys/wait.h>

/* Long enough for a stop that nothing holds up. If it was not, nothing is wrong that a test would notice. */
#define HOLD_NS 300000000UL

static TRACED int inner(int x)
{
	return x + 1;
}

static volatile bool is_held, is_stopped;

/* Until the recording has ended, or waits for this thread. */
static void hold(void)
{
	uint64_t deadline = now_ns() + HOLD_NS;

	is_held = true;
	while (!is_stopped && now_ns() < deadline)
		sched_yield();
}

static void *stop_then(void *arg)
{
	WAIT_FOR(is_held);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	is_stopped = true;
	return arg;
}

static int held_call, clock_calls;

static long hold_at_clock(long number, bool done)
{
	if (number == SYS_clock_gettime && !done && clock_calls++ == held_call)
		hold();
	return 0;
}

/* The clocks at the end of the process are read by system calls, which the library makes itself. */
static void watch_clocks(void)
{
	static const struct sock_filter filter[] = {
		LOAD(args[5]),
		SKIP_UNLESS(CALL_MAGIC, 1),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(nr),
		SKIP_UNLESS(SYS_clock_gettime, 1),
		RETURN(SECCOMP_RET_TRAP),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};

	each_call = hold_at_clock;
	watching = true;
	CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
	add_filter(filter, sizeof(filter) / sizeof(*filter));
}

/* exit(3), while another thread stops the recording: before, and in the middle of, writing the clocks to the file. */
static void exits(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner", .buffer_size = 128 << 10);

	for (held_call = 0; held_call < 3; held_call++) {
		struct trace_file file;
		int status;
		pid_t child;

		unlink(opts.path);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			start_recording(&opts);
			inner(1);
			start(stop_then, NULL);
			watch_clocks();
			exit(0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED)
			skip("in the child");
		CHECK_EQ(status, 0);
		open_recording(&file);
		CHECK_EQ(check_trace(&file), NULL);
		CHECK_EQ(file.header->state, TRACE_FINISHED);
		close_trace(&file);
	}
}

/* The first block of the first ring, which the next thread takes. */
static struct trace_block *first_ring(void)
{
	unsigned long first, last, offset, lowest = ~0UL;
	struct trace_block *found = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, recording_path()) || sscanf(line, "%lx-%lx %*s %lx", &first, &last, &offset) != 3)
			continue;
		for (unsigned long at = first; at < last; at += 32 << 10) {
			struct trace_block *block = (struct trace_block *)at;

			if (block->magic == 0x4b425446 && block->type == TRACE_EVENTS && offset + at - first < lowest) {
				lowest = offset + at - first;
				found = block;
			}
		}
	}
	fclose(maps);
	return found;
}

static struct trace_block *ring;
static volatile pid_t claimer, other;
static volatile bool again;
static bool is_late;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	CHECK(((unsigned long)info->si_addr & -4096UL) == (unsigned long)ring);
	is_held = true;
	if (is_late)
		WAIT_FOR(other);
	else
		hold();
	CHECK_EQ(mprotect(ring, 4096, PROT_READ | PROT_WRITE), 0);
}

static void *claim(void *arg)
{
	claimer = gettid();
	ftrace_write_mark("first");
	WAIT_FOR(again);
	for (int i = 0; i < 100; i++)
		ftrace_write_mark("claimer");
	return arg;
}

static void *mark(void *arg)
{
	ftrace_write_mark("other");
	other = gettid();
	WAIT_FOR(again);
	for (int i = 0; i < 100; i++)
		ftrace_write_mark("other");
	return arg;
}

/*
 * A thread is taking its first ring when the recording ends, and all threads lose theirs: it is held up by a page that it
 * may not write to. In the next recording it has a ring of its own.
 */
static void claim_at_end(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner", .buffer_size = 128 << 10);
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	unsigned int marks[2] = {0};
	struct trace_event event;
	struct trace_file file;
	pthread_t threads[3];

	start_recording(&opts);
	ring = first_ring();
	CHECK(ring);
	CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	CHECK_EQ(mprotect(ring, 4096, PROT_READ), 0);
	threads[0] = start(claim, NULL);
	threads[1] = start(stop_then, NULL);
	WAIT_FOR(is_stopped);
	unlink(opts.path);
	start_recording(&opts);
	threads[2] = start(mark, NULL);
	WAIT_FOR(other);
	again = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	stop_recording(&file);
	while (next_event(&file, &event)) {
		bool is_others = strcmp((const char *)event.data, "other") == 0;

		CHECK_EQ(event.kind, TRACE_MARK);
		CHECK_EQ(event.block->tid, is_others ? other : claimer);
		marks[is_others]++;
	}
	CHECK_EQ(marks[0], 100);
	CHECK_EQ(marks[1], 101);
	close_trace(&file);
}

static void claims(void)
{
	claim_at_end();
}

/* The end does not wait for so long, and the next recording has begun. */
static void claims_late(void)
{
	is_late = true;
	claim_at_end();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"exits", exits},
		{"claims", claims},
		{"claims-late", claims_late},
		{},
	};

	return run_mode(modes, argc, argv);
}
