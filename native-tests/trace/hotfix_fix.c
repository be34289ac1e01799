/* SPDX-License-Identifier: MIT */
/* hotfix_fix.c - a hot fix that can be applied, taken back and closed; for hotfix.c */
#include <ftrace/ftrace.h>

int fix_apply(void), fix_undo(void);
int fix_check(unsigned long start, unsigned long end, unsigned int timeout_ms);
int fix_leaf(int items);

/* Called in the middle of the replacement, if it is set. */
void (*fix_inside)(void);

static int (*original)(int items);

static int fixed(int items)
{
	int price = original(items);

	if (fix_inside)
		fix_inside();
	return price - items;
}

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)parent_ip, (void)ops;
	__atomic_store_n(&original, (int (*)(int))ftrace_original(ip), __ATOMIC_RELAXED);
	ftrace_regs_redirect(regs, (unsigned long)fixed);
}

static struct ftrace_ops ops = {.size = sizeof(ops),
				.func = redirect,
				.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY};

int fix_apply(void)
{
	int error = ftrace_set_filter(&ops, "price", 0, 1);

	return error ? error : ftrace_register_function(&ops);
}

int fix_undo(void)
{
	int error = ftrace_unregister_function(&ops);

	return error ? error : ftrace_free_filter(&ops);
}

/* From here the text is in use: by the caller. */
int fix_check(unsigned long start, unsigned long end, unsigned int timeout_ms)
{
	volatile int error = ftrace_check_stack(start, end, timeout_ms);

	return error;
}

int fix_leaf(int items)
{
	return items + 1;
}
