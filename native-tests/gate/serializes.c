/* SPDX-License-Identifier: MIT */
/*
 * serializes.c - an announced NMI executes a serializing instruction before it goes on:
 * SERIALIZE, IRET or CPUID, found by single steps. One that is not announced has no
 * need to, and no time.
 */
#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../threads.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static atomic_ulong steps, serializing;
static atomic_bool stepping;

static bool step(void)
{
	return stepping;
}

static void on_trap(int signo, siginfo_t *info, void *context)
{
	const unsigned char *ip =
		(unsigned char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	steps++;
	serializing += memcmp(ip, "\x48\xcf", 2) == 0 || memcmp(ip, "\x0f\x01\xe8", 3) == 0 ||
		       memcmp(ip, "\x0f\xa2", 2) == 0;
	on_step(signo, info, context);
}

static void nmi(int signo)
{
	(void)signo;
	stepping = true;
	send_signal(gettid(), SIGUSR2);
	ftrace_nmi_enter();
	stepping = false;
	ftrace_nmi_exit();
}

static unsigned long count(void)
{
	steps = serializing = 0;
	send_signal(gettid(), SIGUSR1);
	CHECK(steps > 0);
	return serializing;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	step_from(SIGUSR2, step);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	on_signal(SIGUSR1, nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	CHECK_EQ(count(), 0);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(count(), 1);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	CHECK_EQ(count(), 0);
	return 0;
}
