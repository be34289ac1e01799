/* SPDX-License-Identifier: MIT */
/*
 * fork-parked.c - fork() in an NMI that runs on a parked thread: in the child there is
 * no stop, and the thread goes on. Also if an attempt to stop threads has failed before
 * it began a stop, because /proc could not be read: there was no stop to end.
 */
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../threads.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NMI	      SIGUSR1
#define CHILD_SECONDS 20
#define WINDOW_NS     20000000000

static atomic_bool finish, in_child;
static atomic_int started, child, parked_tid;

static void nmi(int signo)
{
	pid_t pid;

	(void)signo;
	ftrace_nmi_enter();
	pid = fork();
	if (pid == 0)
		in_child = true;
	ftrace_nmi_exit();
	if (pid != 0)
		child = pid;
}

static void *runs(void *arg)
{
	(void)arg;
	parked_tid = gettid();
	started++;
	while (!finish)
		if (in_child)
			_exit(0);
	return NULL;
}

static void *runs_too(void *arg)
{
	(void)arg;
	started++;
	while (!finish)
		;
	return NULL;
}

static int let_fork(void *data)
{
	uint64_t end = now_ns() + WINDOW_NS;

	(void)data;
	child = 0;
	send_signal(parked_tid, NMI);
	while (child == 0 && now_ns() < end)
		;
	return 0;
}

static void fork_parked(void)
{
	uint64_t end = now_ns() + CHILD_SECONDS * 1000000000ull;
	int status, pid;

	CHECK_EQ(ftrace_stop_machine(let_fork, NULL), 0);
	CHECK(child > 0);
	/* An alarm of its own would be blocked where it hangs. */
	while ((pid = waitpid(child, &status, WNOHANG)) == 0 && now_ns() < end)
		usleep(1000);
	if (pid == 0)
		kill(child, SIGKILL);
	CHECK_EQ(pid, child);
	CHECK_EQ(status, 0);
}

/* A thread that is not known yet has to be looked up, which needs a file. */
static void fail_to_stop(void)
{
	struct rlimit before, none;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), -EAGAIN);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	pthread_t first, second;

	on_signal(NMI, nmi, SA_RESTART);
	CHECK_EQ(ftrace_nmi_add_signal(NMI), 0);
	first = start(runs, NULL);
	while (started != 1)
		sched_yield();
	fork_parked();
	second = start(runs_too, NULL);
	while (started != 2)
		sched_yield();
	fail_to_stop();
	fork_parked();
	finish = true;
	join(first);
	join(second);
	return 0;
}
