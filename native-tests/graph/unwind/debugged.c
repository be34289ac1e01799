/* SPDX-License-Identifier: MIT */
/* debugged.c - calls whose exits are traced, for gdb.sh and perf.sh. */
#include "../../test.h"
#include "../graphed.h"

#include <stdlib.h>

int dbg_leaf(int n);
int dbg_traced(int n);
int its_caller(int n);
void ready(void);
void in_the_leaf(void);

static int busy_ms;
volatile int finished;

/* Uses CPU time, for a profiler. */
static __attribute__((noipa)) void spin(void)
{
	struct timespec now;

	do
		CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	while (now.tv_sec == 0 && now.tv_nsec < busy_ms * 1000000L);
}

/* Places for gdb to stop at. */
__attribute__((noipa)) void ready(void)
{
	KEEP;
}

__attribute__((noipa)) void in_the_leaf(void)
{
	KEEP;
}

TRACED int dbg_leaf(int n)
{
	in_the_leaf();
	if (busy_ms)
		spin();
	return n + 1;
}

TRACED int dbg_traced(int n)
{
	int result = dbg_leaf(n);

	KEEP;
	return result + 1;
}

/* Not traced. */
__attribute__((noipa)) int its_caller(int n)
{
	int kept = n + 4711, result;

	__asm__ __volatile__("" : "+r"(kept));
	result = dbg_traced(n);
	__asm__ __volatile__("" : "+r"(kept));
	finished = 1;
	return result + kept;
}

static __attribute__((noipa)) GENERAL_REGS int
on_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	return 1;
}

static __attribute__((noipa)) GENERAL_REGS void
on_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
}

static struct ftrace_graph_ops graphed =
	GRAPH_OPS(on_entry, on_return, .flags = FTRACE_OPS_FL_NO_VECTORS);

int main(int argc, char **argv)
{
	int busy = argc > 1 ? atoi(argv[1]) : 0;

	graph(&graphed, "dbg_*");
	its_caller(1); /* the thread's first calls */
	finished = 0;
	busy_ms = busy;
	ready();
	CHECK_EQ(its_caller(1), 4715);
	return 0;
}
