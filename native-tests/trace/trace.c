/* SPDX-License-Identifier: MIT */
/*
 * trace.c - handlers by name, on one thread: counts, filters, errors, registers.
 */
#include "../modes.h"
#include "../proc.h"
#include "../test.h"
#include "../traced.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TRACED int ta_one(int x);
TRACED int ta_two(int x);
TRACED int tb_one(int x);
TRACED int tb_two(int x);
TRACED int tc(int x);

TRACED int ta_one(int x)
{
	return x + 1;
}

TRACED int ta_two(int x)
{
	return x + 2;
}

TRACED int tb_one(int x)
{
	return x + 3;
}

TRACED int tb_two(int x)
{
	return x + 4;
}

TRACED int tc(int x)
{
	return x + 5;
}

/* Which of the five were traced in one round of calls: bit n for the nth. */
static unsigned int seen;
static int (*const functions[])(int) = {ta_one, ta_two, tb_one, tb_two, tc};
#define FUNCTIONS 5

static int index_of(unsigned long ip)
{
	for (int i = 0; i < FUNCTIONS; i++) {
		unsigned long start = (unsigned long)functions[i];

		if (ip >= start && ip - start <= 4)
			return i;
	}
	return -1;
}

static void note(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	int index = index_of(ip);

	(void)parent_ip, (void)ops, (void)regs;
	CHECK(index >= 0);
	seen |= 1u << index;
}

static unsigned int round_of_calls(void)
{
	seen = 0;
	for (int i = 0; i < FUNCTIONS; i++)
		CHECK_EQ(functions[i](10), 11 + i);
	return seen;
}

static void counts(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	trace(&ops, "ta_one");
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(ta_one(i), i + 1);
	ta_two(1);
	CHECK_EQ(hits, 1000);
	CHECK_EQ(find_site("ta_one").users, 1);
	CHECK_EQ(find_site("ta_two").users, 0);
	untrace(&ops);
	ta_one(1);
	CHECK_EQ(hits, 1000);
	CHECK_EQ(find_site("ta_one").users, 0);
}

struct step {
	const char *filter, *notrace;
	int reset, result;
	unsigned int expected; /* bits as in seen */
};

static void filters(void)
{
	static const struct step steps[] = {
		{"ta_*", NULL, 1, 0, 0x03},
		{"tb_?ne", NULL, 0, 0, 0x07},
		{"!ta_two", NULL, 0, 0, 0x05},
		{"t[ab]_two", NULL, 1, 0, 0x0a},
		{"t[!ab]", NULL, 1, 0, 0x10},
		{"t[^ab]", NULL, 1, 0, 0x10},
		{"t[a-b]_one", NULL, 1, 0, 0x05},
		{"t\\a_one", NULL, 1, 0, 0x01},
		{"t*:mod:program", NULL, 1, 0, 0x1f},
		{"t*:mod:prog*", NULL, 1, 0, 0x1f},
		{"t*:mod:libc*", NULL, 1, -ENOENT, 0x1f},
		{"nobody", NULL, 1, -ENOENT, 0x1f},
		{"nobody", NULL, 0, -ENOENT, 0x1f},
		{"", NULL, 1, -EINVAL, 0x1f},
		{"!", NULL, 1, -EINVAL, 0x1f},
		{"t[ab", NULL, 1, -EINVAL, 0x1f},
		{"t[]", NULL, 1, -EINVAL, 0x1f},
		{"t\\", NULL, 1, -EINVAL, 0x1f},
		{"tc:mod:", NULL, 1, -EINVAL, 0x1f},
		{"tc:mod:[", NULL, 1, -EINVAL, 0x1f},
		{NULL, "tb_*", 0, 0, 0x13},
		{NULL, "!tb_one", 0, 0, 0x17},
		{NULL, "nobody", 0, -ENOENT, 0x17},
		{NULL, "tc", 1, 0, 0x0f},
		/* The first pattern says what there is to begin with. */
		{"!tb_one", NULL, 1, 0, 0x0b},
		/* In order: the later one counts. */
		{"ta_one", NULL, 1, 0, 0x01},
		{"!ta_*", NULL, 0, 0, 0x00},
		{"ta_two", NULL, 0, 0, 0x02},
	};
	struct ftrace_ops ops = OPS(note);
	size_t i;

	CHECK_EQ(filter(&ops, "t[abc]*"), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *step = steps + i;
		int ret = step->filter ? ftrace_set_filter(&ops, step->filter, 0, step->reset)
				       : ftrace_set_notrace(&ops, step->notrace, 0, step->reset);
		unsigned int traced = round_of_calls();

		/* What a pattern that fell away would have let in. */
		if (ret != step->result || traced != step->expected) {
			dprintf(2, "step %zu (%s): expected %d, %#x, got %d, %#x\n", i,
				step->filter ? step->filter : step->notrace, step->result,
				step->expected, ret, traced);
			_exit(1);
		}
	}
	CHECK_EQ(ftrace_set_notrace(&ops, NULL, 0, 1), 0);

	/* A pattern with a length need not end. */
	CHECK_EQ(ftrace_set_filter(&ops, "tcxyz", 2, 1), 0);
	CHECK_EQ(round_of_calls(), 0x10);

	/* By address: of the function or of the nop. */
	CHECK_EQ(ftrace_set_filter_ip(&ops, (unsigned long)tb_one, 0, 1), 0);
	CHECK_EQ(round_of_calls(), 0x04);
	CHECK_EQ(ftrace_set_filter_ip(&ops, find_site("tb_two").ip, 0, 0), 0);
	CHECK_EQ(round_of_calls(), 0x0c);
	CHECK_EQ(ftrace_set_filter_ip(&ops, (unsigned long)tb_one, 1, 0), 0);
	CHECK_EQ(round_of_calls(), 0x08);
	CHECK_EQ(ftrace_set_filter_ip(&ops, 1, 0, 1), -ENOENT);
	CHECK_EQ(ftrace_set_filter_ip(&ops, (unsigned long)tb_two + 64, 0, 1), -ENOENT);
	CHECK_EQ(round_of_calls(), 0x08);

	/* Too much of it. */
	char *longest = malloc(4000);
	int ret = 0, set = 0;

	memset(longest, 'x', 4000);
	CHECK_EQ(ftrace_set_filter(&ops, longest, 3001, 0), -E2BIG);
	longest[3999] = '\0';
	CHECK_EQ(ftrace_set_filter(&ops, longest, 0, 0), -E2BIG);
	free(longest);
	while (ret == 0 && set++ < 3000)
		ret = filter(&ops, "tc");
	CHECK_EQ(ret, -E2BIG);
	CHECK(set > 100);
	CHECK_EQ(round_of_calls(), 0x18);

	/* All functions again: only of this file, or the C library's would be among them. */
	CHECK_EQ(ftrace_set_filter(&ops, "t[abc]*", 0, 1), 0);
	CHECK_EQ(round_of_calls(), 0x1f);
	untrace(&ops);
	CHECK_EQ(round_of_calls(), 0);
}

static void all(void)
{
	struct ftrace_ops ops = OPS(note);

	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(round_of_calls(), 0x1f);
	CHECK_EQ(ftrace_set_filter(&ops, "tc", 0, 0), 0);
	CHECK_EQ(round_of_calls(), 0x10);
	CHECK_EQ(ftrace_set_filter(&ops, NULL, 0, 1), 0);
	CHECK_EQ(round_of_calls(), 0x1f);
	untrace(&ops);
}

static int no_pattern(struct ftrace_ops *ops)
{
	return ftrace_set_filter(ops, NULL, 0, 0);
}

static int malformed(struct ftrace_ops *ops)
{
	return ftrace_set_filter(ops, "t[ab", 0, 1);
}

static int unmatched(struct ftrace_ops *ops)
{
	return ftrace_set_filter(ops, "nobody", 0, 1);
}

static int unmatched_negated(struct ftrace_ops *ops)
{
	return filter(ops, "!nobody");
}

static int too_long(struct ftrace_ops *ops)
{
	static char pattern[3001];

	return ftrace_set_filter(ops, memset(pattern, 'x', 3001), 3001, 0);
}

static int unmatched_ip(struct ftrace_ops *ops)
{
	return ftrace_set_filter_ip(ops, 1, 0, 0);
}

static int reset_filter(struct ftrace_ops *ops)
{
	return ftrace_set_filter(ops, NULL, 0, 1);
}

static int reset_to_one(struct ftrace_ops *ops)
{
	return ftrace_set_filter(ops, "tc", 0, 1);
}

static int add_one(struct ftrace_ops *ops)
{
	return filter(ops, "tc");
}

/* A filter that failed is not "everything", until there is another or none is wanted. */
static void failed(void)
{
	static int (*const fails[])(struct ftrace_ops *) = {
		no_pattern, malformed, unmatched, unmatched_negated, too_long, unmatched_ip};
	static const struct {
		int (*call)(struct ftrace_ops *);
		unsigned int expected;
	} helps[] = {{reset_filter, 0x1f},
		     {ftrace_free_filter, 0x1f},
		     {reset_to_one, 0x10},
		     {add_one, 0x10}};
	struct ftrace_ops ops = OPS(note);

	for (size_t i = 0; i < sizeof(fails) / sizeof(*fails); i++) {
		for (size_t j = 0; j < sizeof(helps) / sizeof(*helps); j++) {
			CHECK(fails[i](&ops) < 0);
			CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
			CHECK_EQ(ftrace_update_sites(), 0);
			CHECK_EQ(round_of_calls(), 0);
			CHECK_EQ(ftrace_set_notrace(&ops, "tb_*", 0, 0), 0);
			CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
			CHECK_EQ(ftrace_set_notrace(&ops, NULL, 0, 1), 0);
			CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
			CHECK_EQ(helps[j].call(&ops), 0);
			CHECK_EQ(ftrace_register_function(&ops), 0);
			CHECK_EQ(round_of_calls(), helps[j].expected);
			untrace(&ops);
		}

		/* A filter that stays is one, and a notrace pattern is none. */
		CHECK_EQ(filter(&ops, "tc"), 0);
		CHECK(fails[i](&ops) < 0);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		CHECK_EQ(round_of_calls(), 0x10);
		untrace(&ops);
		CHECK_EQ(ftrace_set_notrace(&ops, "nobody", 0, 0), -ENOENT);
		CHECK_EQ(ftrace_register_function(&ops), 0);

		/* What is registered keeps its selection. */
		CHECK(fails[i](&ops) < 0);
		CHECK_EQ(round_of_calls(), 0x1f);
		untrace(&ops);
	}
}

static void errors(void)
{
	struct {
		struct ftrace_ops ops;
		unsigned long more;
	} large = {OPS(note), 0};
	struct ftrace_ops good = OPS(note), none = OPS(NULL), flags = OPS(note, .flags = 1UL << 40);
	struct ftrace_ops small = {.size = sizeof(small) - 8, .func = note};
	struct ftrace_ops *odd = (void *)((char *)&good + 1);
	struct {
		struct ftrace_ops *ops;
		int error;
	} bad[] = {{NULL, -EINVAL},
		   {odd, -EINVAL},
		   {&none, -EINVAL},
		   {&flags, -EINVAL},
		   {&small, -EINVAL}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_EQ(ftrace_register_function(bad[i].ops), bad[i].error);
		CHECK_EQ(ftrace_unregister_function(bad[i].ops), bad[i].error);
		CHECK_EQ(filter(bad[i].ops, "tc"), bad[i].error);
		CHECK_EQ(ftrace_set_notrace(bad[i].ops, "tc", 0, 0), bad[i].error);
		CHECK_EQ(ftrace_set_filter_ip(bad[i].ops, (unsigned long)tc, 0, 0), bad[i].error);
		CHECK_EQ(ftrace_free_filter(bad[i].ops), bad[i].error);
	}
	CHECK_EQ(ftrace_set_filter(&good, NULL, 0, 0), -EINVAL);
	CHECK_EQ(ftrace_unregister_function(&good), -ENOENT);
	CHECK_EQ(ftrace_free_filter(&good), 0);

	trace(&good, "tc");
	CHECK_EQ(ftrace_register_function(&good), -EEXIST);
	CHECK_EQ(ftrace_free_filter(&good), -EBUSY);
	CHECK_EQ(round_of_calls(), 0x10);
	CHECK_EQ(ftrace_unregister_function(&good), 0);
	CHECK_EQ(ftrace_unregister_function(&good), -ENOENT);

	/* The patterns stay until they are freed. */
	CHECK_EQ(ftrace_register_function(&good), 0);
	CHECK_EQ(round_of_calls(), 0x10);
	untrace(&good);

	/* A larger structure of a later version, with nothing in what is unknown here. */
	large.ops.size = sizeof(large);
	trace(&large.ops, "tc");
	CHECK_EQ(round_of_calls(), 0x10);
	untrace(&large.ops);
	large.more = 1;
	CHECK(ftrace_register_function(&large.ops) < 0);

	CHECK_EQ(ftrace_for_each_site(NULL, NULL, 0), -EINVAL);
	CHECK_EQ(ftrace_for_each_site(find_step, NULL, 2), -EINVAL);

	/* 64, and no more; each is called. */
	static struct ftrace_ops many[65];
	unsigned long hits = 0;

	for (int i = 0; i < 65; i++) {
		many[i] = (struct ftrace_ops)OPS(count_hit, .data = &hits);
		CHECK_EQ(filter(many + i, "ta_one"), 0);
		CHECK_EQ(ftrace_register_function(many + i), i < 64 ? 0 : -ENOSPC);
	}
	ta_one(1);
	CHECK_EQ(hits, 64);
	CHECK_EQ(find_site("ta_one").users, 64);
	for (int i = 0; i < 64; i++)
		untrace(many + i);
	hits = 0;
	trace(many + 64, "ta_one");
	ta_one(1);
	CHECK_EQ(hits, 1);
	untrace(many + 64);
}

/* Several on one function, with filters that overlap in every way. */
static void several(void)
{
	static const char *const patterns[] = {"t[abc]*", "ta_*", "t?_one", "tb_*", "tc"};
	static const unsigned int bits[] = {0x1f, 0x03, 0x05, 0x0c, 0x10};
	unsigned long hits[5];
	struct ftrace_ops ops[5];
	unsigned int on = 0, random = 1;

	for (int i = 0; i < 5; i++) {
		ops[i] = (struct ftrace_ops)OPS(count_hit, .data = hits + i,
						.flags = i % 4);
		CHECK_EQ(filter(ops + i, patterns[i]), 0);
	}
	for (int round = 0; round < 200; round++) {
		int which = (random = random * 1103515245 + 12345) >> 16 & 7;

		if (which >= 5)
			continue;
		if (on >> which & 1)
			CHECK_EQ(ftrace_unregister_function(ops + which), 0);
		else
			CHECK_EQ(ftrace_register_function(ops + which), 0);
		on ^= 1u << which;
		memset(hits, 0, sizeof(hits));
		round_of_calls();
		for (int i = 0; i < 5; i++)
			CHECK_EQ(hits[i], on >> i & 1 ? __builtin_popcount(bits[i]) : 0);
	}
	for (int i = 0; i < 5; i++)
		if (on >> i & 1)
			CHECK_EQ(ftrace_unregister_function(ops + i), 0);
	CHECK_EQ(round_of_calls(), 0);
}

TRACED long six(long a, long b, long c, long d, long e, long f);
TRACED long six(long a, long b, long c, long d, long e, long f)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f;
}

static long other(long a, long b, long c, long d, long e, long f)
{
	return -(a + b + c + d + e + f);
}

static __attribute__((noipa)) long call_six(void)
{
	long value = six(1, 2, 3, 4, 5, 6);

	__asm__ __volatile__("" ::: "memory");
	return value;
}

static void change_arguments(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs)
{
	CHECK_EQ(ip, (unsigned long)six);
	CHECK_EQ(parent_ip, regs->parent_ip);
	CHECK(parent_ip > (unsigned long)call_six && parent_ip < (unsigned long)call_six + 128);
	CHECK_EQ(regs->rdi, 1);
	CHECK_EQ(regs->rsi, 2);
	CHECK_EQ(regs->rdx, 3);
	CHECK_EQ(regs->rcx, 4);
	CHECK_EQ(regs->r8, 5);
	CHECK_EQ(regs->r9, 6);
	switch ((long)ops->data) {
	case 1:
		regs->rdi = 9;
		regs->rcx = 8;
		regs->r9 = 7;
		break;
	case 2:
		ftrace_regs_return(regs, 4711);
		break;
	case 3:
		ftrace_regs_redirect(regs, (unsigned long)other);
		break;
	}
}

static void regs(void)
{
	struct ftrace_ops ops = OPS(change_arguments, .flags = FTRACE_OPS_FL_SAVE_REGS);

	trace(&ops, "six");
	CHECK_EQ(call_six(), 654321);
	ops.data = (void *)1;
	CHECK_EQ(call_six(), 758329);
	ops.data = (void *)2;
	CHECK_EQ(call_six(), 4711);
	ops.data = (void *)3;
	CHECK_EQ(call_six(), -21);
	ops.data = NULL;
	CHECK_EQ(call_six(), 654321);
	untrace(&ops);
	CHECK_EQ(call_six(), 654321);
}

TRACED double mix(double a, float b, int c, double d);
TRACED double mix(double a, float b, int c, double d)
{
	return a + 10 * b + 100 * c + 1000 * d;
}

TRACED long double lmix(long double a, double b);
TRACED long double lmix(long double a, double b)
{
	return a * b;
}

static void compute(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	double *sum = ops->data;

	(void)ip, (void)parent_ip, (void)regs;
	for (int i = 1; i < 20; i++)
		*sum += 1.0 / i;
}

static void floats(void)
{
	double sum = 0;
	struct ftrace_ops ops = OPS(compute, .data = &sum);

	trace(&ops, "*mix");
	CHECK(mix(1, 2, 3, 4) == 4321);
	CHECK(lmix(2.5L, 4) == 10);
	CHECK(sum > 6);
	untrace(&ops);
}

static unsigned long depth, deepest, calls;

static void calls_traced(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	calls++;
	deepest = ++depth > deepest ? depth : deepest;
	CHECK_EQ(tc(1), 6);
	CHECK_EQ(ta_one(1), 2);
	depth--;
}

static void recursion(void)
{
	struct ftrace_ops ops = OPS(calls_traced), second = OPS(calls_traced);

	trace(&ops, "t[abc]*");
	CHECK_EQ(tc(2), 7);
	CHECK_EQ(deepest, 1);
	CHECK_EQ(calls, 1);
	trace(&second, "t[abc]*");
	CHECK_EQ(ta_two(2), 4);
	CHECK_EQ(deepest, 1);
	CHECK_EQ(calls, 3);
	untrace(&ops);
	untrace(&second);
}

/* From a handler everything is turned away. */
static void turned_away(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *regs)
{
	static struct ftrace_ops second = OPS(count_hit);

	(void)ip, (void)parent_ip, (void)regs;
	calls++;
	errno = 4711;
	CHECK_EQ(ftrace_register_function(&second), -EDEADLK);
	CHECK_EQ(ftrace_unregister_function(ops), -EDEADLK);
	CHECK_EQ(ftrace_set_filter(ops, "tc", 0, 0), -EDEADLK);
	CHECK_EQ(ftrace_set_notrace(ops, "tc", 0, 0), -EDEADLK);
	CHECK_EQ(ftrace_set_filter_ip(ops, (unsigned long)tc, 0, 0), -EDEADLK);
	CHECK_EQ(ftrace_free_filter(ops), -EDEADLK);
	CHECK_EQ(ftrace_update_ftrace_func(NULL), -EDEADLK);
	CHECK_EQ(ftrace_update_sites(), -EDEADLK);
	CHECK_EQ(ftrace_for_each_site(find_step, NULL, 0), -EDEADLK);
	CHECK_EQ(ftrace_set_print(NULL), -EDEADLK);
	CHECK_EQ(errno, 4711);
}

static int in_window(void *data)
{
	static struct ftrace_ops second = OPS(count_hit);

	CHECK_EQ(ftrace_register_function(&second), -EDEADLK);
	CHECK_EQ(ftrace_unregister_function(data), -EDEADLK);
	CHECK_EQ(ftrace_update_sites(), -EDEADLK);
	return 0;
}

static void deadlk(void)
{
	struct ftrace_ops ops = OPS(turned_away);

	trace(&ops, "tc");
	CHECK_EQ(tc(1), 6);
	CHECK_EQ(calls, 1);
	CHECK_EQ(ftrace_stop_machine(in_window, &ops), 0);
	ftrace_nmi_enter();
	CHECK_EQ(ftrace_unregister_function(&ops), -EDEADLK);
	ftrace_nmi_exit();
	/* It stayed registered. */
	CHECK_EQ(tc(1), 6);
	CHECK_EQ(calls, 2);
	untrace(&ops);
}

/* A tool that changes the entry of a function itself. */
static int reports;
static char report[512];

static void print(const char *line)
{
	reports++;
	snprintf(report, sizeof(report), "%s", line);
}

static void foreign(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned char before[5];
	unsigned long hits = 0, more = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits),
			  second = OPS(count_hit, .data = &more);

	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	memcpy(before, (void *)tc, 5);
	overwrite((unsigned long)tc, theirs);
	CHECK_EQ(filter(&ops, "t[abc]*"), 0);
	CHECK_EQ(ftrace_register_function(&ops), -EINVAL);
	CHECK_EQ(reports, 1);
	CHECK(strstr(report, "tc") && strstr(report, "b8 01 00 00 00"));
	CHECK_EQ(memcmp((void *)tc, theirs, 5), 0);
	CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
	round_of_calls();
	CHECK_EQ(hits, 0);
	overwrite((unsigned long)tc, before);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	round_of_calls();
	CHECK_EQ(hits, 5);
	CHECK_EQ(reports, 1);

	/* While it is traced: it cannot be changed back, and yet the handler is not called. */
	memcpy(before, (void *)tc, 5);
	overwrite((unsigned long)tc, theirs);
	hits = 0;
	CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
	CHECK_EQ(reports, 2);
	CHECK(strstr(report, "tc"));
	overwrite((unsigned long)tc, before);
	round_of_calls();
	CHECK_EQ(hits, 0);

	/* Whoever takes its number does not get its calls. */
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(ftrace_set_filter(&second, "ta_one", 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&second), 0);
		more = 0;
		round_of_calls();
		CHECK_EQ(more, 1);
		CHECK_EQ(hits, 0);
		CHECK_EQ(ftrace_unregister_function(&second), 0);
	}
	CHECK_EQ(ftrace_register_function(&ops), 0);
	round_of_calls();
	CHECK_EQ(hits, 5);
	untrace(&ops);
	CHECK_EQ(round_of_calls(), 0);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* The same with the flag: the others are traced. */
static void foreign_skipped(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned char before[5];
	unsigned long hits = 0, more = 0;
	struct ftrace_ops ops = OPS(count_hit, .flags = FTRACE_OPS_FL_SKIP_FOREIGN, .data = &hits),
			  strict = OPS(count_hit, .data = &more);

	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	memcpy(before, (void *)tc, 5);
	overwrite((unsigned long)tc, theirs);
	trace(&ops, "t[abc]*");
	CHECK_EQ(reports, 1);
	CHECK(strstr(report, "tc") && strstr(report, "b8 01 00 00 00"));
	CHECK_EQ(memcmp((void *)tc, theirs, 5), 0);
	CHECK_EQ(find_site("tc").users, 0);
	CHECK_EQ(find_site("ta_one").users, 1);
	ta_one(1), ta_two(1), tb_one(1), tb_two(1);
	CHECK_EQ(hits, 4);

	/* Once is enough; and what was left out is nobody else's trouble. */
	CHECK_EQ(filter(&ops, "t[abc]*"), 0);
	CHECK_EQ(reports, 1);
	trace(&strict, "ta_*");
	ta_one(1);
	CHECK_EQ(hits, 5);
	CHECK_EQ(more, 1);
	CHECK_EQ(filter(&strict, "tc"), -EINVAL);
	CHECK_EQ(reports, 2);
	CHECK_EQ(filter(&ops, "nobody"), -ENOENT);
	CHECK(strstr(report, "nobody"));
	reports = 2;
	CHECK_EQ(filter(&strict, "tb_one"), 0);
	tb_one(1);
	CHECK_EQ(more, 2);
	untrace(&strict);

	/* Theirs again is ours again, at the next time. */
	overwrite((unsigned long)tc, before);
	hits = 0;
	CHECK_EQ(filter(&ops, "t[abc]*"), 0);
	CHECK_EQ(round_of_calls(), 0);
	CHECK_EQ(hits, 5);

	/* Changed while it is traced: the next one cannot be added, and the first not taken away. */
	memcpy(before, (void *)tc, 5);
	overwrite((unsigned long)tc, theirs);
	strict.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
	trace(&strict, "t[abc]*");
	CHECK_EQ(reports, 3);
	CHECK_EQ(find_site("ta_one").users, 2);
	CHECK_EQ(find_site("tc").users, 1);
	untrace(&strict);
	CHECK_EQ(reports, 3);
	CHECK_EQ(ftrace_unregister_function(&ops), -EINVAL);
	CHECK_EQ(reports, 4);
	overwrite((unsigned long)tc, before);
	hits = 0;
	round_of_calls();
	CHECK_EQ(hits, 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("tc").users, 0);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* Another tool was there before the library looked for the first time. */
static void foreign_first(void)
{
	static const unsigned char theirs[5] = {0xe9, 0, 0, 0, 0}; /* jmp to the next instruction */
	unsigned char before[5];
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	memcpy(before, (void *)tc, 5);
	overwrite((unsigned long)tc, theirs);
	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(find_site("tc").count, 1);
	CHECK_EQ(filter(&ops, "t[abc]*"), 0);
	CHECK_EQ(ftrace_register_function(&ops), -EINVAL);
	CHECK_EQ(reports, 1);
	CHECK(strstr(report, "tc") && strstr(report, "e9 00 00 00 00"));
	ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
	CHECK_EQ(ftrace_register_function(&ops), 0);
	round_of_calls();
	CHECK_EQ(hits, 4);
	overwrite((unsigned long)tc, before);
	CHECK_EQ(filter(&ops, "tc"), 0);
	hits = 0;
	round_of_calls();
	CHECK_EQ(hits, 5);
	untrace(&ops);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

/* What is to be done in one way is done in that way. */
static void methods(void)
{
	static const struct ftrace_patch_opts *const none = NULL;
	struct ftrace_patch_opts opts = {.size = sizeof(opts)};
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	trace(&ops, "tc"); /* what the compiler left is one nop from now on */
	untrace(&ops);
	for (int round = 0; round < 6; round++) {
		int method = 1 + round % 2, writer = 1 + round / 2 % 2;

		opts.method = method;
		opts.writer = writer;
		CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
		trace(&ops, "tc");
		CHECK_EQ(stats().last_method, (uint64_t)method);
		CHECK_EQ(stats().last_writer, (uint64_t)writer);
		hits = 0;
		tc(1);
		CHECK_EQ(hits, 1);
		untrace(&ops);
		CHECK_EQ(stats().last_method, (uint64_t)method);
		CHECK_EQ(stats().last_writer, (uint64_t)writer);
	}
	CHECK_EQ(ftrace_set_patch_opts(none), 0);
	trace(&ops, "tc");
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQ(stats().last_writer, FTRACE_WRITER_PROC_MEM);
	untrace(&ops);
}

static uint64_t resident(void)
{
	return proc_number("/proc/self/status", "\nVmRSS:", 10);
}

static void check_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], perms[5];

	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		CHECK_EQ(sscanf(line, "%*s %4s", perms), 1);
		CHECK(!(strchr(perms, 'w') && strchr(perms, 'x')));
	}
	fclose(maps);
}

/* Nothing grows, whatever is registered, and wherever it lies. */
static void growth(void)
{
	unsigned long hits = 0;
	struct ftrace_ops *ops = calloc(2000, sizeof(*ops));
	struct ftrace_stats before = {0}, after;
	uint64_t memory = 0;

	for (int i = 0; i < 2000; i++) {
		ops[i] = (struct ftrace_ops)OPS(count_hit, .data = &hits);
		if (i == 500) {
			before = stats();
			memory = resident();
		}
		if (i % 2)
			CHECK_EQ(ftrace_register_function(ops + i), 0);
		else
			CHECK_EQ(filter(ops + i, "nobody"), -ENOENT);
		if (i % 2 == 0)
			CHECK_EQ(ftrace_free_filter(ops + i), 0);
		if (i % 100 == 1)
			check_maps();
		if (i % 2)
			CHECK_EQ(ftrace_unregister_function(ops + i), 0);
	}
	after = stats();
	CHECK_EQ(after.gc_collections, 0);
	CHECK_EQ(after.managed_bytes, before.managed_bytes);
	CHECK(resident() < memory + 1024);
	free(ops);
}

/* Slots for sets of handlers are found again that no function needs any more. */
static void sets(void)
{
	static struct ftrace_ops ops[12];
	unsigned long hits = 0;

	for (int i = 0; i < 12; i++)
		trace((ops[i] = (struct ftrace_ops)OPS(count_hit, .data = &hits), ops + i), "tc");
	for (int mask = 1; mask < 1 << 12; mask++) {
		for (int i = 0; i < 12; i++)
			if ((mask ^ (mask - 1)) >> i & 1)
				CHECK_EQ(ftrace_set_filter(ops + i, mask >> i & 1 ? "ta_one" : "tc",
							   0, 1),
					 0);
		hits = 0;
		ta_one(1);
		CHECK_EQ(hits, __builtin_popcount(mask));
	}
	for (int i = 0; i < 12; i++)
		untrace(ops + i);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"counts", counts},   {"filters", filters},	{"all", all},
		{"errors", errors},   {"several", several},	{"regs", regs},
		{"floats", floats},   {"recursion", recursion}, {"deadlk", deadlk},
		{"foreign", foreign}, {"growth", growth},	{"sets", sets},
		{"foreign_skipped", foreign_skipped},
		{"foreign_first", foreign_first},
		{"methods", methods},
		{"failed", failed},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
