/* SPDX-License-Identifier: MIT */
/*
 * api.c - the functions of ftrace/graph.h: their errors, and what else they have to agree with.
 *
 * api errors     wrong arguments; nothing changes
 * api text       changes of the ops of a function, by filters of both headers
 * api failed     a filter that failed is not "everything"
 * api twice      functions that return twice are not traced, whatever the filter
 * api ended      calls that end without a return: by a tail call, or a jump
 * api numbers    6 ops of this header, 64 of both; each is called
 * api reused     an ops gets no exit of a call that another one with its number has entered
 * api deadlk     from handlers, NMIs and stop windows
 * api both       one address is an ops of both headers
 * api func       ftrace_update_ftrace_func() replaces only handlers of ftrace/trace.h
 * api pending    an object that is opened later: from its constructor on
 * api foreign    a function whose entry belongs to another tool
 * api stack      ftrace_check_stack() finds the true return address of a call
 * api lookup     ftrace_lookup() of what the library makes for such calls
 * api invalid    ops that are not valid: the report says why
 * api overruns   recursion that is deeper than there are blocks
 * api registers  all registers are kept, at the entry and at the exit
 * api objects    more objects than there were once places for stubs
 */
#include "../modes.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../threads.h"
#include "../trace/pending.h"
#include "../trace/registers.h"
#include "../traced.h"
#include "graphed.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

TRACED int ga_one(int x);
TRACED int ga_two(int x);
TRACED int gb_one(int x);
TRACED long deep(long n);

TRACED int ga_one(int x)
{
	return x + 1;
}

TRACED int ga_two(int x)
{
	return x + 2;
}

TRACED int gb_one(int x)
{
	return x + 3;
}

static int (*const functions[])(int) = {ga_one, ga_two, gb_one};
#define FUNCTIONS 3

struct counts {
	unsigned long entries, exits;
};

static int count_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	struct counts *counts = ops->data;

	(void)regs;
	__atomic_add_fetch(&counts->entries, 1, __ATOMIC_RELAXED);
	call->data = ops;
	return 1;
}

static void count_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	struct counts *counts = ops->data;

	(void)regs;
	CHECK(call->data == ops);
	CHECK_EQ(call->flags, 0);
	__atomic_add_fetch(&counts->exits, 1, __ATOMIC_RELAXED);
}

static void round_of_calls(void)
{
	for (int i = 0; i < FUNCTIONS; i++)
		CHECK_EQ(functions[i](10), 11 + i);
}

/* How many of the three are traced by an ops; each at both ends. */
static unsigned long traced_by(struct counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	round_of_calls();
	CHECK_EQ(counts->entries, counts->exits);
	return counts->entries;
}

struct text_copy {
	unsigned char bytes[FUNCTIONS][16];
};

static struct text_copy copy_text(void)
{
	struct text_copy copy;

	for (int i = 0; i < FUNCTIONS; i++)
		memcpy(copy.bytes[i], (void *)functions[i], 16);
	return copy;
}

/* The call gives an error, and the text of the functions stays as it is. */
#define REFUSED(call, error)                                                                       \
	do {                                                                                       \
		struct text_copy before_ = copy_text(), after_;                                    \
                                                                                                   \
		CHECK_EQ(call, error);                                                             \
		after_ = copy_text();                                                              \
		CHECK(memcmp(&before_, &after_, sizeof(after_)) == 0);                             \
	} while (0)

static void refuse_ops(struct ftrace_graph_ops *ops)
{
	REFUSED(ftrace_register_graph(ops), -EINVAL);
	REFUSED(ftrace_unregister_graph(ops), -EINVAL);
	REFUSED(ftrace_graph_set_filter(ops, "ga_one", 0, 0), -EINVAL);
	REFUSED(ftrace_graph_set_notrace(ops, "ga_one", 0, 0), -EINVAL);
}

static void errors(void)
{
	struct {
		struct ftrace_graph_ops ops;
		unsigned long more;
	} large = {GRAPH_OPS(count_entry, count_exit), 0};
	struct counts counts = {0};
	struct ftrace_graph_ops good = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	struct ftrace_graph_ops bad;

	refuse_ops(NULL);
	refuse_ops((void *)((char *)&good + 1));
	refuse_ops((void *)((char *)&good + 4));
	for (size_t size = 0; size < sizeof(good); size++) {
		bad = good;
		bad.size = size;
		refuse_ops(&bad);
	}
	bad = good;
	bad.size = 4097;
	refuse_ops(&bad);
	for (int bit = 0; bit < 64; bit++) {
		unsigned long flag = 1UL << bit;

		bad = good;
		bad.flags = flag;
		if (flag & (FTRACE_OPS_FL_NO_VECTORS | FTRACE_OPS_FL_SAVE_REGS |
			    FTRACE_OPS_FL_SKIP_FOREIGN | FTRACE_OPS_FL_PENDING))
			continue;
		refuse_ops(&bad);
	}
	bad.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_SAVE_REGS;
	refuse_ops(&bad);
	bad = good;
	bad.entryfunc = NULL;
	bad.retfunc = NULL;
	refuse_ops(&bad);
	large.ops.data = &counts;
	large.ops.size = sizeof(large);
	large.more = 1;
	refuse_ops(&large.ops);

	/* A larger structure of a later version, with nothing in what is unknown here. */
	large.more = 0;
	graph(&large.ops, "ga_one");
	CHECK_EQ(traced_by(&counts), 1);
	ungraph(&large.ops);

	REFUSED(ftrace_unregister_graph(&good), -ENOENT);
	REFUSED(ftrace_graph_set_filter(&good, NULL, 0, 0), -EINVAL);
	REFUSED(ftrace_graph_set_notrace(&good, NULL, 0, 0), -EINVAL);
	REFUSED(ftrace_graph_set_filter(&good, "", 0, 1), -EINVAL);
	REFUSED(ftrace_graph_set_filter(&good, "g[ab", 0, 1), -EINVAL);
	REFUSED(ftrace_graph_set_notrace(&good, "g[ab", 0, 1), -EINVAL);
	REFUSED(ftrace_graph_set_filter(&good, "nobody", 0, 1), -ENOENT);
	REFUSED(ftrace_graph_set_notrace(&good, "nobody", 0, 1), -ENOENT);
	CHECK_EQ(ftrace_graph_set_filter(&good, NULL, 0, 1), 0);

	graph(&good, "ga_*");
	REFUSED(ftrace_register_graph(&good), -EEXIST);
	REFUSED(ftrace_graph_set_filter(&good, "nobody", 0, 1), -ENOENT);
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(ftrace_unregister_graph(&good), 0);
	REFUSED(ftrace_unregister_graph(&good), -ENOENT);
	CHECK_EQ(traced_by(&counts), 0);

	/* The patterns stay until they are reset. */
	CHECK_EQ(ftrace_register_graph(&good), 0);
	CHECK_EQ(traced_by(&counts), 2);
	ungraph(&good);
	CHECK_EQ(traced_by(&counts), 0);
}

/* An entry that is a call, a jump, or a nop, whichever of the ops wants it. */
static void text(void)
{
	struct counts counts[2];
	unsigned long hits = 0, more = 0;
	struct ftrace_graph_ops first = GRAPH_OPS(count_entry, count_exit, .data = counts),
				second = GRAPH_OPS(count_entry, count_exit, .data = counts + 1);
	struct ftrace_ops third = OPS(count_hit, .data = &hits),
			  fourth = OPS(count_hit, .data = &more);
	struct text_copy none = copy_text(), now;
	unsigned int on = 0, random = 1;

	CHECK_EQ(ftrace_update_sites(), 0);
	for (int round = 0; round < 300; round++) {
		int which = (random = random * 1103515245 + 12345) >> 16 & 3;
		int add = !(on >> which & 1);

		if (which == 0)
			add ? graph(&first, "g[ab]_one") : ungraph(&first);
		else if (which == 1)
			add ? graph(&second, "ga_*") : ungraph(&second);
		else if (which == 2)
			add ? trace(&third, "ga_*") : untrace(&third);
		else
			add ? trace(&fourth, "ga_one") : untrace(&fourth);
		on ^= 1U << which;
		hits = more = 0;
		CHECK_EQ(traced_by(counts), on & 1 ? 2 : 0);
		CHECK_EQ(hits, on & 4 ? 2 : 0);
		CHECK_EQ(more, on & 8 ? 1 : 0);
		CHECK_EQ(traced_by(counts + 1), on & 2 ? 2 : 0);
		if (on & 3)
			CHECK_EQ(*(unsigned char *)find_site("ga_one").ip, 0xe9);
		CHECK_EQ(find_site("ga_one").users, __builtin_popcount(on));
		CHECK_EQ(find_site("gb_one").users, on & 1);
	}

	/* What has been converted once remains one nop. */
	if (on & 1)
		ungraph(&first);
	if (on & 2)
		ungraph(&second);
	if (on & 4)
		untrace(&third);
	if (on & 8)
		untrace(&fourth);
	now = copy_text();
	for (int i = 0; i < FUNCTIONS; i++) {
		CHECK_EQ(now.bytes[i][0], 0x0f);
		CHECK(memcmp(now.bytes[i] + 5, none.bytes[i] + 5, 11) == 0);
	}

	/* Filters of an ops that is registered. */
	graph(&first, "ga_one");
	CHECK_EQ(traced_by(counts), 1);
	CHECK_EQ(ftrace_graph_set_filter(&first, "ga_two", 0, 0), 0);
	CHECK_EQ(traced_by(counts), 2);
	CHECK_EQ(ftrace_graph_set_notrace(&first, "*_one", 0, 0), 0);
	CHECK_EQ(traced_by(counts), 1);
	CHECK_EQ(ftrace_graph_set_notrace(&first, NULL, 0, 1), 0);
	CHECK_EQ(traced_by(counts), 2);
	CHECK_EQ(ftrace_graph_set_filter(&first, "g[ab]_*", 0, 1), 0);
	CHECK_EQ(traced_by(counts), 3);
	CHECK_EQ(ftrace_graph_set_filter(&first, "!ga_one", 0, 0), 0);
	CHECK_EQ(traced_by(counts), 2);
	CHECK_EQ(ftrace_graph_set_filter(&first, "gb_onexyz", 6, 1), 0);
	CHECK_EQ(traced_by(counts), 1);
	ungraph(&first);
	CHECK_EQ(traced_by(counts), 0);
}

static void failed(void)
{
	struct counts counts;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);

	CHECK_EQ(ftrace_graph_set_filter(&ops, "nobody", 0, 1), -ENOENT);
	REFUSED(ftrace_register_graph(&ops), -ENOENT);
	CHECK_EQ(traced_by(&counts), 0);
	CHECK_EQ(ftrace_graph_set_filter(&ops, "ga_one", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	CHECK_EQ(traced_by(&counts), 1);
	ungraph(&ops);

	/* Without a filter: all functions, but for those that return twice. */
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	CHECK(traced_by(&counts) >= 3);
	CHECK_EQ(find_site("ga_one").users, 1);
	ungraph(&ops);
	CHECK_EQ(traced_by(&counts), 0);
}

TRACED long savectx(long x);
TRACED long __vfork(long x);
TRACED long my_jump(long x);
TRACED long savectx_not(long x);
TRACED long ___setjmp(long x);
extern __typeof__(my_jump) _sigsetjmp __attribute__((alias("my_jump")));

TRACED long savectx(long x)
{
	return x + 1;
}

TRACED long __vfork(long x)
{
	return x + 2;
}

TRACED long my_jump(long x)
{
	return x + 3;
}

TRACED long savectx_not(long x)
{
	return x + 4;
}

TRACED long ___setjmp(long x)
{
	return x + 5;
}

static void call_twice(void)
{
	CHECK_EQ(savectx(0), 1);
	CHECK_EQ(__vfork(0), 2);
	CHECK_EQ(my_jump(0), 3);
	CHECK_EQ(savectx_not(0), 4);
	CHECK_EQ(___setjmp(0), 5);
}

static void twice(void)
{
	static const char *const names[] = {"savectx", "__vfork", "my_jump", "_sigsetjmp"};
	struct counts counts = {0};
	unsigned long hits = 0;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	struct ftrace_ops plain = OPS(count_hit, .data = &hits);

	for (int i = 0; i < 4; i++) {
		graph(&ops, names[i]);
		trace(&plain, names[i]);
		call_twice();
		CHECK_EQ(counts.entries, 0);
		CHECK_EQ(hits, i + 1); /* its entry can be traced */
		untrace(&plain);
		ungraph(&ops);
	}

	/* Others are, whose names are only similar. */
	graph(&ops, "*savectx*");
	CHECK_EQ(ftrace_graph_set_filter(&ops, "*_setjmp", 0, 0), 0);
	call_twice();
	CHECK_EQ(counts.entries, 2);
	CHECK_EQ(counts.exits, 2);
	ungraph(&ops);
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	CHECK_EQ(find_site("savectx").users, 0);
	CHECK_EQ(find_site("savectx_not").users, 1);
	CHECK_EQ(ftrace_unregister_graph(&ops), 0);
}

TRACED long callee(long x);
TRACED long caller(long x);
TRACED long leaves(long x);

TRACED long callee(long x)
{
	return x + 1;
}

TRACED long caller(long x)
{
	return callee(x + 1);
}

static jmp_buf before_leaving;

TRACED long leaves(long x)
{
	long result;

	if (x == 0)
		longjmp(before_leaving, 1);
	result = leaves(x - 1);
	KEEP;
	return result + 1;
}

/* What happened: the first letters of functions, and of ends. */
static char events[64];

static void add_event(char event)
{
	size_t length = strlen(events);

	CHECK(length < sizeof(events) - 1);
	events[length] = event;
}

static char letter_of(unsigned long ip)
{
	if (ip - (unsigned long)callee <= 4)
		return 'e';
	return ip - (unsigned long)caller <= 4 ? 'r' : 'l';
}

static unsigned long last_parent;

static int note_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		      struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	add_event(letter_of(call->ip));
	if (letter_of(call->ip) == 'e')
		CHECK_EQ(call->parent_ip, last_parent);
	last_parent = call->parent_ip;
	call->data = (void *)call->ip;
	return 1;
}

static void note_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		      struct ftrace_regs *regs)
{
	static const char ends[] = {'.', 't', 'u'};

	(void)ops, (void)regs;
	CHECK_EQ((unsigned long)call->data, call->ip);
	add_event(letter_of(call->ip));
	add_event(ends[call->flags]);
}

static void ended(void)
{
	struct ftrace_graph_ops ops = GRAPH_OPS(note_entry, note_exit);

	for (int i = 0; i < GRAPH_KINDS; i++) {
		ops.flags = graph_kinds[i];
		graph(&ops, "calle?");
		CHECK_EQ(ftrace_graph_set_filter(&ops, "leaves", 0, 0), 0);
		memset(events, 0, sizeof(events));

		/* The caller has ended when the callee begins, which returns in its place. */
		CHECK_EQ(caller(1), 3);
		CHECK_EQ(strcmp(events, "rrtee."), 0);

		/* Those that were left are reported before the next one, from the inner to the outer. */
		if (setjmp(before_leaving) == 0)
			leaves(2);
		CHECK_EQ(strcmp(events, "rrtee.lll"), 0);
		CHECK_EQ(caller(1), 3);
		CHECK_EQ(strcmp(events, "rrtee.llllululurrtee."), 0);
		ungraph(&ops);
	}
}

#define MOST_GRAPH_OPS 6
#define MOST_OPS       64

static void numbers(void)
{
	static struct ftrace_graph_ops graphs[MOST_GRAPH_OPS + 1];
	static struct counts counts[MOST_GRAPH_OPS + 1];
	static struct ftrace_ops many[MOST_OPS + 1];
	unsigned long hits = 0;

	for (int i = 0; i <= MOST_GRAPH_OPS; i++) {
		graphs[i] = (struct ftrace_graph_ops)GRAPH_OPS(count_entry, count_exit,
							       .data = counts + i);
		CHECK_EQ(ftrace_graph_set_filter(graphs + i, "ga_one", 0, 1), 0);
		if (i < MOST_GRAPH_OPS)
			CHECK_EQ(ftrace_register_graph(graphs + i), 0);
		else
			REFUSED(ftrace_register_graph(graphs + i), -ENOSPC);
	}
	for (int i = 0; i <= MOST_OPS; i++) {
		many[i] = (struct ftrace_ops)OPS(count_hit, .data = &hits);
		CHECK_EQ(filter(many + i, "ga_one"), 0);
	}
	for (int i = 0; i < MOST_OPS - MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_register_function(many + i), 0);
	REFUSED(ftrace_register_function(many + MOST_OPS), -ENOSPC);
	ga_one(1);
	CHECK_EQ(hits, MOST_OPS - MOST_GRAPH_OPS);
	for (int i = 0; i < MOST_GRAPH_OPS; i++)
		CHECK(counts[i].entries == 1 && counts[i].exits == 1);
	CHECK_EQ(find_site("ga_one").users, MOST_OPS);

	/* One less: one more, of the other header too. */
	CHECK_EQ(ftrace_unregister_graph(graphs), 0);
	CHECK_EQ(ftrace_register_graph(graphs + MOST_GRAPH_OPS), 0);
	CHECK_EQ(ftrace_unregister_graph(graphs + MOST_GRAPH_OPS), 0);
	CHECK_EQ(ftrace_register_function(many + MOST_OPS), 0);
	REFUSED(ftrace_register_graph(graphs), -ENOSPC);
	CHECK_EQ(ftrace_unregister_function(many + MOST_OPS), 0);
	for (int i = 1; i < MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_unregister_graph(graphs + i), 0);

	/* Those of ftrace/trace.h take no places of this header's. */
	for (int i = 0; i < MOST_OPS - MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_unregister_function(many + i), 0);
	for (int i = 0; i < 2 * MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_register_function(many + i), 0);
	for (int i = 0; i < MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_register_graph(graphs + i), 0);
	for (int i = 0; i < MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_unregister_graph(graphs + i), 0);
	for (int i = 2 * MOST_GRAPH_OPS; i < MOST_OPS - MOST_GRAPH_OPS; i++)
		CHECK_EQ(ftrace_register_function(many + i), 0);

	/* 64 of ftrace/trace.h alone, as before. */
	hits = 0;
	for (int i = MOST_OPS - MOST_GRAPH_OPS; i < MOST_OPS; i++)
		CHECK_EQ(ftrace_register_function(many + i), 0);
	REFUSED(ftrace_register_function(many + MOST_OPS), -ENOSPC);
	REFUSED(ftrace_register_graph(graphs), -ENOSPC);
	ga_one(1);
	CHECK_EQ(hits, MOST_OPS);
	for (int i = 0; i < MOST_OPS; i++)
		CHECK_EQ(ftrace_unregister_function(many + i), 0);
	CHECK_EQ(ftrace_register_graph(graphs), 0);
	CHECK_EQ(traced_by(counts), 1);
	CHECK_EQ(ftrace_unregister_graph(graphs), 0);
	CHECK_EQ(find_site("ga_one").users, 0);
}

static void (*inside)(void);

TRACED int outer(int x);
TRACED int outer(int x)
{
	inside();
	return x;
}

static struct counts reused_counts[MOST_GRAPH_OPS];
static struct ftrace_graph_ops reused_ops[MOST_GRAPH_OPS];
static struct counts first_counts;
static struct ftrace_graph_ops first_ops = GRAPH_OPS(count_entry, count_exit,
						     .data = &first_counts);

/* While the call is under way its ops goes, and all numbers are taken. */
static void take_all_numbers(void)
{
	CHECK_EQ(ftrace_unregister_graph(&first_ops), 0);
	for (int i = 0; i < MOST_GRAPH_OPS; i++) {
		reused_ops[i] = (struct ftrace_graph_ops)GRAPH_OPS(count_entry, count_exit,
								   .data = reused_counts + i);
		graph(reused_ops + i, "outer");
	}
}

static void nothing(void)
{
}

static void reused(void)
{
	inside = take_all_numbers;
	graph(&first_ops, "outer");
	CHECK_EQ(outer(5), 5);
	CHECK(first_counts.entries == 1 && first_counts.exits == 0);
	inside = nothing;
	for (int i = 0; i < MOST_GRAPH_OPS; i++)
		CHECK_EQ(reused_counts[i].exits, 0);
	CHECK_EQ(outer(6), 6);
	for (int i = 0; i < MOST_GRAPH_OPS; i++) {
		CHECK(reused_counts[i].entries == 1 && reused_counts[i].exits == 1);
		ungraph(reused_ops + i);
	}
}

static unsigned long turned_away;

static void try_all(struct ftrace_graph_ops *ops)
{
	struct ftrace_graph_ops other = GRAPH_OPS(count_entry, count_exit);

	CHECK_EQ(ftrace_register_graph(&other), -EDEADLK);
	CHECK_EQ(ftrace_unregister_graph(ops), -EDEADLK);
	CHECK_EQ(ftrace_graph_set_filter(ops, "ga_two", 0, 0), -EDEADLK);
	CHECK_EQ(ftrace_graph_set_notrace(ops, "ga_two", 0, 0), -EDEADLK);
	CHECK_EQ(ftrace_graph_ret_addr(4711), 4711);
	turned_away++;
}

static int try_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)call, (void)regs;
	try_all(ops);
	return 1;
}

static void try_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)call, (void)regs;
	try_all(ops);
}

static void try_hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)regs;
	try_all(ops->data);
}

static int try_in_window(void *data)
{
	try_all(data);
	return 0;
}

static struct ftrace_graph_ops *nmi_ops;

static void try_in_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	try_all(nmi_ops);
	ftrace_nmi_exit();
}

static void deadlk(void)
{
	struct ftrace_graph_ops ops = GRAPH_OPS(try_entry, try_exit);
	struct ftrace_ops plain = OPS(try_hit, .data = &ops);

	graph(&ops, "ga_one");
	trace(&plain, "ga_one");
	CHECK_EQ(ga_one(1), 2);
	CHECK_EQ(turned_away, 3);
	untrace(&plain);
	CHECK_EQ(ftrace_stop_machine(try_in_window, &ops), 0);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	try_all(&ops);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	on_signal(SIGUSR1, try_in_nmi, 0);
	nmi_ops = &ops;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(turned_away, 6);

	/* It stayed registered, with its filter. */
	ga_one(1);
	ga_two(1);
	CHECK_EQ(turned_away, 8);
	ungraph(&ops);
}

/*
 * What is valid as either: the handler is at the same offset, and a struct ftrace_ops has its
 * flags where the other has @retfunc, and its data where the flags are.
 */
static struct ftrace_graph_ops two_in_one;
static unsigned long graph_calls, plain_calls;

static int either(void *first, void *second, void *third)
{
	if (second == &two_in_one)
		graph_calls++;
	else if (third == &two_in_one)
		plain_calls++;
	else
		CHECK(!"the ops");
	(void)first;
	return 1;
}

static void both(void)
{
	struct ftrace_ops *plain = (struct ftrace_ops *)&two_in_one;

	two_in_one.size = sizeof(two_in_one);
	two_in_one.entryfunc = (ftrace_graph_entry_t)(void (*)(void))either;
	CHECK(plain->func == (ftrace_func_t)(void (*)(void))either);
	graph(&two_in_one, "ga_*");
	trace(plain, "ga_one");
	round_of_calls();
	CHECK_EQ(graph_calls, 2);
	CHECK_EQ(plain_calls, 1);

	/* Each has its own filters, and is unregistered for itself. */
	CHECK_EQ(ftrace_set_filter(plain, "gb_one", 0, 0), 0);
	round_of_calls();
	CHECK_EQ(graph_calls, 4);
	CHECK_EQ(plain_calls, 3);
	untrace(plain);
	CHECK_EQ(ftrace_unregister_function(plain), -ENOENT);
	round_of_calls();
	CHECK_EQ(graph_calls, 6);
	CHECK_EQ(plain_calls, 3);
	ungraph(&two_in_one);
	round_of_calls();
	CHECK_EQ(graph_calls, 6);
}

static unsigned long replaced;

static void replace(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)regs;
	CHECK(ops->func == count_hit);
	CHECK_EQ(ftrace_graph_ret_addr(parent_ip), parent_ip);
	replaced++;
}

static void func(void)
{
	struct counts counts;
	unsigned long hits = 0;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	struct ftrace_ops plain = OPS(count_hit, .data = &hits);

	/* ga_one has handlers of both headers, ga_two of one, gb_one of the other. */
	graph(&ops, "ga_*");
	trace(&plain, "g[ab]_one");
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(hits, 2);
	CHECK_EQ(ftrace_update_ftrace_func(replace), 0);
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(hits, 2);
	CHECK_EQ(replaced, 2);
	CHECK_EQ(ftrace_update_ftrace_func(ftrace_stub), 0);
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(hits, 2);
	CHECK_EQ(replaced, 2);
	CHECK_EQ(ftrace_update_ftrace_func(NULL), 0);
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(hits, 4);
	untrace(&plain);
	ungraph(&ops);
}

/* As trace/pending.c: on a loaded machine the library may not be in time, which it counts. */
static void pending(void)
{
	struct counts counts;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts,
						.flags = FTRACE_OPS_FL_PENDING);
	uint64_t deadline = now_ns() + TEST_WAIT_SECONDS * 1000000000ULL;
	int in_time = 0;

	graph(&ops, "pend_step");
	while (in_time < 2) { /* again: the stubs of the first one have gone */
		uint64_t timeouts = stats().loader_timeouts;
		void *plugin;

		CHECK(now_ns() < deadline);
		memset(&counts, 0, sizeof(counts));
		plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
		CHECK(plugin);
		if (stats().loader_timeouts == timeouts) {
			CHECK_EQ(counts.entries, PEND_CALLS);
			CHECK_EQ(counts.exits, PEND_CALLS);
			in_time++;
		}
		CHECK_EQ(dlclose(plugin), 0);
	}
	ungraph(&ops);
}

#define OBJECTS 1100

/* Copies of one: the loader tells objects apart by their files. */
static void objects(void)
{
	struct counts counts = {0};
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	static void *plugins[OBJECTS];
	char folder[] = "/tmp/graph-api-XXXXXX", path[64], *content = NULL;
	FILE *from = fopen(PLUGIN, "r");
	size_t size;

	CHECK(from && mkdtemp(folder));
	CHECK_EQ(fseek(from, 0, SEEK_END), 0);
	size = (size_t)ftell(from);
	rewind(from);
	content = malloc(size);
	CHECK(content && fread(content, size, 1, from) == 1);
	fclose(from);
	for (int i = 0; i < OBJECTS; i++) {
		FILE *to;

		snprintf(path, sizeof(path), "%s/%d.so", folder, i);
		to = fopen(path, "w");
		CHECK(to && fwrite(content, size, 1, to) == 1);
		CHECK_EQ(fclose(to), 0);
		plugins[i] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		CHECK(plugins[i]);
	}
	free(content);
	graph(&ops, "pend_step"); /* which is in their files */
	for (int i = 0; i < OBJECTS; i++) {
		snprintf(path, sizeof(path), "%s/%d.so", folder, i);
		CHECK_EQ(unlink(path), 0);
	}
	CHECK_EQ(rmdir(folder), 0);
	for (int i = 0; i < OBJECTS; i++) {
		int (*step)(int) = (int (*)(int))dlsym(plugins[i], "pend_step");

		CHECK_EQ(step(i), i + 1);
		CHECK_EQ(dlclose(plugins[i]), 0);
	}
	CHECK_EQ(counts.entries, OBJECTS);
	CHECK_EQ(counts.exits, OBJECTS);
	ungraph(&ops);
}

static char report[256];
static int reports;

static void print(const char *line)
{
	snprintf(report, sizeof(report), "%s", line);
	reports++;
}

static void foreign(void)
{
	static const unsigned char theirs[5] = {0xb8, 1, 0, 0, 0}; /* mov $1,%eax */
	unsigned char before[5];
	struct counts counts;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);

	/* From here on each entry is one nop. */
	graph(&ops, "g[ab]_*");
	ungraph(&ops);
	CHECK_EQ(ftrace_set_print(print), 0);
	memcpy(before, (void *)gb_one, 5);
	overwrite((unsigned long)gb_one, theirs);
	CHECK_EQ(ftrace_graph_set_filter(&ops, "g[ab]_*", 0, 1), 0);
	REFUSED(ftrace_register_graph(&ops), -EINVAL);
	CHECK_EQ(reports, 1);
	CHECK(strstr(report, "gb_one") && strstr(report, "b8 01 00 00 00"));
	CHECK_EQ(traced_by(&counts), 0);
	CHECK_EQ(ftrace_unregister_graph(&ops), -ENOENT);

	ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	CHECK_EQ(traced_by(&counts), 2);
	CHECK_EQ(memcmp((void *)gb_one, theirs, 5), 0);

	/* When theirs has gone, it is traced from the next call on. */
	overwrite((unsigned long)gb_one, before);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(traced_by(&counts), 3);

	/* Over the library's jump: that cannot be taken back, but the ops has gone. */
	memcpy(before, (void *)gb_one, 5);
	CHECK_EQ(before[0], 0xe9);
	overwrite((unsigned long)gb_one, theirs);
	CHECK_EQ(ftrace_unregister_graph(&ops), -EINVAL);
	CHECK(strstr(report, "gb_one"));
	overwrite((unsigned long)gb_one, before);
	CHECK_EQ(traced_by(&counts), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(find_site("gb_one").users, 0);
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	CHECK_EQ(traced_by(&counts), 3);
	ungraph(&ops);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

static atomic_bool is_inside, may_leave, is_back, may_end;

TRACED int waits(int x);
TRACED int waits(int x)
{
	is_inside = true;
	WAIT_FOR(may_leave);
	return x;
}

/* The text that is asked about: waits() returns there. */
__attribute__((noipa, section("asked_text"))) int asked(int x)
{
	int result = waits(x);

	KEEP;
	return result + 1;
}
extern char __start_asked_text[], __stop_asked_text[];

__attribute__((noipa)) static void clear_stack(void)
{
	char below[8192];

	memset(below, 0, sizeof(below));
	__asm__ __volatile__("" ::"r"(below) : "memory");
}

static void *calls_asked(void *arg)
{
	CHECK_EQ(asked(1), 2);
	clear_stack();
	is_back = true;
	WAIT_FOR(may_end);
	return arg;
}

static int check_asked(void)
{
	return ftrace_check_stack((unsigned long)__start_asked_text, (unsigned long)__stop_asked_text, 0);
}

/* The word of the stack where the return address was is one in a block. */
static void stack(void)
{
	struct counts counts = {0};
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	pthread_t thread;

	CHECK_EQ(check_asked(), 0);
	graph(&ops, "waits");
	thread = start(calls_asked, NULL);
	WAIT_FOR(is_inside);
	CHECK_EQ(check_asked(), -EBUSY);
	CHECK_EQ(ftrace_unregister_graph(&ops), 0);
	CHECK_EQ(check_asked(), -EBUSY);
	may_leave = true;
	WAIT_FOR(is_back);
	CHECK_EQ(check_asked(), 0);
	may_end = true;
	join(thread);
	CHECK_EQ(ftrace_graph_set_filter(&ops, NULL, 0, 1), 0);
	CHECK_EQ(counts.entries, 1);
	CHECK_EQ(counts.exits, 0);
}

static char strings[8192];

static struct ftrace_symbol look_up(unsigned long ip)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};

	CHECK_EQ(ftrace_lookup(ip, &symbol, strings, sizeof(strings)), 0);
	return symbol;
}

static void check_trampoline(unsigned long ip, unsigned long function, unsigned long length,
			     const char *object)
{
	struct ftrace_symbol symbol = look_up(ip);

	CHECK_EQ(strcmp(symbol.name, "ftrace_trampoline"), 0);
	CHECK_EQ(strcmp(symbol.display, "ftrace_trampoline"), 0);
	CHECK(strstr(symbol.object, object));
	CHECK_EQ(symbol.site, 0);
	CHECK_EQ(symbol.offset, ip - symbol.function);
	CHECK(symbol.offset < symbol.length);
	CHECK(!function || symbol.function == function);
	CHECK(!length || symbol.length == length);
}

TRACED unsigned long in_block(void);
TRACED unsigned long in_block(void)
{
	return (unsigned long)__builtin_return_address(0);
}

static unsigned long handlers_return;

static int note_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	unsigned long *stack = __builtin_frame_address(0);

	(void)call, (void)ops, (void)regs;
	/* From graph.c, into whose caller, the trampoline, it returns. */
	handlers_return = stack[1];
	return 1;
}

static void lookup(void)
{
	struct counts counts;
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	struct ftrace_graph_ops notes = GRAPH_OPS(note_return, NULL);
	unsigned long site, stub, block;

	graph(&ops, "in_block");
	block = in_block();
	CHECK(ftrace_graph_ret_addr(block) != block);
	for (unsigned long at = block - 6; at < block + 10; at++)
		check_trampoline(at, block - 6, 16, "libftrace");
	CHECK(look_up(block + 10).function == block + 10);

	site = find_site("in_block").ip;
	CHECK_EQ(*(unsigned char *)site, 0xe9);
	stub = site + 5 + *(int *)(site + 1);
	for (unsigned long at = 0; at < 64; at++)
		check_trampoline(stub + at, stub, 64, "__builtin__ftrace");

	/* Where the stub goes. */
	check_trampoline(*(unsigned long *)(stub + 48), 0, 0, "libftrace");
	ungraph(&ops);
	graph(&notes, "ga_one");
	ga_one(1);
	CHECK(look_up(handlers_return).object);
	ungraph(&notes);
}

#define DEPTH  64000L
#define BLOCKS 61425L

TRACED long deep(long n)
{
	long result;

	if (n == 0)
		return 0;
	result = deep(n - 1);
	KEEP;
	return result + 1;
}

static void *recurse(void *arg)
{
	CHECK_EQ(deep(DEPTH - 1), DEPTH - 1);
	return arg;
}

static pthread_t start_deep(void *(*function)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, 64 << 20), 0);
	CHECK_EQ(pthread_create(&thread, &attributes, function, NULL), 0);
	CHECK_EQ(pthread_attr_destroy(&attributes), 0);
	return thread;
}

static void *calls_ga_two(void *arg)
{
	CHECK_EQ(ga_two(1), 3);
	return arg;
}

static void overruns(void)
{
	struct counts counts = {0};
	struct ftrace_graph_ops ops = GRAPH_OPS(count_entry, count_exit, .data = &counts);
	uint64_t before;

	CHECK_EQ(stats().graph_overruns, 0);
	graph(&ops, "deep");
	CHECK_EQ(ftrace_graph_set_filter(&ops, "ga_two", 0, 0), 0);
	join(start_deep(recurse));
	CHECK_EQ(counts.entries, counts.exits);
	CHECK(counts.entries <= BLOCKS);
	CHECK_EQ(stats().graph_overruns, DEPTH - counts.entries);

	/* Those of a thread that has ended stay, whoever has its record. */
	before = stats().graph_overruns;
	memset(&counts, 0, sizeof(counts));
	join(start_deep(recurse));
	CHECK_EQ(counts.entries, counts.exits);
	before += DEPTH - counts.entries;
	for (int i = 0; i < 3; i++)
		join(start(calls_ga_two, NULL));
	CHECK_EQ(stats().graph_overruns, before);
	ungraph(&ops);
}

/* Why an ops is not valid, which -EINVAL alone does not say. */
static void invalid(void)
{
	static const struct {
		struct ftrace_graph_ops ops;
		const char *fault;
	} cases[] = {
		{{.entryfunc = count_entry}, "size is not"},
		{{.size = sizeof(struct ftrace_graph_ops)}, "entryfunc and retfunc are NULL"},
		{GRAPH_OPS(count_entry, NULL, .flags = FTRACE_OPS_FL_IPMODIFY), "flags"},
	};
	struct ftrace_graph_ops good = GRAPH_OPS(count_entry, count_exit);
	struct ftrace_ops ops = {.size = sizeof(ops)};

	CHECK_EQ(ftrace_set_print(print), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ftrace_graph_ops bad = cases[i].ops;

		reports = 0;
		CHECK_EQ(ftrace_register_graph(&bad), -EINVAL);
		CHECK_EQ(reports, 1);
		CHECK(strstr(report, "struct ftrace_graph_ops: "));
		CHECK(strstr(report, cases[i].fault));
	}
	CHECK_EQ(ftrace_graph_set_filter(NULL, "ga_one", 0, 1), -EINVAL);
	CHECK(strstr(report, "it is NULL"));
	CHECK_EQ(ftrace_register_graph((void *)((char *)&good + 1)), -EINVAL);
	CHECK(strstr(report, "it is not aligned"));
	CHECK_EQ(ftrace_register_function(&ops), -EINVAL);
	CHECK(strstr(report, "struct ftrace_ops: func is NULL"));

	reports = 0;
	CHECK_EQ(ftrace_graph_set_filter(&good, "ga_one", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&good), 0);
	ungraph(&good);
	CHECK_EQ(reports, 0);
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

static struct registers in_regs, out_regs;
static unsigned long clobbers;

__attribute__((target("avx512f,avx512bw"))) static void clobber_zmm(void)
{
	__asm__ __volatile__(
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
		"28,29,30,31\n"
		"vpternlogd $0xff, %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
		".endr\n"
		".irp n,0,1,2,3,4,5,6,7\n"
		"kxnorq %%k\\n, %%k\\n, %%k\\n\n"
		".endr\n" ::
			: "memory");
}

static void clobber(struct ftrace_graph_ops *ops)
{
	clobbers++;
	if (!(ops->flags & FTRACE_OPS_FL_NO_VECTORS)) {
		if (vector_kind == 2)
			clobber_zmm();
		else if (vector_kind == 1)
			__asm__ __volatile__("vzeroall" ::: "memory");
		__asm__ __volatile__(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
				     "pcmpeqb %%xmm\\n, %%xmm\\n\n.endr" ::
					     : "memory");
	}
	__asm__ __volatile__("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx\n"
			     "xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d\n"
			     "xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::
				     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				       "cc", "memory");
}

static int clobber_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)call;
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	clobber(ops);
	return 1;
}

static void clobber_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)call;
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	clobber(ops);
}

static void *check_all(void *arg)
{
	static const uint64_t bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800};

	for (unsigned int round = 0; round < 64; round++) {
		fill(&in_regs, round + 1);
		in_regs.flags = 0x202;
		for (int i = 0; i < 6; i++)
			in_regs.flags |= round >> i & 1 ? bits[i] : 0;
		memset(&out_regs, 0, sizeof(out_regs));
		(round & 1 ? call_with_odd : call_with)(&in_regs, &out_regs);
		check_same(&out_regs, &in_regs);
	}
	return arg;
}

/* A set of ops, and a call of a new thread, of one with slots, and in an NMI. */
static void registers(void)
{
	struct ftrace_graph_ops ops[GRAPH_KINDS];

	find_vector_kind();
	for (int i = 0; i < GRAPH_KINDS; i++)
		ops[i] = (struct ftrace_graph_ops)GRAPH_OPS(clobber_entry, clobber_exit,
							    .flags = graph_kinds[i]);
	for (int set = 1; set < 1 << GRAPH_KINDS; set++) {
		for (int i = 0; i < GRAPH_KINDS; i++)
			if (set >> i & 1)
				graph(ops + i, "traced_empty");
		clobbers = 0;
		join(start(check_all, NULL));
		check_all(NULL);
		ftrace_nmi_enter();
		check_all(NULL);
		ftrace_nmi_exit();
		CHECK_EQ(clobbers, 2 * 3 * 64 * __builtin_popcount(set));
		for (int i = 0; i < GRAPH_KINDS; i++)
			if (set >> i & 1)
				ungraph(ops + i);
	}
	check_all(NULL);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"errors", errors},   {"text", text},		{"failed", failed},
		{"twice", twice},     {"ended", ended},
		{"numbers", numbers}, {"reused", reused},	{"deadlk", deadlk},
		{"both", both},	      {"func", func},		{"pending", pending},
		{"foreign", foreign}, {"stack", stack},		{"lookup", lookup},
		{"overruns", overruns}, {"registers", registers}, {"objects", objects},
		{"invalid", invalid},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
