/* SPDX-License-Identifier: MIT */
/*
 * patch.c - what one location of a batch costs, for batches of 1 to 100,000
 * locations, by method and writer: a nop becomes a call and the call a nop again.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "sites.h"

#define HELPERS 4

enum { SIZES = 6, SIZE_1 = 0, SIZE_1000 = 3, SIZE_10000 = 4, SIZE_100000 = 5 };
static const int sizes[SIZES] = {1, 10, 100, 1000, 10000, GENERATED_SITES};

static const struct way {
	const char *name;
	enum ftrace_method method;
	enum ftrace_writer writer;
} ways[] = {
	{"stop, mprotect", FTRACE_METHOD_STOP_MACHINE, FTRACE_WRITER_MPROTECT},
	{"stop, /proc/self/mem", FTRACE_METHOD_STOP_MACHINE, FTRACE_WRITER_PROC_MEM},
	{"breakpoint, mprotect", FTRACE_METHOD_BREAKPOINT, FTRACE_WRITER_MPROTECT},
	{"breakpoint, /proc/self/mem", FTRACE_METHOD_BREAKPOINT, FTRACE_WRITER_PROC_MEM},
	{"default", FTRACE_METHOD_AUTO, FTRACE_WRITER_AUTO},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]), DEFAULT_IN_1_0 = WAYS - 2, DEFAULT };

static struct ftrace_patch *patches;

static void add_curve_of(const struct way *way, const struct series *series, int threads)
{
	struct curve curve = {
		.section = "patch",
		.unit = "ns/location",
		.axis = "locations",
		.points = SIZES,
		.xs = sizes,
	};
	char what[64];

	snprintf(what, sizeof(what), "%s, %d idle threads", way->name, threads);
	curve.what = what;
	for (int i = 0; i < SIZES; i++)
		curve.ours[i] = &series[i];
	add_curve(&curve);
}

static void add_linear_row(const struct way *way, const struct series *series, int threads)
{
	char what[64];

	snprintf(what, sizeof(what), "100000, %s, %d idle", way->name, threads);
	add_row(&(struct comparison){
		.section = "patch: linear?",
		.what = what,
		.unit = "ns/location",
		.ours = &series[SIZE_100000],
		.peer = "1000 locations",
		.peers = &series[SIZE_1000],
	});
}

/* What the default costs, and what it did when it took breakpoints. */
static void add_default_row(struct series series[WAYS][SIZES], int size, int threads)
{
	const struct series *breakpoints = &series[DEFAULT_IN_1_0][size];
	char what[64];

	snprintf(what, sizeof(what), "%d, %d idle threads", sizes[size], threads);
	add_row(&(struct comparison){
		.section = "patch: the default",
		.what = what,
		.unit = "ns/location",
		.ours = &series[DEFAULT][size],
		.peer = "breakpoints, as in 1.0",
		.peers = breakpoints,
	});
}

static void measure(struct series series[WAYS][SIZES], int threads, bool breakpoints)
{
	memset(series, 0, WAYS * sizeof(series[0]));
	start_helpers(IDLE_HELPERS, threads);
	for (int round = 0, rounds = quick ? 2 : 25; round <= rounds; round++) {
		for (int at = 0; at < WAYS * SIZES; at++) {
			const struct way *way = &ways[at % WAYS];
			struct ftrace_patch_opts opts = patch_opts(way->method, way->writer);
			int size = sizes[at / WAYS];

			if (way->method == FTRACE_METHOD_BREAKPOINT && !breakpoints)
				continue;
			for (int way_back = 0; way_back < 2; way_back++) {
				double took = toggle(patches, size, &opts);

				/* The first round touches the pages for the first time. */
				if (round > 0)
					add_sample(&series[at % WAYS][at / WAYS], took / size);
			}
		}
	}
	end_helpers();
}

void bench_patch(void)
{
	static struct series alone[WAYS][SIZES], stopping[WAYS][SIZES];
	bool breakpoints;

	patches = generated_sites();
	breakpoints = have_breakpoints(patches);
	measure(alone, 0, breakpoints);
	measure(stopping, HELPERS, breakpoints);
	for (int way = 0; way < WAYS; way++) {
		if (alone[way][0].count == 0)
			continue;
		add_curve_of(&ways[way], alone[way], 0);
		add_curve_of(&ways[way], stopping[way], HELPERS);
	}
	for (int way = 0; way < WAYS; way++) {
		if (alone[way][0].count)
			add_linear_row(&ways[way], alone[way], 0);
	}
	for (int size = SIZE_1; size <= SIZE_10000; size += SIZE_10000 - SIZE_1) {
		add_default_row(alone, size, 0);
		add_default_row(stopping, size, HELPERS);
	}
}
