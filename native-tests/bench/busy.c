/* SPDX-License-Identifier: MIT */
/*
 * busy.c - how long a change of what is traced takes while all CPUs are busy: some threads call
 * traced functions all the time, one more creates short threads, and the recorder takes samples of
 * all at 10 kHz. After each change there is a pause of 10 ms, so that 100 changes a second is the
 * most.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "graph_handlers.h"
#include "graph_loops.h"

#define SECTION	    "busy"
#define FUNCTIONS   "graph_traced_*"
#define HZ	    10000
#define PAUSE_US    10000
#define COUNTS	    3
#define KINDS	    3
#define MAX_THREADS 8
#define SHORT_TURNS 2

static const int counts[COUNTS] = {1, 3, MAX_THREADS};

static struct series rates[KINDS][COUNTS], times[KINDS][COUNTS];
static struct ftrace_graph_ops other = {
	.size = sizeof(other), .retfunc = graph_count_return, .flags = FTRACE_OPS_FL_NO_VECTORS};
static bool quit;

static void check(int error, const char *what)
{
	if (error)
		fail("%s: %s\n", what, ftrace_strerror(error));
}

static void change_handler(bool is_on)
{
	if (is_on)
		check(ftrace_register_graph(&other), "ftrace_register_graph");
	else
		check(ftrace_unregister_graph(&other), "ftrace_unregister_graph");
}

static void change_filter(bool is_on)
{
	check(ftrace_tracing_set_filter(is_on ? "graph_traced_small_1" : FUNCTIONS, 0, 1),
	      "ftrace_tracing_set_filter");
}

static void change_recording(bool is_on)
{
	if (is_on)
		check(ftrace_tracing_off(), "ftrace_tracing_off");
	else
		check(ftrace_tracing_on(), "ftrace_tracing_on");
}

static const struct {
	const char *name;
	void (*change)(bool is_on);
} kinds[KINDS] = {
	{"another handler, added and removed", change_handler},
	{"the filter of the recording", change_filter},
	{"recording, turned off and on", change_recording},
};

/* Most time is spent where nothing is traced. */
static void *work(void *arg)
{
	long turns = (long)arg;

	for (long i = 0; turns ? i < turns : !__atomic_load_n(&quit, __ATOMIC_ACQUIRE); i++) {
		graph_traced_loop(IN_TURN);
		for (volatile int n = 0; n < 2000000; n++)
			;
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE)) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)SHORT_TURNS))
			fail("cannot create a thread\n");
		pthread_join(thread, NULL);
	}
	return arg;
}

static void measure_changes(int kind, int count, uint64_t ns)
{
	uint64_t begin = now_ns(), now = begin;
	int changes = 0;

	for (bool is_on = true; now < begin + ns || !is_on; is_on = !is_on, changes++) {
		uint64_t start = now_ns();

		kinds[kind].change(is_on);
		now = now_ns();
		add_sample(&times[kind][count], (now - start) / 1e6);
		usleep(PAUSE_US);
		now = now_ns();
	}
	add_sample(&rates[kind][count], changes * 1e9 / (now - begin));
}

static void measure(int count)
{
	pthread_t threads[MAX_THREADS + 1];
	uint64_t ns = quick ? 300000000 : 1000000000;
	char path[64];
	struct ftrace_tracing_opts opts = {.size = sizeof(opts),
					   .path = path,
					   .filter = FUNCTIONS,
					   .buffer_size = 1 << 20,
					   .hz = HZ};

	snprintf(path, sizeof(path), P_tmpdir "/ftrace-bench-%d.busy", getpid());
	unlink(path);
	quit = false;
	check(ftrace_tracing_start(&opts), "ftrace_tracing_start");
	for (int i = 0; i < counts[count]; i++) {
		if (pthread_create(&threads[i], NULL, work, NULL))
			fail("cannot create a thread\n");
	}
	if (pthread_create(&threads[counts[count]], NULL, come_and_go, NULL))
		fail("cannot create a thread\n");
	for (int kind = 0; kind < KINDS; kind++)
		measure_changes(kind, count, ns);
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	for (int i = 0; i <= counts[count]; i++)
		pthread_join(threads[i], NULL);
	check(ftrace_tracing_stop(), "ftrace_tracing_stop");
	unlink(path);
}

static void add_curve_of(const char *what, const char *unit, struct series series[COUNTS])
{
	struct curve curve = {.section = SECTION,
			      .what = what,
			      .unit = unit,
			      .axis = "busy threads",
			      .points = COUNTS,
			      .xs = counts};

	for (int i = 0; i < COUNTS; i++)
		curve.ours[i] = &series[i];
	add_curve(&curve);
}

void bench_busy(void)
{
	check(ftrace_graph_set_filter(&other, FUNCTIONS, 0, 1), "ftrace_graph_set_filter");
	for (int round = 0, rounds = quick ? 1 : 10; round < rounds; round++) {
		for (int count = 0; count < COUNTS; count++)
			measure(count);
	}
	for (int kind = 0; kind < KINDS; kind++) {
		add_curve_of(kinds[kind].name, "changes/s", rates[kind]);
		add_curve_of(kinds[kind].name, "ms/change", times[kind]);
	}
}
