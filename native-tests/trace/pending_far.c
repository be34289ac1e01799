/* SPDX-License-Identifier: MIT */
/*
 * pending_far.c - the hook in the loader (pending.c) in a program that opens the library when
 * the loader is out of a jump's reach: a runtime has reserved all memory in between.
 */
#include "../test.h"
#include "pending.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RESERVED (3UL << 30)
#define SMALLEST (64UL << 10) /* less than an object takes */
#define REACH	 (2UL << 30)

static unsigned long hits;

static void count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
}

static bool is_near(unsigned long a, unsigned long b)
{
	return labs((long)(a - b)) < (long)REACH;
}

/* Gaps too: the system takes the highest one, so they are gone when it returns one far away. */
static void reserve_all_near(unsigned long place)
{
	for (size_t size = RESERVED; size >= SMALLEST; size /= 4) {
		void *got;

		do {
			got = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				   -1, 0);
			CHECK(got != MAP_FAILED);
		} while (is_near((unsigned long)got, place));
	}
}

int main(void)
{
	struct ftrace_ops ops = {
		.size = sizeof(ops), .func = count, .flags = FTRACE_OPS_FL_PENDING};
	int (*set_filter)(struct ftrace_ops *, const char *, size_t, int);
	int (*get_stats)(struct ftrace_stats *);
	int (*add)(struct ftrace_ops *), (*del)(struct ftrace_ops *);
	struct ftrace_stats stats = {.size = sizeof(stats)};
	unsigned long place = _r_debug.r_brk, before;
	void *library, *plugin;

	reserve_all_near(place);
	library = dlopen(FTRACE_LIBRARY, RTLD_NOW);
	CHECK(library);
	add = (int (*)(struct ftrace_ops *))dlsym(library, "ftrace_register_function");
	del = (int (*)(struct ftrace_ops *))dlsym(library, "ftrace_unregister_function");
	set_filter = (int (*)(struct ftrace_ops *, const char *, size_t, int))dlsym(
		library, "ftrace_set_filter");
	get_stats = (int (*)(struct ftrace_stats *))dlsym(library, "ftrace_get_stats");
	CHECK(add && del && set_filter && get_stats);
	if (is_near((unsigned long)add, place))
		skip("the library was loaded near the loader all the same");
	CHECK_EQ(set_filter(&ops, "pend_step", 0, 0), 0);
	CHECK_EQ(add(&ops), 0);
	CHECK_EQ(*(unsigned char *)place == 0xe9 || ((unsigned char *)place)[4] == 0xe9, 1);
	for (uint64_t end = now_ns() + TEST_WAIT_SECONDS * 1000000000ULL; hits != PEND_CALLS;) {
		CHECK(now_ns() < end);
		CHECK_EQ(get_stats(&stats), 0);
		before = stats.loader_timeouts;
		hits = 0;
		plugin = dlopen(PLUGIN, RTLD_NOW);
		CHECK(plugin);
		CHECK_EQ(get_stats(&stats), 0);
		CHECK(hits == PEND_CALLS || stats.loader_timeouts != before);
		CHECK_EQ(dlclose(plugin), 0);
	}
	CHECK_EQ(del(&ops), 0);
	CHECK(*(unsigned char *)place != 0xe9 && ((unsigned char *)place)[4] != 0xe9);
	return 0;
}
