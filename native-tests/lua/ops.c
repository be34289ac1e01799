/* SPDX-License-Identifier: MIT */
/*
 * ops.c - one handler that counts the calls of all of Lua's functions, and of
 * others again and again.
 *
 * Only Lua is compiled with patchable entries, so all functions are Lua's.
 */
#include "ops.h"

#include <string.h>
#include <stdio.h>

#include <ftrace/ftrace.h>

/* One after the other, each in place of the one before. The first is all of them. */
static const char *const patterns[] = {
	"*",	      "lua_*", "!luaV_*", "[a-l]*",	  "*_*",
	"lua[A-Z]_*", "!*e*",  "str_*",	  "luaV_execute", "l?*",
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static void count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	/* A handler of a signal may count in between. */
	__atomic_add_fetch(&counted_calls, 1, __ATOMIC_RELAXED);
}

static struct ftrace_ops ops = {.size = sizeof(ops), .func = count};

static int count_site(const struct ftrace_site *site, void *data)
{
	(void)site;
	++*(unsigned long *)data;
	return 0;
}

unsigned long ops_sites(bool enabled)
{
	unsigned long sites = 0;

	ftrace_for_each_site(count_site, &sites, enabled ? FTRACE_SITES_ENABLED : 0);
	return sites;
}

static int begin(void)
{
	return ftrace_register_function(&ops);
}

static int change(unsigned long changes)
{
	return ftrace_set_filter(&ops, patterns[changes % PATTERNS], 0, 1);
}

static int end(void)
{
	int error = ftrace_unregister_function(&ops);

	return error ? error : ftrace_free_filter(&ops);
}

const struct tracer ops_tracer = {.prefix = "ops-", .begin = begin, .change = change, .end = end};
