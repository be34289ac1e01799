/* SPDX-License-Identifier: MIT */
/*
 * dropped.c - what the library knows of an object is kept when the object is gone, as
 * long as a thread is in a handler: on its way there it may be reading just that.
 *
 * Certain: of the memory that there is before a call, the system call by which
 * it would be given back is looked for in that call.
 */
#include "../calls.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define MOST_RANGES 4096

static struct range {
	unsigned long from, to;
} ranges[MOST_RANGES];
static int range_count;
static unsigned long given_back;
static atomic_bool inside, leave;

static void take_ranges(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];

	CHECK(maps);
	for (range_count = 0; fgets(line, sizeof(line), maps); range_count++) {
		struct range *range = &ranges[range_count];

		CHECK(range_count < MOST_RANGES);
		CHECK_EQ(sscanf(line, "%lx-%lx", &range->from, &range->to), 2);
	}
	fclose(maps);
}

static long look(long number, bool done)
{
	unsigned long address = call_regs[REG_RDI];

	if (number != SYS_munmap || done)
		return 0;
	for (int i = 0; i < range_count; i++)
		given_back += address >= ranges[i].from && address < ranges[i].to;
	return 0;
}

/* How many pieces of memory the library gives back that it had before the call. */
static unsigned long update(void)
{
	take_ranges();
	given_back = 0;
	watching = true;
	CHECK_EQ(ftrace_update_sites(), 0);
	watching = false;
	return given_back;
}

TRACED void held(void);
TRACED void held(void)
{
}

static void stays(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	inside = true;
	WAIT_FOR(leave);
}

static struct ftrace_ops ops = OPS(stays);

static void *calls(void *arg)
{
	held();
	return arg;
}

int main(void)
{
	pthread_t thread;
	void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);

	CHECK(plugin);
	CHECK_EQ(find_site("plug_twice").count, 1);
	trace(&ops, "held");
	thread = start(calls, NULL);
	WAIT_FOR(inside);
	watch_calls(look);

	CHECK_EQ(dlclose(plugin), 0);
	CHECK(!dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD));
	CHECK_EQ(update(), 0);
	CHECK_EQ(update(), 0);

	leave = true;
	join(thread);
	CHECK(update() > 0);
	CHECK_EQ(find_site("plug_twice").count, 0);
	untrace(&ops);
	return 0;
}
