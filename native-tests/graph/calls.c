/* SPDX-License-Identifier: MIT */
/*
 * calls.c - what handlers of ftrace/graph.h are given, and what they change.
 *
 * calls depth      how many calls a call is nested in; max_depth
 * calls several    ops of both headers on one function: each has its own data
 * calls unwanted   entries whose exits are not wanted, and ops with one function only
 * calls registers  arguments changed at the entry, results at the exit
 * calls skipped    an entry that lets the function return at once, or run another
 * calls redirected the same by an ops of ftrace/trace.h: @ip is that of the traced function
 * calls address    ftrace_graph_ret_addr()
 * calls left       calls that were left: reported to each ops with its data
 * calls full       one ops more than there can be
 */
#include "../modes.h"
#include "graphed.h"

#include <errno.h>
#include <setjmp.h>

TRACED long cf(long x);
TRACED long cg(long x);
TRACED long recurse(long n);
TRACED void *return_address(void);
TRACED __int128 wide(long x);
TRACED long ends_in_cf(long x);

TRACED long cf(long x)
{
	return x + 1;
}

TRACED long cg(long x)
{
	long result = cf(x);

	KEEP;
	return result + 1;
}

TRACED long recurse(long n)
{
	long result;

	if (n == 0)
		return 0;
	result = recurse(n - 1);
	KEEP;
	return result + 1;
}

TRACED __int128 wide(long x)
{
	return ((__int128)x << 64) + 1;
}

TRACED void *return_address(void)
{
	return __builtin_return_address(0);
}

static void depth(void)
{
	struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		for (unsigned int max = 0; max < 120; max += 7) {
			pairs.max_depth = max;
			forget_counts();
			graph(&pairs, "recurse");
			CHECK_EQ(recurse(99), 99);
			CHECK_EQ(recurse(99), 99);
			CHECK_EQ(entries, 2 * (max && max < 100 ? max : 100));
			CHECK_EQ(RETURNED, entries);
			ungraph(&pairs);
		}
	}
}

/* Data from the entry to the exit, of one ops at a time; each keeps its own. */
struct kept {
	struct ftrace_graph_ops ops;
	unsigned long entries, exits, unwound, sum;
};

GENERAL_REGS static int keep_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	struct kept *kept = ops->data;

	CHECK(!call->data);
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	call->data = (char *)kept + ++kept->entries;
	kept->sum += kept->entries;
	return 1;
}

GENERAL_REGS static void keep_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	struct kept *kept = ops->data;
	unsigned long serial = (char *)call->data - (char *)kept;

	CHECK(!regs == (!(ops->flags & FTRACE_OPS_FL_SAVE_REGS) || call->flags));
	CHECK(serial > 0 && serial <= kept->entries);
	kept->sum -= serial;
	kept->exits++;
	kept->unwound += call->flags == FTRACE_GRAPH_UNWOUND;
}

static void keep(struct kept *kept, unsigned long flags, const char *pattern)
{
	*kept = (struct kept){
		.ops = GRAPH_OPS(keep_entry, keep_exit, .flags = flags, .data = kept)};
	graph(&kept->ops, pattern);
}

static void check_kept(struct kept *kept, unsigned long calls)
{
	CHECK_EQ(kept->entries, calls);
	CHECK_EQ(kept->exits, calls);
	CHECK_EQ(kept->sum, 0);
}

static void several(void)
{
	static struct kept first, second, third;
	unsigned long hits = 0, regs_hits = 0;
	struct ftrace_ops plain = OPS(count_hit, .data = &hits, .flags = FTRACE_OPS_FL_NO_VECTORS);
	struct ftrace_ops regs =
		OPS(count_hit, .data = &regs_hits, .flags = FTRACE_OPS_FL_SAVE_REGS);

	trace(&plain, "cf");
	keep(&first, FTRACE_OPS_FL_NO_VECTORS, "c[fg]");
	CHECK_EQ(cg(1), 3);
	CHECK_EQ(hits, 1);
	keep(&second, FTRACE_OPS_FL_SAVE_REGS, "cf");
	CHECK_EQ(cg(1), 3);
	trace(&regs, "c[fg]");
	keep(&third, 0, "cg");
	CHECK_EQ(cg(1), 3);
	CHECK_EQ(hits, 3);
	CHECK_EQ(regs_hits, 2);
	check_kept(&first, 6);
	check_kept(&second, 2);
	check_kept(&third, 1);
	/* In another order. */
	untrace(&plain);
	CHECK_EQ(cg(1), 3);
	ungraph(&first.ops);
	CHECK_EQ(cg(1), 3);
	ungraph(&third.ops);
	CHECK_EQ(cg(1), 3);
	check_kept(&first, 8);
	check_kept(&second, 5);
	check_kept(&third, 3);
	ungraph(&second.ops);
	CHECK_EQ(cg(1), 3);
	CHECK_EQ(hits, 3);
	CHECK_EQ(regs_hits, 10);
	untrace(&regs);
	CHECK_EQ(cg(1), 3);
	check_kept(&second, 5);
	CHECK_EQ(regs_hits, 10);
}

static unsigned long seen[2];

GENERAL_REGS static int every_third(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	call->data = (void *)++seen[0];
	return seen[0] % 3 == 0;
}

GENERAL_REGS static void see_third(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	CHECK_EQ((unsigned long)call->data % 3, 0);
	seen[1]++;
}

GENERAL_REGS static int only_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	seen[0]++;
	return 1;
}

GENERAL_REGS static void only_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				   struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	CHECK(!call->data);
	seen[1]++;
}

static void see(struct ftrace_graph_ops *ops, unsigned long flags, unsigned long entered,
		unsigned long left)
{
	memset(seen, 0, sizeof(seen));
	ops->flags = flags;
	graph(ops, "recurse");
	for (int i = 0; i < 30; i++)
		CHECK_EQ(recurse(9), 9);
	ungraph(ops);
	CHECK_EQ(seen[0], entered);
	CHECK_EQ(seen[1], left);
}

static void unwanted(void)
{
	struct ftrace_graph_ops third = GRAPH_OPS(every_third, see_third);
	struct ftrace_graph_ops entry = GRAPH_OPS(only_entry, NULL);
	struct ftrace_graph_ops leave = GRAPH_OPS(NULL, only_exit);

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		see(&third, graph_kinds[kind], 300, 100);
		see(&entry, graph_kinds[kind], 300, 0);
		see(&leave, graph_kinds[kind], 0, 300);
	}
}

static int change_argument(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			   struct ftrace_regs *regs)
{
	(void)ops;
	call->data = (void *)regs->rdi;
	regs->rdi *= 10;
	return 1;
}

static void change_result(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			  struct ftrace_regs *regs)
{
	(void)ops;
	CHECK_EQ(regs->parent_ip, call->parent_ip);
	regs->rax += 1000 * (unsigned long)call->data;
	regs->rdx ^= 0xf0;
	/* These two have no effect. */
	regs->ip = 0;
	regs->parent_ip = 1;
}

static void registers(void)
{
	struct ftrace_graph_ops ops = GRAPH_OPS(change_argument, change_result);

	for (unsigned long flags = 0; flags < 2; flags++) {
		ops.flags = FTRACE_OPS_FL_SAVE_REGS;
		graph(&ops, "cf");
		CHECK_EQ(cf(2), 2021);
		CHECK_EQ(cg(3), 3032);
		ungraph(&ops);
		graph(&ops, "wide");
		CHECK_EQ((long)wide(3), 3001);
		CHECK_EQ((long)(wide(3) >> 64), 30 ^ 0xf0);
		ungraph(&ops);
		CHECK_EQ(cf(2), 3);
	}
}

/* The function does not run, but returns; its exit is seen. */
static int return_at_once(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			  struct ftrace_regs *regs)
{
	(void)call, (void)ops;
	regs->rax = 4711;
	regs->ip = (unsigned long)ftrace_just_return;
	return 1;
}

static int run_another(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)call, (void)ops;
	regs->ip = (unsigned long)recurse;
	return 1;
}

static void skipped(void)
{
	struct ftrace_graph_ops at_once = GRAPH_OPS(return_at_once, only_exit);
	struct ftrace_graph_ops another = GRAPH_OPS(run_another, only_exit);

	at_once.flags = another.flags = FTRACE_OPS_FL_SAVE_REGS;
	memset(seen, 0, sizeof(seen));
	graph(&at_once, "cf");
	CHECK_EQ(cf(1), 4711);
	CHECK_EQ(cg(1), 4712);
	CHECK_EQ(seen[1], 2);
	ungraph(&at_once);
	graph(&another, "cf");
	CHECK_EQ(cf(5), 5);
	CHECK_EQ(seen[1], 3);
	ungraph(&another);
}

static unsigned long seen_ip[2];

static int see_ip_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	seen_ip[0] = call->ip;
	return 1;
}

static void see_ip_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	seen_ip[1] = call->ip;
}

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops;
	regs->ip = (unsigned long)recurse;
}

TRACED long ends_in_cf(long x)
{
	return cf(x);
}

static void redirected(void)
{
	struct ftrace_graph_ops see = GRAPH_OPS(see_ip_entry, see_ip_exit);
	struct ftrace_ops plain =
		OPS(redirect, .flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_SAVE_REGS);
	unsigned long ip = find_site("cf").ip;

	trace(&plain, "cf");
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		see.flags = graph_kinds[kind];
		graph(&see, "cf");
		memset(seen_ip, 0, sizeof(seen_ip));
		CHECK_EQ(cf(5), 5);
		CHECK_EQ(seen_ip[0], ip);
		CHECK_EQ(seen_ip[1], ip);
		CHECK_EQ(ftrace_graph_set_filter(&see, "ends_in_cf", 0, 0), 0);
		memset(seen_ip, 0, sizeof(seen_ip));
		CHECK_EQ(ends_in_cf(5), 5);
		CHECK_EQ(seen_ip[0], ip);
		CHECK_EQ(seen_ip[1], ip);
		ungraph(&see);
	}
	untrace(&plain);
}

static __attribute__((noipa)) void *called_from(void)
{
	void *address = return_address();

	KEEP;
	return address;
}

static void address(void)
{
	struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);
	unsigned long true_one = (unsigned long)called_from(), found;

	CHECK_EQ(ftrace_graph_ret_addr(true_one), true_one);
	CHECK_EQ(ftrace_graph_ret_addr(0), 0);
	CHECK_EQ(ftrace_graph_ret_addr(-1UL), -1);
	graph(&pairs, "return_address");
	found = (unsigned long)called_from();
	CHECK(found != true_one);
	/* The call has returned; but nobody has used the block since. */
	CHECK_EQ(ftrace_graph_ret_addr(found), true_one);
	CHECK_EQ(ftrace_graph_ret_addr(found + 1), found + 1);
	CHECK_EQ(ftrace_graph_ret_addr(found - 1), found - 1);
	ungraph(&pairs);
}

static jmp_buf out;
TRACED long jump(long n);

TRACED long jump(long n)
{
	long result;

	if (n == 0)
		longjmp(out, 1);
	result = jump(n - 1);
	KEEP;
	return result + 1;
}

static __attribute__((noipa)) void jump_from(long depth)
{
	if (setjmp(out) == 0)
		jump(depth);
}

static void left(void)
{
	static struct kept first, second;

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		keep(&first, graph_kinds[kind], "jump");
		keep(&second, graph_kinds[(kind + 1) % GRAPH_KINDS], "jump");
		for (int i = 0; i < 100; i++) {
			jump_from(9);
			CHECK_EQ(first.exits, 10 * i); /* not yet */
		}
		ungraph(&second.ops); /* whose calls that were left are not reported */
		CHECK_EQ(first.exits, 990);
		CHECK_EQ(second.exits, 990);
		jump_from(0);
		CHECK_EQ(first.exits, 1000);
		CHECK_EQ(first.unwound, 1000);
		CHECK_EQ(second.exits, 990);
		CHECK_EQ(second.unwound, 990);
		ungraph(&first.ops);
	}
}

static void full(void)
{
	static struct kept kept[7];

	for (int i = 0; i < 6; i++)
		keep(&kept[i], graph_kinds[i % GRAPH_KINDS], "cf");
	kept[6].ops = (struct ftrace_graph_ops)GRAPH_OPS(keep_entry, keep_exit, .data = &kept[6]);
	CHECK_EQ(ftrace_graph_set_filter(&kept[6].ops, "cf", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&kept[6].ops), -ENOSPC);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(cf(i), i + 1);
	for (int i = 0; i < 6; i++)
		check_kept(&kept[i], 10);
	ungraph(&kept[3].ops);
	CHECK_EQ(ftrace_register_graph(&kept[6].ops), 0);
	CHECK_EQ(cf(1), 2);
	check_kept(&kept[6], 1);
	check_kept(&kept[3], 10);
	for (int i = 0; i < 7; i++)
		if (i != 3)
			ungraph(&kept[i].ops);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"depth", depth},
		{"several", several},
		{"unwanted", unwanted},
		{"registers", registers},
		{"skipped", skipped},
		{"address", address},
		{"left", left},
		{"full", full},
		{"redirected", redirected},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
