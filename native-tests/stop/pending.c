/* SPDX-License-Identifier: MIT */
/*
 * pending.c - stop signals that are not taken while their stop is on.
 *
 * pending queue   a thread that blocks it is not sent one, whatever else can be done
 * pending late    a thread that takes it in the moment in which the stop is
 *                 given up: it parks or not, but it always goes on
 * pending since   a thread that has blocked it since it parked in the last stop is not
 *                 sent one either, except for a moment after that stop
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../steps.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned char *function;
static int stop_signal;

static void mask_all(int how)
{
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(how, &all, NULL), 0);
}

/* queue */

#define UNWILLING    2
#define QUEUE_ROUNDS 3

static atomic_int blocked, round_no, counted, unblocked;
static atomic_bool unblock, finish;

static int take_pending(void)
{
	struct timespec no_time = {0, 0};
	sigset_t set;
	int count = 0;

	sigemptyset(&set);
	sigaddset(&set, stop_signal);
	while (sigtimedwait(&set, NULL, &no_time) == stop_signal)
		count++;
	return count;
}

static void *unwilling(void *arg)
{
	atomic_int *pending = arg;

	mask_all(SIG_BLOCK);
	blocked++;
	for (int i = 1; i <= QUEUE_ROUNDS; i++) {
		WAIT_FOR(round_no == i);
		*pending = take_pending();
		counted++;
	}
	WAIT_FOR(unblock);
	mask_all(SIG_UNBLOCK);
	unblocked++;
	WAIT_FOR(finish);
	return NULL;
}

static void queue(void)
{
	static atomic_int pending[UNWILLING];
	pthread_t threads[UNWILLING];
	uint64_t before;

	forbid_call(SYS_ptrace, EPERM);
	for (int i = 0; i < UNWILLING; i++)
		threads[i] = start(unwilling, &pending[i]);
	WAIT_FOR(blocked == UNWILLING);
	for (int i = 1; i <= QUEUE_ROUNDS; i++) {
		/* A long stop is several attempts. */
		CHECK_EQ(patch_within(function, 200), -ETIMEDOUT);
		for (int n = 0; n < 100; n++)
			CHECK_EQ(patch_within(function, 1), -ETIMEDOUT);
		round_no = i;
		WAIT_FOR(counted == i * UNWILLING);
		for (int n = 0; n < UNWILLING; n++)
			CHECK_EQ(pending[n], 0);
	}
	CHECK_EQ(patch_within(function, 1), -ETIMEDOUT);
	unblock = true;
	WAIT_FOR(unblocked == UNWILLING);
	before = stats().stopped_threads;
	for (int n = 0; n < 100; n++)
		CHECK_EQ(patch_within(function, 0), 0);
	CHECK_EQ(stats().stopped_threads - before, 100 * UNWILLING);
	finish = true;
	for (int i = 0; i < UNWILLING; i++)
		join(threads[i]);
}

/*
 * late. The patcher waits in vain, gives up, and releases whoever has parked. At
 * one instruction of that way the thread takes its stop signal, and the patcher
 * does not execute the next one before the thread is asleep or was not stopped
 * at all. Then it has to go on by itself, because no other stop is on. One
 * instruction after another is tried, by single steps.
 */

#define WITNESS	   SIGUSR2 /* undeclared: blocked in a thread that is parked, and only there */
#define TIMEOUT_MS 1
#define STEPS_FROM 600000 /* ns: the patcher sleeps, and has little left to do but to give up */

static atomic_int late_tid, trusted, block, ready, go, went_on;
static atomic_long steps, wanted_step;
static atomic_bool called;

static void *is_late(void *arg)
{
	sigset_t stop;

	(void)arg;
	late_tid = gettid();
	sigemptyset(&stop);
	sigaddset(&stop, stop_signal);
	for (int i = 1; !finish; i++) {
		trusted = i;
		WAIT_FOR(block == i);
		CHECK_EQ(pthread_sigmask(SIG_BLOCK, &stop, NULL), 0);
		ready = i;
		WAIT_FOR(go == i);
		CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &stop, NULL), 0);
		went_on = i;
	}
	return NULL;
}

static void let_go(void)
{
	go++;
	WAIT_FOR(went_on == go || (blocks(late_tid, WITNESS) && asleep(late_tid)));
}

static bool step(void)
{
	if (called && ++steps == wanted_step)
		let_go();
	return called && steps < wanted_step;
}

static void late(void)
{
	const struct itimerspec once = {{0, 0}, {0, STEPS_FROM}};
	pthread_t thread = start(is_late, NULL);
	timer_t timer;

	forbid_call(SYS_ptrace, EPERM);
	/* Deliverable in the patcher while it stops others. */
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	step_from(SIGUSR1, step);
	timer = thread_timer(SIGUSR1, 2);

	wanted_step = 1;
	for (int round = 1; steps == 0 || steps == wanted_step; round++) {
		int ret;

		/* If there was none, the timer came when the call was over. */
		if (steps == wanted_step)
			wanted_step++;
		steps = 0;
		WAIT_FOR(trusted == round);
		gain_trust();
		block = round;
		WAIT_FOR(ready == round);
		CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
		called = true;
		ret = patch_within(function, TIMEOUT_MS);
		called = false;
		CHECK(ret == 0 || ret == -ETIMEDOUT);
		if (go < round)
			let_go();
		WAIT_FOR(went_on == round);
	}
	CHECK_EQ(timer_delete(timer), 0);
	WAIT_FOR(trusted > go);
	finish = true;
	block++;
	go++;
	join(thread);
}

/* since */

#define TRUST_NS 1000000000 /* a stop is relied on for so long */

static void *blocks_since(void *arg)
{
	trusted = 1;
	WAIT_FOR(block == 1);
	mask_all(SIG_BLOCK);
	ready = 1;
	while (!unblock) /* sleeps in no call, as one that waits for signals in turns */
		__builtin_ia32_pause();
	CHECK_EQ(take_pending(), 0);
	return arg;
}

static void since(void)
{
	pthread_t thread = start(blocks_since, NULL);
	uint64_t parked;

	WAIT_FOR(trusted == 1);
	gain_trust();
	parked = now_ns();
	WAIT_FOR(now_ns() - parked > TRUST_NS);
	block = 1;
	WAIT_FOR(ready == 1);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	unblock = true;
	join(thread);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"queue", queue}, {"late", late}, {"since", since}, {NULL, NULL}};

	function = new_function();
	stop_signal = find_stop_signal();
	return run_mode(modes, argc, argv);
}
