/* SPDX-License-Identifier: MIT */
/*
 * The process that works: all sites back and forth, until the time is over.
 *
 * This thread does not measure the stops; it takes what the library says.
 */
#include "graph.h"
#include "handlers.h"
#include "ops.h"
#include "sites.h"
#include "threads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int run_fail(struct results *results, int error, const char *what)
{
	snprintf(results->error, sizeof(results->error), "%s: %s", what, strerror(-error));
	return error;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void histogram_add(struct histogram *histogram, uint64_t value)
{
	unsigned int bucket = (unsigned int)value;

	if (value >= 16) {
		unsigned int exponent = 63 - (unsigned int)__builtin_clzll(value);

		bucket = (exponent - 3) * 16 + (value >> (exponent - 4) & 15);
	}
	histogram->bucket[bucket]++;
	if (histogram->count++ == 0 || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
}

/*
 * Whether an NMI or a thread meets a change is chance, and on a busy machine there
 * are few rounds: a run to which it has not happened yet goes on for a while.
 */
static bool is_over(const struct run *run, uint64_t now, uint64_t end)
{
	const struct settings *settings = &run->settings;

	if (settings->control == CONTROL_OFF && settings->seconds >= PROOF_SECONDS && !proof(run))
		end += EXTRA_SECONDS * (uint64_t)1000000000;
	return now >= end;
}

static int one_round(struct run *run)
{
	struct results *results = &run->results;
	uint64_t stops = results->after.stops, start = now_ns();
	int ret = run->settings.ops ? handlers_change(0) : sites_toggle(results);

	if (ret)
		return ret;
	histogram_add(&results->change_ns, now_ns() - start);
	results->after.size = sizeof(results->after);
	ret = ftrace_get_stats(&results->after);
	if (ret)
		return run_fail(results, ret, "ftrace_get_stats");
	if (results->after.stops != stops)
		histogram_add(&results->stop_ns, results->after.last_stop_ns);
	results->rounds++;
	threads_execute_own();
	return 0;
}

static int init(struct run *run)
{
	if (run->settings.graph)
		return graph_init(run);
	return run->settings.ops ? ops_init(run) : sites_init(&run->settings, &run->results);
}

static int finish(const struct run *run)
{
	return run->settings.graph ? graph_finish() : ops_finish();
}

static void print_report(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

int run_main(struct run *run)
{
	struct results *results = &run->results;
	uint64_t start, end;
	int ret;

	ftrace_set_print(print_report);
	ret = init(run);

	/* The first call to the library that changes text: it can, or it cannot. */
	if (ret == -EOPNOTSUPP || ret == -EBUSY || ret == -EPERM)
		return EXIT_UNSUPPORTED;
	if (ret || threads_init(run))
		return EXIT_TORN;
	ret = run->settings.graph ? graph_begin() : 0;
	if (ret)
		return ret == -EOPNOTSUPP ? EXIT_UNSUPPORTED : EXIT_TORN;
	if (threads_start(run->settings.ops ? handlers_change : NULL))
		return EXIT_UNSUPPORTED;

	results->before.size = sizeof(results->before);
	ret = ftrace_get_stats(&results->before);
	if (ret)
		run_fail(results, ret, "ftrace_get_stats");
	results->after = results->before;
	start = now_ns();
	end = start + run->settings.seconds * (uint64_t)1000000000;
	while (ret == 0 && !is_over(run, now_ns(), end)) {
		ret = one_round(run);
		results->elapsed_ns = now_ns() - start;
	}
	/* The first change by the method asked for. */
	if (ret == -EOPNOTSUPP && results->rounds == 0)
		return EXIT_UNSUPPORTED;
	/* After an error some thread may be in any state; the process just ends. */
	if (ret)
		return EXIT_TORN;
	threads_stop();
	if (run->settings.ops) {
		ret = finish(run);
		results->after.size = sizeof(results->after);
		if (ret == 0 && ftrace_get_stats(&results->after))
			ret = run_fail(results, -EINVAL, "ftrace_get_stats");
	}
	return ret ? EXIT_TORN : EXIT_PASS;
}
