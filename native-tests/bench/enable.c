/* SPDX-License-Identifier: MIT */
/*
 * enable.c - enabling and disabling 20,000 compiled functions, against LLVM XRay
 * that does it with the same functions. XRay checks nothing and stops nobody.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "functions.h"
#include "sites.h"
#include "xray.h"

#define HELPERS 4

enum { ENABLE, DISABLE, DIRECTIONS };
static const char *const direction_names[] = {[ENABLE] = "enable", [DISABLE] = "disable"};

/* The ways to do it; the peers are two of them, so that all take turns. */
enum way { MPROTECT, PROC_MEM, BREAKPOINT_MPROTECT, BREAKPOINT_PROC_MEM, XRAY, XRAY_ENTRY, WAYS };

static const char *const way_names[] = {
	[MPROTECT] = "mprotect",
	[PROC_MEM] = "/proc/self/mem",
	[BREAKPOINT_MPROTECT] = "breakpoint, mprotect",
	[BREAKPOINT_PROC_MEM] = "breakpoint, /proc/self/mem",
	[XRAY] = "XRay",
	[XRAY_ENTRY] = "XRay without exits",
};

static struct ftrace_patch *patches;
static bool breakpoints;

#ifndef XRAY_PEER
#define XRAY_PEER	NULL
#define XRAY_ENTRY_PEER NULL
#endif
static struct xray xray, xray_entry;

/* The patch loop, without the stop: what a window costs is not in it. */
static int time_loop(void *data)
{
	const struct ftrace_patch_opts *opts = data;
	uint64_t start = now_ns();
	int result = ftrace_patch_text(patches, FUNCTIONS, opts);

	return result ? result : (int)(now_ns() - start);
}

static double loop(const struct ftrace_patch_opts *opts)
{
	int result = ftrace_arch_code_modify_prepare();

	if (result)
		fail("ftrace_arch_code_modify_prepare: %s\n", strerror(-result));
	result = ftrace_stop_machine(time_loop, (void *)opts);
	ftrace_arch_code_modify_post_process();
	if (result < 0)
		fail("ftrace_patch_text in a window: %s\n", strerror(-result));
	turn_round(patches, FUNCTIONS);
	return result;
}

/* ns for each function, or a negative number if that way is not to be had. */
static double change(enum way way, int direction, bool without_stop)
{
	bool breakpoint = way == BREAKPOINT_MPROTECT || way == BREAKPOINT_PROC_MEM;
	bool proc_mem = way == PROC_MEM || way == BREAKPOINT_PROC_MEM;
	struct ftrace_patch_opts opts =
		patch_opts(breakpoint ? FTRACE_METHOD_BREAKPOINT : FTRACE_METHOD_STOP_MACHINE,
			   proc_mem ? FTRACE_WRITER_PROC_MEM : FTRACE_WRITER_MPROTECT);

	if (way >= XRAY && !XRAY_PEER)
		return -1;
	if (way >= XRAY)
		return xray_patch(way == XRAY ? &xray : &xray_entry, direction == ENABLE);
	if (breakpoint && (!breakpoints || without_stop))
		return -1;
	return (without_stop ? loop(&opts) : toggle(patches, FUNCTIONS, &opts)) / FUNCTIONS;
}

/* Measures the ways below @end. */
static void measure(struct series series[WAYS][DIRECTIONS], enum way end, bool without_stop)
{
	memset(series, 0, WAYS * sizeof(series[0]));
	for (int round = 0, rounds = quick ? 3 : 50; round <= rounds; round++) {
		for (enum way way = 0; way < end; way++) {
			for (int direction = 0; direction < DIRECTIONS; direction++) {
				double took = change(way, direction, without_stop);

				/* The first round touches the pages for the first time. */
				if (round > 0 && took >= 0)
					add_sample(&series[way][direction], took);
			}
		}
	}
}

static void add_enable_row(struct series series[WAYS][DIRECTIONS], const char *how, enum way way,
			   enum way peer, double target)
{
	bool has_peer = peer < WAYS;
	char what[64];

	for (int direction = 0; direction < DIRECTIONS && series[way][direction].count;
	     direction++) {
		snprintf(what, sizeof(what), "%s, %s, %s", direction_names[direction], how,
			 way_names[way]);
		add_row(&(struct comparison){
			.section = "20000 functions",
			.what = what,
			.unit = "ns/function",
			.n = FUNCTIONS,
			.ours = &series[way][direction],
			.peer = has_peer ? way_names[peer] : NULL,
			.peers = has_peer ? &series[peer][direction] : NULL,
			.relation = AT_MOST,
			.target = has_peer ? target : 0,
		});
	}
}

/* The first functions, and XRay's, one after the other: half of what on and off take. */
enum { SIZES = 5 };
static const int sizes[SIZES] = {1, 10, 100, 1000, 10000};

static void measure_sizes(void)
{
	static struct series ours[SIZES], peers[SIZES];
	struct curve curve = {.section = "some functions",
			      .what = "on and off",
			      .unit = "ns/function",
			      .axis = "functions",
			      .points = SIZES,
			      .xs = sizes,
			      .peer = "XRay, one after the other"};

	for (int round = 0, rounds = quick ? 3 : 50; round <= rounds; round++) {
		for (int size = 0; size < SIZES; size++) {
			double took = toggle(patches, sizes[size], NULL);

			took += toggle(patches, sizes[size], NULL);
			if (round > 0)
				add_sample(&ours[size], took / 2 / sizes[size]);
			if (!XRAY_PEER)
				continue;
			took = xray_way_time(&xray, size);
			if (!took)
				fail("XRay has not patched %d functions\n", sizes[size]);
			if (round > 0)
				add_sample(&peers[size], took / 2 / sizes[size]);
		}
	}
	for (int size = 0; size < SIZES; size++) {
		curve.ours[size] = &ours[size];
		curve.peers[size] = &peers[size];
	}
	add_curve(&curve);
}

void bench_enable(void)
{
	static struct series series[WAYS][DIRECTIONS];

	patches = compiled_sites();
	breakpoints = have_breakpoints(patches);
	if (XRAY_PEER) {
		start_xray(&xray, XRAY_PEER, FUNCTIONS);
		start_xray(&xray_entry, XRAY_ENTRY_PEER, FUNCTIONS);
	} else {
		skip_xray();
	}

	measure_sizes();
	measure(series, WAYS, true);
	add_enable_row(series, "loop", MPROTECT, XRAY, 1.0);
	add_enable_row(series, "loop", PROC_MEM, XRAY, 5.0);
	add_enable_row(series, "loop", MPROTECT, XRAY_ENTRY, 0);

	start_helpers(IDLE_HELPERS, HELPERS);
	measure(series, WAYS, false);
	end_helpers();
	add_enable_row(series, "stop of 4 idle", MPROTECT, XRAY, 2.0);
	add_enable_row(series, "stop of 4 idle", PROC_MEM, XRAY, 5.0);
	add_enable_row(series, "4 idle", BREAKPOINT_MPROTECT, XRAY, 0);
	add_enable_row(series, "4 idle", BREAKPOINT_PROC_MEM, XRAY, 0);

	/* No peer: against busy threads it would fight for a CPU. */
	start_helpers(BUSY_HELPERS, HELPERS);
	measure(series, XRAY, false);
	end_helpers();
	add_enable_row(series, "stop of 4 busy", MPROTECT, WAYS, 0);
	add_enable_row(series, "stop of 4 busy", PROC_MEM, WAYS, 0);
	add_enable_row(series, "4 busy", BREAKPOINT_MPROTECT, WAYS, 0);
	add_enable_row(series, "4 busy", BREAKPOINT_PROC_MEM, WAYS, 0);
	if (XRAY_PEER) {
		end_xray(&xray);
		end_xray(&xray_entry);
	}
}
