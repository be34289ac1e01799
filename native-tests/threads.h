/* SPDX-License-Identifier: MIT */
/* threads.h - threads of a test. */
#ifndef THREADS_H
#define THREADS_H

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

static inline void join(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static inline void send_signal(pid_t tid, int signo)
{
	CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, signo), 0);
}

#endif /* THREADS_H */
