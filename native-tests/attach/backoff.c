/* SPDX-License-Identifier: MIT */
/*
 * backoff.c - an allocator that sleeps while its lock is taken, as some do; built as a library, or into the program.
 *
 * With -DPROGRAM the program too:
 *
 *	backoff		the first thread sleeps in the allocator, another one in read(2). Nobody may allocate on the first one meanwhile
 *	backoff sleeps	the only thread sleeps, and has called the allocator before
 *
 * It says "ready", and ends with 42 when its input ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef ALLOCATOR
extern void *__libc_malloc(size_t), *__libc_realloc(void *, size_t), *__libc_calloc(size_t, size_t);
extern void __libc_free(void *);

volatile int backoff_locked, backoff_sleeps;
static __thread int inside;

static void enter(void)
{
	if (inside)
		_exit(1);
	inside = 1;
	/* Only for the thread that has taken it. */
	while (backoff_locked == gettid()) {
		struct timespec t = {0, 1000000};

		backoff_sleeps++;
		nanosleep(&t, 0);
	}
}

void *malloc(size_t n)
{
	void *p;

	enter();
	p = __libc_malloc(n);
	inside = 0;
	return p;
}

void *calloc(size_t n, size_t m)
{
	void *p;

	enter();
	p = __libc_calloc(n, m);
	inside = 0;
	return p;
}

void *realloc(void *q, size_t n)
{
	void *p;

	enter();
	p = __libc_realloc(q, n);
	inside = 0;
	return p;
}

void free(void *p)
{
	enter();
	__libc_free(p);
	inside = 0;
}
#endif

#ifdef PROGRAM
extern volatile int backoff_locked, backoff_sleeps;
void *volatile block;

static void *other(void *unused)
{
	char byte;

	while (!backoff_sleeps)
		usleep(1000);
	if (write(1, "ready\n", 6) != 6)
		_exit(2);
	while (read(0, &byte, 1) > 0)
		;
	backoff_locked = 0;
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1) {
		/* It sleeps between its calls of the allocator. */
		char byte;

		fcntl(0, F_SETFL, O_NONBLOCK);
		puts("ready");
		fflush(stdout);
		while (read(0, &byte, 1)) {
			struct timespec t = {0, 1000000};

			block = malloc(100);
			free(block);
			nanosleep(&t, 0);
		}
		return 42;
	}
	if (pthread_create(&thread, 0, other, 0))
		return 2;
	backoff_locked = gettid();
	block = malloc(100);
	pthread_join(thread, 0);
	return 42;
}
#endif
