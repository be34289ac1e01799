/* SPDX-License-Identifier: MIT */
/*
 * The lives of handlers, and the two changers: see handlers.h.
 */
#define _GNU_SOURCE
#include "handlers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_RULES 16
#define ALL	  (~(uint64_t)0)
#define POISON	  0xdead4bad4bad4badUL /* no address */
#define CALL	  0xe8
#define JUMP	  0xe9
#define INT3	  0xcc

struct rule {
	char text[32];
	uint64_t matches;
	bool negated;
};

extern const unsigned long __start___patchable_function_entries[];
extern const unsigned long __stop___patchable_function_entries[];

struct handler handlers[HANDLERS];
unsigned long site_ip[FUNCTION_COUNT];

static struct run *run;
static const struct traced *traced;
static uint64_t random_state[CHANGERS];
static _Atomic int other_error;

void __attribute__((cold, noinline))
handlers_record(const struct executor *who, bool nmi, enum ops_fault fault, unsigned int handler,
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
	first->version = handler < HANDLERS ? handlers[handler].version : 0;
	first->complete = true;
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

/* The functions are, for example, function_000 to function_077, in octal. */
static struct rule choose_rule(unsigned int changer, bool negated)
{
	struct rule rule = {.negated = negated};
	unsigned int high, low;
	char *to = rule.text;

	to += sprintf(to, "%s%s", negated ? "!" : "", traced->prefix);
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

static int set_filter(struct handler *handler, const char *pattern, size_t len, bool reset)
{
	struct life *life = &handler->life[handler->current];

	return handler->graph ? ftrace_graph_set_filter(&life->graph, pattern, len, reset)
			      : ftrace_set_filter(&life->ops, pattern, len, reset);
}

static int set_notrace(struct handler *handler, const char *pattern)
{
	struct life *life = &handler->life[handler->current];

	return handler->graph ? ftrace_graph_set_notrace(&life->graph, pattern, 0, 1)
			      : ftrace_set_notrace(&life->ops, pattern, 0, 1);
}

/* One function: by address, which ftrace/graph.h does not have, or by name. */
static int set_filter_site(unsigned int changer, struct handler *handler, unsigned int site,
			   bool negated, bool reset)
{
	struct life *life = &handler->life[handler->current];
	unsigned long function = (unsigned long)traced->table[site];
	char name[32];

	if (!handler->graph)
		return ftrace_set_filter_ip(
			&life->ops, choose(changer, 2) ? function : site_ip[site], negated, reset);
	sprintf(name, "%s%s%02o", negated ? "!" : "", traced->prefix, site);
	return ftrace_graph_set_filter(&life->graph, name, 0, reset);
}

static int free_filter(struct handler *handler)
{
	struct life *life = &handler->life[handler->current];
	int error;

	if (!handler->graph)
		return ftrace_free_filter(&life->ops);
	error = ftrace_graph_set_notrace(&life->graph, NULL, 0, 1);
	return error ? error : ftrace_graph_set_filter(&life->graph, NULL, 0, 1);
}

/* A pattern, an address, or none any more. */
static int change_filter(unsigned int changer, struct handler *handler)
{
	struct filter *filter = &handler->filter;
	bool reset = choose(changer, 3) == 0 || filter->rules >= MAX_RULES;
	bool negated = choose(changer, 3) == 0;
	unsigned int kind = choose(changer, 8), site = choose(changer, FUNCTION_COUNT);
	struct rule rule = choose_rule(changer, negated);
	int error;

	if (kind == 0) {
		*filter = (struct filter){.chosen = ALL, .left_out = filter->left_out};
		begin(handler);
		error = set_filter(handler, NULL, 0, true);
	} else if (kind == 1) {
		add_rule(filter, (uint64_t)1 << site, negated, reset);
		begin(handler);
		error = set_filter_site(changer, handler, site, negated, reset);
	} else if (kind == 2) {
		/* Always all of them anew: these are not many. */
		filter->left_out = negated ? 0 : rule.matches;
		begin(handler);
		error = set_notrace(handler, rule.text);
	} else {
		add_rule(filter, rule.matches, negated, reset);
		begin(handler);
		error = set_filter(handler, rule.text, strlen(rule.text), reset);
	}
	count(OPS_FILTERED);
	return end(handler, error, "ftrace_set_filter");
}

/* Its successor begins without patterns. */
static int bury(struct handler *handler)
{
	struct life *life = &handler->life[handler->current];
	int error = free_filter(handler);

	if (error)
		return run_fail(&run->results, error, "ftrace_free_filter");
	if (handler->graph)
		life->graph = (struct ftrace_graph_ops){
			.size = POISON,
			.entryfunc = (ftrace_graph_entry_t)POISON,
			.retfunc = (ftrace_graph_return_t)POISON,
			.data = (void *)POISON,
		};
	else
		life->ops = (struct ftrace_ops){
			.size = POISON, .func = (ftrace_func_t)POISON, .data = (void *)POISON};
	handler->current = (handler->current + 1) % LIVES;
	handler->used = false;
	handler->filter = (struct filter){.chosen = ALL};
	return 0;
}

static void prepare(unsigned int changer, struct handler *handler)
{
	struct life *life = &handler->life[handler->current];

	if (!handler->graph) {
		life->ops = (struct ftrace_ops){
			.size = sizeof(life->ops),
			.func = traced->func,
			.flags = choose(changer, 2) ? FTRACE_OPS_FL_NO_VECTORS : 0,
			.data = life,
		};
		return;
	}
	life->graph = (struct ftrace_graph_ops){
		.size = sizeof(life->graph),
		.entryfunc = traced->entry,
		.retfunc = traced->exit,
		.flags = choose(changer, 4) ? FTRACE_OPS_FL_NO_VECTORS : FTRACE_OPS_FL_SAVE_REGS,
		.data = life,
	};
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
		prepare(changer, handler);
	handler->used = true;
	for (unsigned int rules = choose(changer, 3); rules > 0; rules--) {
		error = change_filter(changer, handler);
		if (error)
			return error;
	}
	handler->registered = true;
	atomic_store(&life->alive, true);
	begin(handler);
	error = handler->graph ? ftrace_register_graph(&life->graph)
			       : ftrace_register_function(&life->ops);
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
	atomic_fetch_add(&handler->ends, 1);
	error = handler->graph ? ftrace_unregister_graph(&life->graph)
			       : ftrace_unregister_function(&life->ops);
	atomic_store(&life->alive, false);
	atomic_fetch_add(&handler->ends, 1);
	count(OPS_UNREGISTERED);
	return end(handler, error, "ftrace_unregister_function");
}

int handlers_change(unsigned int changer)
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
	unsigned long function = (unsigned long)traced->table[site];

	/* The entry is the function's first instruction, or follows its endbr64. */
	for (; entry < __stop___patchable_function_entries; entry++)
		if (*entry == function || *entry == function + 4)
			site_ip[site] = *entry;
	if (site_ip[site])
		return 0;
	return run_fail(&run->results, -ENOEXEC, "a function without a patchable entry");
}

int handlers_init(struct run *shared, const struct traced *functions)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts),
					 .method = shared->settings.method,
					 .writer = shared->settings.writer};
	uint64_t random = shared->settings.seed;
	int ret;

	run = shared;
	traced = functions;
	ret = ftrace_set_patch_opts(&opts);
	if (ret)
		return run_fail(&run->results, ret, "ftrace_set_patch_opts");
	next_random(&random); /* the functions' argument */
	for (unsigned int changer = 0; changer < CHANGERS; changer++)
		random_state[changer] = next_random(&random);
	for (unsigned int h = 0; h < HANDLERS; h++) {
		handlers[h].filter.chosen = ALL;
		handlers[h].graph = traced->entry &&
				    h % 3 == 1; /* five with the steady one; there can be six */
		for (unsigned int i = 0; i < LIVES; i++) {
			handlers[h].life[i].handler = h;
			handlers[h].life[i].number = i;
		}
	}
	run->results.sites[SITE_FUNCTION] = FUNCTION_COUNT;
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		ret = find_function(site);
		if (ret)
			return ret;
	}
	return 0;
}

int handlers_end(void)
{
	for (unsigned int h = 0; h < HANDLERS; h++) {
		int error = handlers[h].registered ? leave(&handlers[h]) : 0;

		if (!error && handlers[h].used)
			error = bury(&handlers[h]);
		if (error)
			return error;
	}
	return 0;
}

static int enabled_site(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	return 1;
}

int handlers_check_text(void)
{
	for (unsigned int site = 0; site < FUNCTION_COUNT; site++) {
		unsigned char code = *(const volatile unsigned char *)site_ip[site];

		if (code == CALL || code == JUMP || code == INT3)
			return run_fail(&run->results, -EPROTO,
					"a function did not get its nop back");
	}
	if (ftrace_for_each_site(enabled_site, NULL, FTRACE_SITES_ENABLED))
		return run_fail(&run->results, -EPROTO, "a function is still listed as traced");
	return 0;
}
