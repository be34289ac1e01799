/* SPDX-License-Identifier: MIT */
/*
 * hold.h - a thread is held up at the nth instruction of a traced call.
 *
 * One instruction at a time, from SIGUSR1 on. It is held not in that handler, for
 * whose end the library may wait, but by SIGUSR2, which is blocked and pending
 * until there.
 */
#ifndef HOLD_H
#define HOLD_H

#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

static int hold_at, hold_steps, held, let_go;

static inline void on_hold_step(int signo, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	int saved_errno = errno;

	(void)signo, (void)info;
	if (hold_steps++ < hold_at) {
		context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	} else {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		sigdelset(&context->uc_sigmask, SIGUSR2);
	}
	errno = saved_errno;
}

static inline void hold(int signo)
{
	(void)signo;
	__atomic_store_n(&held, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&let_go, __ATOMIC_ACQUIRE));
}

/* Once, for the process. */
static inline void hold_init(void)
{
	struct sigaction action = {.sa_sigaction = on_hold_step, .sa_flags = SA_SIGINFO};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	on_signal(SIGUSR2, hold, 0);
}

/* By the thread: from here on each instruction counts. */
static inline void hold_begin(void)
{
	sigset_t hold_signal;

	sigemptyset(&hold_signal);
	sigaddset(&hold_signal, SIGUSR2);
	hold_steps = 0;
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &hold_signal, NULL), 0);
	send_signal(gettid(), SIGUSR2);
	send_signal(gettid(), SIGUSR1);
}

#endif /* HOLD_H */
