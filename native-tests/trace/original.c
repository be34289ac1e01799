/* SPDX-License-Identifier: MIT */
/*
 * original.c - a replacement calls the function that it replaces, whatever the compiler
 * left at its entry: ftrace_original()
 *
 * For each kind of entry: traced for the first time and again; with another ops, which sees the
 * call of the function and not that of the original, and the calls that the original makes;
 * and when the function is no longer traced.
 */
#include "../traced.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static long (*original)(long);
static unsigned long handler_ip, runs;

static long replaced(long x)
{
	runs++;
	return original(x) + 1000;
}

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)parent_ip, (void)ops;
	handler_ip = ip;
	original = (long (*)(long))ftrace_original(ip);
	ftrace_regs_redirect(regs, (unsigned long)replaced);
}

static long (*function(const char *kind, const char *suffix))(long)
{
	char name[64];
	void *found;

	snprintf(name, sizeof(name), "site_%s_%s", kind, suffix);
	found = dlsym(RTLD_DEFAULT, name);
	CHECK(found);
	return (long (*)(long))found;
}

static void run(const char *suffix)
{
	long (*twice)(long) = function("twice", suffix), (*sum)(long) = function("sum", suffix);
	unsigned long hits = 0;
	struct ftrace_ops fix =
		OPS(redirect, .flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY);
	struct ftrace_ops counter = OPS(count_hit, .data = &hits);
	char name[64];

	for (int round = 0; round < 2; round++) {
		CHECK_EQ(ftrace_set_filter_ip(&fix, (unsigned long)twice, 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&fix), 0);
		runs = 0;
		CHECK_EQ(twice(5), 1010);
		CHECK_EQ(runs, 1);

		/* What the list shows while the function is traced is right as well. */
		snprintf(name, sizeof(name), "site_twice_%s", suffix);
		CHECK_EQ(find_site(name).ip, handler_ip);
		CHECK_EQ(find_site(name).users, 1);

		hits = 0;
		CHECK_EQ(ftrace_set_filter_ip(&counter, (unsigned long)twice, 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&counter), 0);
		CHECK_EQ(twice(6), 1012);
		CHECK_EQ(runs, 2);
		CHECK_EQ(hits, 1);
		CHECK_EQ(original(7), 14);
		CHECK_EQ(hits, 1);
		untrace(&counter);

		/* The original calls itself by its name: four calls of the function. */
		CHECK_EQ(ftrace_set_filter_ip(&fix, (unsigned long)sum, 0, 1), 0);
		runs = 0;
		CHECK_EQ(sum(3), 3 + 2 + 1 + 4000);
		CHECK_EQ(runs, 4);
		untrace(&fix);
		CHECK_EQ(sum(3), 6);
		CHECK_EQ(original(3), 6);
		CHECK_EQ(runs, 4);
	}
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	if (strcmp(argv[2], "program") != 0)
		CHECK(dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL));
	run(argv[1]);
	return 0;
}
