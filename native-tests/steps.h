/* SPDX-License-Identifier: MIT */
/*
 * steps.h - single steps. A thread that receives @signo executes one instruction at a
 * time, and each_step() before each, until that returns false.
 */
#ifndef STEPS_H
#define STEPS_H

#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

static bool (*each_step)(void);

static inline void on_step(int signo, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
	int saved_errno = errno;

	(void)signo, (void)info;
	*flags = each_step() ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
	errno = saved_errno;
}

static inline void step_from(int signo, bool (*step)(void))
{
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_RESTART};

	each_step = step;
	CHECK_EQ(sigaction(signo, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
}

#endif /* STEPS_H */
