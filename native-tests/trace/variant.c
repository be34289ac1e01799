/* SPDX-License-Identifier: MIT */
/*
 * variant.c - a program whose every function can be traced, built by variants.sh in
 * many ways. Ends with 0 if what is to be traced is, and nothing else.
 *
 * STRIPPED: only what is in the dynamic symbol table has a name.
 */
#include <stdio.h>
#include <string.h>
#include <ftrace/ftrace.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "variant.c:%d: expected %s\n", __LINE__, #condition);      \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* GCC otherwise knows that a handler cannot change anything in a call of these. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif

volatile int one = 1;

#ifdef OWN_FENTRY
/* The linker turns calls of it through the GOT into direct ones. */
__asm__(".globl __fentry__\n.type __fentry__, @function\n__fentry__: ret\n");
#endif

NOINLINE int work_add(int x);
NOINLINE int work_sub(int x);
NOINLINE double work_mul(double x);

NOINLINE int work_add(int x)
{
	return x + one;
}

static NOINLINE int work_hidden(int x)
{
	return x + 2 * one;
}

NOINLINE int work_sub(int x)
{
	return x - one;
}

NOINLINE double work_mul(double x)
{
	return x * one;
}

static unsigned long hits, last;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)parent_ip, (void)ops, (void)regs;
	hits++;
	last = ip;
}

static unsigned long exits;

static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	hits++;
	call->data = (void *)hits;
	return 1;
}

static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	exits += call->flags == 0 && call->data == (void *)hits;
}

static int count_sites(const struct ftrace_site *site, void *data)
{
	if (strncmp(site->name, "work_", 5) == 0 && *site->object == '\0')
		++*(int *)data;
	return 0;
}

int main(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	struct ftrace_graph_ops graph = {
		.size = sizeof(graph), .entryfunc = enter, .retfunc = leave};
	int sites = 0, named = 4;

#ifdef STRIPPED
	named = 3;
#endif
	CHECK(work_hidden(1) == 3);
	CHECK(ftrace_for_each_site(count_sites, &sites, 0) == 0);
	CHECK(sites == named);
	for (int round = 0; round < 3; round++) {
		CHECK(ftrace_set_filter(&ops, "work_*", 0, 1) == 0);
		CHECK(ftrace_register_function(&ops) == 0);
		hits = 0;
		CHECK(work_add(4) == 5);
		CHECK(hits == 1);
		/* At its first instruction, or after an endbr64. */
		CHECK(last - (unsigned long)work_add <= 5);
		CHECK(work_sub(4) == 3 && hits == 2);
		CHECK(work_mul(2.5) == 2.5 && hits == 3);
		CHECK(work_hidden(1) == 3);
		CHECK(hits == (named == 4 ? 4 : 3));
		CHECK(ftrace_set_filter(&ops, "work_sub", 0, 1) == 0);
		work_add(4), work_sub(4), work_hidden(4);
		CHECK(hits == (unsigned long)named + 1);
		/* All there are, with and without a name. */
		CHECK(ftrace_set_filter(&ops, NULL, 0, 1) == 0);
		hits = 0;
		CHECK(work_hidden(1) == 3);
		CHECK(work_add(4) == 5);
		CHECK(hits == 2);
		CHECK(ftrace_unregister_function(&ops) == 0);
		CHECK(work_hidden(1) == 3);
		CHECK(work_add(4) == 5 && work_sub(4) == 3 && work_mul(2.5) == 2.5);
		CHECK(hits == 2);
		CHECK(ftrace_free_filter(&ops) == 0);

		/* Both ends, whatever the compiler has left at the entry. */
		hits = exits = 0;
		CHECK(ftrace_graph_set_filter(&graph, "work_*", 0, 1) == 0);
		CHECK(ftrace_register_graph(&graph) == 0);
		CHECK(work_add(4) == 5 && work_sub(4) == 3 && work_mul(2.5) == 2.5);
		CHECK(hits == 3 && exits == 3);
		CHECK(ftrace_unregister_graph(&graph) == 0);
		CHECK(work_add(4) == 5 && work_sub(4) == 3 && work_mul(2.5) == 2.5);
		CHECK(hits == 3 && exits == 3);
	}
	return 0;
}
