/* SPDX-License-Identifier: MIT */
/*
 * reload.c - the library opened and closed 100 times, by the main thread and by
 * others, with threads that used it ending before and after it is closed. The
 * program is not linked with the library.
 */
#define _GNU_SOURCE
#define FTRACE_NO_INLINE
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 100

struct calls {
	void *library;
	__typeof__(ftrace_nmi_enter) *enter;
	__typeof__(ftrace_nmi_exit) *exit;
	__typeof__(ftrace_patch_text) *patch_text;
	__typeof__(ftrace_version) *version;
};

static unsigned char *function;
static atomic_int used;
static atomic_bool closed, finish;

static struct calls open_library(void)
{
	struct calls calls = {.library = dlopen(FTRACE_LIBRARY, RTLD_NOW)};

	if (!calls.library) {
		dprintf(2, "%s\n", dlerror());
		_exit(1);
	}
	calls.enter = dlsym(calls.library, "ftrace_nmi_enter");
	calls.exit = dlsym(calls.library, "ftrace_nmi_exit");
	calls.patch_text = dlsym(calls.library, "ftrace_patch_text");
	calls.version = dlsym(calls.library, "ftrace_version");
	CHECK(calls.enter && calls.exit && calls.patch_text && calls.version);
	return calls;
}

static void use(const struct calls *calls, unsigned char *at)
{
	struct ftrace_patch patch = value_patch(at, VALUE_A, VALUE_B);

	calls->enter();
	check_function(at);
	calls->exit();
	CHECK_EQ(calls->patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(call_function(at), VALUE_B);
	patch = value_patch(at, VALUE_B, VALUE_A);
	CHECK_EQ(calls->patch_text(&patch, 1, NULL), 0);
	CHECK(strlen(calls->version()) > 0);
}

static void *ends_before(void *arg)
{
	unsigned char *own = new_function();

	use(arg, own);
	munmap(own, 4096);
	used++;
	return NULL;
}

static void *ends_after(void *arg)
{
	ends_before(arg);
	WAIT_FOR(closed);
	return NULL;
}

static void *opens_itself(void *arg)
{
	struct calls calls = open_library();

	ends_before(&calls);
	CHECK_EQ(dlclose(calls.library), 0);
	return arg;
}

static void *lives_on(void *arg)
{
	(void)arg;
	while (!finish)
		check_function(function);
	return NULL;
}

int main(void)
{
	pthread_t always;

	function = new_function();
	always = start(lives_on, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t before, after, itself = start(opens_itself, NULL);
		struct calls calls = open_library();

		closed = false;
		before = start(ends_before, &calls);
		after = start(ends_after, &calls);
		use(&calls, function);
		join(before);
		join(itself);
		WAIT_FOR(used == 3);
		used = 0;
		CHECK_EQ(dlclose(calls.library), 0);
		closed = true;
		join(after);
	}
	finish = true;
	join(always);
	return 0;
}
