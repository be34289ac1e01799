/* SPDX-License-Identifier: MIT */
/*
 * Handlers at the entries of functions (--ops), and the check of one call.
 *
 * Every thread but the changers (handlers.h), and every NMI, calls the functions and
 * checks each call: one that finds the same even version of a handler before and after
 * must have called it exactly once if the function is in its sites, else not at all. This
 * holds for each handler by itself, whatever happens to the others meanwhile. While the
 * version changes, at most once.
 *
 * Handlers count by the level of the NMI that they run in, so that a call is not
 * mistaken for one of the code that it interrupted.
 *
 *   struct tally           its thread, and the handlers that interrupt it there
 *   all else               written before other threads exist, then constant
 */
#define _GNU_SOURCE
#include "ops.h"
#include "handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define YIELD_EVERY 512

/* What happened to one level of one thread. */
struct level {
	unsigned int site;
	unsigned int handled;
	unsigned int hits[HANDLERS]; /* of one call */
	uint64_t counted[FUNCTION_COUNT];
	uint64_t on[FUNCTION_COUNT];
	uint64_t meanwhile[FUNCTION_COUNT];
};

struct tally {
	unsigned int level;
	struct level at[LEVELS];
};

static struct run *run;
static unsigned long function_in;
static struct tally *tallies;
static __thread struct tally *mine;
static __thread struct counters *my_counters;

static GENERAL_REGS void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	struct life *life = (struct life *)ops;
	struct level *level = &mine->at[mine->level];
	bool alive = atomic_load(&life->alive) && ops->data == life;
	struct executor who = {.thread = (unsigned int)(mine - tallies), .counters = my_counters};

	(void)parent_ip, (void)regs;
	level->hits[life->handler]++;
	level->counted[level->site]++;
	/* Whoever waits for the end of handlers then does wait. */
	if (++level->handled % YIELD_EVERY == 0)
		syscall(SYS_sched_yield);
	if (__builtin_expect(!alive || !atomic_load(&life->alive), 0))
		handlers_record(&who, mine->level, OPS_DEAD, life->handler, level->site, 1);
	if (__builtin_expect(ip != site_ip[level->site], 0))
		handlers_record(&who, mine->level, OPS_MISPLACED, life->handler, level->site, 1);
}

static void check_call(const struct executor *who, bool nmi, struct level *level, unsigned int site)
{
	unsigned long before[HANDLERS], got;
	uint64_t want = 0;
	unsigned int on = 0, meanwhile = 0;

	for (unsigned int h = 0; h < HANDLERS; h++) {
		before[h] = atomic_load_explicit(&handlers[h].version, memory_order_acquire);
		want |= (atomic_load_explicit(&handlers[h].sites, memory_order_acquire) >> site & 1)
			<< h;
		level->hits[h] = 0;
	}
	level->site = site;
	got = function_table[site](function_in);
	if (__builtin_expect(got != function_body(site, function_in), 0))
		handlers_record(who, nmi, OPS_RESULT, 0, site, 0);
	for (unsigned int h = 0; h < HANDLERS; h++) {
		unsigned long after =
			atomic_load_explicit(&handlers[h].version, memory_order_acquire);
		unsigned int expected = want >> h & 1, hits = level->hits[h];

		if (before[h] != after || before[h] & 1) {
			level->meanwhile[site] += hits;
			meanwhile++;
			if (__builtin_expect(hits > 1, 0))
				handlers_record(who, nmi, OPS_EXTRA, h, site, hits);
			continue;
		}
		on += expected;
		level->on[site] += expected;
		if (__builtin_expect(hits != expected, 0))
			handlers_record(who, nmi, hits < expected ? OPS_MISSED : OPS_EXTRA, h, site,
					hits);
	}
	atomic_fetch_add_explicit(nmi ? &who->counters->nmi_on : &who->counters->on, on,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&who->counters->several, on > 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&who->counters->meanwhile, meanwhile != 0, memory_order_relaxed);
}

void ops_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count)
{
	struct tally *tally = &tallies[who->thread];

	mine = tally;
	my_counters = who->counters;
	if (nmi)
		tally->level++;
	atomic_signal_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < count; i++)
		check_call(who, nmi, &tally->at[tally->level], (from + i) % FUNCTION_COUNT);
	atomic_signal_fence(memory_order_seq_cst);
	if (nmi)
		tally->level--;
	atomic_fetch_add_explicit(nmi ? &who->counters->nmi_calls : &who->counters->calls, count,
				  memory_order_relaxed);
}

static const struct traced functions = {
	.prefix = "function_0", .table = function_table, .func = hit};

int ops_init(struct run *shared)
{
	uint64_t random = shared->settings.seed;

	run = shared;
	function_in = next_random(&random);
	tallies = calloc(run->settings.threads + CHANGERS, sizeof(*tallies));
	if (!tallies)
		return run_fail(&run->results, -ENOMEM, "memory for the threads");
	return handlers_init(run, &functions);
}

/* All handlers of a function: those of calls in quiet and those of calls during a change. */
static int check_sums(void)
{
	struct results *results = &run->results;
	int error = 0;

	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		uint64_t counted = 0, expected = 0;

		for (unsigned int t = 0; t < run->settings.threads + CHANGERS; t++) {
			for (unsigned int i = 0; i < LEVELS; i++) {
				const struct level *level = &tallies[t].at[i];

				counted += level->counted[site];
				expected += level->on[site] + level->meanwhile[site];
			}
		}
		results->handler_calls += counted;
		if (counted == expected || error || run->settings.control == CONTROL_EARLY)
			continue;
		snprintf(results->error, sizeof(results->error),
			 "function_%03o called handlers %llu times, expected %llu", site,
			 (unsigned long long)counted, (unsigned long long)expected);
		error = -EPROTO;
	}
	return error;
}

int ops_finish(void)
{
	struct executor who = {.counters = &run->results.thread[0]};
	int error;

	ops_execute(&who, false, 0, FUNCTION_COUNT);
	error = handlers_end();
	if (error)
		return error;
	ops_execute(&who, false, 0, FUNCTION_COUNT);
	error = handlers_check_text();
	return error ? error : check_sums();
}
