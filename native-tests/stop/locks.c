/* SPDX-License-Identifier: MIT */
/*
 * locks.c - parked threads hold the locks of malloc, stdio and the loader. In
 * 10,000 windows the library must need none of them: it would wait for ever.
 *
 * The three threads do nothing else than take such a lock and give it back, so
 * most windows find one of them held. That this is so is checked: some windows
 * must have found a thread in the middle.
 */
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PATCHES 8

static atomic_bool finish;
static unsigned char *text;

/* 1 while the thread is inside of the C library. */
static atomic_int in_malloc, in_stdio, in_loader;
static unsigned long found_malloc, found_stdio, found_loader;

static FILE *shared;

static void *allocates(void *arg)
{
	unsigned int size = 1;

	(void)arg;
	while (!finish) {
		void *volatile block;

		size = size * 1103515245 + 12345;
		in_malloc = 1;
		/* From the smallest to such that are mapped each on its own. */
		block = malloc(size >> 16 & (size & 0x8000 ? 0xff : 0xfffff));
		free(block);
		in_malloc = 0;
	}
	return NULL;
}

static void *prints(void *arg)
{
	(void)arg;
	while (!finish) {
		in_stdio = 1;
		fprintf(shared, "%d %s\n", 4711, "something to print");
		fflush(shared);
		in_stdio = 0;
	}
	return NULL;
}

static void *loads(void *arg)
{
	(void)arg;
	while (!finish) {
		void *library;

		in_loader = 1;
		library = dlopen("libm.so.6", RTLD_NOW);
		CHECK(library && dlsym(library, "cos"));
		dlclose(library);
		in_loader = 0;
	}
	return NULL;
}

static int look(void *data)
{
	(void)data;
	found_malloc += in_malloc;
	found_stdio += in_stdio;
	found_loader += in_loader;
	return 0;
}

static void patch_all(uint32_t from, uint32_t to)
{
	struct ftrace_patch patches[PATCHES];

	for (int i = 0; i < PATCHES; i++)
		patches[i] = value_patch(text + i * 4096, from, to);
	CHECK_EQ(change(patches, PATCHES), 0);
}

int main(int argc, char **argv)
{
	void *(*const kinds[])(void *) = {allocates, prints, loads};
	long windows = argc > 1 ? atol(argv[1]) : 10000;
	pthread_t threads[3];

	CHECK((shared = fopen("/dev/null", "we")));
	text = text_map(PATCHES * 4096);
	for (int i = 0; i < PATCHES; i++)
		put_function(text + i * 4096, VALUE_A);
	text_seal(text, PATCHES * 4096);
	for (int i = 0; i < 3; i++)
		threads[i] = start(kinds[i], NULL);
	for (long i = 0; i < windows || !found_malloc || !found_stdio || !found_loader; i += 4) {
		patch_all(VALUE_A, VALUE_B);
		CHECK_EQ(ftrace_stop_machine(look, NULL), 0);
		patch_all(VALUE_B, VALUE_A);
		CHECK_EQ(ftrace_stop_machine(look, NULL), 0);
		/* What the patcher itself uses between windows must work as well. */
		free(malloc(100));
		fputs("x", shared);
	}
	finish = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	return 0;
}
