/* SPDX-License-Identifier: MIT */
/*
 * idle.c - a process that cannot be attached to, for one reason.
 *
 *	idle [zombie | seccomp | main | protected | lock]
 *
 * It says "ready", and ends when its input ends; with lock, at SIGTERM.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void end(int signo)
{
	_exit(42);
}

static void *wait_for_end(void *unused)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return unused;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	if (!strcmp(kind, "zombie")) {
		int child = fork();

		if (!child)
			_exit(0);
		printf("%d\n", child);
		fflush(stdout);
	}
	if (!strcmp(kind, "seccomp")) {
		struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog program = {1, allow};

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			return 2;
	}
	if (!strcmp(kind, "protected") && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return 2;
	if (!strcmp(kind, "lock")) {
		static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

		signal(SIGTERM, end);
		pthread_mutex_lock(&lock);
		puts("ready");
		fflush(stdout);
		pthread_mutex_lock(&lock);
	}
	if (!strcmp(kind, "main")) {
		pthread_t thread;

		if (pthread_create(&thread, 0, wait_for_end, 0))
			return 2;
		pthread_exit(0);
	}
	wait_for_end(0);
	return 42;
}
