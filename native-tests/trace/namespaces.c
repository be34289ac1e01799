/* SPDX-License-Identifier: MIT */
/*
 * namespaces.c - functions of objects that dlmopen() put into another namespace are
 * known and traced, and forgotten with it. The same object may be in several.
 */
#include "../test.h"
#include "../traced.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdlib.h>

static void *open_in(Lmid_t namespace)
{
	void *plugin = dlmopen(namespace, PLUGIN, RTLD_NOW | RTLD_LOCAL);

	if (!plugin)
		dprintf(2, "%s\n", dlerror());
	CHECK(plugin);
	return plugin;
}

static int twice(void *plugin, int x)
{
	int (*function)(int) = (int (*)(int))dlsym(plugin, "plug_twice");

	CHECK(function);
	return function(x);
}

int main(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	void *first, *second;

	if (atof(gnu_get_libc_version()) < 2.35)
		skip("glibc before 2.35 does not list the objects of other namespaces");
	CHECK_EQ(find_site("plug_twice").count, 0);

	/* By name, and by address. */
	first = open_in(LM_ID_NEWLM);
	CHECK_EQ(find_site("plug_twice").count, 1);
	trace(&ops, "plug_twice");
	CHECK_EQ(twice(first, 5), 10);
	CHECK_EQ(hits, 1);
	untrace(&ops);
	CHECK_EQ(ftrace_set_filter_ip(&ops, (unsigned long)dlsym(first, "plug_twice"), 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(twice(first, 5), 10);
	CHECK_EQ(hits, 2);
	untrace(&ops);

	/* The same object in two namespaces, and in the program's: two or three functions. */
	trace(&ops, "plug_twice");
	second = open_in(LM_ID_NEWLM);
	CHECK_EQ(find_site("plug_twice").count, 2);
	CHECK_EQ(twice(first, 5) + twice(second, 5), 20);
	CHECK_EQ(hits, 4);
	CHECK(open_in(LM_ID_BASE));
	CHECK_EQ(find_site("plug_twice").count, 3);

	/* Closed, and opened again in a namespace that was used before. */
	CHECK_EQ(dlclose(first), 0);
	CHECK_EQ(find_site("plug_twice").count, 2);
	CHECK_EQ(twice(second, 5), 10);
	CHECK_EQ(hits, 5);
	first = open_in(LM_ID_NEWLM);
	CHECK_EQ(find_site("plug_twice").count, 3);
	CHECK_EQ(twice(first, 5), 10);
	CHECK_EQ(hits, 6);
	untrace(&ops);
	CHECK_EQ(twice(first, 5) + twice(second, 5), 20);
	CHECK_EQ(hits, 6);
	return 0;
}
