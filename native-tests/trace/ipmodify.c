/* SPDX-License-Identifier: MIT */
/*
 * ipmodify.c - FTRACE_OPS_FL_IPMODIFY: two ops that change where functions continue cannot
 * have the same function.
 *
 * ipmodify conflict   the second ops is refused, and nothing changes; without a function in
 *                     common, or after the first is unregistered, it is not
 * ipmodify later      an object is opened whose function both select
 */
#include "../modes.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

TRACED long fixed_a(long x), fixed_b(long x);

long fixed_a(long x)
{
	return x;
}

long fixed_b(long x)
{
	return x + 1;
}

/* Matches the patterns of "later" before the plug-in is opened. */
TRACED long plug_none(long x);

long plug_none(long x)
{
	return x;
}

static char last_line[512];

static void keep_line(const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void give(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip;
	ftrace_regs_return(regs, (unsigned long)ops->data);
}

#define FLAGS (FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY)

static struct ftrace_ops first = OPS(give, .flags = FLAGS, .data = (void *)100);
static struct ftrace_ops second = OPS(give, .flags = FLAGS, .data = (void *)200);
static struct ftrace_ops plain = OPS(give, .flags = FTRACE_OPS_FL_SAVE_REGS, .data = (void *)300);
static struct ftrace_ops counter = OPS(count_hit, );

static void refused(int error, const char *function)
{
	CHECK_EQ(error, -EBUSY);
	if (!strstr(last_line, function) || !strstr(last_line, "IPMODIFY")) {
		dprintf(2, "unexpected report \"%s\"\n", last_line);
		_exit(1);
	}
	last_line[0] = 0;
}

static void conflict(void)
{
	struct ftrace_ops wrong = first;
	unsigned long hits = 0;
	uint64_t patches;

	/* The flag needs the registers, and a filter. */
	wrong.flags = FTRACE_OPS_FL_IPMODIFY;
	CHECK_EQ(filter(&wrong, "fixed_a"), -EINVAL);
	CHECK_EQ(ftrace_register_function(&wrong), -EINVAL);
	CHECK_EQ(ftrace_register_function(&first), -EINVAL);
	CHECK_EQ(ftrace_set_notrace(&first, "fixed_b", 0, 0), 0);
	CHECK_EQ(ftrace_register_function(&first), -EINVAL);
	CHECK_EQ(ftrace_free_filter(&first), 0);
	CHECK_EQ(fixed_a(1), 1);

	CHECK_EQ(ftrace_set_print(keep_line), 0);
	trace(&first, "fixed_a");
	CHECK_EQ(fixed_a(1), 100);

	/* The second, refused; a set of two was not made, and nothing was written. */
	CHECK_EQ(filter(&second, "fixed_*"), 0);
	patches = stats().patches;
	refused(ftrace_register_function(&second), "fixed_a");
	CHECK_EQ(stats().patches, patches);
	CHECK_EQ(fixed_a(1), 100);
	CHECK_EQ(fixed_b(1), 2);
	CHECK_EQ(find_site("fixed_b").users, 0);
	CHECK_EQ(ftrace_unregister_function(&second), -ENOENT);

	/* No function in common; then a filter that would have one. */
	CHECK_EQ(ftrace_set_filter(&second, "fixed_b", 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&second), 0);
	CHECK_EQ(fixed_b(1), 200);
	patches = stats().patches;
	refused(filter(&second, "fixed_a"), "fixed_a");
	refused(ftrace_set_filter(&first, "fixed_b", 0, 1), "fixed_b");
	refused(ftrace_set_filter_ip(&first, (unsigned long)fixed_b, 0, 0), "fixed_b");
	CHECK_EQ(ftrace_set_filter(&first, NULL, 0, 1), -EINVAL);
	CHECK_EQ(stats().patches, patches);
	CHECK_EQ(fixed_a(1), 100);
	CHECK_EQ(fixed_b(1), 200);

	/* Ops without the flag are as before. */
	counter.data = &hits;
	trace(&counter, "fixed_*");
	trace(&plain, "fixed_a");
	CHECK(fixed_a(1) == 100 || fixed_a(1) == 300);
	CHECK_EQ(fixed_b(1), 200);
	CHECK(hits >= 2);
	untrace(&plain);
	untrace(&counter);

	/* Free again. */
	CHECK_EQ(ftrace_unregister_function(&first), 0);
	CHECK_EQ(filter(&second, "fixed_a"), 0);
	CHECK_EQ(fixed_a(1), 200);
	refused(ftrace_register_function(&first), "fixed_a");
	untrace(&second);
	CHECK_EQ(ftrace_register_function(&first), 0);
	CHECK_EQ(fixed_a(1), 100);
	untrace(&first);
	CHECK_EQ(fixed_a(1), 1);
	CHECK_EQ(fixed_b(1), 2);
}

static void later(void)
{
	int (*work)(int);
	void *plugin;

	CHECK_EQ(ftrace_set_print(keep_line), 0);
	/* In this order: that of registration decides, not that of the filters. */
	CHECK_EQ(filter(&second, "plug_*"), 0);
	CHECK_EQ(ftrace_set_notrace(&second, "plug_none", 0, 0), 0);
	CHECK_EQ(filter(&first, "plug_*"), 0);
	CHECK_EQ(ftrace_register_function(&second), 0);
	CHECK_EQ(ftrace_register_function(&first), 0);

	plugin = dlopen(PLUGIN, RTLD_NOW);
	CHECK(plugin);
	work = (int (*)(int))dlsym(plugin, "plug_twice");
	CHECK(work);
	refused(ftrace_update_sites(), "plug_");
	CHECK_EQ(work(1), 200);
	CHECK_EQ(ftrace_update_sites(), 0);

	CHECK_EQ(ftrace_unregister_function(&second), 0);
	CHECK(work(1) != 200);
	CHECK(work(1) != 100);
	CHECK_EQ(ftrace_set_filter(&first, "plug_*", 0, 1), 0);
	CHECK_EQ(work(1), 100);
	untrace(&first);
	CHECK_EQ(ftrace_free_filter(&second), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"conflict", conflict}, {"later", later}, {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
