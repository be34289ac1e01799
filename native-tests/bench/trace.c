/* SPDX-License-Identifier: MIT */
/*
 * trace.c - what tracing costs: a call of a function that nobody traces, one with a handler,
 * choosing 100,000 functions by name; and what a static key costs that is off.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "sites.h"
#include "trace_calls.h"
#include "xray.h"

#define REPETITION_NS 300000
#define TRACE_SITES   100000
#define XRAY_CALLS    1000000
#define LIMIT_MS      50

#ifndef XRAY_CALL_PEER
#define XRAY_CALL_PEER NULL
#endif

static struct xray xray;

/* The same text as count_general(), but nobody promises anything for it. */
static void count_any(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		      struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	counted++;
}

static void check(int error, const char *what)
{
	if (error)
		fail("%s: %s\n", what, strerror(-error));
}

static void trace(struct ftrace_ops *ops, const char *pattern)
{
	check(ftrace_set_filter(ops, pattern, 0, 1), pattern);
	check(ftrace_register_function(ops), "ftrace_register_function");
}

static void untrace(struct ftrace_ops *ops)
{
	check(ftrace_unregister_function(ops), "ftrace_unregister_function");
	check(ftrace_free_filter(ops), "ftrace_free_filter");
}

/* The ways to call. */
enum call {
	UNTOUCHED,
	OFF,
	TRACED,
	TRACED_VECTORS,
	TRACED_REGS,
	TRACED_2,
	TRACED_8,
	BY_HAND,
	BY_HAND_2,
	BY_HAND_8,
	INSTRUMENTED,
	XRAY,
	NO_BRANCH,
	STATIC_KEY,
	FLAG,
	CALLS,
};

static struct {
	void (*loop)(unsigned long count);
	int handlers; /* that are registered for it */
	unsigned long flags;
	unsigned long counts; /* for each call */
	unsigned long count;  /* calls that take about REPETITION_NS */
	struct series series; /* ns for each */
} calls[CALLS] = {
	[UNTOUCHED] = {.loop = loop_untouched},
	[OFF] = {.loop = loop_off},
	[TRACED] = {.loop = loop_traced,
		    .handlers = 1,
		    .flags = FTRACE_OPS_FL_NO_VECTORS,
		    .counts = 1},
	[TRACED_VECTORS] = {.loop = loop_traced, .handlers = 1, .counts = 1},
	[TRACED_REGS] = {.loop = loop_traced,
			 .handlers = 1,
			 .flags = FTRACE_OPS_FL_NO_VECTORS | FTRACE_OPS_FL_SAVE_REGS,
			 .counts = 1},
	[TRACED_2] = {.loop = loop_traced,
		      .handlers = 2,
		      .flags = FTRACE_OPS_FL_NO_VECTORS,
		      .counts = 2},
	[TRACED_8] = {.loop = loop_traced,
		      .handlers = 8,
		      .flags = FTRACE_OPS_FL_NO_VECTORS,
		      .counts = 8},
	[BY_HAND] = {.loop = loop_by_hand, .counts = 1},
	[BY_HAND_2] = {.loop = loop_by_hand_2, .counts = 2},
	[BY_HAND_8] = {.loop = loop_by_hand_8, .counts = 8},
	[INSTRUMENTED] = {.loop = loop_instrumented, .counts = 1},
	[NO_BRANCH] = {.loop = loop_no_branch},
	[STATIC_KEY] = {.loop = loop_static_key},
	[FLAG] = {.loop = loop_flag},
};

static double time_calls(enum call call, unsigned long count)
{
	struct ftrace_ops ops[MAX_HANDLERS] = {0};
	uint64_t start, took;

	for (int i = 0; i < calls[call].handlers; i++) {
		ops[i].size = sizeof(ops[i]);
		ops[i].func =
			calls[call].flags & FTRACE_OPS_FL_NO_VECTORS ? count_general : count_any;
		ops[i].flags = calls[call].flags;
		trace(&ops[i], "bench_traced");
	}
	calls[call].loop(100);
	counted = 0;
	start = now_ns();
	calls[call].loop(count);
	took = now_ns() - start;
	if (counted != count * calls[call].counts)
		fail("%lu calls were counted, not %lu\n", counted, count * calls[call].counts);
	for (int i = 0; i < calls[call].handlers; i++)
		untrace(&ops[i]);
	return took;
}

static void add_call_row(const char *what, enum call ours, const char *peer, enum call peers,
			 double target)
{
	if (!calls[peers].series.count || !calls[ours].series.count)
		return;
	add_row(&(struct comparison){
		.section = "traced calls",
		.what = what,
		.unit = "ns/call",
		.ours = &calls[ours].series,
		.peer = peer,
		.peers = &calls[peers].series,
		.relation = AT_MOST,
		.target = target,
	});
}

static void bench_calls(void)
{
	for (enum call call = 0; call < CALLS; call++) {
		if (!calls[call].loop)
			continue;
		calls[call].count = 1000;
		while (time_calls(call, calls[call].count) < REPETITION_NS)
			calls[call].count *= 2;
	}
	if (XRAY_CALL_PEER)
		start_xray(&xray, XRAY_CALL_PEER, 1);
	else
		skip_xray();

	for (int round = 0, rounds = quick ? 10 : 200; round < rounds; round++) {
		for (enum call call = 0; call < CALLS; call++) {
			if (calls[call].loop)
				add_sample(&calls[call].series,
					   time_calls(call, calls[call].count) / calls[call].count);
		}
		if (XRAY_CALL_PEER)
			add_sample(&calls[XRAY].series, xray_time(&xray) / XRAY_CALLS);
	}
	if (XRAY_CALL_PEER)
		end_xray(&xray);

	add_call_row("function that nobody traces", OFF, "no nop", UNTOUCHED, 1.02);
	add_call_row("handler, general registers", TRACED, "called by hand", BY_HAND, 2);
	add_call_row("handler, general registers", TRACED, "-finstrument-functions", INSTRUMENTED,
		     0);
	add_call_row("handler, general registers", TRACED, "XRay, entry", XRAY, 0);
	add_call_row("handler, all registers", TRACED_VECTORS, "called by hand", BY_HAND, 0);
	add_call_row("handler, all registers", TRACED_VECTORS, "-finstrument-functions",
		     INSTRUMENTED, 0);
	add_call_row("handler, all registers", TRACED_VECTORS, "XRay, entry", XRAY, 0);
	add_call_row("handler that gets the registers", TRACED_REGS, "called by hand", BY_HAND, 0);
	add_call_row("2 handlers", TRACED_2, "called by hand", BY_HAND_2, 0);
	add_call_row("8 handlers", TRACED_8, "called by hand", BY_HAND_8, 0);
	add_call_row("static key that is off", STATIC_KEY, "no branch", NO_BRANCH, 0);
	add_call_row("static key that is off", STATIC_KEY, "a volatile flag", FLAG, 0);
}

/* The 100,000 functions. Closed and opened, their text is what the compiler left. */
static void *functions;

static void open_functions(void)
{
	functions = dlopen(TRACE_FUNCTIONS, RTLD_NOW);
	if (!functions)
		fail("%s\n", dlerror());
}

static void close_functions(void)
{
	dlclose(functions);
	if (dlopen(TRACE_FUNCTIONS, RTLD_NOW | RTLD_NOLOAD))
		fail("%s is still open\n", TRACE_FUNCTIONS);
}

struct found {
	struct ftrace_patch *patches;
	int count;
};

static int add_site(const struct ftrace_site *site, void *data)
{
	struct found *found = data;
	struct ftrace_patch *patch = &found->patches[found->count];
	int displacement = (unsigned long)dlsym(functions, "return_at_once") - site->ip - 5;

	if (strcmp(site->object, TRACE_FUNCTIONS))
		return 0;
	if (found->count++ == TRACE_SITES)
		return 1;
	patch->ip = site->ip;
	patch->len = FTRACE_INSN_SIZE;
	memcpy(patch->old_code, (void *)site->ip, FTRACE_INSN_SIZE);
	patch->new_code[0] = 0xe8;
	memcpy(&patch->new_code[1], &displacement, sizeof(displacement));
	return 0;
}

enum change {
	OPEN,  /* reading the names */
	FIRST, /* enabling, nops become one */
	ALL,   /* every later time */
	PREFIX,
	ALL_OFF,
	SECOND, /* another handler for all */
	BARE,	/* ftrace_patch_text() */
	BARE_OFF,
	ONE, /* one function */
	BARE_ONE,
	CHANGES,
};

static struct series changes[CHANGES];

/* Patterns that match 1, 10 and so on of the functions. */
enum { SIZES = 6 };
static const int sizes[SIZES] = {1, 10, 100, 1000, 10000, TRACE_SITES};
static const char *const patterns[SIZES] = {"f_100000", "f_10000*", "f_1000*",
					    "f_100*",	"f_10*",    "f_1*"};
static struct series by_name[SIZES], by_address[SIZES];

static void timed(enum change change, uint64_t start)
{
	add_sample(&changes[change], (now_ns() - start) / 1e6);
}

static void choose(struct ftrace_ops *ops, const char *pattern, enum change change)
{
	uint64_t start = now_ns();

	trace(ops, pattern);
	timed(change, start);
}

static int count_site(const struct ftrace_site *site, void *data)
{
	*(int *)data += !strcmp(site->object, TRACE_FUNCTIONS);
	return 0;
}

static int count_enabled(void)
{
	int count = 0;

	check(ftrace_for_each_site(count_site, &count, FTRACE_SITES_ENABLED),
	      "ftrace_for_each_site");
	return count;
}

static void measure_changes(void)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = count_any};
	struct ftrace_ops other = {.size = sizeof(other), .func = count_any};
	struct found found = {.patches = calloc(TRACE_SITES, sizeof(*found.patches))};
	struct ftrace_patch one;
	uint64_t start;

	open_functions();
	start = now_ns();
	check(ftrace_update_sites(), "ftrace_update_sites");
	timed(OPEN, start);
	choose(&ops, "*:mod:" TRACE_FILE, FIRST);
	untrace(&ops);

	choose(&ops, "*:mod:" TRACE_FILE, ALL);
	choose(&other, "*:mod:" TRACE_FILE, SECOND);
	untrace(&other);
	start = now_ns();
	check(ftrace_unregister_function(&ops), "ftrace_unregister_function");
	timed(ALL_OFF, start);
	choose(&ops, "f_1*", PREFIX);
	untrace(&ops);

	check(ftrace_for_each_site(add_site, &found, 0), "ftrace_for_each_site");
	if (found.count != TRACE_SITES)
		fail("%d functions instead of %d\n", found.count, TRACE_SITES);
	for (int size = 0; size < SIZES; size++) {
		start = now_ns();
		trace(&ops, patterns[size]);
		add_sample(&by_name[size], (now_ns() - start) / 1e3);
		if (count_enabled() != sizes[size])
			fail("%s does not match %d functions\n", patterns[size], sizes[size]);
		untrace(&ops);
		add_sample(&by_address[size], toggle(found.patches, sizes[size], NULL) / 1e3);
		toggle(found.patches, sizes[size], NULL);
	}
	add_sample(&changes[BARE], toggle(found.patches, TRACE_SITES, NULL) / 1e6);
	add_sample(&changes[BARE_OFF], toggle(found.patches, TRACE_SITES, NULL) / 1e6);

	/* What is to be traced is there: the second ops of a process. */
	check(ftrace_set_filter(&ops, "bench_off", 0, 1), "ftrace_set_filter");
	check(ftrace_register_function(&ops), "ftrace_register_function");
	check(ftrace_set_filter(&other, "bench_traced", 0, 1), "ftrace_set_filter");
	start = now_ns();
	check(ftrace_register_function(&other), "ftrace_register_function");
	timed(ONE, start);
	untrace(&other);
	untrace(&ops);
	one = found.patches[0];
	add_sample(&changes[BARE_ONE], toggle(&one, 1, NULL) / 1e6);
	toggle(&one, 1, NULL);
	free(found.patches);
	close_functions();
}

static void add_change_row(const char *what, enum change ours, const char *peer, enum change peers,
			   double target)
{
	add_row(&(struct comparison){
		.section = "100000 names",
		.what = what,
		.unit = "ms",
		.n = TRACE_SITES,
		.ours = &changes[ours],
		.peer = peer,
		.peers = peer ? &changes[peers] : NULL,
		.relation = AT_MOST,
		.target = target,
	});
}

static void add_names_curve(void)
{
	struct curve curve = {.section = "by name",
			      .what = "enabling by name",
			      .unit = "us",
			      .axis = "functions",
			      .points = SIZES,
			      .xs = sizes,
			      .peer = "ftrace_patch_text"};

	for (int size = 0; size < SIZES; size++) {
		curve.ours[size] = &by_name[size];
		curve.peers[size] = &by_address[size];
	}
	add_curve(&curve);
}

void bench_trace(void)
{
	static struct series limit;

	bench_calls();

	for (int round = 0, rounds = quick ? 3 : 30; round < rounds; round++) {
		measure_changes();
		add_sample(&limit, LIMIT_MS);
	}
	add_names_curve();
	add_change_row("an object's names, at the first look", OPEN, NULL, 0, 0);
	add_change_row("enabling *, the first time", FIRST, "ftrace_patch_text", BARE, 0);
	add_change_row("enabling *", ALL, "ftrace_patch_text", BARE, 1.5);
	add_change_row("enabling f_1*", PREFIX, "ftrace_patch_text", BARE, 1.5);
	add_change_row("disabling *", ALL_OFF, "ftrace_patch_text", BARE_OFF, 0);
	add_change_row("a second handler on *", SECOND, "ftrace_patch_text", BARE, 0);
	add_row(&(struct comparison){
		.section = "100000 names",
		.what = "enabling *",
		.unit = "ms",
		.n = TRACE_SITES,
		.ours = &changes[ALL],
		.peer = "50 ms",
		.peers = &limit,
		.relation = AT_MOST,
		.target = 1,
	});
	add_change_row("enabling one function more", ONE, "ftrace_patch_text of it", BARE_ONE,
		       0);
}
