/* SPDX-License-Identifier: MIT */
/* signals.h - handlers, timers that interrupt a thread, and what a thread blocks. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "test.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static inline void on_signal(int signo, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action)); /* for C++, which cannot name its members */
	action.sa_handler = handler;
	action.sa_flags = flags | SA_RESTART;
	CHECK_EQ(sigaction(signo, &action, NULL), 0);
}

/* A timer that sends @signo to the calling thread. */
static inline timer_t thread_timer(int signo, unsigned int hz)
{
	struct sigevent event = {.sigev_signo = signo, .sigev_notify = SIGEV_THREAD_ID};
	struct itimerspec period = {{0, 1000000000 / hz}, {0, 1000000000 / hz}};
	timer_t timer;

	event.sigev_notify_thread_id = gettid();
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &period, NULL), 0);
	return timer;
}

/* glibc's sigprocmask() hides the signals it keeps for itself. */
static inline uint64_t signal_mask(void)
{
	uint64_t mask;

	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)), 0);
	return mask;
}

#endif /* SIGNALS_H */
