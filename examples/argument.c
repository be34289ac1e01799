/* SPDX-License-Identifier: MIT */
/* argument.c - changes an argument, so that no buffer is larger than a page. */
#include <ftrace/ftrace.h>
#include <stdio.h>

/* noipa: GCC keeps all calls and arguments as they are in the source. */
#define TRACED __attribute__((noipa, patchable_function_entry(5)))

TRACED static unsigned long reserve(const char *what, unsigned long bytes)
{
	printf("%s: %lu bytes\n", what, bytes);
	return bytes;
}

/* The first argument is in rdi, the second in rsi. */
static void limit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops;
	if (regs->rsi > 4096)
		regs->rsi = 4096;
}

int main(void)
{
	struct ftrace_ops ops = {
		.size = sizeof(ops), .func = limit, .flags = FTRACE_OPS_FL_SAVE_REGS};
	unsigned long limited;

	if (ftrace_set_filter(&ops, "reserve", 0, 0) || ftrace_register_function(&ops))
		return 1;
	limited = reserve("limited", 100000);
	ftrace_unregister_function(&ops);
	return limited != 4096 || reserve("as requested", 100000) != 100000;
}
