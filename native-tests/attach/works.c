/* SPDX-License-Identifier: MIT */
/*
 * works.c - a target of attach whose threads are busy.
 *
 *	works KIND [blocked]
 *
 *	malloc		8 threads and main allocate, and check what they have written, errno and a sum in a vector register
 *	dlopen		2 threads open and close an object; main sleeps
 *	fork		2 threads create children; main sleeps
 *	timer		as malloc, with SIGALRM at 1 kHz
 *	threads		64 threads that sleep on a condition, and main that creates and joins others
 */
#include "shared.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ERRNO_BEFORE 55

static struct shared *shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static int stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE);
}

static void bad(const char *what)
{
	fprintf(stderr, "works: %s\n", what);
	__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
}

static void advance(void)
{
	__atomic_add_fetch(&shared->progress, 1, __ATOMIC_RELEASE);
}

static void *allocate(void *seed)
{
	unsigned s = (unsigned)(long)seed;
	unsigned char *block[64] = {0}, tag[64];
	size_t size[64];
	double sum = 0;
	long turn = 0;

	errno = ERRNO_BEFORE;
	while (!stopped()) {
		int i;

		s = s * 1103515245 + 12345;
		i = s >> 16 & 63;
		if (block[i]) {
			for (size_t k = 0; k < size[i]; k++)
				if (block[i][k] != tag[i])
					bad("memory has changed");
			free(block[i]);
		}
		size[i] = s >> 8 & 1023;
		tag[i] = s >> 24;
		block[i] = malloc(size[i]);
		memset(block[i], tag[i], size[i]);
		sum += 1.0;
		if (sum != (double)++turn)
			bad("a vector register has changed");
		if (errno != ERRNO_BEFORE)
			bad("errno has changed");
		advance();
	}
	return 0;
}

static void *reopen(void *unused)
{
	while (!stopped()) {
		void *handle = dlopen(OBJECT, RTLD_NOW);

		if (!handle || dlclose(handle))
			bad(dlerror());
		advance();
	}
	return 0;
}

static void *breed(void *unused)
{
	while (!stopped()) {
		int status, child = fork();

		if (!child) {
			free(malloc(100));
			_exit(3);
		}
		if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 3)
			bad("a child has failed");
		advance();
	}
	return 0;
}

static void *sleep_on_condition(void *unused)
{
	pthread_mutex_lock(&mutex);
	while (!stopped())
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return 0;
}

static void *nothing(void *x)
{
	return x;
}

static void churn(void)
{
	while (!stopped()) {
		pthread_t t;
		void *result;

		if (pthread_create(&t, 0, nothing, shared) || pthread_join(t, &result) || result != shared)
			bad("a thread has failed");
		advance();
	}
	pthread_mutex_lock(&mutex);
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}

static void tick(int signo)
{
}

static void run(int threads, void *(*function)(void *), void (*body)(void))
{
	pthread_t t[64];

	for (long i = 0; i < threads; i++)
		pthread_create(t + i, 0, function, (void *)(i + 1));
	body();
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], 0);
}

static void work(void)
{
	allocate((void *)99);
}

static void sleep_on(void)
{
	while (!stopped()) {
		struct timespec t = {0, 20000000};

		while (nanosleep(&t, &t) && errno == EINTR)
			;
	}
}

int main(int argc, char **argv)
{
	shared = map_shared();
	if (argc > 2) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, 0);
	}
	if (!strcmp(argv[1], "timer")) {
		struct sigaction act = {.sa_handler = tick, .sa_flags = SA_RESTART};
		struct itimerval every = {{0, 1000}, {0, 1000}};

		sigaction(SIGALRM, &act, 0);
		setitimer(ITIMER_REAL, &every, 0);
		run(2, allocate, work);
	} else if (!strcmp(argv[1], "malloc")) {
		run(8, allocate, work);
	} else if (!strcmp(argv[1], "dlopen")) {
		run(2, reopen, sleep_on);
	} else if (!strcmp(argv[1], "fork")) {
		run(2, breed, sleep_on);
	} else if (!strcmp(argv[1], "threads")) {
		run(64, sleep_on_condition, churn);
	} else {
		return 64;
	}
	return shared->bad ? 1 : 42;
}
