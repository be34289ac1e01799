/* SPDX-License-Identifier: MIT */
/*
 * tracer.c - one handler that counts the calls of all functions of Zstandard, while its
 * filter changes; or, as a method "graph-...", handlers at both ends, whose pairs are
 * checked (pairs.c).
 *
 * Who runs against whom: the main thread changes the filter; the other threads compress,
 * and so do those that Zstandard creates and ends; every thread is interrupted by a timer
 * of its own, whose handler calls functions of Zstandard that allocate nothing.
 */
#define _GNU_SOURCE
#include "tracer.h"
#include "../pairs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zstd.h>

#include <ftrace/ftrace.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NMI_SIGNAL    SIGPROF
#define NMI_HZ	      2000
#define CHANGE_HZ     10
#define MIN_FUNCTIONS 300
#define NSEC_PER_SEC  1000000000L

static const char *const patterns[] = {
	"*", "ZSTD_*", "!ZSTD_*", "*_compress*", "[A-Y]*", "*Block*", "!*e*", "HUF_*", "POOL_*",
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static const char *const method_name[] = {"auto", "stop", "breakpoint"}; /* as enum ftrace_method */

static struct ftrace_patch_opts opts = {.size = sizeof(opts)};
static bool graph;
static _Thread_local volatile unsigned long thread_calls, thread_nmis, thread_wrong;
static pthread_mutex_t totals_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long total_calls, total_nmis, total_wrong, total_threads;
static unsigned long functions, min_traced = -1UL, max_traced, changes;
static unsigned char frame[256]; /* what the handler of the signal looks at */
static size_t frame_size;
static const char text[] = "a frame of this text";

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(error == EOPNOTSUPP ? 3 : 1);
}

static void count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	/* A handler of a signal may count in between. */
	__atomic_add_fetch(&thread_calls, 1, __ATOMIC_RELAXED);
}

static struct ftrace_ops ops = {.size = sizeof(ops), .func = count};

static int begin(void)
{
	return graph ? pairs_begin() : ftrace_register_function(&ops);
}

static int change(void)
{
	unsigned long number = changes++;

	if (graph)
		return pairs_change(patterns, PATTERNS, number);
	return ftrace_set_filter(&ops, patterns[number % PATTERNS], 0, 1);
}

static int end(void)
{
	return graph ? pairs_end() : ftrace_unregister_function(&ops);
}

static bool functions_agree(void)
{
	return ZSTD_getFrameContentSize(frame, frame_size) == sizeof(text) &&
	       ZSTD_findFrameCompressedSize(frame, frame_size) == frame_size &&
	       ZSTD_isError((size_t)-1) && ZSTD_compressBound(1 << 20) > 1 << 20 &&
	       ZSTD_maxCLevel() >= 19;
}

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	thread_nmis++;
	if (!functions_agree())
		thread_wrong++;
	ftrace_nmi_exit();
}

static int count_site(const struct ftrace_site *site, void *data)
{
	(void)site;
	++*(unsigned long *)data;
	return 0;
}

static unsigned long count_sites(unsigned int flags)
{
	unsigned long sites = 0;
	int error = ftrace_for_each_site(count_site, &sites, flags);

	if (error)
		fail("ftrace_for_each_site", -error);
	return sites;
}

static timer_t thread_begin(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = NMI_SIGNAL};
	struct itimerspec period = {{0, NSEC_PER_SEC / NMI_HZ}, {0, NSEC_PER_SEC / NMI_HZ}};
	timer_t timer;

	event.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &period, NULL))
		fail("a timer", errno);
	return timer;
}

static void thread_end(timer_t timer)
{
	timer_delete(timer);
	pthread_mutex_lock(&totals_lock);
	total_threads++;
	total_calls += thread_calls;
	total_nmis += thread_nmis;
	total_wrong += thread_wrong;
	if (graph)
		pairs_thread_end();
	pthread_mutex_unlock(&totals_lock);
}

/* Linked in front of the C library's, for the threads of Zstandard too. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);

struct start {
	void *(*fn)(void *);
	void *arg;
};

static void *run_thread(void *data)
{
	struct start start = *(struct start *)data;
	timer_t timer = thread_begin();
	void *result;

	free(data);
	result = start.fn(start.arg);
	thread_end(timer);
	return result;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	struct start *start = malloc(sizeof(*start));

	if (!start)
		return ENOMEM;
	start->fn = fn;
	start->arg = arg;
	return __real_pthread_create(thread, attr, run_thread, start);
}

static void choose_method(const char *name)
{
	int error;

	graph = strncmp(name, "graph-", 6) == 0;
	name += graph ? 6 : 0;
	while (strcmp(name, method_name[opts.method]) != 0)
		if (++opts.method == sizeof(method_name) / sizeof(method_name[0]))
			fail(name, EINVAL);
	error = ftrace_set_patch_opts(&opts);
	if (error)
		fail("ftrace_set_patch_opts", -error);
}

static void print(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

void tracer_init(const char *method)
{
	struct sigaction action = {.sa_handler = on_nmi, .sa_flags = SA_RESTART};
	int error;

	choose_method(method);
	frame_size = ZSTD_compress(frame, sizeof(frame), text, sizeof(text), 1);
	if (!functions_agree())
		fail("Zstandard", EPROTO);
	sigemptyset(&action.sa_mask);
	if (sigaction(NMI_SIGNAL, &action, NULL))
		fail("sigaction", errno);
	error = ftrace_nmi_add_signal(NMI_SIGNAL);
	if (error)
		fail("ftrace_nmi_add_signal", -error);
	ftrace_set_print(print);
	functions = count_sites(0);
	if (functions < MIN_FUNCTIONS) {
		fprintf(stderr, "only %lu functions were found\n", functions);
		exit(1);
	}
}

static long ns_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* The signals end sleeps. */
static void sleep_until(long end)
{
	for (long left = end - ns_now(); left > 0; left = end - ns_now()) {
		struct timespec time = {0, left};

		nanosleep(&time, NULL);
	}
}

void tracer_while(const atomic_uint *running)
{
	timer_t timer;
	int error = begin();

	if (error)
		fail("registering", -error);
	/* This thread is interrupted as well. */
	timer = thread_begin();
	while (atomic_load(running) != 0) {
		unsigned long traced;

		error = change();
		if (error)
			fail("another filter", -error);
		traced = count_sites(FTRACE_SITES_ENABLED);
		min_traced = traced < min_traced ? traced : min_traced;
		max_traced = traced > max_traced ? traced : max_traced;
		sleep_until(ns_now() + NSEC_PER_SEC / CHANGE_HZ);
	}
	error = end();
	if (error)
		fail("unregistering", -error);
	thread_end(timer);
}

static void print_count(const char *name, unsigned long number)
{
	fprintf(stderr, "  %-24s %lu\n", name, number);
}

int tracer_report(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};
	int error = ftrace_get_stats(&stats);

	if (error)
		fail("ftrace_get_stats", -error);
	fprintf(stderr, "  %-24s %lu, of which %lu to %lu were traced\n", "functions", functions,
		min_traced, max_traced);
	print_count("changes of the filter", changes);
	print_count("locations changed", stats.patches);
	print_count("breakpoint hits", stats.breakpoint_hits);
	if (!graph)
		print_count("counted calls", total_calls);
	print_count("threads", total_threads);
	print_count("NMIs", total_nmis);
	print_count("wrong values in NMIs", total_wrong);
	print_count("collections", stats.gc_collections);
	if (graph && !pairs_report())
		return 1;
	if ((!graph && total_calls == 0) || total_nmis == 0 || changes < PATTERNS) {
		fprintf(stderr, "too little happened: nothing was tested\n");
		return 1;
	}
	if (max_traced != functions || count_sites(FTRACE_SITES_ENABLED) != 0) {
		fprintf(stderr, "not all functions were traced, or some still are\n");
		return 1;
	}
	if (opts.method != FTRACE_METHOD_AUTO && stats.last_method != (uint64_t)opts.method) {
		fprintf(stderr, "the last change was by another method\n");
		return 1;
	}
	return total_wrong != 0 || stats.gc_collections != 0;
}
