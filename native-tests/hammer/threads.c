/* SPDX-License-Identifier: MIT */
/*
 * Threads, their timers, and the handlers: the one that plays the NMI, and the
 * one for the faults that torn code raises.
 *
 * Every thread has a timer of its own. Three signals are shared out among the
 * threads, and now and then a handler raises the next of the three, so that
 * handlers nest two and three deep, or gives its core away.
 *
 *   struct worker   its thread, and the handlers that interrupt it there
 *   stopping        written by the patching thread, read by the others
 *   all else        written before other threads exist, then constant
 */
#define _GNU_SOURCE
#include "threads.h"
#include "functions.h"
#include "graph.h"
#include "ops.h"
#include "sites.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NMI_SIGNALS	 3
#define NEST_EVERY	 8
#define YIELD_EVERY	 13
#define FAULT_STACK_SIZE 65536

static const int fault_signals[] = {SIGSEGV, SIGILL, SIGBUS, SIGTRAP};

struct worker {
	struct executor who;
	pthread_t thread;
	pid_t tid;
	timer_t timer;
	bool armed;
	int signal; /* 0 .. NMI_SIGNALS - 1 */
	int (*change)(unsigned int changer);
	bool patches;
	int error;
	/* the handlers' */
	unsigned int cursor;
	unsigned int depth;
	unsigned int nest; /* how many more handlers to raise */
	unsigned int nmis;
	_Alignas(16) char fault_stack[FAULT_STACK_SIZE];
};

static struct run *run;
static void (*execute)(const struct executor *who, bool nmi, unsigned int from, unsigned int count);
static struct worker *workers; /* the caller's is the first */
static unsigned int worker_count;
static pid_t pid;
static pthread_barrier_t armed;
static _Atomic bool stopping;
static __thread struct worker *self;

static int nmi_signo(int signal)
{
	return SIGRTMIN + 1 + signal % NMI_SIGNALS;
}

/* A handler with all signals blocked lets this one through, here and nowhere else. */
static void raise_nested(const struct worker *w, int signo)
{
	int saved_errno = errno;

	syscall(SYS_tgkill, pid, w->tid, signo);
	if (run->settings.mask_all) {
		sigset_t nested;

		sigemptyset(&nested);
		sigaddset(&nested, signo);
		pthread_sigmask(SIG_UNBLOCK, &nested, NULL);
		pthread_sigmask(SIG_BLOCK, &nested, NULL);
	}
	errno = saved_errno;
}

static void nmi(int signo)
{
	struct worker *w = self;
	unsigned long marks = function_marks;
	unsigned int from = w->cursor;

	w->depth++;
	w->nmis++;
	w->cursor = (from + run->settings.nmi_sites) % run->settings.sites;
	if (w->depth == 1)
		w->nest = w->nmis % NEST_EVERY ? 0 : 1 + w->nmis / NEST_EVERY % 2;
	if (w->nest) {
		w->nest--;
		raise_nested(w, nmi_signo(signo - nmi_signo(0) + 1));
	}
	/*
	 * A handler that does not run, and then goes on: whole changes begin and end meanwhile,
	 * unless it is a patching thread that waits for a core.
	 */
	if (!w->patches && w->nmis % YIELD_EVERY == 0)
		syscall(SYS_sched_yield);
	execute(&w->who, true, from, run->settings.nmi_sites);
	atomic_fetch_add_explicit(&w->who.counters->nmis, 1, memory_order_relaxed);
	w->depth--;
	function_marks = marks;
}

static void nmi_handler(int signo)
{
	ftrace_nmi_enter();
	nmi(signo);
	ftrace_nmi_exit();
}

static char *put(char *to, const char *text)
{
	return stpcpy(to, text);
}

static char *put_hex(char *to, unsigned long value)
{
	to = put(to, "0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

/* The thread cannot go on. The supervising process has the results. */
static void fault_handler(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	char line[160], *to = line;

	atomic_fetch_add(&run->results.crashes, 1);
	if (run->settings.control == CONTROL_OFF) {
		to = put(to, "hammer: ");
		to = put(to, signo == SIGSEGV  ? "SIGSEGV"
			     : signo == SIGILL ? "SIGILL"
			     : signo == SIGBUS ? "SIGBUS"
					       : "SIGTRAP");
		to = put(to, " at ");
		to = put_hex(to, (unsigned long)uc->uc_mcontext.gregs[REG_RIP]);
		to = put(to, ", address ");
		to = put_hex(to, (unsigned long)info->si_addr);
		to = put(to, self && self->depth ? ", in an NMI\n" : "\n");
		if (write(STDERR_FILENO, line, (size_t)(to - line)) < 0)
			_exit(EXIT_TORN);
	}
	_exit(EXIT_TORN);
}

static int arm(struct worker *w)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID};
	struct itimerspec interval = {0};
	stack_t stack = {.ss_sp = w->fault_stack, .ss_size = sizeof(w->fault_stack)};
	long ns = 1000000000L / run->settings.nmi_hz;

	self = w;
	w->tid = (pid_t)syscall(SYS_gettid);
	if (sigaltstack(&stack, NULL))
		return -errno;
	event.sigev_signo = nmi_signo(w->signal);
	event.sigev_notify_thread_id = w->tid;
	if (timer_create(CLOCK_MONOTONIC, &event, &w->timer))
		return -errno;
	w->armed = true;
	interval.it_interval.tv_sec = ns / 1000000000L;
	interval.it_interval.tv_nsec = ns % 1000000000L;
	interval.it_value = interval.it_interval;
	if (timer_settime(w->timer, 0, &interval, NULL))
		return -errno;
	return 0;
}

/* Blocked first: a signal that is pending then never finds its thread half gone. */
static void disarm(struct worker *w)
{
	stack_t none = {.ss_flags = SS_DISABLE};
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < NMI_SIGNALS; i++)
		sigaddset(&set, nmi_signo(i));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (w->armed)
		timer_delete(w->timer);
	sigaltstack(&none, NULL);
}

static void *worker_main(void *arg)
{
	static const struct sched_param param = {0};
	struct worker *w = arg;

	/*
	 * A batch thread does not preempt the thread that woke it. Otherwise,
	 * with more threads than cores, the patching thread loses its core at
	 * the end of each stop, and most of the time nothing is changed. Only
	 * the rate depends on it, so a refusal does not matter.
	 */
	if (!w->patches)
		pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	w->error = arm(w);
	pthread_barrier_wait(&armed);
	while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
		if (w->change && w->change(1))
			break;
		execute(&w->who, false, 0, run->settings.sites);
	}
	disarm(w);
	return NULL;
}

int threads_init(struct run *shared)
{
	struct sigaction action = {.sa_flags = SA_RESTART};
	int ret;

	run = shared;
	execute = run->settings.ops ? ops_execute : sites_execute;
	if (run->settings.graph)
		execute = graph_execute;
	pid = getpid();
	/* Without --mask-all it blocks only its own number, so that the others nest. */
	if (run->settings.mask_all)
		sigfillset(&action.sa_mask);
	action.sa_handler = run->settings.control == CONTROL_NO_BRACKET ? nmi : nmi_handler;
	for (int i = 0; i < NMI_SIGNALS; i++) {
		if (sigaction(nmi_signo(i), &action, NULL))
			return run_fail(&run->results, -errno, "sigaction");
		ret = ftrace_nmi_add_signal(nmi_signo(i));
		if (ret)
			return run_fail(&run->results, ret, "ftrace_nmi_add_signal");
	}
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	action.sa_sigaction = fault_handler;
	for (size_t i = 0; i < sizeof(fault_signals) / sizeof(fault_signals[0]); i++)
		if (sigaction(fault_signals[i], &action, NULL))
			return run_fail(&run->results, -errno, "sigaction");
	return 0;
}

int threads_start(int (*change)(unsigned int changer))
{
	unsigned int count = run->settings.threads + (change ? 2 : 1);
	int ret;

	worker_count = count;
	workers = calloc(count, sizeof(*workers));
	if (!workers)
		return run_fail(&run->results, -ENOMEM, "memory for the threads");
	pthread_barrier_init(&armed, NULL, count);
	for (unsigned int i = 0; i < count; i++) {
		struct worker *w = &workers[i];

		w->who.thread = i;
		w->who.counters = &run->results.thread[i];
		w->who.first = &run->results.first;
		w->signal = (int)i % NMI_SIGNALS;
		w->cursor = (unsigned int)((uint64_t)i * run->settings.sites / count);
		w->change = i > run->settings.threads ? change : NULL;
		w->patches = i == 0 || w->change;
		if (i == 0)
			continue;
		ret = -pthread_create(&w->thread, NULL, worker_main, w);
		if (ret)
			return run_fail(&run->results, ret, "pthread_create");
	}
	workers[0].error = arm(&workers[0]);
	pthread_barrier_wait(&armed);
	for (unsigned int i = 0; i < count; i++)
		if (workers[i].error)
			return run_fail(&run->results, workers[i].error,
					"cannot create a timer");
	return 0;
}

void threads_execute_own(void)
{
	execute(&workers[0].who, false, 0, run->settings.sites);
}

void threads_stop(void)
{
	atomic_store(&stopping, true);
	for (unsigned int i = 1; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
	disarm(&workers[0]);
	pthread_barrier_destroy(&armed);
	free(workers);
}
