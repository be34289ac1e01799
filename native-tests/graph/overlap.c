/* SPDX-License-Identifier: MIT */
/*
 * overlap.c - two handlers are unregistered, the second after the wait for the first one has
 * begun, and that wait ends first: the number of the second is not free by then, because a
 * thread is still in its entry handler. The exit of that call is nobody else's.
 *
 * The wait looks at one thread after the other, in the order of their first traced calls.
 */
#include "../proc.h"
#include "../threads.h"
#include "graphed.h"

#include <errno.h>

#define NUMBERS 6

TRACED int ov_first(int n);
TRACED int ov_second(int n);
TRACED int ov_other(int n);

TRACED int ov_first(int n)
{
	return n + 1;
}

TRACED int ov_second(int n)
{
	return n + 2;
}

TRACED int ov_other(int n)
{
	return n + 3;
}

#define MANY_SLEEPS 50 /* a lock or a stop takes only a few */

static int knows_second, call_again, in_first, in_second, leave_first, leave_second;
static pid_t unregistering;
static unsigned long exits_of_others;

static void hold_first(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_store_n(&in_first, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&leave_first, __ATOMIC_ACQUIRE));
}

static int hold_second(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	if (!__atomic_load_n(&call_again, __ATOMIC_ACQUIRE))
		return 0;
	__atomic_store_n(&in_second, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&leave_second, __ATOMIC_ACQUIRE));
	return 1;
}

static void count_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	__atomic_add_fetch(&exits_of_others, 1, __ATOMIC_RELAXED);
}

static struct ftrace_ops first = OPS(hold_first);
static struct ftrace_graph_ops second = GRAPH_OPS(hold_second, count_exit);

static void *call_first(void *arg)
{
	CHECK_EQ(ov_first(1), 2);
	return arg;
}

static void *call_second(void *arg)
{
	CHECK_EQ(ov_second(1), 3);
	__atomic_store_n(&knows_second, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&call_again, __ATOMIC_ACQUIRE));
	CHECK_EQ(ov_second(1), 3);
	return arg;
}

static void *end_first(void *arg)
{
	__atomic_store_n(&unregistering, gettid(), __ATOMIC_RELEASE);
	CHECK_EQ(ftrace_unregister_function(&first), 0);
	return arg;
}

static void *end_second(void *arg)
{
	CHECK_EQ(ftrace_unregister_graph(&second), 0);
	return arg;
}

static uint64_t sleeps(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", unregistering);
	return proc_number(path, "voluntary_ctxt_switches:", 10);
}

int main(void)
{
	static struct ftrace_graph_ops others[NUMBERS];
	pthread_t threads[4];
	uint64_t before;

	trace(&first, "ov_first");
	graph(&second, "ov_second");
	threads[2] = start(call_second, NULL);
	WAIT_FOR(__atomic_load_n(&knows_second, __ATOMIC_ACQUIRE));
	threads[0] = start(call_first, NULL);
	WAIT_FOR(__atomic_load_n(&in_first, __ATOMIC_ACQUIRE));
	threads[1] = start(end_first, NULL);
	WAIT_FOR(__atomic_load_n(&unregistering, __ATOMIC_ACQUIRE));
	WAIT_FOR(find_site("ov_first").users == 0);
	before = sleeps();
	WAIT_FOR(sleeps() > before + MANY_SLEEPS); /* it waits for the first handler */

	__atomic_store_n(&call_again, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&in_second, __ATOMIC_ACQUIRE));
	threads[3] = start(end_second, NULL);
	WAIT_FOR(find_site("ov_second").users == 0);

	__atomic_store_n(&leave_first, 1, __ATOMIC_RELEASE);
	join(threads[0]);
	join(threads[1]);
	for (int i = 0; i < NUMBERS; i++) {
		others[i] = (struct ftrace_graph_ops)GRAPH_OPS(NULL, count_exit);
		CHECK_EQ(ftrace_graph_set_filter(others + i, "ov_other", 0, 1), 0);
		CHECK_EQ(ftrace_register_graph(others + i), i < NUMBERS - 1 ? 0 : -ENOSPC);
	}
	__atomic_store_n(&leave_second, 1, __ATOMIC_RELEASE);
	join(threads[2]);
	join(threads[3]);
	CHECK_EQ(exits_of_others, 0);
	CHECK_EQ(ftrace_register_graph(others + NUMBERS - 1), 0);
	CHECK_EQ(ov_other(1), 4);
	CHECK_EQ(exits_of_others, NUMBERS);
	for (int i = 0; i < NUMBERS; i++)
		ungraph(others + i);
	return 0;
}
