/* SPDX-License-Identifier: MIT */
/* replace.c - a hot fix: another function runs instead of a wrong one, in every thread. */
#include <ftrace/ftrace.h>
#include <stdio.h>

/* noipa: GCC keeps all calls and arguments as they are in the source. */
#define TRACED __attribute__((noipa, patchable_function_entry(5)))

TRACED static long average(const long *values, long count)
{
	long sum = 0;

	for (long i = 0; i <= count; i++) /* one too many */
		sum += values[i];
	return sum / count;
}

static long fixed_average(const long *values, long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++)
		sum += values[i];
	return count ? sum / count : 0;
}

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip;
	ftrace_regs_redirect(regs, (unsigned long)ops->data);
}

int main(void)
{
	static const long values[] = {1, 2, 3, 1000};
	struct ftrace_ops ops = {.size = sizeof(ops),
				 .func = redirect,
				 .flags = FTRACE_OPS_FL_SAVE_REGS,
				 .data = (void *)fixed_average};
	long wrong = average(values, 3), right;

	/* By address, because several functions may have this name. */
	if (ftrace_set_filter_ip(&ops, (unsigned long)average, 0, 0) ||
	    ftrace_register_function(&ops))
		return 1;
	right = average(values, 3);
	printf("average: %ld, fixed: %ld\n", wrong, right);
	return wrong == 2 || right != 2;
}
