/* SPDX-License-Identifier: MIT */
/*
 * fork.c - fork() while NMIs run in other threads, and while another thread
 * patches all the time. What the other threads had announced, locked or parked
 * is gone in the child: it patches, starts a thread, patches again, and ends.
 * The parent goes on.
 *
 * A child that hangs is killed by its alarm, which fails the test.
 *
 * fork [METHOD] [WRITER]
 */
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS	      200
#define CHILD_SECONDS 60

/* One of each that nobody else changes, and one that is changed all the time. */
static unsigned char *quiet, *restless;
static atomic_bool finish;
static atomic_ulong nmis, rounds;

static void nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	check_function(quiet);
	check_function(restless);
	nmis++;
	check_function(restless);
	ftrace_nmi_exit();
}

static void *runs(void *arg)
{
	timer_t timer = thread_timer(SIGUSR1, 2000);

	(void)arg;
	while (!finish) {
		check_function(quiet);
		check_function(restless);
	}
	CHECK_EQ(timer_delete(timer), 0);
	return NULL;
}

static void *patches(void *arg)
{
	(void)arg;
	while (!finish) {
		toggle_twice(restless);
		rounds++;
	}
	return NULL;
}

static atomic_bool child_finish;

static void *child_thread(void *arg)
{
	(void)arg;
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	while (!child_finish)
		check_function(quiet);
	return NULL;
}

static void child(void)
{
	uint32_t value = call_function(restless);
	char perms[5];
	pthread_t thread;

	alarm(CHILD_SECONDS);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	page_perms((unsigned long)restless, perms);
	CHECK_EQ(strcmp(perms, "r-xp"), 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), -EPERM);

	toggle_twice(quiet);
	raise(SIGUSR1);
	CHECK(value == VALUE_A || value == VALUE_B);
	CHECK_EQ(set_value(restless, value, VALUE_A + VALUE_B - value), 0);
	CHECK_EQ(call_function(restless), VALUE_A + VALUE_B - value);

	thread = start(child_thread, NULL);
	toggle_twice(quiet);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	raise(SIGUSR1);
	toggle_twice(quiet);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	child_finish = true;
	join(thread);
	toggle_twice(quiet);
	_exit(0);
}

static void fork_once(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	timer_t timer;

	for (int i = 1; i < argc; i++)
		CHECK(take_way(argv[i]));
	quiet = new_function();
	restless = new_function();
	on_signal(SIGUSR1, nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);

	/* Before anything was ever patched. */
	fork_once();

	threads[0] = start(runs, NULL);
	threads[1] = start(runs, NULL);
	threads[2] = start(patches, NULL);
	timer = thread_timer(SIGUSR1, 500);
	for (int i = 0; i < FORKS; i++) {
		unsigned long round = rounds, nmi = nmis;

		fork_once();
		/* The parent's threads are still at it. */
		WAIT_FOR(rounds > round);
		WAIT_FOR(nmis > nmi);
	}
	CHECK_EQ(timer_delete(timer), 0);
	finish = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);

	/* The forking thread holds the window: the child holds it as well. */
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			CHECK_EQ(ftrace_arch_code_modify_prepare(), -EDEADLK);
			toggle_twice(quiet);
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
			toggle_twice(quiet);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	toggle_twice(quiet);
	toggle_twice(restless);
	return 0;
}
