/* SPDX-License-Identifier: MIT */
/*
 * toggler.c - a tool in a program that knows nothing of it. Preloaded, it traces the
 * program's functions by name from a thread of its own, and never leaves them alone.
 *
 *	TOGGLE_PATTERN	functions, as for ftrace_set_filter(); without it nothing happens
 *	TOGGLE_REPORT	file to which what was seen is written after each change
 *	TOGGLE_HZ	changes a second (100)
 *	TOGGLE_CHANGES	how many changes (120)
 *	TOGGLE_SECONDS	when to give up (60)
 *	TOGGLE_METHOD	auto (default), stop, or breakpoint
 *
 * A program that should be toggled until the end looks up toggler_done() with dlsym().
 *
 * Who runs against whom: the handlers run on any thread of the host, and in its signal
 * handlers; the thread of the tool makes the changes, and writes the report, which is
 * whole even if the host ends by _exit() or by a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ftrace/ftrace.h>

#include "../../general_regs.h"

#define MOST_ERRORS 3 /* a stop that fails takes seconds */
#define MOST_LINES  20

static const char *pattern, *state = "waiting";
static int report = -1;
static unsigned long changes, errors, functions, left;
static int first_error;
static const char *first_call = "-";
static atomic_int done;
static atomic_ulong hits, reads, late, wrong;

/* A handler that is not registered, or whose unregistering has returned, must not be called. */
static atomic_bool hit_may_run, read_may_run;

GENERAL_REGS static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	atomic_fetch_add_explicit(&hits, 1, memory_order_relaxed);
	if (!atomic_load_explicit(&hit_may_run, memory_order_acquire))
		atomic_fetch_add_explicit(&late, 1, memory_order_relaxed);
}

/* With all registers, the vector registers saved. */
static void read_registers(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			   struct ftrace_regs *regs)
{
	(void)ops;
	atomic_fetch_add_explicit(&reads, 1, memory_order_relaxed);
	if (!atomic_load_explicit(&read_may_run, memory_order_acquire))
		atomic_fetch_add_explicit(&late, 1, memory_order_relaxed);
	if (!regs || regs->parent_ip != parent_ip || regs->ip != ip + FTRACE_INSN_SIZE)
		atomic_fetch_add_explicit(&wrong, 1, memory_order_relaxed);
}

static struct ftrace_ops counting = {
	.size = sizeof(counting), .func = hit, .flags = FTRACE_OPS_FL_NO_VECTORS};
static struct ftrace_ops reading = {
	.size = sizeof(reading), .func = read_registers, .flags = FTRACE_OPS_FL_SAVE_REGS};

/* 1 when the tool has finished, or given up. */
int toggler_done(void);
int toggler_done(void)
{
	return atomic_load(&done);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec time = {when / 1000000000, when % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static void write_report(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};
	char text[1024];
	int length;

	if (report < 0)
		return;
	ftrace_get_stats(&stats);
	length = snprintf(
		text, sizeof(text),
		"state %s\nchanges %lu\nerrors %lu\nfirst %d %s\nfunctions %lu\nleft %lu\n"
		"hits %lu\nreads %lu\nlate %lu\nwrong %lu\nstops %lu\nlongest %lu\n"
		"stopped %lu\nseized %lu\n",
		state, changes, errors, first_error, first_call, functions, left,
		(unsigned long)hits, (unsigned long)reads, (unsigned long)late,
		(unsigned long)wrong, (unsigned long)stats.stops, (unsigned long)stats.max_stop_ns,
		(unsigned long)stats.stopped_threads, (unsigned long)stats.seized_threads);
	if (pwrite(report, text, (size_t)length, 0) != length || ftruncate(report, length))
		report = -1;
}

static void print(const char *line)
{
	static int lines;

	if (lines++ < MOST_LINES)
		dprintf(STDERR_FILENO, "toggler: %s\n", line);
}

static void note(const char *call, int error)
{
	if (!error)
		return;
	if (!errors++) {
		first_error = error;
		first_call = call;
	}
}

static int count_site(const struct ftrace_site *site, void *data)
{
	(void)site;
	++*(unsigned long *)data;
	return 0;
}

static unsigned long traced(void)
{
	unsigned long sites = 0;

	note("for_each_site", ftrace_for_each_site(count_site, &sites, FTRACE_SITES_ENABLED));
	return sites;
}

/* One change, of six that end where they began. */
static void change(void)
{
	int error;

	switch (changes % 6) {
	case 0:
		atomic_store(&hit_may_run, true);
		note("register", ftrace_register_function(&counting));
		if (changes == 0)
			functions = traced();
		break;
	case 1:
		atomic_store(&read_may_run, true);
		note("register", ftrace_register_function(&reading));
		break;
	case 2:
		error = ftrace_unregister_function(&counting);
		note("unregister", error);
		if (!error)
			atomic_store(&hit_may_run, false);
		break;
	case 3:
		note("set_filter", ftrace_set_filter(&reading, "!work_[a-m]*", 0, 0));
		break;
	case 4:
		note("set_filter", ftrace_set_filter(&reading, pattern, 0, 1));
		break;
	case 5:
		error = ftrace_unregister_function(&reading);
		note("unregister", error);
		if (!error)
			atomic_store(&read_may_run, false);
		break;
	}
	changes++;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* The functions may be those of an object that the host has yet to open. */
static bool wait_for_functions(uint64_t end)
{
	int error;

	while ((error = ftrace_set_filter(&counting, pattern, 0, 1)) == -ENOENT && now_ns() < end)
		sleep_until(now_ns() + 10000000);
	note("set_filter", error);
	if (!error)
		note("set_filter", ftrace_set_filter(&reading, pattern, 0, 1));
	return !errors;
}

static void *toggle(void *unused)
{
	unsigned long hz = number("TOGGLE_HZ", 100), most = number("TOGGLE_CHANGES", 120);
	uint64_t next = now_ns(), end = next + number("TOGGLE_SECONDS", 60) * 1000000000ULL;

	write_report();
	if (wait_for_functions(end)) {
		state = "toggling";
		while ((changes < most || changes % 6) && errors < MOST_ERRORS && now_ns() < end) {
			change();
			write_report();
			next += 1000000000ULL / hz;
			/* What is late is not caught up with by a burst. */
			if (next < now_ns())
				next = now_ns();
			sleep_until(next);
		}
		left = traced();
	}
	state = changes >= most && !errors ? "done" : "failed";
	write_report();
	atomic_store(&done, 1);
	return unused;
}

static int method(void)
{
	const char *name = getenv("TOGGLE_METHOD");

	if (name && !strcmp(name, "stop"))
		return FTRACE_METHOD_STOP_MACHINE;
	if (name && !strcmp(name, "breakpoint"))
		return FTRACE_METHOD_BREAKPOINT;
	return FTRACE_METHOD_AUTO;
}

/* A tool's thread takes none of the host's signals. */
__attribute__((constructor)) static void begin(void)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = method()};
	const char *file = getenv("TOGGLE_REPORT");
	sigset_t all, before;
	pthread_t thread;
	int error;

	pattern = getenv("TOGGLE_PATTERN");
	if (!pattern)
		return;
	if (file)
		report = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ftrace_set_print(print);
	note("set_patch_opts", ftrace_set_patch_opts(&opts));
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&thread, NULL, toggle, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		note("pthread_create", -error);
		state = "failed";
		write_report();
		atomic_store(&done, 1);
		return;
	}
	pthread_detach(thread);
}
