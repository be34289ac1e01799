/* SPDX-License-Identifier: MIT */
/*
 * sanitized.c - threads, locks and memory, for ThreadSanitizer, whose own thread has every
 * signal blocked, and AddressSanitizer. A report of theirs ends the program with a status
 * of its own; there is nothing to report here.
 */
#include "../../test.h"
#include "../../threads.h"
#include "work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS 4
#define CELLS	64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned char *cells[CELLS]; /* under the lock */
static unsigned long rounds;	    /* under the lock */
static atomic_bool finish;

static void exchange(unsigned long number)
{
	size_t size = 16 + number % 2000;
	unsigned char *mine = malloc(size), *other;

	CHECK(mine);
	memset(mine, (int)(number & 255), size);
	pthread_mutex_lock(&lock);
	other = cells[number % CELLS];
	cells[number % CELLS] = mine;
	rounds++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (other)
		CHECK_EQ(other[0], other[15]);
	free(other);
}

static void *worker(void *arg)
{
	for (unsigned long i = (unsigned long)arg; !atomic_load(&finish); i += WORKERS) {
		work_verify(i);
		exchange(i);
	}
	return NULL;
}

/* A thread that comes and goes. */
static void *visitor(void *arg)
{
	work_verify((unsigned long)arg);
	exchange((unsigned long)arg);
	return NULL;
}

int main(void)
{
	pthread_t threads[WORKERS];

	for (long i = 0; i < WORKERS; i++)
		threads[i] = start(worker, (void *)i);
	for (unsigned long i = 0; work_continues(20); i++) {
		unsigned long seen;

		pthread_mutex_lock(&lock);
		for (seen = rounds; rounds - seen < 10;)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		join(start(visitor, (void *)i));
	}
	atomic_store(&finish, true);
	for (int i = 0; i < WORKERS; i++)
		join(threads[i]);
	for (int i = 0; i < CELLS; i++)
		free(cells[i]);
	printf("%#lx\n", work_checksum());
	return 0;
}
