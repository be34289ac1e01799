/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - handlers at both ends of all functions of a program (pairs.h); C and C++.
 *
 * Two ops. One is registered all the time, with all functions every other time, and
 * others in between. The other one comes and goes while calls of its functions are
 * under way, and gets the registers.
 *
 * For each thread there is what it has entered and not left. The entry handler pushes a
 * call there, and the exit handler takes it off: on a thread that switches no stacks, that
 * must be the one on top, also for calls that were left by an exception or longjmp(). A
 * handler of a signal may interrupt any of it; what it has pushed it has taken off when it
 * returns.
 *
 * An ops that is registered again is another one: the calls under way when it was
 * unregistered have no exits. So each registration has a number, its life.
 */
#include "pairs.h"

#include <stdio.h>
#include <unistd.h>
#include <ftrace/ftrace.h>

#define MAX_PAIRS 4096
#define ADD(word) __atomic_add_fetch(&(word), 1, __ATOMIC_RELAXED)

struct pair {
	unsigned long data, ip, parent_ip;
	unsigned int depth;
};

struct pairs {
	unsigned long life;
	unsigned long open; /* calls that have been entered and not been left */
	unsigned long entries, exits, tails, unwound;
	unsigned long wrong;
	struct pair at[MAX_PAIRS];
};

static __thread struct pairs thread_pairs, thread_guests;
static struct pairs all_pairs, all_guests;

static int push(struct pairs *pairs, unsigned long life, struct ftrace_graph_call *call)
{
	unsigned long at, number;

	/* Calls that were under way at the end of a life have no exits. */
	if (pairs->life != life) {
		pairs->open = 0;
		pairs->life = life;
	}
	at = ADD(pairs->open) - 1;
	number = ADD(pairs->entries);
	if (at >= MAX_PAIRS || call->data || call->flags) {
		ADD(pairs->wrong);
		pairs->open = at;
		return 0;
	}
	call->data = (void *)number;
	pairs->at[at].data = number;
	pairs->at[at].ip = call->ip;
	pairs->at[at].parent_ip = call->parent_ip;
	pairs->at[at].depth = call->depth;
	return 1;
}

static bool pair_is(const struct pair *pair, const struct ftrace_graph_call *call)
{
	return pair->data == (unsigned long)call->data && pair->ip == call->ip &&
	       pair->parent_ip == call->parent_ip && pair->depth == call->depth;
}

static void pop(struct pairs *pairs, unsigned long life, const struct ftrace_graph_call *call)
{
	unsigned long open = pairs->open;

	ADD(pairs->exits);
	if (call->flags == FTRACE_GRAPH_TAIL)
		ADD(pairs->tails);
	if (call->flags == FTRACE_GRAPH_UNWOUND)
		ADD(pairs->unwound);
	if (pairs->life == life && open && pair_is(&pairs->at[open - 1], call)) {
		pairs->open = open - 1;
		return;
	}
	ADD(pairs->wrong);
	/* Those above it, if it is there, have lost their exits. */
	for (; open; open--)
		if (pair_is(&pairs->at[open - 1], call)) {
			pairs->open = open - 1;
			return;
		}
}

static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	return push(&thread_pairs, 1, call);
}

static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	pop(&thread_pairs, 1, call);
}

static int guest_enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		       struct ftrace_regs *regs)
{
	if (!regs || regs->ip - FTRACE_INSN_SIZE != call->ip)
		ADD(thread_guests.wrong);
	return push(&thread_guests, (unsigned long)ops->data, call);
}

static void guest_leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			struct ftrace_regs *regs)
{
	if (!regs != (call->flags != 0))
		ADD(thread_guests.wrong);
	pop(&thread_guests, (unsigned long)ops->data, call);
}

/* All members: this is compiled as C++ too. */
static struct ftrace_graph_ops ops = {sizeof(ops), enter, leave, 0, NULL, 0};
static struct ftrace_graph_ops guest = {sizeof(guest),		 guest_enter, guest_leave,
					FTRACE_OPS_FL_SAVE_REGS, NULL,	      0};
static bool has_guest;

int pairs_begin(void)
{
	return ftrace_register_graph(&ops);
}

static int change_guest(const char *pattern, unsigned long life)
{
	int error;

	if (has_guest) {
		has_guest = false;
		return ftrace_unregister_graph(&guest);
	}
	guest.data = (void *)life;
	has_guest = true;
	error = ftrace_graph_set_filter(&guest, pattern, 0, 1);
	return error ? error : ftrace_register_graph(&guest);
}

int pairs_change(const char *const *patterns, unsigned long nr_patterns, unsigned long changes)
{
	const char *pattern = patterns[changes / 2 % nr_patterns];

	if (changes % 3 == 2)
		return change_guest(pattern, changes);
	return ftrace_graph_set_filter(&ops, changes % 2 ? pattern : "*", 0, 1);
}

int pairs_end(void)
{
	int error = has_guest ? change_guest(NULL, 0) : 0;

	error = error ? error : ftrace_unregister_graph(&ops);
	error = error ? error : ftrace_graph_set_filter(&guest, NULL, 0, 1);
	return error ? error : ftrace_graph_set_filter(&ops, NULL, 0, 1);
}

static void add(struct pairs *sum, const struct pairs *pairs)
{
	sum->entries += pairs->entries;
	sum->exits += pairs->exits;
	sum->tails += pairs->tails;
	sum->unwound += pairs->unwound;
	sum->wrong += pairs->wrong;
	sum->open += pairs->open;
}

/* A traced function, if the filter selects it. */
__attribute__((noinline, patchable_function_entry(5))) void pairs_event(void)
{
	__asm__ __volatile__("");
}

void pairs_thread_end(void)
{
	/* A call that was left is reported at the next event: so that there is one, with some filter. */
	for (int i = 0; i < 3000 && thread_pairs.open; i++) {
		pairs_event();
		usleep(1000);
	}
	for (unsigned long i = 0; i < thread_pairs.open && i < 10; i++)
		fprintf(stderr, "  no exit: ip 0x%lx, depth %u, entry %lu of %lu\n", thread_pairs.at[i].ip,
			thread_pairs.at[i].depth, thread_pairs.at[i].data, thread_pairs.entries);
	add(&all_pairs, &thread_pairs);
	add(&all_guests, &thread_guests);
}

bool pairs_report(void)
{
	unsigned long wrong = all_pairs.wrong + all_guests.wrong;
	struct ftrace_stats stats = {};
	int error;

	stats.size = sizeof(stats);
	error = ftrace_get_stats(&stats);
	fprintf(stderr, "  %-24s %lu: %lu by tail calls, %lu of calls that were left\n", "exits",
		all_pairs.exits, all_pairs.tails, all_pairs.unwound);
	fprintf(stderr, "  %-24s %lu\n", "exits with registers", all_guests.exits);
	fprintf(stderr, "  %-24s %lu\n", "entries without exit",
		all_pairs.entries - all_pairs.exits);
	fprintf(stderr, "  %-24s %lu\n", "wrong exits", wrong);
	fprintf(stderr, "  %-24s %lu\n", "calls without a block",
		(unsigned long)stats.graph_overruns);
	if (!all_pairs.exits || !all_pairs.tails || !all_guests.exits) {
		fprintf(stderr, "exits of a kind did not occur: nothing was tested\n");
		return false;
	}
	return !error && !stats.graph_overruns && !wrong && !all_pairs.open &&
	       all_pairs.entries == all_pairs.exits;
}

unsigned long pairs_entries(void)
{
	return all_pairs.entries;
}

unsigned long pairs_unwound(void)
{
	return all_pairs.unwound;
}
