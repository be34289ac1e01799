/* SPDX-License-Identifier: MIT */
/*
 * pairs.h - whether each entry of a traced call has exactly one exit (ftrace/graph.h).
 *
 * A thread has a struct pairs for each ops. The entry handler pushes a call there, and the
 * exit handler takes it off: on a thread that switches no stacks, that must be the one
 * on top, also for calls that were left by an exception or longjmp(). A handler of a
 * signal may interrupt any of it; what it has pushed it has taken off when it returns.
 *
 * An ops that is registered again is another one: the calls under way when it was
 * unregistered have no exits. So each registration has a number, its life.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdbool.h>
#include <stdio.h>
#include <ftrace/ftrace.h>

#define MAX_PAIRS 4096

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

/* Calls that were under way at the end of a life have no exits. */
static inline void pairs_begin_life(struct pairs *pairs, unsigned long life)
{
	if (pairs->life == life)
		return;
	pairs->open = 0;
	pairs->life = life;
}

/* At an entry. Returns 1: the exit is wanted. */
static inline int pairs_push(struct pairs *pairs, unsigned long life,
			     struct ftrace_graph_call *call)
{
	unsigned long at, number;

	pairs_begin_life(pairs, life);
	at = __atomic_fetch_add(&pairs->open, 1, __ATOMIC_RELAXED);
	number = __atomic_add_fetch(&pairs->entries, 1, __ATOMIC_RELAXED);
	if (at >= MAX_PAIRS || call->data || call->flags) {
		__atomic_add_fetch(&pairs->wrong, 1, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&pairs->open, 1, __ATOMIC_RELAXED);
		return 0;
	}
	call->data = (void *)number;
	pairs->at[at].data = number;
	pairs->at[at].ip = call->ip;
	pairs->at[at].parent_ip = call->parent_ip;
	pairs->at[at].depth = call->depth;
	return 1;
}

static inline bool pair_is(const struct pair *pair, const struct ftrace_graph_call *call)
{
	return pair->data == (unsigned long)call->data && pair->ip == call->ip &&
	       pair->parent_ip == call->parent_ip && pair->depth == call->depth;
}

/* At an exit. Returns false if it is not that of the call on top. */
static inline bool pairs_pop(struct pairs *pairs, unsigned long life,
			     const struct ftrace_graph_call *call)
{
	unsigned long open = pairs->open;

	__atomic_add_fetch(&pairs->exits, 1, __ATOMIC_RELAXED);
	if (call->flags == FTRACE_GRAPH_TAIL)
		__atomic_add_fetch(&pairs->tails, 1, __ATOMIC_RELAXED);
	if (call->flags == FTRACE_GRAPH_UNWOUND)
		__atomic_add_fetch(&pairs->unwound, 1, __ATOMIC_RELAXED);
	if (pairs->life == life && open && pair_is(&pairs->at[open - 1], call)) {
		__atomic_sub_fetch(&pairs->open, 1, __ATOMIC_RELAXED);
		return true;
	}
	__atomic_add_fetch(&pairs->wrong, 1, __ATOMIC_RELAXED);
	/* Those above it, if it is there, have lost their exits. */
	for (; open; open--)
		if (pair_is(&pairs->at[open - 1], call)) {
			pairs->open = open - 1;
			break;
		}
	return false;
}

/* Adds the counters of a thread that has left all its calls, of the ops with this life. */
static inline void pairs_add(struct pairs *sum, const struct pairs *pairs, unsigned long life)
{
	sum->entries += pairs->entries;
	sum->exits += pairs->exits;
	sum->tails += pairs->tails;
	sum->unwound += pairs->unwound;
	sum->wrong += pairs->wrong;
	sum->open += pairs->life == life ? pairs->open : 0;
}

#endif /* PAIRS_H */
