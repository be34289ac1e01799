/* SPDX-License-Identifier: MIT */
/*
 * target.c - a program that knows nothing of the library, for ftrace attach to come and go: threads that compute, wait and are
 * interrupted, and check what they get. It ends with 0 when its input ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4

static atomic_bool quit;

static __attribute__((noipa)) unsigned int work_once(unsigned int x)
{
	return x * 2654435761U + 1;
}

static __attribute__((noipa)) unsigned int work_often(unsigned int x)
{
	for (int i = 0; i < 100; i++)
		x = work_once(x);
	return x;
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void *work(void *arg)
{
	const struct timespec pause = {.tv_nsec = 300000};
	const unsigned int expected = work_often(1);

	errno = 4711;
	while (!quit) {
		char *text = malloc(100 + expected % 5000);

		if (!text || work_often(1) != expected || errno != 4711)
			abort();
		memset(text, 1, 100);
		free(text);
		/* The alarm may interrupt it, and nothing else. */
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL) == EINTR)
			continue;
	}
	return arg;
}

int main(void)
{
	const struct itimerval period = {{0, 10000}, {0, 10000}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	pthread_t threads[THREADS];

	if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &period, NULL))
		return 1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	quit = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
