/* SPDX-License-Identifier: MIT */
/*
 * linked.c - what linkers may drop or fold: branches on static keys, static calls, and
 * the compiler's list of functions; and the name of an indirect function, which each
 * linker refers to in its own way. Two files (-DSECOND), linked by linkers.sh in many
 * ways. check() returns 0, or the line of what went wrong.
 *
 * sites: what became of the list of functions: 't' they are traced; 'd' the linker
 * dropped it, and the print function is told so.
 */
#include <errno.h>
#include <ftrace/ftrace.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif
#define HIDDEN __attribute__((visibility("hidden")))

FTRACE_DECLARE_STATIC_KEY_FALSE(shared);
typedef int number_fn(int);
FTRACE_DECLARE_STATIC_CALL(first_call, number_fn);

HIDDEN int second_shared(void);
HIDDEN int second_call(int x);
__attribute__((visibility("default"))) int check(int sites);

#ifdef SECOND

NOINLINE int second_shared(void)
{
	return ftrace_static_branch_unlikely(&shared) ? 1 : 0;
}

NOINLINE int second_call(int x)
{
	return ftrace_static_call(first_call)(x);
}

#else

FTRACE_DEFINE_STATIC_KEY_FALSE(shared);
static FTRACE_DEFINE_STATIC_KEY_FALSE(one);
static FTRACE_DEFINE_STATIC_KEY_FALSE(other);
static volatile int three = 3;

/* Functions that are identical but for the key, the call, or nothing. */
static NOINLINE int is_one(void)
{
	return ftrace_static_branch_unlikely(&one) ? 1 : 0;
}

static NOINLINE int is_other(void)
{
	return ftrace_static_branch_unlikely(&other) ? 1 : 0;
}

static int add_1(int x)
{
	return x + 1;
}

static int add_2(int x)
{
	return x + 2;
}

FTRACE_DEFINE_STATIC_CALL(first_call, add_1);
FTRACE_DEFINE_STATIC_CALL(other_call, add_1);

static NOINLINE int same_1(int x)
{
	return x * three + 7;
}

static NOINLINE int same_2(int x)
{
	return x * three + 7;
}

/* An indirect function, and what its resolver returns. */
static NOINLINE int picked_this(int x)
{
	return x * three + 9;
}

static number_fn *choose_picked(void)
{
	return three == 3 ? picked_this : same_1;
}

HIDDEN int picked(int x) __attribute__((ifunc("choose_picked")));

/* With --gc-sections the linker may drop it, and its entry must go with it. */
HIDDEN int not_used(void);
NOINLINE int not_used(void)
{
	return ftrace_static_branch_unlikely(&other) ? 1 : 0;
}

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static int told;

static void print(const char *line)
{
	told += strstr(line, "the linker dropped the list") != NULL;
}

static int hits;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
}

static int check_sites(int sites)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};

	EXPECT(ftrace_set_print(print) == 0);
	if (sites == 'd') {
		EXPECT(ftrace_set_filter(&ops, "same_*", 0, 0) == -ENOENT);
		EXPECT(told == 1);
		return 0;
	}
	EXPECT(ftrace_set_filter(&ops, "same_*", 0, 0) == 0);
	EXPECT(ftrace_register_function(&ops) == 0);
	EXPECT(same_1(2) == 13 && same_2(1) == 10);
	EXPECT(hits == 2);
	EXPECT(ftrace_unregister_function(&ops) == 0);
	EXPECT(ftrace_set_filter(&ops, "picked", 0, 1) == 0);
	EXPECT(ftrace_register_function(&ops) == 0);
	EXPECT(picked(2) == 15);
	EXPECT(hits == 3);
	EXPECT(ftrace_unregister_function(&ops) == 0);
	return 0;
}

int check(int sites)
{
	EXPECT(ftrace_static_branch_enable(&one) == 0);
	EXPECT(is_one() == 1);
	EXPECT(is_other() == 0);
	EXPECT(second_shared() == 0);
	EXPECT(ftrace_static_branch_enable(&shared) == 0);
	EXPECT(second_shared() == 1);
	EXPECT(ftrace_static_branch_disable(&one) == 0);
	EXPECT(is_one() == 0);
	EXPECT(ftrace_static_call(other_call)(1) == 2);
	EXPECT(second_call(1) == 2);
	EXPECT(ftrace_static_call_update(first_call, add_2) == 0);
	EXPECT(second_call(1) == 3);
	EXPECT(ftrace_static_call(other_call)(1) == 2);
	return check_sites(sites);
}

#ifndef SHARED
int main(int argc, char **argv)
{
	(void)argc;
	exit(check(*argv[1]) & 255);
}
#endif

#endif /* SECOND */
