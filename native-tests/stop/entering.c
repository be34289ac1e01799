/* SPDX-License-Identifier: MIT */
/*
 * entering.c - a thread has taken the stop signal, and is held up before the first
 * statement of its handler, as on a busy machine, while the patcher looks at it. All that
 * it blocks then is blocked by the handler: it is not seized, but parks, and takes NMIs.
 *
 * Certain: the kernel's signal frame ends within 64 bytes of a page of the thread's stack
 * that cannot be written until this test says so, and the handler needs more.
 */
#include "../held_page.h"
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define NMI	SIGUSR1
#define PROBE	SIGUSR2
#define SIZE	(1 << 20)
#define ALIGN	64ul /* the kernel's, for the vector registers */
#define LOOKS	4
#define SLEEPS	"\nvoluntary_ctxt_switches:"

static char *stack;
static unsigned char *function;
static unsigned long probed_at, frame_size;
static atomic_int spinner_tid, patcher_tid, probes, nmis;
static atomic_bool probed, spins, is_patient, finish;

static void on_probe(int signo, siginfo_t *info, void *context)
{
	unsigned long sp = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];

	(void)signo, (void)info;
	if (sp == probed_at) {
		/* The return address is below the context. */
		frame_size = sp - ((unsigned long)context - sizeof(long));
		probed = true;
	}
	probes++;
}

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	nmis++;
	ftrace_nmi_exit();
}

/* Runs with that stack pointer until *@end. */
static void spin_at(unsigned long sp, atomic_bool *end)
{
	__asm__ __volatile__("mov %%rsp, %%rbx\n"
			     "mov %0, %%rsp\n"
			     "1: movb $1, %2\n"
			     "pause\n"
			     "cmpb $0, (%1)\n"
			     "je 1b\n"
			     "mov %%rbx, %%rsp"
			     :
			     : "r"(sp), "r"(end), "m"(spins)
			     : "rbx", "memory", "cc");
}

static void *spin(void *arg)
{
	unsigned long end = (unsigned long)arg;

	spinner_tid = gettid();
	spin_at(probed_at, &probed);
	spins = false;
	spin_at((end + frame_size + ALIGN - 1) & ~(ALIGN - 1), &finish);
	return NULL;
}

static int send_nmi(void *data)
{
	(void)data;
	send_signal(spinner_tid, NMI);
	WAIT_FOR(nmis);
	return 0;
}

static void *stops(void *arg)
{
	patcher_tid = gettid();
	/* Stops that are given up, each with the thread as the last one left it. */
	while (!is_patient)
		CHECK_EQ(patch_within(function, 1), -ETIMEDOUT);
	CHECK_EQ(ftrace_stop_machine(send_nmi, NULL), 0);
	return arg;
}

/* Between two sleeps the patcher looks at who is missing. */
static void wait_for_looks(void)
{
	char path[64];
	uint64_t before;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", patcher_tid);
	before = proc_number(path, SLEEPS, 10);
	WAIT_FOR(proc_number(path, SLEEPS, 10) - before >= LOOKS);
}

int main(void)
{
	struct sigaction probe = {.sa_sigaction = on_probe, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct held_pages pages;
	pthread_t spinner, patcher;
	pthread_attr_t attr;

	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	memset(stack, 0, SIZE);
	function = new_function();
	probed_at = (unsigned long)stack + SIZE / 2;
	CHECK_EQ(sigaction(PROBE, &probe, NULL), 0);
	on_signal(NMI, on_nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(NMI), 0);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstack(&attr, stack, SIZE), 0);
	CHECK_EQ(pthread_create(&spinner, &attr, spin, (void *)probed_at), 0);
	WAIT_FOR(spinner_tid);
	for (int n = 1; !probed; n++) {
		send_signal(spinner_tid, PROBE);
		WAIT_FOR(probes == n); /* none is pending when the page is held */
	}
	WAIT_FOR(spins);
	pages = hold_pages(stack, SIZE / 2);

	patcher = start(stops, NULL);
	wait_until_held(&pages);
	wait_for_looks();
	is_patient = true;
	wait_for_looks();
	let_go_of_pages(&pages);
	join(patcher);
	CHECK_EQ(nmis, 1);
	finish = true;
	join(spinner);
	return 0;
}
