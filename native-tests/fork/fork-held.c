/* SPDX-License-Identifier: MIT */
/*
 * fork-held.c - fork() inside of announced NMIs that the breakpoint method counts as
 * held: in the child they are counted anew, and when they have left there is nobody
 * that a change waits for. One too few, and the child waits for ever.
 */
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../ways.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTER SIGUSR1
#define INNER SIGUSR2

static int levels;
static pid_t child;

static void nmi(int signo)
{
	ftrace_nmi_enter();
	CHECK_EQ(ftrace_nmi_thread.saved & 1, 1);
	if (signo == OUTER && levels == 2)
		raise(INNER);
	else
		child = fork();
	ftrace_nmi_exit();
}

int main(void)
{
	unsigned char *function = new_function();
	int status;

	on_signal(OUTER, nmi, 0);
	on_signal(INNER, nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(OUTER), 0);
	CHECK_EQ(ftrace_nmi_add_signal(INNER), 0);
	way.method = FTRACE_METHOD_BREAKPOINT;
	for (levels = 1; levels <= 2; levels++) {
		/* The gate is open, and no breakpoints are to come: whoever enters is held. */
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		raise(OUTER);
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		CHECK(child >= 0);
		toggle_twice(function);
		if (child == 0)
			_exit(0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	return 0;
}
