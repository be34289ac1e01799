/* SPDX-License-Identifier: MIT */
/*
 * fork-attach.c - fork() by a thread that never called the library, in the middle
 * of another thread's first call, or of its end. Whatever the library was noting
 * about that thread, the child patches, and so do its own new threads.
 *
 * The first call and the end are made in single steps, with the fork in front of
 * one of them; of all steps every STRIDE-th is tried. If the fork has to wait for
 * the thread in the middle, that one goes on.
 *
 * A child that hangs is killed by its alarm, which fails the test.
 */
#include "../test.h"

#include <limits.h>
#include <sys/wait.h>

#define STRIDE	      50
#define CHILD_SECONDS 60

static unsigned char *function;
static pthread_key_t last_key;
static atomic_int forker_tid, round_no, go, forked, reaped;
static atomic_bool finish;
static atomic_long steps, wanted_step;
static __thread int destructor_round;
static __thread bool over;

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

static bool step(void)
{
	if (over)
		return false;
	if (++steps < wanted_step)
		return true;
	go = round_no;
	WAIT_FOR(forked == round_no || asleep(forker_tid));
	return false;
}

/* A key younger than the library's: in the last round its destructor is the last. */
static void last_destructor(void *value)
{
	if (++destructor_round < PTHREAD_DESTRUCTOR_ITERATIONS)
		CHECK_EQ(pthread_setspecific(last_key, value), 0);
	else
		over = true;
}

static void *attaches_in_steps(void *arg)
{
	CHECK_EQ(pthread_setspecific(last_key, function), 0);
	raise(SIGUSR1);
	stats();
	return arg;
}

int main(void)
{
	pthread_t forker;

	function = new_function();
	toggle_twice(function);
	CHECK_EQ(pthread_key_create(&last_key, last_destructor), 0);
	step_from(SIGUSR1, step);
	forker = start(forks, NULL);
	WAIT_FOR(forker_tid);
	do {
		round_no++;
		wanted_step += STRIDE;
		steps = 0;
		join(start(attaches_in_steps, NULL));
		WAIT_FOR(reaped == go);
	} while (steps == wanted_step);
	finish = true;
	join(forker);
	toggle_twice(function);
	return 0;
}
