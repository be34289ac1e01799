/* SPDX-License-Identifier: MIT */
/*
 * Handlers at both ends of functions (--graph), and the check of one call.
 *
 * Every thread but the changers (handlers.h), and every NMI, calls the functions, which
 * call each other (calls.h), and checks what has become of each of these calls. Two
 * thirds of the handlers are those of ftrace/trace.h, so entries are calls and jumps in turn.
 *
 * The entry handler is called exactly once if the function is in the handler's sites,
 * else not at all, if the version was the same even one before and after; at most once
 * otherwise. The exit handler is called exactly once if the entry handler wanted that,
 * whatever becomes of the filter meanwhile, if the handler was not being
 * unregistered; at most once otherwise. It gets what the entry handler left, and finds
 * that the function has returned, has been left, or goes on in another one. A call
 * that was left is closed at the next entry or exit, so one comes before the check.
 *
 * One handler more, the steady one, is registered from the beginning to the end, on
 * functions of which some are always traced and others by this one only for moments. It
 * counts, and so do the functions: the sums of each thread must agree.
 *
 *   struct tally   its thread, and the handlers that interrupt it there
 *   all else       written before other threads exist, then constant
 */
#define _GNU_SOURCE
#include "graph.h"
#include "calls.h"
#include "handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STEADY	    HANDLERS
#define YIELD_EVERY 512
#define DROP_EVERY  64 /* of the exits, in the control */

/* All of the first four eights, and the leaf that comes after a call that was left. */
static const char *const steady_patterns[] = {"call_0[0-3]?", "call_0?0"};
#define STEADY_SITES 0x01010101ffffffffULL
#define STEADY_EIGHT 4 /* below, all calls are traced, so that the depth is known */

/* What happened to one level of one thread. */
struct level {
	struct trail trail;
	uint64_t serial; /* of the call by the hammer */
	unsigned int site;
	unsigned int handled;
	unsigned int base;						 /* depth of that call */
	_Atomic uint64_t entries[FUNCTION_COUNT], exits[FUNCTION_COUNT]; /* steady */
};

struct tally {
	unsigned int level;
	_Atomic unsigned int dropped;
	struct level at[LEVELS];
};

static struct run *run;
static unsigned long function_in;
static unsigned long results[FUNCTION_COUNT];
static struct tally *tallies;
static __thread struct tally *mine;
static __thread struct counters *my_counters;

/* An entry, as the exit finds it. */
static GENERAL_REGS uintptr_t name_call(const struct level *level, unsigned int visit,
					const struct life *life)
{
	return level->serial << 24 | (uintptr_t)visit << 16 | mine->level << 12 |
	       life->number << 8 | life->handler << 1 | 1;
}

static GENERAL_REGS void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static GENERAL_REGS void fault(enum ops_fault fault, unsigned int handler, unsigned int site)
{
	struct executor who = {.thread = (unsigned int)(mine - tallies), .counters = my_counters};

	handlers_record(&who, mine->level, fault, handler, site, 1);
}

/* Whoever waits for the end of handlers then does wait. */
static GENERAL_REGS void yield_sometimes(struct level *level)
{
	if (++level->handled % YIELD_EVERY == 0)
		syscall(SYS_sched_yield);
}

static GENERAL_REGS bool is_alive(const struct life *life, const void *data)
{
	return atomic_load(&life->alive) && data == life;
}

/*
 * The handler of a function's entry; the function itself has not written anything yet.
 * @parent_ip: 0: not known
 */
static GENERAL_REGS struct visit *visit_now(struct level *level, unsigned int handler,
					    unsigned long ip, unsigned long parent_ip)
{
	struct visit *visit = &level->trail.at[level->trail.visits];

	if (level->trail.visits >= MAX_VISITS)
		return NULL;
	if (atomic_fetch_or(&visit->entered, 1U << handler) & 1U << handler)
		fault(OPS_EXTRA, handler, visit->site);
	if ((visit->ip && visit->ip != ip) ||
	    (parent_ip && visit->parent_ip && visit->parent_ip != parent_ip))
		fault(OPS_MISPLACED, handler, visit->site);
	visit->ip = ip;
	if (parent_ip)
		visit->parent_ip = parent_ip;
	return visit;
}

static GENERAL_REGS void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	struct life *life = (struct life *)ops;
	struct level *level = &mine->at[mine->level];
	bool alive = is_alive(life, ops->data);

	/* That may be in a block, if the function was called in place of a return. */
	(void)parent_ip, (void)regs;
	if (!visit_now(level, life->handler, ip, 0))
		fault(OPS_EXTRA, life->handler, level->site);
	yield_sometimes(level);
	if (__builtin_expect(!alive || !is_alive(life, ops->data), 0))
		fault(OPS_DEAD, life->handler, level->site);
}

static GENERAL_REGS void check_depth(struct level *level, unsigned int depth)
{
	if (level->trail.visits == 0) {
		level->base = depth;
		if (mine->level == 0 && depth)
			fault(OPS_DEPTH, STEADY, level->site);
	} else if (depth != level->base + level->trail.nest) {
		fault(OPS_DEPTH, STEADY, level->site);
	}
}

static GENERAL_REGS int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			      struct ftrace_regs *regs)
{
	struct life *life = (struct life *)ops;
	struct level *level = &mine->at[mine->level];
	unsigned int visits = level->trail.visits, handler = life->handler;
	bool alive = is_alive(life, ops->data);
	struct visit *visit = visit_now(level, handler, call->ip, call->parent_ip);
	bool wanted = handler == STEADY || (level->serial * 31 + visits * 7 + handler) % 4;

	if (!visit) {
		fault(OPS_EXTRA, handler, level->site);
		return 0;
	}
	if (call->data || call->flags)
		fault(OPS_DATA, handler, level->site);
	if (!regs != !(ops->flags & FTRACE_OPS_FL_SAVE_REGS))
		fault(OPS_REGS, handler, level->site);
	yield_sometimes(level);
	if (__builtin_expect(!alive || !is_alive(life, ops->data), 0))
		fault(OPS_DEAD, handler, level->site);
	call->data = (void *)name_call(level, visits, life);
	if (wanted)
		atomic_fetch_or(&visit->wanted, 1U << handler);
	if (handler == STEADY && level->site < 8 * STEADY_EIGHT)
		check_depth(level, call->depth);
	return wanted;
}

static GENERAL_REGS unsigned int kind_of(unsigned int site)
{
	return site % 8 < CALL_NEST ? CALL_LEAF : site % 8;
}

/* Whether the function is where the exit handler was told that it is. */
static GENERAL_REGS bool is_at_exit(const struct visit *visit, unsigned int flags)
{
	unsigned int kind = kind_of(visit->site);

	switch (flags) {
	case 0:
		return visit->done;
	case FTRACE_GRAPH_TAIL:
		return visit->done && kind == CALL_TAIL;
	case FTRACE_GRAPH_UNWOUND:
		return !visit->done && (kind == CALL_LEAVES || kind == CALL_LEFT_FROM);
	default:
		return false;
	}
}

static GENERAL_REGS void count_exit(unsigned int level, unsigned int flags)
{
	count(level ? &my_counters->nmi_exits : &my_counters->exits);
	if (flags & FTRACE_GRAPH_TAIL)
		count(&my_counters->tails);
	if (flags & FTRACE_GRAPH_UNWOUND)
		count(&my_counters->left);
}

/* An NMI may see the exits of calls that were left by what it has interrupted. */
static GENERAL_REGS void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			       struct ftrace_regs *regs)
{
	struct life *life = (struct life *)ops;
	uintptr_t name = (uintptr_t)call->data;
	unsigned int of = name >> 12 & 15, handler = life->handler, bit = 1U << handler;
	bool alive = is_alive(life, ops->data);
	struct level *level = &mine->at[of % LEVELS];
	struct visit *visit = &level->trail.at[(name >> 16 & 255) % MAX_VISITS];

	if (run->settings.control == CONTROL_EARLY &&
	    atomic_fetch_add(&mine->dropped, 1) % DROP_EVERY == 0)
		return;
	if (name >> 24 != level->serial ||
	    (name & 4095) != (life->number << 8 | handler << 1 | 1) || visit->ip != call->ip ||
	    visit->parent_ip != call->parent_ip) {
		fault(OPS_DATA, handler, visit->site);
		return;
	}
	if (!(atomic_load(&visit->wanted) & bit) || atomic_fetch_or(&visit->exited, bit) & bit)
		fault(OPS_EXIT_EXTRA, handler, visit->site);
	if (!is_at_exit(visit, call->flags))
		fault(OPS_EXIT_EARLY, handler, visit->site);
	if (!regs != (call->flags || !(ops->flags & FTRACE_OPS_FL_SAVE_REGS)))
		fault(OPS_REGS, handler, visit->site);
	/* That of a tail call is the other function's. */
	if (regs && kind_of(visit->site) != CALL_TAIL && regs->rax != visit->result)
		fault(OPS_RESULT, handler, visit->site);
	if (handler == STEADY)
		count(&level->exits[visit->site]);
	count_exit(of, call->flags);
	yield_sometimes(&mine->at[mine->level]);
	if (__builtin_expect(!alive || !is_alive(life, ops->data), 0))
		fault(OPS_DEAD, handler, visit->site);
}

static struct life steady = {.handler = STEADY};

/* The calls of the one by the hammer, one handler. */
static void check_visits(const struct executor *who, bool nmi, struct level *level,
			 unsigned int handler, uint64_t sites, bool quiet, bool ends)
{
	for (unsigned int i = 0; i < level->trail.visits; i++) {
		struct visit *visit = &level->trail.at[i];
		unsigned int entered = visit->entered >> handler & 1;
		unsigned int wanted = visit->wanted >> handler & 1;
		unsigned int exited = visit->exited >> handler & 1;
		unsigned int expected = sites >> visit->site & 1;

		if (quiet && entered != expected)
			handlers_record(who, nmi, expected ? OPS_MISSED : OPS_EXTRA, handler,
					visit->site, entered);
		if (!ends && exited != wanted)
			handlers_record(who, nmi, OPS_LOST, handler, visit->site, exited);
		if (entered && visit->ip != site_ip[visit->site])
			handlers_record(who, nmi, OPS_MISPLACED, handler, visit->site, entered);
		if (quiet)
			count(nmi ? &who->counters->nmi_on : &who->counters->on);
	}
}

static void begin_visits(struct level *level)
{
	struct trail *trail = &level->trail;

	for (unsigned int i = 0; i <= trail->visits && i < MAX_VISITS; i++)
		trail->at[i] = (struct visit){0};
	trail->visits = 0;
	trail->nest = 0;
	level->serial++;
}

/* A call that may be left. The next one comes from here too, and sees that. */
static __attribute__((noinline)) unsigned long run_call(struct trail *trail, unsigned int site)
{
	unsigned long got;

	if (kind_of(site) < CALL_LEFT_FROM)
		return call_table[site](function_in);
	if (__builtin_setjmp(trail->leave) == 0)
		return call_table[site](function_in);
	call_trail->nest = 0;
	got = call_trail->at[call_trail->visits - 1].result;
	call_table[0](function_in);
	return got;
}

static void check_call(const struct executor *who, bool nmi, struct level *level, unsigned int site)
{
	unsigned long before[HANDLERS], ends[HANDLERS];
	uint64_t sites[HANDLERS];
	unsigned int on = 0, meanwhile = 0;

	for (unsigned int h = 0; h < HANDLERS; h++) {
		before[h] = atomic_load_explicit(&handlers[h].version, memory_order_acquire);
		ends[h] = atomic_load_explicit(&handlers[h].ends, memory_order_acquire);
		sites[h] = atomic_load_explicit(&handlers[h].sites, memory_order_acquire);
	}
	begin_visits(level);
	level->site = site;
	if (run_call(&level->trail, site) != results[site])
		handlers_record(who, nmi, OPS_RESULT, 0, site, 0);
	for (unsigned int h = 0; h < HANDLERS; h++) {
		unsigned long after =
			atomic_load_explicit(&handlers[h].version, memory_order_acquire);
		bool quiet = before[h] == after && !(after & 1);
		bool ended = (ends[h] & 1) || ends[h] != atomic_load_explicit(&handlers[h].ends,
									      memory_order_acquire);

		on += quiet && (sites[h] >> site & 1);
		meanwhile += !quiet;
		check_visits(who, nmi, level, h, sites[h], quiet, ended);
	}
	check_visits(who, nmi, level, STEADY, STEADY_SITES, true, false);
	for (unsigned int i = 0; i < level->trail.visits; i++)
		if (level->trail.at[i].entered >> STEADY & 1)
			count(&level->entries[level->trail.at[i].site]);
	atomic_fetch_add_explicit(&who->counters->several, on > 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&who->counters->meanwhile, meanwhile != 0, memory_order_relaxed);
}

void graph_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count)
{
	struct tally *tally = &tallies[who->thread];
	struct trail *trail = call_trail;

	mine = tally;
	my_counters = who->counters;
	if (nmi)
		tally->level++;
	call_trail = &tally->at[tally->level].trail;
	atomic_signal_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < count; i++)
		check_call(who, nmi, &tally->at[tally->level], (from + i) % FUNCTION_COUNT);
	atomic_signal_fence(memory_order_seq_cst);
	call_trail = trail;
	if (nmi)
		tally->level--;
	atomic_fetch_add_explicit(nmi ? &who->counters->nmi_calls : &who->counters->calls, count,
				  memory_order_relaxed);
}

static const struct traced functions = {
	.prefix = "call_0", .table = call_table, .func = hit, .entry = enter, .exit = leave};

int graph_init(struct run *shared)
{
	uint64_t random = shared->settings.seed;
	int error;

	run = shared;
	function_in = next_random(&random);
	tallies = calloc(run->settings.threads + CHANGERS, sizeof(*tallies));
	if (!tallies)
		return run_fail(&run->results, -ENOMEM, "memory for the threads");
	error = handlers_init(run, &functions);
	if (error)
		return error;
	/* What the functions return when none is traced. */
	mine = tallies;
	my_counters = &run->results.thread[0];
	call_trail = &tallies->at[0].trail;
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		begin_visits(&tallies->at[0]);
		results[site] = run_call(call_trail, site);
	}
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++)
		call_trail->runs[site] = 0;
	return 0;
}

int graph_begin(void)
{
	int error = 0;

	steady.graph = (struct ftrace_graph_ops){
		.size = sizeof(steady.graph),
		.entryfunc = enter,
		.retfunc = leave,
		.flags = FTRACE_OPS_FL_NO_VECTORS,
		.data = &steady,
	};
	atomic_store(&steady.alive, true);
	for (size_t i = 0; i < sizeof(steady_patterns) / sizeof(steady_patterns[0]); i++)
		error = error ? error
			      : ftrace_graph_set_filter(&steady.graph, steady_patterns[i], 0,
							i == 0);
	error = error ? error : ftrace_register_graph(&steady.graph);
	return error ? run_fail(&run->results, error, "ftrace_register_graph") : 0;
}

/* For each thread, and each level of it: what the functions, the entries and the exits say. */
static int check_sums(void)
{
	for (unsigned int t = 0; t < run->settings.threads + CHANGERS; t++) {
		for (unsigned int i = 0; i < LEVELS * FUNCTION_COUNT; i++) {
			const struct level *level = &tallies[t].at[i / FUNCTION_COUNT];
			unsigned int site = i % FUNCTION_COUNT;
			uint64_t runs = level->trail.runs[site];

			if (!(STEADY_SITES >> site & 1))
				continue;
			run->results.handler_calls += level->entries[site] + level->exits[site];
			if ((level->entries[site] == runs && level->exits[site] == runs) ||
			    run->settings.control == CONTROL_EARLY)
				continue;
			snprintf(run->results.error, sizeof(run->results.error),
				 "thread %u, level %u: call_%03o ran %llu times, with %llu "
				 "entries and %llu exits",
				 t, i / FUNCTION_COUNT, site, (unsigned long long)runs,
				 (unsigned long long)level->entries[site],
				 (unsigned long long)level->exits[site]);
			return -EPROTO;
		}
	}
	return 0;
}

int graph_finish(void)
{
	struct executor who = {.counters = &run->results.thread[0]};
	int error;

	graph_execute(&who, false, 0, FUNCTION_COUNT);
	error = handlers_end();
	if (error)
		return error;
	graph_execute(&who, false, 0, FUNCTION_COUNT);
	error = ftrace_unregister_graph(&steady.graph);
	error = error ? error : ftrace_graph_set_filter(&steady.graph, NULL, 0, 1);
	if (error)
		return run_fail(&run->results, error, "ftrace_unregister_graph");
	atomic_store(&steady.alive, false);
	error = check_sums();
	return error ? error : handlers_check_text();
}
