/* SPDX-License-Identifier: MIT */
/* count.c - counts the calls of functions whose names match a pattern. */
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

static unsigned long counted;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
}

/* Prints the name of a traced function. */
static int show(const struct ftrace_site *site, void *data)
{
	printf("traced: %s\n", site->display);
	return (void)data, 0;
}

int main(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	int error = ftrace_set_filter(&ops, "parse_*", 0, 0);

	error = error ? error : ftrace_register_function(&ops);
	if (error)
		return 1;
	ftrace_for_each_site(show, NULL, FTRACE_SITES_ENABLED);
	for (unsigned long i = 0; i < 10; i++)
		parse_line(i);
	ftrace_unregister_function(&ops);
	parse_line(0);
	printf("%lu calls\n", __atomic_load_n(&counted, __ATOMIC_RELAXED));
	return counted != 30;
}
