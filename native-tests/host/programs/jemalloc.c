/* SPDX-License-Identifier: MIT */
/*
 * jemalloc.c - with jemalloc preloaded and MALLOC_CONF=background_thread:true: its thread
 * has every signal blocked, and comes back for memory that was freed.
 */
#include "../../proc.h"
#include "../../test.h"
#include "../../threads.h"
#include "work.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3
#define BLOCKS	256

static atomic_bool finish;

static void *worker(void *arg)
{
	unsigned char *blocks[BLOCKS] = {NULL};
	size_t sizes[BLOCKS] = {0};

	for (unsigned long i = (unsigned long)arg; !finish; i += WORKERS) {
		unsigned long at = i * 7 % BLOCKS;

		if (blocks[at]) {
			CHECK_EQ(blocks[at][0], at);
			CHECK_EQ(blocks[at][sizes[at] - 1], at);
			free(blocks[at]);
		}
		sizes[at] = 1 + i * 7919 % (i % 16 ? 2000 : 200000);
		blocks[at] = malloc(sizes[at]);
		CHECK(blocks[at]);
		memset(blocks[at], (int)at, sizes[at]);
		work_verify(i);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	return NULL;
}

/* More threads than those of this program, of which a tool may have some: one by its name. */
static bool has_thread_named(const char *name)
{
	bool found = false;

	for (int tid = getpid(); tid < getpid() + 100 && !found; tid++) {
		char path[64], text[PROC_SIZE];
		int file;
		long length;

		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			continue;
		length = read(file, text, sizeof(text) - 1);
		close(file);
		text[length > 0 ? length : 0] = '\0';
		found = !strncmp(text, name, strlen(name));
	}
	return found;
}

int main(void)
{
	int (*mallctl)(const char *, void *, size_t *, void *, size_t) =
		(int (*)(const char *, void *, size_t *, void *, size_t))dlsym(RTLD_DEFAULT,
									       "mallctl");
	pthread_t threads[WORKERS];
	bool background = false;
	size_t size = sizeof(background);

	CHECK(mallctl);
	CHECK_EQ(mallctl("background_thread", &background, &size, NULL, 0), 0);
	CHECK(background);
	for (long i = 0; i < WORKERS; i++)
		threads[i] = start(worker, (void *)i);
	WAIT_FOR(has_thread_named("jemalloc_bg_thd"));
	while (work_continues(50))
		usleep(2000);
	finish = true;
	for (int i = 0; i < WORKERS; i++)
		join(threads[i]);
	printf("%#lx\n", work_checksum());
	return 0;
}
