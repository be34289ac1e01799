/* SPDX-License-Identifier: MIT */
/*
 * What the hammer says: the progress line, the table, and the same numbers as
 * one flat JSON object.
 */
#define _GNU_SOURCE
#include "hammer.h"
#include "../cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define MAX_ROWS 96

struct row {
	const char *label; /* NULL: in the JSON only */
	const char *key;
	const char *text; /* NULL: a number */
	double number;
	int decimals;
};

struct report {
	struct row row[MAX_ROWS];
	unsigned int count;
	char cpu[128];
};

const char *const method_name[METHODS] = {
	[FTRACE_METHOD_AUTO] = "auto",
	[FTRACE_METHOD_STOP_MACHINE] = "stop",
	[FTRACE_METHOD_BREAKPOINT] = "breakpoint",
};

const char *const writer_name[WRITERS] = {
	[FTRACE_WRITER_AUTO] = "auto",
	[FTRACE_WRITER_PROC_MEM] = "proc-mem",
	[FTRACE_WRITER_MPROTECT] = "mprotect",
};

static const char *const kind_name[SITE_KINDS] = {
	[SITE_FUNCTION] = "function",
	[SITE_LINE] = "cache-line",
	[SITE_PAGE] = "page",
};

#define SUM(results, field)                                                                        \
	({                                                                                         \
		uint64_t sum = 0;                                                                  \
		for (unsigned int t = 0; t < MAX_THREADS + CHANGERS; t++)                          \
			sum += atomic_load_explicit(&(results)->thread[t].field,                   \
						    memory_order_relaxed);                         \
		sum;                                                                               \
	})

static const struct {
	const char *label, *key, *what;
} ops_faults[OPS_FAULTS] = {
	[OPS_MISSED] = {"handler calls: missed", "missed", "not called"},
	[OPS_EXTRA] = {"handler calls: too many", "extra", "called too often"},
	[OPS_DEAD] = {"handler calls: after unregistering", "dead", "called after unregistering"},
	[OPS_MISPLACED] = {"handler calls: another function", "misplaced",
			   "called for another function"},
	[OPS_RESULT] = {"wrong results", "wrong_results", "the function's result is wrong"},
	[OPS_LOST] = {"exits: lost", "lost_exits", "no exit"},
	[OPS_EXIT_EXTRA] = {"exits: too many", "extra_exits", "an exit too many"},
	[OPS_EXIT_EARLY] = {"exits: not the end of the call", "early_exits",
			    "an exit that is not the end of the call"},
	[OPS_DATA] = {"handler calls: wrong data", "wrong_data", "the data of another call"},
	[OPS_DEPTH] = {"handler calls: wrong depth", "wrong_depth", "another depth"},
	[OPS_REGS] = {"handler calls: wrong registers", "wrong_registers",
		      "no registers, or some that were not asked for"},
};

static uint64_t graph_proof(const struct results *results)
{
	uint64_t exits = SUM(results, exits), nmi_exits = SUM(results, nmi_exits);
	uint64_t tails = SUM(results, tails), left = SUM(results, left);
	uint64_t least = exits < nmi_exits ? exits : nmi_exits;

	least = tails < least ? tails : least;
	return left < least ? left : least;
}

static uint64_t ops_proof(const struct results *results)
{
	const uint64_t must[] = {
		SUM(results, on),
		SUM(results, nmi_on),
		SUM(results, several),
		SUM(results, meanwhile),
		results->changes[OPS_REGISTERED],
		results->changes[OPS_FILTERED],
		results->changes[OPS_UNREGISTERED],
	};
	uint64_t least = must[0];

	for (unsigned int i = 1; i < sizeof(must) / sizeof(must[0]); i++)
		least = must[i] < least ? must[i] : least;
	return least;
}

uint64_t proof(const struct run *run)
{
	const struct results *results = &run->results;
	const struct ftrace_stats *before = &results->before, *after = &results->after;

	if (run->settings.graph && !graph_proof(results))
		return 0;
	if (run->settings.ops)
		return ops_proof(results);
	return after->breakpoint_hits - before->breakpoint_hits + after->nmi_update_count -
	       before->nmi_update_count;
}

/* A crash is a torn execution whose result nobody lived to see. */
uint64_t sum_torn(const struct results *results)
{
	return SUM(results, torn) + results->crashes;
}

uint64_t sum_stale(const struct results *results)
{
	return SUM(results, stale);
}

uint64_t sum_ops_fault(const struct results *results, enum ops_fault fault)
{
	return SUM(results, ops_fault[fault]);
}

static uint64_t sum_wrong(const struct run *run)
{
	uint64_t sum = sum_torn(&run->results);

	for (unsigned int i = 0; i < OPS_FAULTS; i++)
		sum += sum_ops_fault(&run->results, i);
	return sum;
}

void report_progress(const struct run *run, const char *what, double seconds)
{
	const struct results *results = &run->results;

	fprintf(stderr, "\r\033[K%s: %.1f s, %llu rounds, %llu NMIs, %llu met a change, %llu %s",
		what, seconds, (unsigned long long)results->rounds,
		(unsigned long long)SUM(results, nmis), (unsigned long long)proof(run),
		(unsigned long long)sum_wrong(run), run->settings.ops ? "wrong" : "torn");
	fflush(stderr);
}

void report_clear_progress(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}

void report_anomaly(const struct results *results)
{
	const struct anomaly *first = &results->first;
	const struct ops_anomaly *ops = &results->first_ops;

	if (ops->complete)
		fprintf(stderr,
			"hammer: first wrong call: thread %u%s, function %03o, handler %u, in its "
			"version %lu: %s (%u times)\n",
			ops->thread, ops->nmi ? " in an NMI" : "", ops->site, ops->handler,
			ops->version, ops_faults[ops->fault].what, ops->hits);
	if (!first->complete)
		return;
	fprintf(stderr,
		"hammer: first %s execution: thread %u%s, %s site at %#lx, %u bytes before the "
		"boundary: got %#lx with %lu marks, expected %#lx or %#lx\n",
		first->stale ? "stale" : "torn", first->thread, first->nmi ? " in an NMI" : "",
		kind_name[first->kind], first->ip, first->split, first->got, first->marks,
		first->want[0], first->want[1]);
}

static unsigned int core_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 0 : (unsigned int)CPU_COUNT(&set);
}

/* The middle of the bucket in which the value of this rank lies. */
static double percentile(const struct histogram *histogram, double part)
{
	uint64_t rank = (uint64_t)((double)histogram->count * part), seen = 0;
	double value;
	unsigned int i = 0;

	if (histogram->count == 0)
		return 0;
	if (rank >= histogram->count)
		rank = histogram->count - 1;
	for (; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += histogram->bucket[i];
		if (seen > rank)
			break;
	}
	if (i < 16)
		value = i;
	else
		value = (16.5 + i % 16) * (double)(1ull << (i / 16 - 1));
	if (value < (double)histogram->min)
		value = (double)histogram->min;
	if (value > (double)histogram->max)
		value = (double)histogram->max;
	return value;
}

static void add_text(struct report *report, const char *label, const char *key, const char *text)
{
	report->row[report->count++] = (struct row){.label = label, .key = key, .text = text};
}

static void add(struct report *report, const char *label, const char *key, double number,
		int decimals)
{
	report->row[report->count++] =
		(struct row){.label = label, .key = key, .number = number, .decimals = decimals};
}

static void add_count(struct report *report, const char *label, const char *key, uint64_t number)
{
	add(report, label, key, (double)number, 0);
}

/* The one that was used; before the first round there is only the one asked for. */
static const char *name_of(const char *const *names, uint64_t used, unsigned int asked,
			   const struct results *results)
{
	return names[results->rounds ? used : asked];
}

static void add_histogram(struct report *report, const struct histogram *histogram,
			  const char *const *labels, const char *const *keys)
{
	add(report, labels[0], keys[0], (double)histogram->min / 1e3, 1);
	add(report, labels[1], keys[1], percentile(histogram, 0.5) / 1e3, 1);
	add(report, labels[2], keys[2], percentile(histogram, 0.99) / 1e3, 1);
	add(report, labels[3], keys[3], (double)histogram->max / 1e3, 1);
}

static void add_settings(struct report *report, const struct run *run)
{
	const struct settings *settings = &run->settings;
	const struct results *results = &run->results;

	read_cpu_model(report->cpu, sizeof(report->cpu));
	add_text(report, "CPU", "cpu", report->cpu);
	add_count(report, "cores", "cores", core_count());
	add_text(report, "libftrace", "version", ftrace_version());
	add_text(report, "method", "method",
		 name_of(method_name, results->after.last_method, settings->method, results));
	add_text(report, "writer", "writer",
		 name_of(writer_name, results->after.last_writer, settings->writer, results));
	add_count(report, "seed", "seed", settings->seed);
	add_count(report,
		  settings->ops ? "threads, besides the changing ones"
				: "threads, besides the patching one",
		  "threads", settings->threads);
	add_count(report, "NMI rate asked for, Hz per thread", "nmi_hz", settings->nmi_hz);
	add_text(report, "NMI handlers block all signals", "mask_all",
		 settings->mask_all ? "yes" : "no");
	add_count(report, "sites: compiled functions", "function_sites",
		  results->sites[SITE_FUNCTION]);
	if (settings->ops)
		return;
	add_count(report, "sites: across a cache line", "line_sites", results->sites[SITE_LINE]);
	add_count(report, "sites: across a page", "page_sites", results->sites[SITE_PAGE]);
}

static void add_changes(struct report *report, const struct results *results)
{
	static const char *const labels[] = {
		"time of a change, min, us", "time of a change, median, us",
		"time of a change, p99, us", "time of a change, max, us"};
	static const char *const keys[] = {"change_min_us", "change_median_us", "change_p99_us",
					   "change_max_us"};

	add_count(report, "handlers registered", "registered", results->changes[OPS_REGISTERED]);
	add_count(report, "filters changed", "filtered", results->changes[OPS_FILTERED]);
	add_count(report, "handlers unregistered", "unregistered",
		  results->changes[OPS_UNREGISTERED]);
	add_histogram(report, &results->change_ns, labels, keys);
}

static void add_handlers(struct report *report, const struct results *results, bool graph)
{
	add_count(report, "handler calls", "handler_calls", results->handler_calls);
	add_count(report, "  checked exactly, in threads", "exact", SUM(results, on));
	add_count(report, "  checked exactly, in NMIs", "nmi_exact", SUM(results, nmi_on));
	add_count(report, "calls with several handlers", "several", SUM(results, several));
	add_count(report, "calls during a change", "meanwhile", SUM(results, meanwhile));
	if (graph) {
		add_count(report, "exits, in threads", "exits", SUM(results, exits));
		add_count(report, "exits, in NMIs", "nmi_exits", SUM(results, nmi_exits));
		add_count(report, "  by tail calls", "tails", SUM(results, tails));
		add_count(report, "  of calls that were left", "left", SUM(results, left));
	}
	for (unsigned int i = 0; i < (graph ? OPS_FAULTS : OPS_LOST); i++)
		add_count(report, ops_faults[i].label, ops_faults[i].key,
			  sum_ops_fault(results, i));
}

static void add_control(struct report *report, bool ops, bool graph,
			const struct control_results *control)
{
	add_count(report, "control: processes", "control_runs", control->runs);
	if (ops) {
		add_count(report, "control: not called", "control_missed",
			  control->ops_fault[OPS_MISSED]);
		add_count(report, "control: called too often", "control_extra",
			  control->ops_fault[OPS_EXTRA]);
		add_count(report, "control: after unregistering", "control_dead",
			  control->ops_fault[OPS_DEAD]);
		if (graph)
			add_count(report, "control: exits lost", "control_lost",
				  control->ops_fault[OPS_LOST]);
	} else {
		add_count(report, "control: torn executions", "control_torn", control->torn);
	}
	add(report, "control: seconds", "control_seconds", control->seconds, 1);
}

static void build(struct report *report, const struct run *run,
		  const struct control_results *control)
{
	static const char *const stop_labels[] = {"stop time, min, us", "stop time, median, us",
						  "stop time, p99, us", "stop time, max, us"};
	static const char *const stop_keys[] = {"stop_min_us", "stop_median_us", "stop_p99_us",
						"stop_max_us"};
	const struct results *results = &run->results;
	const struct ftrace_stats *before = &results->before, *after = &results->after;
	double seconds = (double)results->elapsed_ns / 1e9;
	double patches = (double)(after->patches - before->patches);
	bool ops = run->settings.ops;

	report->count = 0;
	add_settings(report, run);
	add(report, "seconds", "seconds", seconds, 3);
	if (ops)
		add_changes(report, results);
	else
		add_count(report, "rounds", "rounds", results->rounds);
	add(report, "locations changed", "patches", patches, 0);
	add(report, "patch rate, locations/s", "patches_per_second",
	    seconds > 0 ? patches / seconds : 0, 0);
	add_count(report, "calls by threads", "calls", SUM(results, calls));
	add_count(report, "calls by NMIs", "nmi_calls", SUM(results, nmi_calls));
	add_count(report, "NMIs", "nmis", SUM(results, nmis));
	add_count(report, "NMIs that wrote", "nmi_update_count",
		  after->nmi_update_count - before->nmi_update_count);
	add_count(report, "patcher waits", "nmi_wait_count",
		  after->nmi_wait_count - before->nmi_wait_count);
	add_count(report, "threads stopped", "stopped_threads",
		  after->stopped_threads - before->stopped_threads);
	add_count(report, "of these seized", "seized_threads",
		  after->seized_threads - before->seized_threads);
	add_count(report, "deferred stops", "deferred_stops",
		  after->deferred_stops - before->deferred_stops);
	add_count(report, "masked stops", "masked_stops",
		  after->masked_stops - before->masked_stops);
	add_count(report, "breakpoint hits", "breakpoint_hits",
		  after->breakpoint_hits - before->breakpoint_hits);
	if (results->stop_ns.count)
		add_histogram(report, &results->stop_ns, stop_labels, stop_keys);
	if (ops)
		add_handlers(report, results, run->settings.graph);
	add_count(report, ops ? "crashes" : "torn executions", ops ? "crashes" : "torn",
		  sum_torn(results));
	if (!ops)
		add_count(report, "stale executions", "stale", sum_stale(results));
	add_count(report, "collections", "gc_collections", after->gc_collections);
	add_count(report, "managed bytes allocated", "managed_bytes",
		  after->managed_bytes - before->managed_bytes);
	if (control->done)
		add_control(report, ops, run->settings.graph, control);
}

void report_table(const struct run *run, const struct control_results *control)
{
	struct report report;

	build(&report, run, control);
	for (unsigned int i = 0; i < report.count; i++) {
		const struct row *row = &report.row[i];

		if (row->text)
			printf("%-34s %s\n", row->label, row->text);
		else
			printf("%-34s %.*f\n", row->label, row->decimals, row->number);
	}
	fflush(stdout);
}

static void write_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			fprintf(file, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

int report_json(const char *path, const struct run *run, const struct control_results *control,
		int exit_code)
{
	struct report report;
	FILE *file = fopen(path, "we");
	bool failed;

	if (!file)
		return -errno;
	build(&report, run, control);
	add_text(&report, NULL, "error", run->results.error);
	add_count(&report, NULL, "exit_code", (uint64_t)exit_code);
	fputs("{\n", file);
	for (unsigned int i = 0; i < report.count; i++) {
		const struct row *row = &report.row[i];

		fprintf(file, "\t\"%s\": ", row->key);
		if (row->text)
			write_string(file, row->text);
		else
			fprintf(file, "%.*f", row->decimals, row->number);
		fputs(i + 1 < report.count ? ",\n" : "\n", file);
	}
	fputs("}\n", file);
	failed = ferror(file);
	if (fclose(file) || failed)
		return errno ? -errno : -EIO;
	return 0;
}
