/* SPDX-License-Identifier: MIT */
/*
 * fork-attach.c - fork() by a thread that never called the library, in the middle
 * of another thread's first call, or of its end. Whatever the library was noting
 * about that thread, the child patches, and so do its own new threads.
 *
 * The first call and the end are made in single steps, with the fork before
 * one of them; of all steps every 50th is tried. If the fork has to wait for
 * the thread in the middle, that one goes on.
 *
 * A child that hangs is killed by its alarm, which fails the test.
 */
#include "../attach.h"
#include "../proc.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 60

static unsigned char *function;
static atomic_int forker_tid, reaped;
static atomic_bool finish;

static void *attaches(void *arg)
{
	stats();
	return arg;
}

static void *forks(void *arg)
{
	forker_tid = gettid();
	for (int round = 1;; round++) {
		pid_t pid;
		int status;

		WAIT_FOR(go == round || finish);
		if (finish)
			return arg;
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			toggle_twice(function);
			join(start(attaches, NULL));
			toggle_twice(function);
			_exit(0);
		}
		forked = round;
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		reaped = round;
	}
}

static bool goes_on(void)
{
	return forked == round_no || asleep(forker_tid);
}

static void *attaches_in_steps(void *arg)
{
	attach_begin();
	stats();
	return arg;
}

int main(void)
{
	pthread_t forker;

	function = new_function();
	toggle_twice(function);
	attach_init(goes_on);
	forker = start(forks, NULL);
	WAIT_FOR(forker_tid);
	do {
		attach_next_round();
		join(start(attaches_in_steps, NULL));
		WAIT_FOR(reaped == go);
	} while (steps == wanted_step);
	finish = true;
	join(forker);
	toggle_twice(function);
	return 0;
}
