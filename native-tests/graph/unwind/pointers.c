/* SPDX-License-Identifier: MIT */
/*
 * pointers.c - return addresses as they are on the stack, of calls whose exits are traced:
 * ftrace_graph_ret_addr() gives the true ones. Compiled with frame pointers.
 *
 * pointers chain     the chain of frame pointers, which profilers follow, leads to all callers,
 *                    from a signal handler too
 * pointers address   __builtin_return_address(0)
 */
#include "../../modes.h"
#include "../../object_text.h"
#include "../../signals.h"
#include "../graphed.h"

#include <errno.h>
#include <execinfo.h>
#include <ucontext.h>

#define MAX_FRAMES   64
#define TRACED_CALLS 3

void fp_top(int n);
void fp_middle(int n);
void fp_leaf(int n);

static void (*at_the_bottom)(void);
static struct object_text library;
static unsigned long parents[TRACED_CALLS]; /* as the handler has them */
static unsigned int entered, checked;

static int on_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	CHECK(entered < TRACED_CALLS);
	parents[entered++] = call->parent_ip;
	return 1;
}

static void on_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		      struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
}

static struct ftrace_graph_ops graphed =
	GRAPH_OPS(on_entry, on_return, .flags = FTRACE_OPS_FL_NO_VECTORS);

/* That of the @i-th traced call is in a block, and the library knows the true one. */
static void check_address(int i, void *address)
{
	unsigned long found = (unsigned long)address;

	if (!at_the_bottom)
		return;
	CHECK(found != parents[i]);
	CHECK(found >= library.start && found < library.end);
	CHECK_EQ(ftrace_graph_ret_addr(found), parents[i]);
	/* Only that one of all that are in the block. */
	CHECK_EQ(ftrace_graph_ret_addr(found - 1), found - 1);
	CHECK_EQ(ftrace_graph_ret_addr(found + 1), found + 1);
	checked++;
}

TRACED void fp_leaf(int n)
{
	check_address(2, __builtin_return_address(0));
	if (at_the_bottom)
		at_the_bottom();
	__asm__ __volatile__("" ::"r"(n) : "memory");
}

TRACED void fp_middle(int n)
{
	check_address(1, __builtin_return_address(0));
	fp_leaf(n);
	KEEP;
}

/* Not traced. */
__attribute__((noipa)) static void between(int n)
{
	fp_middle(n);
	KEEP;
}

TRACED void fp_top(int n)
{
	check_address(0, __builtin_return_address(0));
	between(n);
	KEEP;
}

/* Starts with a frame pointer. */
static int follow(unsigned long *frame, unsigned long *ips)
{
	int count = 0;

	while (frame && count < MAX_FRAMES && frame[1]) {
		unsigned long *next = (unsigned long *)frame[0];

		ips[count++] = frame[1];
		if (next <= frame || next > frame + 65536)
			break;
		frame = next;
	}
	return count;
}

/* The functions below main() have no frame pointers: the chain is that to main(). */
static void compare(unsigned long *frame, unsigned long ip)
{
	void *expected[MAX_FRAMES];
	unsigned long found[MAX_FRAMES];
	int expected_count = backtrace(expected, MAX_FRAMES), count = follow(frame, found);
	int at = 0, in_blocks = 0;

	while (at < expected_count && (unsigned long)expected[at] != ip)
		at++;
	CHECK(at < expected_count);
	at++;
	for (int i = 0; i < count; i++) {
		unsigned long true_ip = ftrace_graph_ret_addr(found[i]);

		while (at < expected_count && (unsigned long)expected[at] >= library.start &&
		       (unsigned long)expected[at] < library.end)
			at++;
		if (at == expected_count)
			break;
		CHECK_EQ(true_ip, expected[at++]);
		in_blocks += true_ip != found[i];
	}
	CHECK_EQ(in_blocks, TRACED_CALLS);
	checked++;
}

static __attribute__((noipa)) void compare_own(void)
{
	unsigned long *frame = __builtin_frame_address(0);

	compare((unsigned long *)frame[0], frame[1]);
}

static void on_usr1(int signo, siginfo_t *info, void *data)
{
	const greg_t *regs = ((ucontext_t *)data)->uc_mcontext.gregs;

	(void)signo, (void)info;
	compare((unsigned long *)regs[REG_RBP], regs[REG_RIP]);
}

/* In a function with a frame pointer, as those of the C library may not have one. */
static __attribute__((noipa)) void interrupt(void)
{
	long result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "a"(SYS_tgkill), "D"(getpid()), "S"(gettid()), "d"(SIGUSR1)
			     : "rcx", "r11", "memory");
	CHECK_EQ(result, 0);
}

static __attribute__((noipa)) void run(void (*bottom)(void))
{
	entered = checked = 0;
	at_the_bottom = bottom;
	fp_top(1);
	at_the_bottom = NULL;
	CHECK_EQ(entered, TRACED_CALLS);
}

static void chain(void)
{
	struct sigaction action = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	graph(&graphed, "fp_*");
	run(compare_own);
	CHECK_EQ(checked, TRACED_CALLS + 1);
	run(interrupt);
	CHECK_EQ(checked, TRACED_CALLS + 1);
	ungraph(&graphed);
}

static void nothing(void)
{
}

static void address(void)
{
	static const unsigned long others[] = {0, 1, -1UL, 0x7fffffffffff};
	unsigned long start, end, table;

	for (int i = 0; i < GRAPH_KINDS; i++) {
		graphed.flags = graph_kinds[i];
		graph(&graphed, "fp_*");
		run(nothing);
		CHECK_EQ(checked, TRACED_CALLS);
		ungraph(&graphed);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		CHECK_EQ(ftrace_graph_ret_addr(others[i]), others[i]);
	CHECK_EQ(ftrace_graph_ret_addr((unsigned long)address), address);
	/* What is not traced has its own. */
	fp_top(1);

	CHECK_EQ(ftrace_graph_unwind_table(&start, &end, &table), 1);
	CHECK(start >= library.start && end <= library.end && start < end);
	CHECK_EQ(ftrace_graph_unwind_table(NULL, &end, &table), -EFAULT);
	CHECK_EQ(ftrace_graph_unwind_table(&start, NULL, &table), -EFAULT);
	CHECK_EQ(ftrace_graph_unwind_table(&start, &end, NULL), -EFAULT);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"chain", chain},
		{"address", address},
		{NULL, NULL},
	};
	void *first[4];

	library = object_text((void *)ftrace_just_return);
	backtrace(first, 4); /* loads what it needs */
	return run_mode(modes, argc, argv);
}
