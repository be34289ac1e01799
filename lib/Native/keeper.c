/* SPDX-License-Identifier: MIT */
/*
 * keeper.c - the recorder's thread: it does everything that takes time or system calls, so
 * that threads which record do nothing of it. What it does is in lib/Record/Keeper.cs.
 *
 * There is one while a recording runs. It sleeps on recorder.asked, for at most as long as
 * its last work has said, and works when it was asked or the time is over.
 */
#include "recorder.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <linux/futex.h>

#define STACK_SIZE (256 * 1024)
#define FIRST_WAIT_NS 1000000L
#define START_NS   1000000000L

static unsigned int running; /* 1: there is a keeper, or one is being created; a futex */
static unsigned int wanted;
static int process;

int thread_keeper_work(void);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

static void wait_on(const unsigned int *word, unsigned int value, long ns)
{
	struct timespec time = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};

	raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, (long)&time, 0, 0);
}

static void wake(unsigned int *word)
{
	raw_syscall(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

/* Any context; the trampoline has saved general registers only. */
__attribute__((target("general-regs-only"))) void keeper_ask(void)
{
	__atomic_add_fetch(&ftrace_recorder.asked, 1, __ATOMIC_SEQ_CST);
	wake(&ftrace_recorder.asked);
}

static void *keeper_main(void *arg)
{
	(void)arg;
	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace-keeper", 0, 0, 0, 0);
	while (__atomic_load_n(&wanted, __ATOMIC_SEQ_CST)) {
		unsigned int asked = __atomic_load_n(&ftrace_recorder.asked, __ATOMIC_SEQ_CST);
		/* Microseconds until it is to work again; or an error: the runtime cannot be entered yet. */
		int pause = entry_agent(thread_keeper_work);

		if (__atomic_load_n(&wanted, __ATOMIC_SEQ_CST))
			wait_on(&ftrace_recorder.asked, asked,
				pause < 0 ? FIRST_WAIT_NS : pause * 1000L);
	}
	__atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);
	wake(&running);
	return NULL;
}

/* In the child of a fork, however it was created: there is no keeper. */
void keeper_after_fork(void)
{
	running = 0;
	wanted = 0;
}

/* It takes no signals but those that are not in @mask, which it inherits. Returns 0 or -errno. */
int keeper_start(unsigned long mask)
{
	unsigned long saved_mask;
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	process = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	error = pthread_attr_init(&attr);
	if (error)
		return -error;
	running = 1;
	wanted = 1;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&saved_mask, 8, 0, 0);
	error = __real_pthread_create(&thread, &attr, keeper_main, NULL);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
	pthread_attr_destroy(&attr);
	if (error)
		running = wanted = 0;
	return -error;
}

/* Ends the keeper, and waits for it. Called with no lock that it takes. */
void keeper_end(void)
{
	if (process != raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0))
		return; /* the child of a fork has none */
	__atomic_store_n(&wanted, 0, __ATOMIC_SEQ_CST);
	keeper_ask();
	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST))
		wait_on(&running, 1, START_NS);
}
