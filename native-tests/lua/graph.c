/* SPDX-License-Identifier: MIT */
/*
 * graph.c - handlers at both ends of Lua's functions, whose pairs are checked. Lua leaves
 * functions by longjmp() when a script raises an error.
 */
#include "ops.h"
#include "../pairs.h"

#include <stdio.h>

static const char *const patterns[] = {
	"lua_*", "!luaV_*", "[a-l]*", "*_*", "lua[A-Z]_*", "!*e*", "str_*", "luaV_execute", "l?*",
};

static int change(unsigned long changes)
{
	return pairs_change(patterns, sizeof(patterns) / sizeof(patterns[0]), changes);
}

static bool report(void)
{
	bool good = pairs_report();

	if (pairs_unwound())
		return good;
	fprintf(stderr, "no call was left: nothing was tested\n");
	return false;
}

const struct tracer graph_tracer = {
	.prefix = "graph-",
	.begin = pairs_begin,
	.change = change,
	.end = pairs_end,
	.thread_end = pairs_thread_end,
	.report = report,
	.counted = pairs_entries,
};
