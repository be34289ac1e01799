/* SPDX-License-Identifier: MIT */
/*
 * copies.c - two copies of the library, each traces every other of functions that end in calls
 * of each other: each call returns where it was called, and none was taken for one that was left.
 */
#include "../copy.h"
#include "graphed.h"

TRACED int co_first(int n);
TRACED int co_second(int n);
TRACED int co_third(int n);
TRACED int co_fourth(int n);

TRACED int co_fourth(int n)
{
	return n + 1;
}

TRACED int co_third(int n)
{
	return co_fourth(n + 1);
}

TRACED int co_second(int n)
{
	return co_third(n + 1);
}

TRACED int co_first(int n)
{
	return co_second(n + 1);
}

static __attribute__((noipa)) int call(int n)
{
	int result = co_first(n);

	KEEP;
	return result;
}

static void register_in(void *copy, struct ftrace_graph_ops *ops, const char *one, const char *other)
{
	__typeof__(ftrace_graph_set_filter) *set_filter =
		(__typeof__(set_filter))dlsym(copy, "ftrace_graph_set_filter");
	__typeof__(ftrace_register_graph) *register_graph =
		(__typeof__(register_graph))dlsym(copy, "ftrace_register_graph");

	CHECK(set_filter && register_graph);
	CHECK_EQ(set_filter(ops, one, 0, 1), 0);
	CHECK_EQ(set_filter(ops, other, 0, 0), 0);
	CHECK_EQ(register_graph(ops), 0);
}

int main(void)
{
	static struct ftrace_graph_ops ops[2];
	void *copies[2] = {dlopen(FTRACE_LIBRARY, RTLD_NOW | RTLD_LOCAL), open_copy(FTRACE_LIBRARY)};

	CHECK(copies[0]);
	alarm(30); /* a call that returns elsewhere may do so for ever */
	for (int i = 0; i < 2; i++) {
		ops[i] = (struct ftrace_graph_ops)GRAPH_OPS(once_entry, once_exit, .flags = graph_kinds[i]);
		register_in(copies[i], &ops[i], i ? "co_second" : "co_first", i ? "co_fourth" : "co_third");
	}
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(call(i), i + 4);
	CHECK_EQ(entries, 4000);
	CHECK_EQ(RETURNED, 4000);
	return 0;
}
