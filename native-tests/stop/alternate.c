/* SPDX-License-Identifier: MIT */
/*
 * alternate.c - whose alternate stacks the library's handlers run on.
 *
 * alternate left             a handler of SIGSEGV leaves its alternate stack and goes back to it
 *                           later, as .NET's does: what it has there is as before
 * alternate left breakpoint  the same, with breakpoints in its way
 * alternate served           a handler that may come at any time has SA_ONSTACK: threads have
 *                           their alternate stacks for such, and may have no room elsewhere
 * alternate small            so it is: a thread has no room for a signal frame elsewhere
 * alternate small breakpoint
 */
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define SIZE	65536
#define PAINT	0x5a
#define CHANGES 200
#define SMALL	512
#define SIGNALS 10

static unsigned char *function;
static char alternate[SIZE], elsewhere[SIZE];
static ucontext_t on_alternate, on_elsewhere;
static atomic_bool left, finish;
static atomic_ulong turns;

static void use_alternate(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = SIZE};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

/* On a stack of its own: the kernel takes the alternate one for free meanwhile. */
static void wait_elsewhere(void)
{
	left = true;
	while (!finish)
		check_function(function);
	swapcontext(&on_elsewhere, &on_alternate);
}

static void handler(int signo)
{
	volatile char below[4096];

	CHECK_EQ(signo, SIGSEGV);
	memset((char *)below, PAINT, sizeof(below));
	CHECK_EQ(getcontext(&on_elsewhere), 0);
	on_elsewhere.uc_stack.ss_sp = elsewhere;
	on_elsewhere.uc_stack.ss_size = SIZE;
	makecontext(&on_elsewhere, wait_elsewhere, 0);
	CHECK_EQ(swapcontext(&on_alternate, &on_elsewhere), 0);
	for (size_t i = 0; i < sizeof(below); i++)
		CHECK_EQ(below[i], PAINT);
}

static void *faults(void *arg)
{
	use_alternate();
	raise(SIGSEGV);
	return arg;
}

static void leave(void)
{
	pthread_t thread;

	on_signal(SIGSEGV, handler, SA_ONSTACK);
	thread = start(faults, NULL);
	WAIT_FOR(left);
	for (int i = 0; i < CHANGES; i++)
		toggle_twice(function);
	finish = true;
	join(thread);
}

static void nothing(int signo)
{
	(void)signo;
}

static void *runs(void *arg)
{
	use_alternate();
	left = true;
	for (; !finish; turns++)
		check_function(function);
	return arg;
}

/* While the thread runs on its own stack, and nobody stops it. */
static void paint(void)
{
	unsigned long before = turns;

	WAIT_FOR(turns - before > 1);
	memset(alternate, PAINT, SIZE);
}

static bool is_touched(void)
{
	for (size_t i = 0; i < SIZE; i++)
		if (alternate[i] != PAINT)
			return true;
	return false;
}

static void serve(void)
{
	pthread_t thread;

	thread = start(runs, NULL);
	WAIT_FOR(left);
	paint();
	for (int i = 0; i < CHANGES; i++)
		toggle_twice(function);
	CHECK(!is_touched());

	/* The library looks again after a while. */
	on_signal(SIGUSR1, nothing, SA_ONSTACK);
	for (uint64_t end = now_ns() + 60 * 1000000000ull; !is_touched() && now_ns() < end;)
		toggle_twice(function);
	CHECK(is_touched());

	/* And for good: who has set such stacks up may have taken the handler away again. */
	on_signal(SIGUSR1, SIG_DFL, 0);
	paint();
	toggle_twice(function);
	CHECK(is_touched());
	finish = true;
	join(thread);
}

/* A thread that stays on what is too small for any signal frame, below which is nothing. */

static ucontext_t on_own, on_small;

static void run_on_small(void)
{
	left = true;
	for (; !finish; turns++)
		check_function(function);
}

static void *goes_small(void *arg)
{
	use_alternate();
	CHECK_EQ(getcontext(&on_small), 0);
	on_small.uc_stack.ss_sp = arg;
	on_small.uc_stack.ss_size = SMALL;
	on_small.uc_link = &on_own;
	makecontext(&on_small, run_on_small, 0);
	CHECK_EQ(swapcontext(&on_own, &on_small), 0);
	return arg;
}

static void be_small(void)
{
	char *memory = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t hits = stats().breakpoint_hits, parked = stats().stopped_threads;
	pthread_t thread;

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(mprotect(memory + 4096, 4096, PROT_READ | PROT_WRITE), 0);
	on_signal(SIGUSR1, nothing, SA_ONSTACK);
	thread = start(goes_small, memory + 4096);
	WAIT_FOR(left);
	for (uint64_t end = now_ns() + TEST_WAIT_SECONDS * 1000000000ul;
	     stats().breakpoint_hits - hits + stats().stopped_threads - parked < SIGNALS;) {
		CHECK(now_ns() < end);
		toggle_twice(function);
	}
	finish = true;
	join(thread);
	CHECK_EQ(stats().seized_threads, 0);
}

int main(int argc, char **argv)
{
	CHECK(argc > 1);
	if (argc > 2)
		CHECK(take_way(argv[2]));
	function = new_function();
	if (strcmp(argv[1], "left") == 0)
		leave();
	else if (strcmp(argv[1], "small") == 0)
		be_small();
	else
		serve();
	return 0;
}
