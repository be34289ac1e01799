/* SPDX-License-Identifier: MIT */
/*
 * graph.c - what it costs to trace the entry and the exit of functions: against LLVM XRay,
 * -finstrument-functions, a peer that replaces return addresses on the stack as uftrace does
 * (hijack), and the same handlers called by hand. And an exception that leaves traced calls.
 *
 * An ops has at least one handler, so the library without handlers cannot be measured. The nearest
 * is a pair that returns at once; the peer has none then.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "graph_handlers.h"
#include "graph_hijack.h"
#include "graph_throw.h"
#include "xray.h"

#define FIRST_THROWS 10
#define THROWS	     100

#ifndef XRAY_GRAPH_PEER
#define XRAY_GRAPH_PEER NULL
#endif

enum kind {
	PLAIN,
	TRACED,
	TRACED_BARE,
	HIJACKED,
	HIJACKED_BARE,
	BY_HAND,
	INSTRUMENTED,
	XRAY,
	KINDS,
};

static struct series times[KINDS][GRAPH_WAYS], thrown, thrown_plain;
static struct xray xray;

static const char *const ways[GRAPH_WAYS] = {
	"depth 1", "8 functions in turn", "8 functions, random", "depth 5", "depth 20", "2 threads",
};

static const char *const peers[KINDS] = {
	[PLAIN] = "not traced",
	[HIJACKED] = "hijack",
	[HIJACKED_BARE] = "hijack, no handlers",
	[BY_HAND] = "called by hand",
	[INSTRUMENTED] = "-finstrument-functions",
	[XRAY] = "XRay",
};

static void check(int error, const char *what)
{
	if (error)
		fail("%s: %s\n", what, strerror(-error));
}

static void trace(struct ftrace_graph_ops *ops, const char *pattern)
{
	check(ftrace_graph_set_filter(ops, pattern, 0, 1), pattern);
	check(ftrace_register_graph(ops), "ftrace_register_graph");
}

static void untrace(struct ftrace_graph_ops *ops)
{
	check(ftrace_unregister_graph(ops), "ftrace_unregister_graph");
	check(ftrace_graph_set_filter(ops, NULL, 0, 1), "ftrace_graph_set_filter");
}

/* One sample of each way. */
static void measure(enum kind kind, graph_loop loop, unsigned long counts)
{
	unsigned long counted;

	loop(ONE_FUNCTION);
	for (enum graph_way way = 0; way < GRAPH_WAYS; way++) {
		double ns = graph_time(loop, way, &counted);

		/* A kind that did nothing would be a fast one. */
		if (ns == 0 || counted != counts * GRAPH_CALLS)
			fail("%s: %lu entries and exits were counted, not %lu\n", ways[way],
			     counted, counts * GRAPH_CALLS);
		add_sample(&times[kind][way], ns);
	}
}

static void measure_traced(enum kind kind, ftrace_graph_entry_t entry, ftrace_graph_return_t leave,
			   unsigned long counts)
{
	struct ftrace_graph_ops ops = {.size = sizeof(ops),
				       .entryfunc = entry,
				       .retfunc = leave,
				       .flags = FTRACE_OPS_FL_NO_VECTORS};

	trace(&ops, "graph_traced_*");
	measure(kind, graph_traced_loop, counts);
	untrace(&ops);
}

static unsigned long hijacked_sites[64];
static int hijacked_count;

static int add_hijacked(const struct ftrace_site *site, void *data)
{
	(void)data;
	if (site->name && !strncmp(site->name, "graph_hijacked_", 15) && hijacked_count < 64)
		hijacked_sites[hijacked_count++] = site->ip;
	return 0;
}

static void measure_hijacked(enum kind kind, ftrace_graph_entry_t entry,
			     ftrace_graph_return_t leave, unsigned long counts)
{
	unsigned long caller = (unsigned long)graph_hijack_caller;

	graph_hijack_ops.entryfunc = entry;
	graph_hijack_ops.retfunc = leave;
	for (int i = 0; i < hijacked_count; i++)
		check(ftrace_make_call(hijacked_sites[i], caller), "ftrace_make_call");
	measure(kind, graph_hijacked_loop, counts);
	for (int i = 0; i < hijacked_count; i++)
		check(ftrace_make_nop(hijacked_sites[i], caller), "ftrace_make_nop");
}

static void measure_xray(void)
{
	for (enum graph_way way = 0; way < GRAPH_WAYS; way++)
		add_sample(&times[XRAY][way], xray_way_time(&xray, way) / GRAPH_CALLS);
}

static double time_throws(void (*throws)(int count))
{
	uint64_t start;

	throws(FIRST_THROWS);
	start = now_ns();
	throws(THROWS);
	return (now_ns() - start) / 1e3 / THROWS;
}

static void measure_throws(void)
{
	struct ftrace_graph_ops ops = {.size = sizeof(ops),
				       .entryfunc = graph_count_entry,
				       .retfunc = graph_count_return,
				       .flags = FTRACE_OPS_FL_NO_VECTORS};

	add_sample(&thrown_plain, time_throws(graph_throw_plain));
	trace(&ops, "graph_thrown_*");
	graph_counted = 0;
	add_sample(&thrown, time_throws(graph_throw));
	/* The last six are seen to be left at the next entry. */
	if (graph_counted != 12 * (FIRST_THROWS + THROWS) - 6)
		fail("%lu entries and exits were counted of %d throws\n", graph_counted,
		     FIRST_THROWS + THROWS);
	untrace(&ops);
}

static void add_time_row(const char *what, enum kind ours, enum kind peer, enum graph_way way,
			 double target)
{
	char text[64];

	if (!times[peer][way].count)
		return;
	snprintf(text, sizeof(text), "%s, %s", what, ways[way]);
	add_row(&(struct comparison){
		.section = "entry and exit",
		.what = text,
		.unit = "ns/call",
		.ours = &times[ours][way],
		.peer = peers[peer],
		.peers = &times[peer][way],
		.relation = AT_MOST,
		.target = target,
	});
}

void bench_graph(void)
{
	check(ftrace_for_each_site(add_hijacked, NULL, 0), "ftrace_for_each_site");
	if (hijacked_count != 9)
		fail("%d functions instead of 9\n", hijacked_count);
	if (XRAY_GRAPH_PEER)
		start_xray(&xray, XRAY_GRAPH_PEER, 9);
	else
		skip_xray();
	graph_begin();

	for (int round = 0, rounds = quick ? 10 : 200; round < rounds; round++) {
		measure(PLAIN, graph_plain_loop, 0);
		measure_traced(TRACED, graph_count_entry, graph_count_return, 2);
		measure(BY_HAND, graph_by_hand_loop, 2);
		measure_hijacked(HIJACKED, graph_count_entry, graph_count_return, 2);
		measure(INSTRUMENTED, graph_instrumented_loop, 2);
		if (XRAY_GRAPH_PEER)
			measure_xray();
		measure_traced(TRACED_BARE, graph_want_return, graph_ignore_return, 0);
		measure_hijacked(HIJACKED_BARE, NULL, NULL, 0);
		measure_throws();
	}
	graph_end();
	if (XRAY_GRAPH_PEER)
		end_xray(&xray);

	for (enum graph_way way = 0; way < GRAPH_WAYS; way++) {
		add_time_row("handlers", TRACED, BY_HAND, way, way == ONE_FUNCTION ? 2.2 : 0);
		add_time_row("handlers", TRACED, HIJACKED, way, 1);
		add_time_row("handlers", TRACED, XRAY, way, way == ONE_FUNCTION ? 1 : 0);
		add_time_row("handlers", TRACED, INSTRUMENTED, way, way == ONE_FUNCTION ? 1 : 0);
		add_time_row("empty handlers", TRACED_BARE, HIJACKED_BARE, way,
			     way == ONE_FUNCTION ? 0.3 : 1);
		add_time_row("empty handlers", TRACED_BARE, PLAIN, way, 0);
	}
	add_row(&(struct comparison){
		.section = "entry and exit",
		.what = "an exception that leaves 6 calls",
		.unit = "us",
		.ours = &thrown,
		.peer = "not traced",
		.peers = &thrown_plain,
		.relation = AT_MOST,
		.target = 4,
	});
}
