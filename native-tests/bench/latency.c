/* SPDX-License-Identifier: MIT */
/*
 * latency.c - the longest time that a thread stands still because of a change, by
 * number of threads, batch size and method. The library says how long its stop was.
 * And a thread that runs through the locations and reads the clock sees its longest
 * gap, whatever the reason; so it also looks for as long while nothing is changed.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "sites.h"

enum { SIZES = 6, COUNTS = 5 };
static const int sizes[SIZES] = {1, 10, 100, 1000, 10000, GENERATED_SITES};
static const int thread_counts[COUNTS] = {1, 2, 4, 16, 64}; /* the observer is one of them */

/* All in microseconds, each sample from one change. */
struct cell {
	struct series stop; /* as the library measures it */
	struct series stop_gap, stop_baseline;
	struct series breakpoint_gap, breakpoint_baseline;
};

static struct ftrace_patch *patches;
static bool breakpoints;

static struct {
	uint32_t asked, answered; /* answered follows when the observer sees that it was asked */
	uint64_t longest;	  /* since it was asked before */
	int sites;		  /* how many of the locations it runs through */
	bool quit;
} observer __attribute__((aligned(128)));

static void *observe(void *arg)
{
	uint64_t last = now_ns(), longest = 0;
	uint32_t answered = observer.answered;
	int at = 0;

	while (!__atomic_load_n(&observer.quit, __ATOMIC_RELAXED)) {
		/* Before the clock: a gap that ended before this was asked is in the answer. */
		uint32_t asked = __atomic_load_n(&observer.asked, __ATOMIC_ACQUIRE);
		uint64_t now;

		if (++at >= __atomic_load_n(&observer.sites, __ATOMIC_RELAXED))
			at = 0;
		((void (*)(void))patches[at].ip)();
		now = now_ns();
		if (now - last > longest)
			longest = now - last;
		last = now;
		if (asked != answered) {
			observer.longest = longest;
			longest = 0;
			answered = asked;
			__atomic_store_n(&observer.answered, answered, __ATOMIC_RELEASE);
		}
	}
	return arg;
}

/* The longest gap since this was asked before, in us. */
static double longest_gap(void)
{
	uint32_t asked = observer.asked + 1;
	uint64_t deadline = now_ns() + 30000000000ull;

	__atomic_store_n(&observer.asked, asked, __ATOMIC_RELEASE);
	while (__atomic_load_n(&observer.answered, __ATOMIC_ACQUIRE) != asked) {
		if (now_ns() > deadline)
			fail("a thread did not continue after a change\n");
		cpu_relax();
	}
	return observer.longest / 1e3;
}

static double last_stop_us(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};

	ftrace_get_stats(&stats);
	return stats.last_stop_ns / 1e3;
}

/*
 * Puts a thread on the CPU of that index among those that may be used: if observer
 * and patcher ran on the same one, the scheduler's time slices would be measured.
 */
static void pin(pthread_t thread, const cpu_set_t *allowed, int index)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, allowed) && index-- == 0)
			CPU_SET(cpu, &one);
	}
	/* With a single CPU there is no second one. */
	if (CPU_COUNT(&one))
		pthread_setaffinity_np(thread, sizeof(one), &one);
}

static void change(int size, enum ftrace_method method, struct series *gaps,
		   struct series *baselines)
{
	struct ftrace_patch_opts opts = patch_opts(method, FTRACE_WRITER_AUTO);
	uint64_t until;
	double took;

	longest_gap();
	took = toggle(patches, size, &opts);
	add_sample(gaps, longest_gap());

	until = now_ns() + took;
	longest_gap();
	while (now_ns() < until)
		cpu_relax();
	add_sample(baselines, longest_gap());
}

static void measure(struct cell *cell, int size)
{
	uint64_t deadline = now_ns() + (quick ? 50000000ull : 2000000000ull);

	__atomic_store_n(&observer.sites, size, __ATOMIC_RELAXED);
	for (int round = 0; round < (quick ? 6 : 500) && (round < 6 || now_ns() < deadline);
	     round++) {
		change(size, FTRACE_METHOD_STOP_MACHINE, &cell->stop_gap, &cell->stop_baseline);
		add_sample(&cell->stop, last_stop_us());
		if (breakpoints)
			change(size, FTRACE_METHOD_BREAKPOINT, &cell->breakpoint_gap,
			       &cell->breakpoint_baseline);
	}
}

static void add_curves(const struct cell *cells, int threads)
{
	struct curve curve = {
		.section = "latency",
		.unit = "us",
		.axis = "locations",
		.relation = WITHIN,
		.points = SIZES,
		.xs = sizes,
	};
	char what[64], name[16];

	snprintf(name, sizeof(name), "%d thread%s", threads, threads > 1 ? "s" : "");
	curve.what = what;
	snprintf(what, sizeof(what), "%s: stop, by the library", name);
	for (int i = 0; i < SIZES; i++)
		curve.ours[i] = &cells[i].stop;
	add_curve(&curve);

	curve.peer = "no change";
	snprintf(what, sizeof(what), "%s: stop, by a running thread", name);
	for (int i = 0; i < SIZES; i++) {
		curve.ours[i] = &cells[i].stop_gap;
		curve.peers[i] = &cells[i].stop_baseline;
	}
	add_curve(&curve);

	if (!breakpoints)
		return;
	snprintf(what, sizeof(what), "%s: breakpoint, by a running thread", name);
	for (int i = 0; i < SIZES; i++) {
		curve.ours[i] = &cells[i].breakpoint_gap;
		curve.peers[i] = &cells[i].breakpoint_baseline;
	}
	add_curve(&curve);
}

void bench_latency(void)
{
	static struct cell cells[SIZES];
	cpu_set_t allowed;

	patches = generated_sites();
	breakpoints = have_breakpoints(patches);
	pthread_getaffinity_np(pthread_self(), sizeof(allowed), &allowed);
	for (int i = 0; i < COUNTS; i++) {
		pthread_t thread;

		memset(cells, 0, sizeof(cells));
		observer.sites = 1;
		observer.quit = false;
		if (pthread_create(&thread, NULL, observe, NULL))
			fail("cannot create a thread\n");
		start_helpers(IDLE_HELPERS, thread_counts[i] - 1);
		pin(thread, &allowed, 1);
		pin(pthread_self(), &allowed, 0);
		for (int size = 0; size < SIZES; size++)
			measure(&cells[size], sizes[size]);
		pthread_setaffinity_np(pthread_self(), sizeof(allowed), &allowed);
		end_helpers();
		__atomic_store_n(&observer.quit, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);

		add_curves(cells, thread_counts[i]);
	}
}
