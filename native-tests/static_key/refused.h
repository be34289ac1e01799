/* SPDX-License-Identifier: MIT */
/*
 * refused.h - where nothing may be changed: in an NMI, in the window of a stop, and in a
 * change of one's own.
 */
#ifndef REFUSED_H
#define REFUSED_H

#include "../signals.h"
#include "../test.h"

#include <errno.h>
#include <signal.h>

static void (*refused_change)(int error);

static inline int refused_in_window(void *data)
{
	(void)data;
	refused_change(-EDEADLK);
	return 0;
}

static inline void refused_in_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	refused_change(-EDEADLK);
	ftrace_nmi_exit();
}

/* @change checks that a change fails with this error. */
static inline void check_refused(void (*change)(int error))
{
	refused_change = change;
	on_signal(SIGUSR1, refused_in_nmi, 0);
	raise(SIGUSR1);
	CHECK_EQ(ftrace_stop_machine(refused_in_window, NULL), 0);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	change(-EDEADLK);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
}

#endif /* REFUSED_H */
