/* SPDX-License-Identifier: MIT */
/*
 * constructor.c - nobody waits for a handler with a lock that it may want: while one thread
 * waits for a handler that runs, others register, look for objects, open them and fork. A
 * handler that asks the loader waits for who opens an object, whose constructor calls the
 * library, which waited for who unregisters, and that one for the handler.
 *
 * constructor held | SECONDS
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../proc.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "../traced_two.h"

static unsigned long constructed;

void from_constructor(void);

void from_constructor(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(ftrace_set_filter(&ops, "tg", 0, 1), 0);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	constructed++;
}

static void open_and_close(void)
{
	void *plugin = dlopen(PLUGIN, RTLD_NOW);

	CHECK(plugin);
	CHECK_EQ(dlclose(plugin), 0);
}

/* Certain: the handler waits for us. */
static int in_handler, go_on, returned;
static pid_t unregisterer;

static void stays(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_store_n(&in_handler, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
}

static void *call_once(void *arg)
{
	CHECK_EQ(tf(1), 2);
	return arg;
}

static void *unregister(void *arg)
{
	__atomic_store_n(&unregisterer, gettid(), __ATOMIC_RELEASE);
	CHECK_EQ(ftrace_unregister_function(arg), 0);
	__atomic_store_n(&returned, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void held(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(stays), other = OPS(count_hit, .data = &hits);
	pthread_t caller, waiter;
	int status;
	pid_t pid;

	alarm(60);
	trace(&ops, "tf");
	caller = start(call_once, NULL);
	WAIT_FOR(__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
	waiter = start(unregister, &ops);
	WAIT_FOR(*(volatile unsigned char *)tf != 0xe8);
	for (int i = 0; i < 3; i++)
		WAIT_FOR(asleep(__atomic_load_n(&unregisterer, __ATOMIC_ACQUIRE)));
	CHECK_EQ(ftrace_update_sites(), 0);
	trace(&other, "t[fg]");
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits, 1);
	for (int i = 0; i < 5; i++)
		open_and_close();
	CHECK_EQ(constructed, 10);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(20);
		CHECK_EQ(tg(1), 3);
		CHECK_EQ(hits, 2);
		untrace(&other);
		CHECK_EQ(tg(1), 3);
		CHECK_EQ(hits, 2);
		/* The one that its parent waits for is gone here. */
		trace(&ops, "tg");
		untrace(&ops);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	/* What is being taken away can be put back: it is registered again then. */
	CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(ftrace_register_function(&ops), -EEXIST);
	CHECK(!__atomic_load_n(&returned, __ATOMIC_ACQUIRE));
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	join(caller);
	join(waiter);
	CHECK_EQ(returned, 1);
	in_handler = 0;
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(in_handler, 1);
	untrace(&ops);
	untrace(&other);
}

/* The same left to chance. */
static int stop;
static unsigned long calls, rounds, opened;

static void asks_loader(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *regs)
{
	Dl_info info;

	(void)parent_ip, (void)ops, (void)regs;
	CHECK(dladdr((void *)ip, &info));
}

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void *caller(void *arg)
{
	for (; !stopped(); __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED))
		CHECK_EQ(tf(1), 2);
	return arg;
}

static void *registerer(void *arg)
{
	struct ftrace_ops ops = OPS(asks_loader);

	for (; !stopped(); __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED)) {
		trace(&ops, "t[fg]");
		untrace(&ops);
	}
	return arg;
}

static void *opener(void *arg)
{
	for (; !stopped(); __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED))
		open_and_close();
	return arg;
}

static void run(int seconds)
{
	struct ftrace_ops ops = OPS(asks_loader);
	void *(*const bodies[])(void *) = {caller, registerer, opener};
	unsigned long *const progress[] = {&calls, &rounds, &opened};
	uint64_t end = now_ns() + seconds * 1000000000ULL;
	pthread_t threads[3];

	trace(&ops, "tf");
	for (int i = 0; i < 3; i++)
		threads[i] = start(bodies[i], NULL);
	while (now_ns() < end) {
		unsigned long before[3];

		for (int i = 0; i < 3; i++)
			before[i] = __atomic_load_n(progress[i], __ATOMIC_RELAXED);
		for (int i = 0; i < 3; i++)
			WAIT_FOR(__atomic_load_n(progress[i], __ATOMIC_RELAXED) != before[i]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	dprintf(1, "%lu calls, %lu times registered, %lu opened\n", calls, rounds, opened);
	untrace(&ops);
	CHECK_EQ(stats().gc_collections, 0);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	if (strcmp(argv[1], "held") == 0)
		held();
	else
		run(atoi(argv[1]));
	return 0;
}
