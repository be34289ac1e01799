/* SPDX-License-Identifier: MIT */
/*
 * sanitizers.c - a program that is linked with the library, for sanitizers.sh.
 *
 *   asks    looks at the version, no more
 *   uses    traces functions while threads call them, patches, forks
 *   leaks   loses memory of its own
 */
#include <ftrace/ftrace.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

__attribute__((noinline, patchable_function_entry(5))) long work(long value)
{
	__asm__ __volatile__("" : "+r"(value));
	return value + 1;
}

static unsigned long hits;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
}

static void *works(void *arg)
{
	for (long i = 0; i < 1000; i++)
		work(i);
	return arg;
}

/* The first error. */
static void keep(int *error, int result)
{
	*error = *error ? *error : result;
}

static int uses(void)
{
	pthread_t threads[THREADS];
	pid_t pid;
	int error = 0, status;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, works, NULL))
			return 2;
	for (int round = 0; round < 20; round++) {
		struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};

		keep(&error, ftrace_set_filter(&ops, "work", 0, 0));
		keep(&error, ftrace_register_function(&ops));
		work(1);
		keep(&error, ftrace_unregister_function(&ops));
		keep(&error, ftrace_free_filter(&ops));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pid = fork();
	if (pid == 0)
		_exit(ftrace_update_sites() != 0);
	waitpid(pid, &status, 0);
	printf("error %d, hits %lu, child %d\n", error, hits, status);
	return error || hits < 20 || status;
}

/* Nothing of it may be left in a register or on the stack. */
static void __attribute__((noinline)) lose_memory(void)
{
	void *volatile lost = malloc(4711);

	memset(lost, 1, 4711);
	lost = NULL;
}

static void __attribute__((noinline)) clear_stack(void)
{
	volatile char stack[8192];

	memset((char *)stack, 0, sizeof(stack));
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "uses") == 0)
		return uses();
	if (argc > 1 && strcmp(argv[1], "leaks") == 0) {
		for (int i = 0; i < 4; i++)
			lose_memory();
		clear_stack();
	}
	return !ftrace_version()[0];
}
