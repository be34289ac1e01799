/* SPDX-License-Identifier: MIT */
/*
 * graph.cpp - handlers at both ends of the functions of jsoncpp, whose pairs are checked.
 * Exceptions leave functions.
 */
#include "handlers.h"
#include "../pairs.h"

#include <cstdio>

static int change(unsigned long changes)
{
	return pairs_change(patterns, nr_patterns, changes);
}

static bool report()
{
	bool good = pairs_report();

	if (pairs_unwound())
		return good;
	std::fprintf(stderr, "no call was left: nothing was tested\n");
	return false;
}

const struct handlers graph_handlers = {pairs_begin, change, pairs_end, pairs_thread_end, report};
