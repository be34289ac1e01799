/* SPDX-License-Identifier: MIT */
/*
 * throughput.c - how much less two threads get done while 1,000 of the functions
 * that they call are toggled 100 times a second.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "functions.h"
#include "sites.h"

#define THREADS	  2
#define SITES	  1000
#define PERIOD_NS 10000000ull
#define PERIODS	  (quick ? 10 : 24) /* even: a phase leaves things as they were */

static struct ftrace_patch patches[SITES];

static struct worker {
	pthread_t pthread;
	uint64_t calls;
	unsigned int counters[16];
} __attribute__((aligned(128))) workers[THREADS];
static bool quit;

static void *work(void *arg)
{
	struct worker *self = arg;
	unsigned int x = 1;

	while (!__atomic_load_n(&quit, __ATOMIC_RELAXED)) {
		for (int i = 0; i < SITES; i++) {
			x = ((function *)patches[i].ip)(x, self->counters);
			__atomic_store_n(&self->calls, self->calls + 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static uint64_t calls_so_far(void)
{
	uint64_t calls = 0;

	for (int i = 0; i < THREADS; i++)
		calls += __atomic_load_n(&workers[i].calls, __ATOMIC_RELAXED);
	return calls;
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

/*
 * Millions of calls a second for a while. With @opts, toggles meanwhile; a change
 * that comes late delays those after it, and @toggles is how many a second there
 * were.
 */
static double run_phase(const struct ftrace_patch_opts *opts, struct series *toggles)
{
	uint64_t start = now_ns(), before = calls_so_far(), next = start, took;

	for (int i = 0; i < PERIODS; i++) {
		if (opts)
			toggle(patches, SITES, opts);
		next += PERIOD_NS;
		if (next > now_ns())
			sleep_until(next);
		else
			next = now_ns();
	}
	took = now_ns() - start;
	if (opts)
		add_sample(toggles, PERIODS * 1e9 / took);
	return (calls_so_far() - before) * 1e3 / took;
}

static uint64_t breakpoint_hits(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};

	ftrace_get_stats(&stats);
	return stats.breakpoint_hits;
}

static void add_rows(const char *method, const struct series *calls, const struct series *still,
		     const struct series *toggles, double target)
{
	char what[64];

	snprintf(what, sizeof(what), "toggling, %s", method);
	add_row(&(struct comparison){
		.section = "throughput",
		.what = what,
		.unit = "million calls/s",
		.n = THREADS,
		.ours = calls,
		.peer = "no toggling",
		.peers = still,
		.relation = AT_LEAST,
		.target = target,
	});
	snprintf(what, sizeof(what), "toggles done, %s", method);
	add_row(&(struct comparison){
		.section = "throughput",
		.what = what,
		.unit = "1/s",
		.n = THREADS,
		.ours = toggles,
	});
}

/* Every @step-th function is toggled. */
static void measure(const char *where, int step)
{
	static struct series still, breakpoint, stop, breakpoint_toggles, stop_toggles, hits;
	struct ftrace_patch_opts breakpoint_opts =
		patch_opts(FTRACE_METHOD_BREAKPOINT, FTRACE_WRITER_AUTO);
	struct ftrace_patch_opts stop_opts =
		patch_opts(FTRACE_METHOD_STOP_MACHINE, FTRACE_WRITER_AUTO);
	struct ftrace_patch *sites = compiled_sites();
	bool breakpoints = have_breakpoints(sites);
	char method[40];

	still.count = breakpoint.count = stop.count = 0;
	breakpoint_toggles.count = stop_toggles.count = hits.count = 0;
	for (int i = 0; i < SITES; i++)
		patches[i] = sites[i * step];
	quit = false;
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&workers[i].pthread, NULL, work, &workers[i]))
			fail("cannot create a thread\n");
	}
	run_phase(NULL, NULL);

	for (int round = 0, rounds = quick ? 3 : 30; round < rounds; round++) {
		double nops = run_phase(NULL, NULL), calls;
		uint64_t before = breakpoint_hits();

		if (breakpoints) {
			add_sample(&breakpoint, run_phase(&breakpoint_opts, &breakpoint_toggles));
			add_sample(&hits, (double)(breakpoint_hits() - before) / PERIODS);
		}

		/* Toggled functions call half of the time; so does what they are compared with. */
		toggle(patches, SITES, &stop_opts);
		calls = run_phase(NULL, NULL);
		add_sample(&stop, run_phase(&stop_opts, &stop_toggles));
		toggle(patches, SITES, &stop_opts);
		add_sample(&still, (nops + calls) / 2);
	}

	__atomic_store_n(&quit, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].pthread, NULL);
	if (breakpoints) {
		/* A drop of less than 10 %. */
		snprintf(method, sizeof(method), "breakpoint, %s", where);
		add_rows(method, &breakpoint, &still, &breakpoint_toggles, 0.9);
		snprintf(method, sizeof(method), "breakpoints run into, %s", where);
		add_row(&(struct comparison){
			.section = "throughput",
			.what = method,
			.unit = "1/toggle",
			.n = THREADS,
			.ours = &hits,
		});
	}
	snprintf(method, sizeof(method), "stop, %s", where);
	add_rows(method, &stop, &still, &stop_toggles, 0);
}

/* Side by side, as the functions of one source file; and spread over all of the text. */
void bench_throughput(void)
{
	measure("side by side", 1);
	measure("spread", FUNCTIONS / SITES);
}
