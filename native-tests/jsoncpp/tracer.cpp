/* SPDX-License-Identifier: MIT */
/*
 * tracer.cpp - one handler that counts the calls of all functions of jsoncpp and its
 * test-suite, while its filter changes; or, as a method "graph-...", handlers at both
 * ends of functions (graph.cpp).
 *
 * Who runs against whom: the main thread changes the filter; the other threads run
 * the suite, which throws and catches; every thread is interrupted by a timer of its
 * own, whose handler calls functions of jsoncpp that allocate nothing. What the
 * handler of a traced function does must not be seen by any of them, nor by the
 * unwinder.
 */
#include "handlers.h"
#include "tracer.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <typeinfo>
#include <unistd.h>

#include <json/json.h>

#include <ftrace/ftrace.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static const int nmi_signal = SIGPROF;
static const long nmi_hz = 2000, change_hz = 10, nsec_per_sec = 1000000000;
static const unsigned long min_functions = 500;

const char *const patterns[] = {
	"*", "*Error*", "_ZN4Json*", "!*is*", "_ZN8JsonTest*", "*[CD][12]E*", "*Value*", "!*throw*",
	"Json::*", "!Json::Value::operator[]", "Json::Value::Value(*",
};

static const char *const method_name[] = {"auto", "stop", "breakpoint"}; /* as enum ftrace_method */

static struct ftrace_patch_opts opts = {sizeof(opts), FTRACE_METHOD_AUTO, 0, 0, 0};

const unsigned long nr_patterns = sizeof(patterns) / sizeof(patterns[0]);

static thread_local volatile unsigned long thread_calls, thread_throws, thread_nmis, thread_wrong;
static thread_local timer_t thread_timer;

static std::mutex totals_lock;
static unsigned long total_calls, total_throws, total_nmis, total_wrong;
static unsigned long functions, min_traced = -1UL, max_traced, changes;
static double change_seconds;

/* What the signal's handler asks. */
static const Json::Value *number, *text, *nothing;

static void fail(const char *what, int error)
{
	std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
	std::exit(error == EOPNOTSUPP ? 3 : 1);
}

static void print_count(const char *name, unsigned long count)
{
	std::fprintf(stderr, "  %-24s %lu\n", name, count);
}

/* Linked in front of the run-time library's. */
extern "C" {
[[noreturn]] void __real___cxa_throw(void *thrown, std::type_info *type, void (*destroy)(void *));
[[noreturn]] void __wrap___cxa_throw(void *thrown, std::type_info *type, void (*destroy)(void *));

void __wrap___cxa_throw(void *thrown, std::type_info *type, void (*destroy)(void *))
{
	thread_throws = thread_throws + 1;
	__real___cxa_throw(thrown, type, destroy);
}
}

static void on_call(unsigned long, unsigned long, struct ftrace_ops *, struct ftrace_regs *)
{
	/* A handler of a signal may count in between. */
	__atomic_add_fetch(&thread_calls, 1, __ATOMIC_RELAXED);
}

static struct ftrace_ops ops = {sizeof(ops), on_call, 0, nullptr};

static const struct handlers entry_handlers = {
	[] { return ftrace_register_function(&ops); },
	[](unsigned long changes) {
		return ftrace_set_filter(&ops, patterns[changes % nr_patterns], 0, 1);
	},
	[] { return ftrace_unregister_function(&ops); },
	[] {},
	[] {
		print_count("counted calls", total_calls);
		return total_calls != 0;
	},
};

static const struct handlers *handlers = &entry_handlers;

static bool values_agree()
{
	return number->isInt64() && number->asInt64() == -77 && number->asDouble() == -77 &&
	       !number->isString() && text->isString() && text->type() == Json::stringValue &&
	       nothing->isNull() && !nothing->asBool() && text->compare(*text) == 0 &&
	       *number < *text && number->isConvertibleTo(Json::realValue);
}

static void on_nmi(int)
{
	ftrace_nmi_enter();
	thread_nmis = thread_nmis + 1;
	if (!values_agree())
		thread_wrong = thread_wrong + 1;
	ftrace_nmi_exit();
}

static unsigned long count_sites(unsigned int flags)
{
	unsigned long count = 0;
	int error = ftrace_for_each_site(
		[](const struct ftrace_site *, void *data) {
			++*static_cast<unsigned long *>(data);
			return 0;
		},
		&count, flags);

	if (error)
		fail("ftrace_for_each_site", -error);
	return count;
}

static void choose_method(const char *name)
{
	static const char graph[] = "graph-";
	int error;

	if (std::strncmp(name, graph, sizeof(graph) - 1) == 0) {
		handlers = &graph_handlers;
		name += sizeof(graph) - 1;
	}
	while (std::strcmp(name, method_name[opts.method]) != 0)
		if (++opts.method == sizeof(method_name) / sizeof(method_name[0]))
			fail(name, EINVAL);
	error = ftrace_set_patch_opts(&opts);
	if (error)
		fail("ftrace_set_patch_opts", -error);
}

void tracer_init(const char *method)
{
	static const Json::Value values[] = {Json::Value(-77), Json::Value("text"), Json::Value()};
	struct sigaction action = {};
	int error;

	choose_method(method);
	number = &values[0];
	text = &values[1];
	nothing = &values[2];
	action.sa_handler = on_nmi;
	action.sa_flags = SA_RESTART;
	sigemptyset(&action.sa_mask);
	if (sigaction(nmi_signal, &action, nullptr))
		fail("sigaction", errno);
	error = ftrace_nmi_add_signal(nmi_signal);
	if (error)
		fail("ftrace_nmi_add_signal", -error);
	ftrace_set_print([](const char *line) { std::fprintf(stderr, "%s\n", line); });
	functions = count_sites(0);
	if (functions < min_functions) {
		std::fprintf(stderr, "only %lu functions were found\n", functions);
		std::exit(1);
	}
}

void tracer_thread_begin()
{
	struct sigevent event = {};
	struct itimerspec period = {{0, nsec_per_sec / nmi_hz}, {0, nsec_per_sec / nmi_hz}};

	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = nmi_signal;
	event.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &thread_timer))
		fail("timer_create", errno);
	if (timer_settime(thread_timer, 0, &period, nullptr))
		fail("timer_settime", errno);
}

void tracer_thread_end()
{
	timer_delete(thread_timer);

	std::lock_guard<std::mutex> guard(totals_lock);

	total_calls += thread_calls;
	total_throws += thread_throws;
	total_nmis += thread_nmis;
	total_wrong += thread_wrong;
	handlers->thread_end();
}

static double seconds_now()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/* The signals end sleeps. */
static void sleep_until(double end)
{
	for (double left = end - seconds_now(); left > 0; left = end - seconds_now()) {
		struct timespec time = {0, static_cast<long>(left * 1e9)};

		nanosleep(&time, nullptr);
	}
}

void tracer_while(const std::atomic<int> &running)
{
	double start;
	int error = handlers->begin();

	if (error)
		fail("registering", -error);
	/* This thread is interrupted as well. */
	tracer_thread_begin();
	start = seconds_now();
	while (running != 0) {
		unsigned long traced;

		error = handlers->change(changes++);
		if (error)
			fail("another filter", -error);
		traced = count_sites(FTRACE_SITES_ENABLED);
		min_traced = traced < min_traced ? traced : min_traced;
		max_traced = traced > max_traced ? traced : max_traced;
		sleep_until(seconds_now() + 1.0 / change_hz);
	}
	change_seconds = seconds_now() - start;
	error = handlers->end();
	if (error)
		fail("unregistering", -error);
	tracer_thread_end();
}

int tracer_report()
{
	struct ftrace_stats stats = {};
	int error;

	stats.size = sizeof(stats);
	error = ftrace_get_stats(&stats);
	if (error)
		fail("ftrace_get_stats", -error);
	std::fprintf(stderr, "  %-24s %lu, of which %lu to %lu were traced\n", "functions",
		     functions, min_traced, max_traced);
	print_count("changes of the filter", changes);
	std::fprintf(stderr, "  %-24s %.0f\n", "changes per second",
		     static_cast<double>(changes) / change_seconds);
	print_count("locations changed", stats.patches);
	print_count("breakpoint hits", stats.breakpoint_hits);
	print_count("exceptions thrown", total_throws);
	print_count("NMIs", total_nmis);
	print_count("wrong values in NMIs", total_wrong);
	print_count("collections", stats.gc_collections);

	if (!handlers->report())
		return 1;
	if (total_throws == 0 || total_nmis == 0 || changes < nr_patterns) {
		std::fprintf(stderr, "too little happened: nothing was tested\n");
		return 1;
	}
	if (max_traced != functions || count_sites(FTRACE_SITES_ENABLED) != 0) {
		std::fprintf(stderr, "not all functions were traced, or some still are\n");
		return 1;
	}
	if (opts.method != FTRACE_METHOD_AUTO &&
	    stats.last_method != static_cast<uint64_t>(opts.method)) {
		std::fprintf(stderr, "the last change was by another method\n");
		return 1;
	}
	if (opts.method == FTRACE_METHOD_BREAKPOINT && stats.breakpoint_hits == 0) {
		std::fprintf(stderr, "no breakpoint was hit: nothing was tested\n");
		return 1;
	}
	return total_wrong != 0 || stats.gc_collections != 0;
}
