/* SPDX-License-Identifier: MIT */
/* pause.c - pauses and resumes all handlers, and counts the calls of handlers without changing the
 * handlers. The cost does not depend on the number of traced functions. */
#include <ftrace/ftrace.h>
#include <stdio.h>

/* noipa: GCC keeps all calls and arguments as they are in the source. */
#define TRACED __attribute__((noipa, patchable_function_entry(5)))

TRACED static unsigned long parse_word(unsigned long i)
{
	return i + 1;
}

TRACED static unsigned long parse_line(unsigned long i)
{
	return parse_word(i) + parse_word(i + 1);
}

static unsigned long hits, handlers;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
}

/* Called instead of every handler. */
static void count_handlers(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			   struct ftrace_regs *regs)
{
	handlers++;
	ops->func(ip, parent_ip, ops, regs);
}

int main(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	int error = ftrace_set_filter(&ops, "parse_*", 0, 0);

	error = error ? error : ftrace_register_function(&ops);
	parse_line(0); /* 3 calls */
	error = error ? error : ftrace_update_ftrace_func(ftrace_stub);
	parse_line(0); /* paused */
	error = error ? error : ftrace_update_ftrace_func(count_handlers);
	parse_line(0); /* 3 calls, counted */
	error = error ? error : ftrace_update_ftrace_func(NULL);
	parse_line(0); /* 3 calls */
	printf("%lu calls, %lu of them counted\n", hits, handlers);
	ftrace_unregister_function(&ops);
	return error || hits != 9 || handlers != 3;
}
