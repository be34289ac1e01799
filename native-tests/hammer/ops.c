/* SPDX-License-Identifier: MIT */
/*
 * The handlers, who changes them, and the check of one call.
 *
 * Two threads, the changers, each have handlers of their own. They register,
 * filter and unregister these at random; all handlers meet on the same 64
 * functions. Every other thread, and every NMI, calls the functions and checks
 * each call:
 *
 *   handler->version   odd while its changer is in the library for it
 *   handler->sites     the functions that it is on, by what the changer asked for
 *
 * A call that finds the same even version before and after must have called the
 * handler exactly once if the function is in sites, else not at all. This holds
 * for each handler by itself, whatever happens to the others meanwhile. While the
 * version changes, at most once.
 *
 * Handlers count by the level of the NMI that they run in, so that a call is not
 * mistaken for one of the code that it interrupted.
 *
 * What is registered is a life. After unregistration it is dead: a handler that runs
 * for it then, or still does, is one too many. Before its memory serves again, other
 * lives come, and it is poisoned meanwhile.
 *
 *   struct handler, life   written by its changer, read by all
 *   struct tally           its thread, and the handlers that interrupt it there
 *   all else               written before other threads exist, then constant
 */
#define _GNU_SOURCE
#include "ops.h"
#include "functions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HANDLERS    (CHANGERS * 6)
#define LIVES	    16
#define LEVELS	    4 /* a thread, and each of the three signals */
#define MAX_RULES   16
#define YIELD_EVERY 512
#define ALL	    (~(uint64_t)0)
#define CALL	    0xe8
#define INT3	    0xcc
#define POISON	    0xdead4bad4bad4badUL /* no address */

/* In the way of nobody's vector registers, see FTRACE_OPS_FL_NO_VECTORS. */
#define NO_VECTORS __attribute__((target("general-regs-only")))

struct life {
	struct ftrace_ops ops; /* first: a handler gets its address */
	unsigned int handler;
	_Atomic bool alive;
};

/* What was asked for. Bit n: function n. */
struct filter {
	uint64_t chosen, left_out;
	bool any;
	unsigned int rules;
};

struct handler {
	_Alignas(64) _Atomic unsigned long version;
	_Atomic uint64_t sites;
	/* the changer's */
	_Alignas(64) struct filter filter;
	struct life life[LIVES];
	unsigned int current;
	bool used; /* the current life has been registered */
	bool registered;
};

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

struct rule {
	char text[32];
	uint64_t matches;
	bool negated;
};

extern const unsigned long __start___patchable_function_entries[];
extern const unsigned long __stop___patchable_function_entries[];

static struct run *run;
static unsigned long site_ip[FUNCTION_COUNT];
static unsigned long function_in;
static struct handler handlers[HANDLERS];
static uint64_t random_state[CHANGERS];
static struct tally *tallies;
static _Atomic int other_error;
static __thread struct tally *mine;
static __thread struct counters *my_counters;

static void __attribute__((cold, noinline))
record(const struct executor *who, bool nmi, enum ops_fault fault, unsigned int handler,
       unsigned int site, unsigned int hits)
{
	struct ops_anomaly *first = &run->results.first_ops;

	atomic_fetch_add_explicit(&who->counters->ops_fault[fault], 1, memory_order_relaxed);
	if (atomic_exchange(&first->claimed, true))
		return;
	first->fault = fault;
	first->nmi = nmi;
	first->thread = who->thread;
	first->handler = handler;
	first->site = site;
	first->hits = hits;
	first->version = handlers[handler].version;
	first->complete = true;
}

static NO_VECTORS void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
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
		record(&who, mine->level, OPS_DEAD, life->handler, level->site, 1);
	if (__builtin_expect(ip != site_ip[level->site], 0))
		record(&who, mine->level, OPS_MISPLACED, life->handler, level->site, 1);
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
		record(who, nmi, OPS_RESULT, 0, site, 0);
	for (unsigned int h = 0; h < HANDLERS; h++) {
		unsigned long after =
			atomic_load_explicit(&handlers[h].version, memory_order_acquire);
		unsigned int expected = want >> h & 1, hits = level->hits[h];

		if (before[h] != after || before[h] & 1) {
			level->meanwhile[site] += hits;
			meanwhile++;
			if (__builtin_expect(hits > 1, 0))
				record(who, nmi, OPS_EXTRA, h, site, hits);
			continue;
		}
		on += expected;
		level->on[site] += expected;
		if (__builtin_expect(hits != expected, 0))
			record(who, nmi, hits < expected ? OPS_MISSED : OPS_EXTRA, h, site, hits);
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

static unsigned int choose(unsigned int changer, unsigned int count)
{
	return (unsigned int)(next_random(&random_state[changer]) % count);
}

/* Some of the eight digits: their pattern, and which. Never none. */
static char *choose_digits(unsigned int changer, char *to, unsigned int *digits)
{
	unsigned int a = choose(changer, 8), b = a + choose(changer, 8 - a);

	*digits = (2u << b) - (1u << a);
	switch (choose(changer, 4)) {
	case 0:
		*digits = 0xff;
		return to + sprintf(to, "?");
	case 1:
		if (*digits == 0xff)
			break;
		*digits ^= 0xff;
		return to + sprintf(to, "[!%u-%u]", a, b);
	case 2:
		*digits = 1u << a;
		return to + sprintf(to, "%u", a);
	default:
		break;
	}
	return to + sprintf(to, "[%u-%u]", a, b);
}

/* The functions are function_000 to function_077, in octal. */
static struct rule choose_rule(unsigned int changer, bool negated)
{
	struct rule rule = {.negated = negated};
	unsigned int high, low;
	char *to = rule.text;

	to += sprintf(to, "%sfunction_0", negated ? "!" : "");
	if (choose(changer, 8) == 0) {
		sprintf(to, "*");
		rule.matches = ALL;
		return rule;
	}
	to = choose_digits(changer, to, &high);
	choose_digits(changer, to, &low);
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++)
		rule.matches |= (uint64_t)(high >> site / 8 & low >> site % 8 & 1) << site;
	return rule;
}

static void add_rule(struct filter *filter, uint64_t matches, bool negated, bool reset)
{
	/* The first one says what there is to begin with. */
	if (reset || !filter->any)
		filter->chosen = negated ? ALL : 0;
	filter->any = true;
	filter->chosen = negated ? filter->chosen & ~matches : filter->chosen | matches;
	filter->rules = reset ? 1 : filter->rules + 1;
}

static uint64_t asked_for(const struct handler *handler)
{
	return handler->registered ? handler->filter.chosen & ~handler->filter.left_out : 0;
}

/*
 * Between these two the changer is in the library. The control publishes what is
 * to be as if it were so already.
 */
static void begin(struct handler *handler)
{
	bool early = run->settings.control == CONTROL_EARLY;

	atomic_fetch_add(&handler->version, 1);
	if (early) {
		atomic_store(&handler->sites, asked_for(handler));
		atomic_fetch_add(&handler->version, 1);
	}
}

static int end(struct handler *handler, int error, const char *what)
{
	if (error)
		return run_fail(&run->results, error, what);
	if (run->settings.control != CONTROL_EARLY) {
		atomic_store(&handler->sites, asked_for(handler));
		atomic_fetch_add(&handler->version, 1);
	}
	return 0;
}

static void count(enum ops_change change)
{
	atomic_fetch_add_explicit(&run->results.changes[change], 1, memory_order_relaxed);
}

/* A pattern, an address, or none any more. */
static int change_filter(unsigned int changer, struct handler *handler)
{
	struct filter *filter = &handler->filter;
	struct ftrace_ops *ops = &handler->life[handler->current].ops;
	bool reset = choose(changer, 3) == 0 || filter->rules >= MAX_RULES;
	bool negated = choose(changer, 3) == 0;
	unsigned int kind = choose(changer, 8), site = choose(changer, FUNCTION_COUNT);
	struct rule rule = choose_rule(changer, negated);
	int error;

	if (kind == 0) {
		*filter = (struct filter){.chosen = ALL, .left_out = filter->left_out};
		begin(handler);
		error = ftrace_set_filter(ops, NULL, 0, 1);
	} else if (kind == 1) {
		unsigned long function = (unsigned long)function_table[site];

		add_rule(filter, (uint64_t)1 << site, negated, reset);
		begin(handler);
		error = ftrace_set_filter_ip(ops, choose(changer, 2) ? function : site_ip[site],
					     negated, reset);
	} else if (kind == 2) {
		/* Always all of them anew: these are not many. */
		filter->left_out = negated ? 0 : rule.matches;
		begin(handler);
		error = ftrace_set_notrace(ops, rule.text, 0, 1);
	} else {
		add_rule(filter, rule.matches, negated, reset);
		begin(handler);
		error = ftrace_set_filter(ops, rule.text, strlen(rule.text), reset);
	}
	count(OPS_FILTERED);
	return end(handler, error, "ftrace_set_filter");
}

/* Its successor begins without patterns. */
static int bury(struct handler *handler)
{
	struct life *life = &handler->life[handler->current];
	int error = ftrace_free_filter(&life->ops);

	if (error)
		return run_fail(&run->results, error, "ftrace_free_filter");
	life->ops.func = (ftrace_func_t)POISON;
	life->ops.data = (void *)POISON;
	life->ops.size = POISON;
	handler->current = (handler->current + 1) % LIVES;
	handler->used = false;
	handler->filter = (struct filter){.chosen = ALL};
	return 0;
}

static int enter(unsigned int changer, struct handler *handler)
{
	struct life *life;
	int error;

	if (handler->used && choose(changer, 4)) {
		error = bury(handler);
		if (error)
			return error;
	}
	life = &handler->life[handler->current];
	if (!handler->used)
		life->ops = (struct ftrace_ops){
			.size = sizeof(life->ops),
			.func = hit,
			.flags = choose(changer, 2) ? FTRACE_OPS_FL_NO_VECTORS : 0,
			.data = life,
		};
	handler->used = true;
	for (unsigned int rules = choose(changer, 3); rules > 0; rules--) {
		error = change_filter(changer, handler);
		if (error)
			return error;
	}
	handler->registered = true;
	atomic_store(&life->alive, true);
	begin(handler);
	error = ftrace_register_function(&life->ops);
	count(OPS_REGISTERED);
	return end(handler, error, "ftrace_register_function");
}

static int leave(struct handler *handler)
{
	struct life *life = &handler->life[handler->current];
	int error;

	handler->registered = false;
	if (run->settings.control == CONTROL_EARLY)
		atomic_store(&life->alive, false);
	begin(handler);
	error = ftrace_unregister_function(&life->ops);
	atomic_store(&life->alive, false);
	count(OPS_UNREGISTERED);
	return end(handler, error, "ftrace_unregister_function");
}

int ops_change(unsigned int changer)
{
	unsigned int each = HANDLERS / CHANGERS;
	struct handler *handler = &handlers[changer * each + choose(changer, each)];
	int error = atomic_load(&other_error);

	if (error)
		return error;
	if (!handler->registered)
		error = enter(changer, handler);
	else if (choose(changer, 3) == 0)
		error = leave(handler);
	else
		error = change_filter(changer, handler);
	if (error)
		atomic_store(&other_error, error);
	return error;
}

static int find_function(unsigned int site)
{
	const unsigned long *entry = __start___patchable_function_entries;
	unsigned long function = (unsigned long)function_table[site];

	/* The entry is the function's first instruction, or follows its endbr64. */
	for (; entry < __stop___patchable_function_entries; entry++)
		if (*entry == function || *entry == function + 4)
			site_ip[site] = *entry;
	if (site_ip[site])
		return 0;
	return run_fail(&run->results, -ENOEXEC, "a function without a patchable entry");
}

int ops_init(struct run *shared)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts),
					 .method = shared->settings.method,
					 .writer = shared->settings.writer};
	uint64_t random = shared->settings.seed;
	int ret;

	run = shared;
	ret = ftrace_set_patch_opts(&opts);
	if (ret)
		return run_fail(&run->results, ret, "ftrace_set_patch_opts");
	function_in = next_random(&random);
	for (unsigned int changer = 0; changer < CHANGERS; changer++)
		random_state[changer] = next_random(&random);
	tallies = calloc(run->settings.threads + CHANGERS, sizeof(*tallies));
	if (!tallies)
		return run_fail(&run->results, -ENOMEM, "memory for the threads");
	for (unsigned int h = 0; h < HANDLERS; h++) {
		handlers[h].filter.chosen = ALL;
		for (unsigned int i = 0; i < LIVES; i++)
			handlers[h].life[i].handler = h;
	}
	run->results.sites[SITE_FUNCTION] = FUNCTION_COUNT;
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		int error = find_function(site);

		if (error)
			return error;
	}
	return 0;
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

static int enabled_site(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	return 1;
}

int ops_finish(void)
{
	struct results *results = &run->results;
	struct executor who = {.counters = &results->thread[0]};

	ops_execute(&who, false, 0, FUNCTION_COUNT);
	for (unsigned int h = 0; h < HANDLERS; h++) {
		int error = handlers[h].registered ? leave(&handlers[h]) : 0;

		if (!error && handlers[h].used)
			error = bury(&handlers[h]);
		if (error)
			return error;
	}
	ops_execute(&who, false, 0, FUNCTION_COUNT);
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		unsigned char code = *(const volatile unsigned char *)site_ip[site];

		if (code == CALL || code == INT3)
			return run_fail(results, -EPROTO, "a function did not get its nop back");
	}
	if (ftrace_for_each_site(enabled_site, NULL, FTRACE_SITES_ENABLED))
		return run_fail(results, -EPROTO, "a function is still listed as traced");
	return check_sums();
}
