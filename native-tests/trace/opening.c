/* SPDX-License-Identifier: MIT */
/*
 * opening.c - the library looks at an object that another thread is opening: it is
 * listed, but not relocated. Its functions are found and traced once it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "opening.h"

static void *opens(void *arg)
{
	void *handle = dlopen(OPENED, RTLD_NOW);

	if (!handle)
		dprintf(2, "%s\n", dlerror());
	CHECK(handle);
	*(void **)arg = handle;
	return NULL;
}

TRACED int plug_own(void);
TRACED int plug_own(void)
{
	return 1;
}

int main(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	int relocating[2], go_on[2], (*answer)(void);
	pthread_t thread;
	void *handle;
	char byte;

	CHECK_EQ(pipe(relocating), 0);
	CHECK_EQ(pipe(go_on), 0);
	CHECK_EQ(dup2(relocating[1], FD_RELOCATING), FD_RELOCATING);
	CHECK_EQ(dup2(go_on[0], FD_GO_ON), FD_GO_ON);
	trace(&ops, "plug_*");
	thread = start(opens, &handle);
	CHECK_EQ(read(relocating[0], &byte, 1), 1);
	CHECK_EQ(find_site("plug_answer").count, 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(write(go_on[1], "", 1), 1);
	join(thread);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("plug_answer").users, 1);
	answer = (int (*)(void))dlsym(handle, "plug_answer");
	CHECK(answer);
	CHECK_EQ(answer(), 1);
	CHECK_EQ(hits, 1);
	untrace(&ops);
	return 0;
}
