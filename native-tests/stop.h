/* SPDX-License-Identifier: MIT */
/* stop.h - the stop of a test: which signal it takes, and when that comes. */
#ifndef STOP_H
#define STOP_H

#include "test.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int do_nothing(void *data)
{
	(void)data;
	return 0;
}

/*
 * Which signal stops threads: the one that lost its default disposition with
 * the first stop. Call it before any other stop.
 */
static inline int find_stop_signal(void)
{
	bool was_default[65] = {false};
	struct sigaction action;
	int signo;

	for (signo = SIGRTMIN; signo <= 64; signo++) {
		CHECK_EQ(sigaction(signo, NULL, &action), 0);
		was_default[signo] = action.sa_handler == SIG_DFL;
	}
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	for (signo = 64; signo >= SIGRTMIN; signo--) {
		CHECK_EQ(sigaction(signo, NULL, &action), 0);
		if (was_default[signo] && action.sa_handler != SIG_DFL)
			return signo;
	}
	CHECK(!"a stop signal");
	return 0;
}

/*
 * Who has parked in a stop is taken to do so in the next one, without a look at what it
 * blocks; that of a new thread is looked at. So a thread that blocks the signal after this is sent it.
 */
static inline void gain_trust(void)
{
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
}

/*
 * For the stop signal, which the calling thread blocks. It does not get it if the stop sees
 * that: then it is stopped by ptrace(2), in here, and goes on when that is over; or, in an
 * announced NMI, with a note in its words.
 */
static atomic_bool stop_is_over;

static inline bool stop_is_noted(void)
{
#ifdef FTRACE_NMI_INLINE_H
	return *(volatile unsigned long *)&ftrace_nmi_thread.reserved[0] != 0;
#else
	return false;
#endif
}

static inline void wait_until_pending(int signo)
{
	uint64_t pending;

	do {
		CHECK_EQ(syscall(SYS_rt_sigpending, &pending, sizeof(pending)), 0);
		sched_yield();
	} while (!(pending >> (signo - 1) & 1) && !stop_is_over && !stop_is_noted());
}

/* The same, and then it comes, here. */
static inline void let_in(int signo)
{
	sigset_t set;

	wait_until_pending(signo);
	sigemptyset(&set);
	sigaddset(&set, signo);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

#endif /* STOP_H */
