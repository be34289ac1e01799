/* SPDX-License-Identifier: MIT */
/*
 * on_the_way.c - a thread is held up on its way to a handler: it has marked itself
 * and read the table, and is about to call. Who unregisters the handler waits for it,
 * however often it stops the thread to look.
 *
 * Certain: the vector registers are saved between the two, into a page of the thread's
 * stack that cannot be written until this test says so (userfaultfd(2)). The thread is
 * seized (FTRACE_STOP_SIGNAL=none): a signal would need that page for its frame.
 */
#include "../held_page.h"
#include "../test.h"
#include "../threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE  (1 << 20)
#define PAGE  4096ul
#define LOOKS 3

/* From the call on: the return addresses, the flags and 15 registers; the vectors do not fit as well. */
#define ROOM 224

static char *stack;
static atomic_bool may_run = true, returned;
static atomic_int hits, late;

__attribute__((noipa, patchable_function_entry(5))) static void traced(void)
{
}

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
	late += !may_run;
}

static struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};

static void *calls(void *arg)
{
	char *end = stack + SIZE / 2;

	(void)arg;
	for (char *at = end; at < stack + SIZE - 4 * PAGE; at += PAGE)
		*(volatile char *)at = 0;
	traced(); /* a thread's first call takes another way */
	__asm__ __volatile__("mov %%rsp, %%rbx\n"
			     "mov %0, %%rsp\n"
			     "call *%1\n"
			     "mov %%rbx, %%rsp"
			     :
			     : "r"(end + ROOM), "r"(traced)
			     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	return NULL;
}

static void *unregisters(void *arg)
{
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	may_run = false;
	returned = true;
	return arg;
}

int main(void)
{
	struct held_pages pages;
	pthread_t caller, patcher;
	pthread_attr_t attr;
	uint64_t stops;

	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	memset(stack, 0, SIZE / 2);
	pages = hold_pages(stack, SIZE / 2);

	CHECK_EQ(ftrace_set_filter(&ops, "traced", 0, 0), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstack(&attr, stack, SIZE), 0);
	CHECK_EQ(pthread_create(&caller, &attr, calls, NULL), 0);
	wait_until_held(&pages);
	CHECK_EQ(hits, 1);

	/* One stop for the change; the others are looks. */
	stops = stats().stops;
	patcher = start(unregisters, NULL);
	WAIT_FOR(returned || stats().stops - stops > LOOKS);
	CHECK(!returned);

	let_go_of_pages(&pages);
	join(patcher);
	join(caller);
	CHECK_EQ(hits, 2);
	CHECK_EQ(late, 0);
	return 0;
}
