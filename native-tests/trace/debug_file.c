/* SPDX-License-Identifier: MIT */
/*
 * debug_file.c - names of functions that only a separate debug file has: see
 * debug_file.sh.
 *
 * debug_file PLUGIN FOUND: whether the plug-in's static function has a name, and then
 * can be traced by it. Those of the dynamic symbol table always have one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../test.h"
#include "../traced.h"

int main(int argc, char **argv)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	int (*twice)(int), found;
	void *handle;

	CHECK_EQ(argc, 3);
	found = atoi(argv[2]);
	handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		dprintf(2, "%s\n", dlerror());
	CHECK(handle);
	twice = (int (*)(int))dlsym(handle, "plug_twice");
	CHECK(twice);
	CHECK_EQ(find_site("plug_twice").count, 1);
	CHECK_EQ(find_site("plug_hidden").count, found);
	CHECK_EQ(filter(&ops, "plug_hidden"), found ? 0 : -ENOENT);
	if (found) {
		struct ftrace_symbol symbol = {.size = sizeof(symbol)};
		unsigned long ip = find_site("plug_hidden").ip;
		char names[8192];

		CHECK_EQ(ftrace_lookup(ip, &symbol, names, sizeof(names)), 0);
		CHECK_EQ(strcmp(symbol.name, "plug_hidden"), 0);
		CHECK_EQ(symbol.site, ip);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		CHECK_EQ(twice(5), 10);
		CHECK_EQ(hits, 1);
		untrace(&ops);
	}
	/* With or without a name it is one of all functions. */
	trace(&ops, "*:mod:plugin.so");
	hits = 0;
	CHECK_EQ(twice(5), 10);
	CHECK_EQ(hits, 2);
	untrace(&ops);
	return 0;
}
