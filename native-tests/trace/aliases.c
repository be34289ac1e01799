/* SPDX-License-Identifier: MIT */
/*
 * aliases.c - a function is found by each of its names in the symbol table, and a symbol
 * with a version also without it. The clones of a function are found by its name, too. An
 * indirect function has no code: what its resolver has returned is found by its name, if
 * the loader has asked the resolver.
 */
#include "../calls.h"
#include "../test.h"
#include "../traced.h"

#include <errno.h>

static volatile int sink;

TRACED void traced_impl(void)
{
	sink++;
}
void public_api(void) __attribute__((alias("traced_impl")));
void weak_api(void) __attribute__((weak, alias("traced_impl")));

TRACED void traced_versioned(void)
{
	sink++;
}
__asm__(".symver traced_versioned, old_api@V1\n"
	".symver traced_versioned, new_api@@V2");

TRACED static void traced_local(void)
{
	sink++;
}
static void second_local(void) __attribute__((alias("traced_local"), used));

__attribute__((patchable_function_entry(5), target_clones("avx2", "default"))) long
traced_sum(const int *values, int count)
{
	long sum = 0;

	for (int i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

TRACED static int pick_this(int x)
{
	return x + 1;
}
TRACED static int (*choose(void))(int)
{
	return pick_this;
}
int pick(int) __attribute__((ifunc("choose")));
static int pick_too(int) __attribute__((ifunc("choose")));

int call_object(int which);

static const struct {
	const char *pattern;
	void (*call)(void);
} found[] = {
	{"traced_impl", traced_impl},	  {"public_api", traced_impl},
	{"weak_api", traced_impl},	  {"weak_*", traced_impl},
	{"::public_api", traced_impl},	  {"traced_local", traced_local},
	{"second_local", traced_local},	  {"old_api", traced_versioned},
	{"old_api@V1", traced_versioned}, {"old_ap?", traced_versioned},
	{"new_api", traced_versioned},	  {"new_api@@V2", traced_versioned},
};

static const char *const unknown[] = {
	"weak",	   "old_api@V",		  "old_api@V2",	     "old_ap", "new_api@",
	"traced_", "traced_sum.resolver", "object_uncalled", "",
};

static int listed;

static int count_site(const struct ftrace_site *site, void *data)
{
	(void)data;
	listed += site->users > 0;
	return 0;
}

/* How many sites a pattern selects; the call must hit one of them. */
static int select_sites(const char *pattern, int expected_hits)
{
	static const int values[] = {1, 2};
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	trace(&ops, pattern);
	CHECK_EQ(traced_sum(values, 2), 3);
	CHECK_EQ(pick(1), 2);
	CHECK_EQ(call_object(0), 2);
	CHECK_EQ(call_object(1), 3);
	CHECK_EQ(hits, expected_hits);
	listed = 0;
	CHECK_EQ(ftrace_for_each_site(count_site, NULL, 0), 0);
	untrace(&ops);
	return listed;
}

int main(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	/* Before the library looks at the object. */
	CHECK_EQ(call_object(1), 3);
	CHECK_EQ(pick_too(1), 2);

	CHECK_EQ(select_sites("traced_sum", 1), 2);
	CHECK_EQ(select_sites("traced_sum.*", 1), 2);
	CHECK_EQ(select_sites("traced_sum:mod:program", 1), 2);
	CHECK_EQ(select_sites("pick_this", 1), 1);
	CHECK_EQ(select_sites("choose", 0), 1);
	CHECK_EQ(select_sites("pick", 1), 1);
	CHECK_EQ(select_sites("pick_to?", 1), 1);
	CHECK_EQ(select_sites("pick*", 1), 1);
	CHECK_EQ(select_sites("::pick", 1), 1);
	CHECK_EQ(select_sites("object_pick", 1), 1);
	CHECK_EQ(select_sites("object_called", 1), 1);
	CHECK_EQ(select_sites("object_uncalled_this", 0), 1);

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		fprintf(stderr, "%s\n", found[i].pattern);
		CHECK_EQ(ftrace_set_filter(&ops, found[i].pattern, 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		hits = 0;
		listed = 0;
		traced_impl();
		traced_local();
		traced_versioned();
		CHECK_EQ(hits, 1);
		found[i].call();
		CHECK_EQ(hits, 2);
		CHECK_EQ(ftrace_for_each_site(count_site, NULL, 0), 0);
		CHECK_EQ(listed, 1);
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
	}

	for (size_t i = 0; unknown[i][0]; i++)
		CHECK_EQ(ftrace_set_filter(&ops, unknown[i], 0, 1), -ENOENT);
	ftrace_free_filter(&ops);
	return 0;
}
