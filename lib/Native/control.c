/* SPDX-License-Identifier: MIT */
/*
 * control.c - a thread that changes a recording when another process asks for it, by the trace file:
 * docs/control.md. What it does is in lib/Record/ControlArea.cs.
 *
 * It is not the keeper, because a change takes locks that the host may hold for long: the loader's.
 * Nobody waits for it. So what it uses is its own: struct control_session, and the mapping of the
 * file's first page, which it frees itself. A recording that has ended sets @ended, and changes the
 * word that it sleeps on.
 *
 * Who may run against whom: other processes write to the page at any time, whatever they want.
 */
#include "recorder.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <linux/futex.h>

#define STACK_SIZE    (1024 * 1024) /* as the agent's: names are compared */
#define LONGEST_NS    10000000000L
#define RETRY_NS      1000000L
#define PAGE	      4096

int thread_control_work(void *session);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

static void sleep_on(const unsigned int *word, unsigned int value, long ns)
{
	struct timespec time = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};
	/* Not private: another process wakes it. */
	long error = raw_syscall(SYS_futex, (long)word, FUTEX_WAIT, value, (long)&time, 0, 0);

	if (error == -EFAULT || error == -ENOSYS)
		raw_syscall(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
}

static void *control_main(void *arg)
{
	struct control_session *session = arg;

	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace-control", 0, 0, 0, 0);
	while (!__atomic_load_n(&session->ended, __ATOMIC_SEQ_CST)) {
		int error = entry_service(thread_control_work, session);

		sleep_on(session->requested, session->seen, error ? RETRY_NS : LONGEST_NS);
	}
	raw_syscall(SYS_munmap, (long)session->page, PAGE, 0, 0, 0, 0);
	raw_syscall(SYS_munmap, (long)session, PAGE, 0, 0, 0, 0);
	return NULL;
}

/* Creates the thread, which has the session from now on. Returns 0 or -errno. */
int control_start(struct control_session *session, unsigned long mask)
{
	unsigned long saved_mask;
	pthread_attr_t attr;
	pthread_t thread;
	int error = pthread_attr_init(&attr);

	if (error)
		return -error;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&saved_mask, 8, 0, 0);
	error = __real_pthread_create(&thread, &attr, control_main, session);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
	pthread_attr_destroy(&attr);
	return -error;
}
