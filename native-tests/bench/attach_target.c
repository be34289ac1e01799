/* SPDX-License-Identifier: MIT */
/*
 * attach_target.c - a program that is attached to. It is not linked with the library.
 *
 *	attach_target idle
 *	attach_target spin CPU	a thread reads the clock all the time, on this CPU, and now and then
 *calls functions that can be traced; main sleeps attach_target busy	9 threads allocate, and read
 *the clock attach_target threaded	as work, after it has had a second thread attach_target work
 *for each byte of the standard input: calls functions, or the C library, and writes how many ns
 *that took
 *
 * What is measured between two steps is how long the process stands still: no thread of it has run
 *meanwhile.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "attach_shared.h"

#define BUSY_THREADS  9
#define BLOCKS	      64
#define CALLS	      20000
#define LIBRARY_CALLS 2000
#define LARGE	      4096 /* more than malloc keeps for each thread without a lock */

static struct attach_shared *shared;
static FILE *nowhere;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

unsigned long attach_one(unsigned long x);
unsigned long attach_two(unsigned long x);
unsigned long attach_turn(unsigned long x);
unsigned long attach_seldom(unsigned long x);

__attribute__((noipa, aligned(64))) unsigned long attach_one(unsigned long x)
{
	return x * 3 + 1;
}

__attribute__((noipa, aligned(64))) unsigned long attach_two(unsigned long x)
{
	return attach_one(x) ^ x >> 3;
}

__attribute__((noipa, aligned(64))) unsigned long attach_turn(unsigned long x)
{
	return attach_two(x) + attach_one(x + 1);
}

/* Its calls of some seconds fit into a small buffer. */
__attribute__((noipa, aligned(64))) unsigned long attach_seldom(unsigned long x)
{
	return x + 1;
}

static void step(void)
{
	uint64_t now = now_ns(),
		 before = __atomic_exchange_n(&shared->latest, now, __ATOMIC_RELAXED), longest;

	longest = __atomic_load_n(&shared->longest, __ATOMIC_RELAXED);
	while (now > before && now - before > longest &&
	       !__atomic_compare_exchange_n(&shared->longest, &longest, now - before, 0,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void begin(void)
{
	__atomic_store_n(&shared->latest, now_ns(), __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->running, 1, __ATOMIC_RELEASE);
}

static void *spin(void *cpu)
{
	unsigned long x = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((long)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	begin();
	for (unsigned int turn = 0;; turn++) {
		for (int i = 0; i < 256; i++)
			step();
		x = attach_turn(x);
		if (turn % 16 == 0)
			x = attach_seldom(x);
	}
	return NULL;
}

static void *allocate(void *seed)
{
	unsigned int s = (unsigned int)(long)seed;
	char *blocks[BLOCKS] = {NULL};

	for (begin();; step()) {
		size_t size;
		int i;

		s = s * 1103515245 + 12345;
		i = s >> 16 & (BLOCKS - 1);
		size = s >> 8 & 4095;
		free(blocks[i]);
		blocks[i] = malloc(size);
		if (blocks[i])
			memset(blocks[i], i, size);
		attach_turn(s);
	}
	return NULL;
}

static uint64_t time_calls(void)
{
	uint64_t start = now_ns();
	unsigned long x = 0;

	for (int i = 0; i < CALLS; i++)
		x = attach_turn(x);
	__asm__ __volatile__("" ::"r"(x));
	return now_ns() - start;
}

/* What the C library does with fewer atomic instructions as long as a process has one thread. */
static uint64_t time_library(void)
{
	uint64_t start = now_ns();

	for (int i = 0; i < LIBRARY_CALLS; i++) {
		void *large = malloc(LARGE);

		__asm__ __volatile__("" ::"r"(large) : "memory");
		free(large);
		fputc('x', nowhere);
	}
	return now_ns() - start;
}

static int work(void)
{
	uint64_t took;
	char what;

	nowhere = fopen("/dev/null", "we");
	if (!nowhere)
		return 1;
	begin();
	while (read(STDIN_FILENO, &what, 1) == 1) {
		took = what == 'l' ? time_library() : time_calls();
		if (write(STDOUT_FILENO, &took, sizeof(took)) != sizeof(took))
			return 1;
	}
	return 0;
}

static void start(void *(*function)(void *), long argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)argument))
		_exit(1);
}

static void *do_nothing(void *nothing)
{
	return nothing;
}

static void have_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) || pthread_join(thread, NULL))
		_exit(1);
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, ATTACH_FD, 0);
	if (argc < 2 || shared == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "threaded"))
		have_thread();
	if (!strcmp(argv[1], "work") || !strcmp(argv[1], "threaded"))
		return work();
	if (!strcmp(argv[1], "spin") && argc == 3)
		start(spin, atoi(argv[2]));
	else if (!strcmp(argv[1], "busy"))
		for (long i = 1; i < BUSY_THREADS; i++)
			start(allocate, i);
	else if (strcmp(argv[1], "idle"))
		return 2;
	if (!strcmp(argv[1], "busy"))
		allocate((void *)BUSY_THREADS);
	if (!strcmp(argv[1], "idle"))
		begin();
	for (;;)
		pause();
}
