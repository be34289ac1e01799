/* SPDX-License-Identifier: MIT */
/*
 * late-trap.c - a thread has executed a breakpoint, but its SIGTRAP arrives when
 * the batch is over: it goes on with the instruction that stands there by then.
 *
 * Another process that traces this one thread holds the signal back until the
 * patcher is through.
 */
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define LATE 50

struct shared {
	atomic_int attached, held, released;
	atomic_bool finish, impossible;
};

static struct shared *shared;
static unsigned char *function;
static atomic_int runner_tid;
static atomic_ulong rounds;

static void *runs(void *arg)
{
	(void)arg;
	runner_tid = gettid();
	while (!shared->finish) {
		check_function(function);
		rounds++;
	}
	return NULL;
}

/* Holds each SIGTRAP until the patcher has seen that it is held. */
static void tracer(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
		shared->impossible = true;
		_exit(0);
	}
	shared->attached = 1;
	while (waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status)) {
		int signo = status >> 16 ? 0 : WSTOPSIG(status);

		if (signo == SIGTRAP) {
			int held = ++shared->held;

			WAIT_FOR(shared->released >= held || shared->finish);
		}
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signo);
	}
	_exit(0);
}

int main(void)
{
	uint32_t value = VALUE_A;
	uint64_t late = 0, in_time;
	pthread_t thread;
	pid_t child;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
	function = new_function();
	way.method = FTRACE_METHOD_BREAKPOINT;
	thread = start(runs, NULL);
	WAIT_FOR(runner_tid);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		tracer(runner_tid);
	WAIT_FOR(shared->attached || shared->impossible);
	if (shared->impossible)
		skip("ptrace(2) is denied");

	in_time = stats().breakpoint_hits;
	while (late < LATE) {
		uint32_t next = VALUE_A + VALUE_B - value;

		CHECK_EQ(set_value(function, value, next), 0);
		value = next;
		if (shared->held > shared->released) {
			unsigned long round = rounds;

			/* The batch is over, and nobody has emulated anything. */
			late++;
			shared->released = shared->held;
			WAIT_FOR(rounds > round + 1);
		}
	}
	CHECK_EQ(stats().breakpoint_hits, in_time);
	CHECK_EQ(call_function(function), value);
	printf("%lu traps came late\n", late);
	shared->finish = true;
	join(thread);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	return 0;
}
