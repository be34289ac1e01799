/* SPDX-License-Identifier: MIT */
/*
 * tracing.c - the recorder (ftrace/tracing.h): calls whose entry and exit, or entry, is recorded in
 * a ring of 1 MB, against two readings of the clock in the function itself, XRay's flight data
 * recorder, -finstrument-functions with a ring like the recorder's, and uftrace; functions that
 * are not recorded at the moment; and how long a snapshot has the threads stand still.
 *
 * Rings are warm: the loop that is timed was preceded by others that have filled them. These call 8
 * functions in turn, and the file or the ring is looked at for the one of the timed loop: a
 * recorder that did nothing would be a fast one.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "graph_handlers.h"
#include "graph_ring.h"
#include "trace_calls.h"
#include "tracing_file.h"
#include "uftrace.h"
#include "xray.h"

#define SECTION		 "recorded in a file"
#define BUFFER_SIZE	 (1ul << 20)
#define WARM_LOOPS	 2
#define ENTRY_CALLS	 20000
#define XRAY_CALLS	 1000000
#define OFF_LOOPS	 20
#define SNAPSHOT_THREADS 16
#define SNAPSHOT_BUFFER	 (4ul << 20)
/* An entry and an exit of each are more than such a buffer holds. */
#define SNAPSHOT_CALLS 150000

#ifndef XRAY_FDR_PEER
#define XRAY_FDR_PEER  NULL
#define XRAY_CALL_PEER NULL
#endif

enum peer {
	CLOCK,
	FDR,
	RINGED,
	UFTRACE,
	PEERS,
};

static const char *const peers[PEERS] = {
	[CLOCK] = "two rdtsc in the function",
	[FDR] = "XRay FDR",
	[RINGED] = "-finstrument-functions, ring",
	[UFTRACE] = "uftrace",
};

static const struct {
	enum graph_way way;
	int threads;
	const char *name;
} ways[] = {
	{ONE_FUNCTION, 1, "1 thread"},
	{ON_THREADS, GRAPH_THREADS, "2 threads"},
};

#define WAYS 2

static struct series recorded_times[WAYS], peer_times[PEERS][WAYS];
static struct series entry_times, entry_xray;
static struct series off_times, off_plain, other_times, other_plain;
static struct series cut_times, stop_times;
static struct xray fdr, xray;
static bool has_fdr, has_uftrace = true;
static int fills, made, quit;

static void check(int error, const char *what)
{
	if (error)
		fail("%s: %s\n", what, strerror(-error));
}

static const char *path_of(const char *suffix)
{
	static char path[64];

	snprintf(path, sizeof(path), P_tmpdir "/ftrace-bench-%d.%s", getpid(), suffix);
	return path;
}

static void start(const char *filter, unsigned long buffer_size, unsigned int flags)
{
	struct ftrace_tracing_opts opts = {.size = sizeof(opts),
					   .path = path_of("data"),
					   .filter = filter,
					   .buffer_size = buffer_size,
					   .flags = flags};

	unlink(opts.path);
	check(ftrace_tracing_start(&opts), "ftrace_tracing_start");
}

/* How many events of a function the recording has. */
static unsigned long stop(const char *function)
{
	unsigned long events;

	check(ftrace_tracing_stop(), "ftrace_tracing_stop");
	events = events_of(path_of("data"), function);
	unlink(path_of("data"));
	return events;
}

static double time_loop(graph_loop loop, int way)
{
	unsigned long counted;
	double ns;

	for (int i = 0; i < WARM_LOOPS; i++)
		loop(IN_TURN);
	ns = graph_time(loop, ways[way].way, &counted);
	if (ns == 0)
		fail("cannot create threads\n");
	return ns;
}

static void measure_recorded(int way)
{
	unsigned long expected = 2 * GRAPH_CALLS * ways[way].threads, events;
	double ns;

	start("graph_traced_*", BUFFER_SIZE, 0);
	ns = time_loop(graph_traced_loop, way);
	events = stop("graph_traced_small_1");
	if (events < expected)
		fail("%lu events were recorded, not %lu\n", events, expected);
	add_sample(&recorded_times[way], ns);
}

static void measure_ringed(int way)
{
	unsigned long expected = 2 * GRAPH_CALLS * (ways[way].threads + WARM_LOOPS),
		      before = graph_ring_events(), events;

	if (ways[way].threads > 1)
		expected += 2 * GRAPH_CALLS * GRAPH_WARM_LOOPS * ways[way].threads;
	add_sample(&peer_times[RINGED][way], time_loop(graph_ringed_loop, way));
	events = graph_ring_events() - before;
	/* Of each thread, a block that is not full. */
	if (events + (ways[way].threads + 1) * (RING_BLOCK / RING_EVENT) < expected)
		fail("%lu events were written, not %lu\n", events, expected);
}

static void measure_peers(int way)
{
	double ns;

	add_sample(&peer_times[CLOCK][way], time_loop(graph_clock_loop, way));
	measure_ringed(way);
	if (has_fdr) {
		ns = xray_way_time(&fdr, ways[way].way) / GRAPH_CALLS;
		has_fdr = ns != 0;
		if (has_fdr)
			add_sample(&peer_times[FDR][way], ns);
	}
	if (has_uftrace) {
		ns = uftrace_time(ways[way].threads);
		has_uftrace = ns != 0;
		if (has_uftrace)
			add_sample(&peer_times[UFTRACE][way], ns);
	}
}

static void measure_entries(void)
{
	unsigned long events;
	uint64_t took;

	start("bench_traced", BUFFER_SIZE, FTRACE_TRACING_FUNCTION);
	for (int i = 0; i < 4; i++)
		loop_traced(ENTRY_CALLS);
	took = now_ns();
	loop_traced(ENTRY_CALLS);
	took = now_ns() - took;
	events = stop("bench_traced");
	if (events < ENTRY_CALLS)
		fail("%lu entries were recorded, not %d\n", events, ENTRY_CALLS);
	add_sample(&entry_times, (double)took / ENTRY_CALLS);
	if (XRAY_CALL_PEER)
		add_sample(&entry_xray, xray_record_time(&xray) / XRAY_CALLS);
}

/* The fastest of some loops, taking turns: what else the machine does is not what is asked for. */
static void measure_untouched(struct series *times, struct series *plain)
{
	double fastest = 1e9, fastest_plain = 1e9, ns;
	unsigned long counted;

	for (int i = 0; i < OFF_LOOPS; i++) {
		ns = graph_time(graph_traced_loop, ONE_FUNCTION, &counted);
		fastest = ns < fastest ? ns : fastest;
		ns = graph_time(graph_plain_loop, ONE_FUNCTION, &counted);
		fastest_plain = ns < fastest_plain ? ns : fastest_plain;
	}
	add_sample(times, fastest);
	add_sample(plain, fastest_plain);
}

static void measure_off(void)
{
	unsigned long events;

	start("graph_traced_*", BUFFER_SIZE, 0);
	check(ftrace_tracing_off(), "ftrace_tracing_off");
	measure_untouched(&off_times, &off_plain);
	check(ftrace_tracing_on(), "ftrace_tracing_on");
	graph_traced_loop(ONE_FUNCTION);
	events = stop("graph_traced_small_1");
	if (events != 2 * GRAPH_CALLS)
		fail("%lu events were recorded, not %lu\n", events, 2 * GRAPH_CALLS);

	start("bench_traced", BUFFER_SIZE, 0);
	measure_untouched(&other_times, &other_plain);
	loop_traced(100);
	events = stop("bench_traced");
	if (events != 200)
		fail("%lu events were recorded, not 200\n", events);
}

static uint64_t last_stop_ns(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};

	check(ftrace_get_stats(&stats), "ftrace_get_stats");
	return stats.last_stop_ns;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void *fill_ring(void *arg)
{
	struct sched_param param = {0};
	int fill = 0;

	/* It does not take the CPU from the one that stops it. */
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE)) {
		if (fill < __atomic_load_n(&fills, __ATOMIC_ACQUIRE)) {
			fill++;
			loop_traced(SNAPSHOT_CALLS);
			__atomic_add_fetch(&made, 1, __ATOMIC_RELEASE);
		}
		/* Most are asleep when they are stopped, as the CPUs are fewer. */
		poll(NULL, 0, 5);
		loop_traced(1);
	}
	return arg;
}

/* All rings are full when it begins; how many events it has. */
static unsigned long take_snapshot(double *us)
{
	unsigned long events;

	__atomic_store_n(&made, 0, __ATOMIC_RELEASE);
	__atomic_add_fetch(&fills, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) < SNAPSHOT_THREADS)
		usleep(1000);
	usleep(20000);
	unlink(path_of("snapshot"));
	check(ftrace_snapshot(path_of("snapshot")), "ftrace_snapshot");
	*us = last_stop_ns() / 1e3;
	events = events_of(path_of("snapshot"), "bench_traced");
	unlink(path_of("snapshot"));
	return events;
}

static void measure_snapshots(void)
{
	/* Blocks have headers, and one of them may be empty. */
	unsigned long expected = SNAPSHOT_THREADS * SNAPSHOT_BUFFER / 16 * 9 / 10, events = 0;
	pthread_t threads[SNAPSHOT_THREADS];
	double us;

	start("bench_traced", SNAPSHOT_BUFFER, 0);
	for (int i = 0; i < SNAPSHOT_THREADS; i++) {
		if (pthread_create(&threads[i], NULL, fill_ring, NULL))
			fail("cannot create threads\n");
	}
	/* Threads that are created at the same moment may have to wait for their rings. */
	for (int i = 0; i < 20 && events < expected; i++)
		events = take_snapshot(&us);
	for (int i = 0, rounds = quick ? 3 : 21; i < rounds && events >= expected; i++) {
		events = take_snapshot(&us);
		add_sample(&cut_times, us);
		usleep(20000);
		check(ftrace_stop_machine(do_nothing, NULL), "ftrace_stop_machine");
		add_sample(&stop_times, last_stop_ns() / 1e3);
	}
	__atomic_store_n(&quit, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < SNAPSHOT_THREADS; i++)
		pthread_join(threads[i], NULL);
	stop("bench_traced");
	if (events < expected)
		fail("%lu events are in the snapshot, not %lu\n", events, expected);
}

static void add_tracing_row(const char *what, const char *unit, const struct series *ours,
			    const char *peer, const struct series *peers, double target)
{
	if (!peers->count)
		return;
	add_row(&(struct comparison){
		.section = SECTION,
		.what = what,
		.unit = unit,
		.ours = ours,
		.peer = peer,
		.peers = peers,
		.relation = AT_MOST,
		.target = target,
	});
}

void bench_tracing(void)
{
	has_fdr = XRAY_FDR_PEER;
	if (has_fdr) {
		start_xray(&fdr, XRAY_FDR_PEER, 9);
		start_xray(&xray, XRAY_CALL_PEER, 1);
	} else {
		skip_xray();
	}
	graph_begin();
	for (int round = 0, rounds = quick ? 3 : 60; round < rounds; round++) {
		for (int way = 0; way < WAYS; way++) {
			measure_recorded(way);
			measure_peers(way);
		}
		measure_entries();
		measure_off();
	}
	graph_end();
	if (XRAY_FDR_PEER) {
		end_xray(&fdr);
		end_xray(&xray);
	}
	measure_snapshots();

	if (XRAY_FDR_PEER && !has_fdr)
		leave_out("libclang-rt-19-dev", "XRay's flight data recorder has lost calls");
	if (!has_uftrace)
		leave_out("uftrace", NULL);
	for (int way = 0; way < WAYS; way++) {
		char what[64];

		snprintf(what, sizeof(what), "entry and exit, %s", ways[way].name);
		for (enum peer peer = 0; peer < PEERS; peer++) {
			if (peer == FDR && !has_fdr)
				continue;
			add_tracing_row(what, "ns/call", &recorded_times[way], peers[peer],
					&peer_times[peer][way], peer == CLOCK ? 1.15 : 1);
		}
	}
	add_tracing_row("entry", "ns/call", &entry_times, "XRay, entry, the same", &entry_xray,
			0.8);
	add_tracing_row("entry", "ns/call", &entry_times, "uftrace, entry and exit",
			&peer_times[UFTRACE][0], 0.8);
	add_tracing_row("recording is off", "ns/call", &off_times, "untouched", &off_plain, 1.01);
	add_tracing_row("another function is recorded", "ns/call", &other_times, "untouched",
			&other_plain, 1.01);
	add_tracing_row("threads stand still: snapshot, 16 x 4 MB", "us", &cut_times,
			"ftrace_stop_machine()", &stop_times, 1.5);
}
