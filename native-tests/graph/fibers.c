/* SPDX-License-Identifier: MIT */
/*
 * fibers.c - stacks that are switched in calls whose exits are traced. Each exit has its entry,
 * in whatever order and on whatever thread the calls return.
 *
 * fibers swapped   swapcontext() in random order, at each depth
 * fibers jumped    the same by _longjmp()
 * fibers handed    from thread to thread, which make other calls meanwhile
 * fibers outlived  begun by threads that have ended when they are finished
 * fibers elsewhere begun in a call of a thread that goes on, ended by another one
 * fibers freed     stacks that are unmapped with calls on them
 * fibers control   who replaces return addresses, fails at the first
 */
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"
#include "hijack.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define FIBERS 8
#define STACK  65536
#define ROUNDS 2000 /* of stacks that are unmapped */

TRACED int ff_work(int id, int n, bool each);
TRACED int ff_down(int n);
TRACED int ff_around(void);

static struct ftrace_graph_ops once = GRAPH_OPS(once_entry, once_exit);

static struct fiber {
	ucontext_t context, back;
	jmp_buf jump, jump_back;
	char *stack;
	unsigned long rounds;
	bool ends, ended;
} fibers[FIBERS];

static bool by_jumps;
static char *unused; /* addresses where nothing was yet; NULL: anywhere */

TRACED int ff_down(int n)
{
	int result;

	if (n == 0)
		return 0;
	result = ff_down(n - 1);
	KEEP;
	return result + 1;
}

/* To whom it was resumed by. */
static __attribute__((noipa)) void leave_fiber(struct fiber *fiber)
{
	if (!by_jumps)
		CHECK_EQ(swapcontext(&fiber->context, &fiber->back), 0);
	else if (_setjmp(fiber->jump) == 0)
		_longjmp(fiber->jump_back, 1);
}

static __attribute__((noipa)) void resume(struct fiber *fiber)
{
	if (!by_jumps)
		CHECK_EQ(swapcontext(&fiber->back, &fiber->context), 0);
	else if (_setjmp(fiber->jump_back) == 0)
		_longjmp(fiber->jump, 1);
}

TRACED int ff_work(int id, int n, bool each)
{
	int result = 0;

	if (n != 0)
		result = ff_work(id, n - 1, each) + 1;
	if (n == 0 || each)
		leave_fiber(fibers + id);
	KEEP;
	return result;
}

static void run_fiber(int id)
{
	struct fiber *fiber = fibers + id;

	if (by_jumps)
		leave_fiber(fiber); /* resumed by a jump from here on */
	for (; !fiber->ends; fiber->rounds++) {
		int depth = 3 + (id * 7 + fiber->rounds) % 11;

		CHECK_EQ(ff_work(id, depth, fiber->rounds % 2), depth);
	}
	fiber->ended = true;
	leave_fiber(fiber);
	CHECK(!"resumed");
}

static void make_fiber(int id)
{
	struct fiber *fiber = fibers + id;

	memset(fiber, 0, sizeof(*fiber));
	fiber->stack = mmap(unused, STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | (unused ? MAP_FIXED : 0), -1, 0);
	CHECK(fiber->stack != MAP_FAILED);
	unused += unused ? STACK : 0;
	CHECK_EQ(getcontext(&fiber->context), 0);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK;
	makecontext(&fiber->context, (void (*)(void))run_fiber, 1, id);
	if (by_jumps && _setjmp(fiber->jump_back) == 0)
		CHECK_EQ(setcontext(&fiber->context), 0);
}

static void free_fiber(int id)
{
	CHECK_EQ(munmap(fibers[id].stack, STACK), 0);
}

static void end_fiber(int id)
{
	fibers[id].ends = true;
	while (!fibers[id].ended)
		resume(fibers + id);
}

/* All calls have returned, and none was taken for one that was left. */
static void check_exits(void)
{
	CHECK(entries > 0);
	CHECK_EQ(RETURNED, entries);
}

static void switch_often(int rounds)
{
	unsigned int random = 1;

	for (int i = 0; i < FIBERS; i++)
		make_fiber(i);
	for (int round = 0; round < rounds; round++) {
		random = random * 1103515245 + 12345;
		resume(fibers + (random >> 16) % FIBERS);
		CHECK_EQ(ff_down(round % 5), round % 5);
	}
	for (int i = 0; i < FIBERS; i++)
		end_fiber(i);
	for (int i = 0; i < FIBERS; i++)
		free_fiber(i);
}

static void swapped(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		once.flags = graph_kinds[kind];
		forget_counts();
		graph(&once, "ff_*");
		switch_often(10000);
		check_exits();
		ungraph(&once);
	}
}

static void jumped(void)
{
	by_jumps = true;
	swapped();
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int turns;

static void *hand_on(void *arg)
{
	bool done = false;

	for (int i = 0; !done; i++) {
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		done = turns >= 3000;
		if (!done) {
			turns++;
			for (int id = 0; id < 4; id++)
				resume(fibers + id);
		}
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		CHECK_EQ(ff_down(i % 20), i % 20);
		sched_yield(); /* another one gets the lock */
	}
	return arg;
}

static void handed(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind += 2) {
		pthread_t threads[3];

		once.flags = graph_kinds[kind];
		forget_counts();
		turns = 0;
		graph(&once, "ff_*");
		for (int id = 0; id < 4; id++)
			make_fiber(id);
		for (int i = 0; i < 3; i++)
			threads[i] = start(hand_on, NULL);
		for (int i = 0; i < 3; i++)
			join(threads[i]);
		for (int id = 0; id < 4; id++) {
			end_fiber(id);
			free_fiber(id);
		}
		check_exits();
		ungraph(&once);
	}
}

static void *begin(void *arg)
{
	int id = (long)arg;

	make_fiber(id);
	for (int i = 0; i < 20 + id; i++)
		resume(fibers + id);
	return NULL;
}

static void *call_down(void *arg)
{
	CHECK_EQ(ff_down(40), 40);
	return arg;
}

static void outlived(void)
{
	graph(&once, "ff_*");
	/* 15 slots a chunk: chunks of ended threads are not used up. */
	for (int round = 0; round < 200; round++) {
		for (long id = 0; id < FIBERS; id++)
			join(start(begin, (void *)id));
		join(start(call_down, NULL)); /* who would take their slots */
		for (int id = 0; id < FIBERS; id++) {
			end_fiber(id);
			free_fiber(id);
		}
		check_exits();
	}
	ungraph(&once);
}

/* The calls of a thread do not become those of another that ends a fiber which it began. */
static unsigned int depth_there;

static GENERAL_REGS int note_depth(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	depth_there = call->depth;
	return 1;
}

static GENERAL_REGS void no_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				 struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
}

static void *end_there(void *arg)
{
	end_fiber(0);
	depth_there = 1000;
	CHECK_EQ(ff_down(0), 0);
	CHECK_EQ(depth_there, 0);
	return arg;
}

TRACED int ff_around(void)
{
	make_fiber(0);
	resume(fibers);
	join(start(end_there, NULL));
	free_fiber(0);
	KEEP;
	return 3;
}

static void elsewhere(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		struct ftrace_graph_ops noted =
			GRAPH_OPS(note_depth, no_exit, .flags = graph_kinds[kind]);

		graph(&noted, "ff_*");
		CHECK_EQ(ff_around(), 3);
		ungraph(&noted);
	}
}

static void freed(void)
{
	unsigned long before;

	/* Else the next stack would be where the last one was. */
	unused = mmap(NULL, ROUNDS * FIBERS * (size_t)STACK, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(unused != MAP_FAILED);
	graph(&once, "ff_*");
	for (int round = 0; round < ROUNDS; round++) {
		for (int id = 0; id < FIBERS; id++)
			make_fiber(id);
		for (int id = 0; id < FIBERS; id++) {
			resume(fibers + id);
			free_fiber(id);
		}
	}
	/* Each was nested in three calls at least; there are 61,425 slots. */
	CHECK(entries > 100000);
	CHECK_EQ(RETURNED, 0);
	before = entries;
	CHECK_EQ(ff_down(100), 100);
	CHECK_EQ(entries, before + 101);
	ungraph(&once);
}

static void call_plain(void)
{
	CHECK_EQ(ff_down(9), 9);
}

static void switch_some(void)
{
	switch_often(100);
}

static void control(void)
{
	CHECK(passes_hijacked("ff_*", call_plain));
	CHECK(!passes_hijacked("ff_*", switch_some));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"swapped", swapped},	  {"jumped", jumped}, {"handed", handed},
		{"outlived", outlived},	  {"freed", freed},   {"control", control},
		{"elsewhere", elsewhere}, {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
