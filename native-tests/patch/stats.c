/* SPDX-License-Identifier: MIT */
/*
 * stats.c - the counters move as documented, and only then; the runtime
 * allocates nothing and collects nothing while the library works.
 */
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define THREADS 3

static unsigned char *function;
static atomic_bool finish;
static atomic_int running;

static void *runs(void *arg)
{
	(void)arg;
	running++;
	while (!finish)
		check_function(function);
	return NULL;
}

static int nothing_differs(const struct ftrace_stats *a, const struct ftrace_stats *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void check_dyn_info(void)
{
	struct ftrace_stats now = stats();
	unsigned long waits, updates;
	char text[64], end;
	int length = ftrace_arch_read_dyn_info(text, sizeof(text));

	CHECK_EQ(length, strlen(text));
	CHECK_EQ(sscanf(text, "%lu %lu%c", &waits, &updates, &end), 2);
	CHECK_EQ(waits, now.nmi_wait_count);
	CHECK_EQ(updates, now.nmi_update_count);
}

static int modify_twice(void *data)
{
	unsigned char a[5], b[5];
	int ret;

	(void)data;
	put_value(a, VALUE_A);
	put_value(b, VALUE_B);
	ret = ftrace_modify_code((unsigned long)function, a, b);
	return ret ? ret : ftrace_modify_code((unsigned long)function, b, a);
}

int main(void)
{
	struct ftrace_patch patches[2];
	struct ftrace_stats before, after;
	pthread_t threads[THREADS];

	function = new_function();
	before = stats();
	CHECK_EQ(before.patches, 0);
	CHECK_EQ(before.stops, 0);
	CHECK_EQ(before.stopped_threads, 0);
	CHECK_EQ(before.last_stop_ns, 0);
	CHECK_EQ(before.max_stop_ns, 0);
	after = stats();
	CHECK(nothing_differs(&before, &after));

	for (int i = 0; i < THREADS; i++)
		threads[i] = start(runs, NULL);
	WAIT_FOR(running == THREADS);

	/* One stop, no location. */
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	after = stats();
	CHECK_EQ(after.stops, before.stops + 1);
	CHECK_EQ(after.stopped_threads, before.stopped_threads + THREADS);
	CHECK_EQ(after.patches, before.patches);
	CHECK(after.last_stop_ns > 0);
	/* More only if an attempt was given up before. */
	CHECK(after.max_stop_ns >= after.last_stop_ns);

	/* One stop, two locations. */
	before = after;
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_stop_machine(modify_twice, NULL), 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	after = stats();
	CHECK_EQ(after.stops, before.stops + 1);
	CHECK_EQ(after.stopped_threads, before.stopped_threads + THREADS);
	CHECK_EQ(after.patches, before.patches + 2);
	CHECK(after.max_stop_ns >= after.last_stop_ns);
	CHECK(after.max_stop_ns >= before.max_stop_ns);

	/* A batch that fails changes no location. */
	before = after;
	patches[0] = value_patch(function, VALUE_A, VALUE_B);
	patches[1] = value_patch(function + 64, VALUE_A, VALUE_B);
	CHECK_EQ(change(patches, 2), -EINVAL);
	CHECK_EQ(ftrace_modify_code((unsigned long)function, patches[0].new_code,
				    patches[0].old_code),
		 -EINVAL);
	after = stats();
	CHECK_EQ(after.patches, before.patches);

	/* What fails before a stop, and what only opens the gate, counts nothing. */
	before = after;
	CHECK_EQ(ftrace_patch_text(NULL, 1, NULL), -EFAULT);
	CHECK_EQ(ftrace_patch_text(NULL, 0, NULL), 0);
	CHECK_EQ(ftrace_stop_machine(NULL, NULL), -EINVAL);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	ftrace_nmi_enter();
	ftrace_nmi_exit();
	after = stats();
	CHECK(nothing_differs(&before, &after));

	/* A thousand patches: nobody was in the way, and nothing is allocated. */
	for (int i = 0; i < 500; i++)
		toggle_twice(function);
	after = stats();
	CHECK_EQ(after.patches, before.patches + 1000);
	CHECK_EQ(after.stops, before.stops + 1000);
	CHECK_EQ(after.stopped_threads, before.stopped_threads + 1000 * THREADS);
	CHECK_EQ(after.nmi_wait_count, 0);
	CHECK_EQ(after.nmi_update_count, 0);
	CHECK_EQ(after.deferred_stops, 0);
	CHECK_EQ(after.masked_stops, 0);
	CHECK_EQ(after.breakpoint_hits, 0);
	CHECK_EQ(after.gc_collections, 0);
	CHECK_EQ(after.managed_bytes, before.managed_bytes);
	check_dyn_info();

	finish = true;
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	return 0;
}
