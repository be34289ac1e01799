/* SPDX-License-Identifier: MIT */
/*
 * debugged.c - changes text while a thread runs it, and says how; debugged.sh runs
 * it under debuggers and knows what they have to make of it.
 *
 * debugged default      the default method
 * debugged breakpoint   the same, then the breakpoint method until a breakpoint
 *                       was met
 */
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 50

static unsigned char *function;
static atomic_bool finish;
static atomic_ulong rounds;

static void *runs(void *arg)
{
	(void)arg;
	while (!finish) {
		check_function(function);
		rounds++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"none", "stop", "breakpoint"};
	uint64_t deadline = now_ns() + TEST_WAIT_SECONDS * 1000000000ul;
	pthread_t thread;
	int result;

	CHECK_EQ(argc, 2);
	function = new_function();
	thread = start(runs, NULL);
	WAIT_FOR(rounds > 0);
	way.method = FTRACE_METHOD_AUTO;
	for (int i = 0; i < ROUNDS; i++)
		toggle_twice(function);
	printf("default: %s\n", names[stats().last_method]);
	if (strcmp(argv[1], "breakpoint") == 0) {
		way.method = FTRACE_METHOD_BREAKPOINT;
		result = patch_within(function, 0);
		printf("breakpoint: %d\n", result);
		while (result == 0 && stats().breakpoint_hits == 0) {
			CHECK(now_ns() < deadline);
			toggle_twice(function);
		}
	}
	finish = true;
	join(thread);
	printf("done\n");
	return 0;
}
