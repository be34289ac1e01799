/* SPDX-License-Identifier: MIT */
/*
 * main.c - the bench: what the library costs, each number beside a peer that was
 * measured in the same run, taking turns. It reports, it never fails a target.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ftrace/version.h>

#include "bench.h"
#include "../cpu.h"

#define MAX_ROWS 512

struct quartiles {
	double low, median, high, max;
};

struct row {
	char section[24], what[64], unit[16], peer[64], note[96];
	int n, threads, samples;
	struct quartiles ours, peers;
	enum relation relation;
	double ratio, target;
	bool met;
};

bool quick;
const char *plot_file;
char machine[256];

/* Shared with the child that measures the gate. */
static struct table {
	int count;
	struct row rows[MAX_ROWS];
} * table;

void fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	exit(1);
}

void add_sample(struct series *series, double value)
{
	if (series->count < MAX_SAMPLES)
		series->values[series->count++] = value;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct quartiles quartiles_of(const struct series *series)
{
	struct series sorted = *series;
	int last = sorted.count - 1;

	qsort(sorted.values, sorted.count, sizeof(double), compare_doubles);
	return (struct quartiles){
		.low = sorted.values[last / 4],
		.median = (sorted.values[last / 2] + sorted.values[(last + 1) / 2]) / 2,
		.high = sorted.values[last - last / 4],
		.max = sorted.values[last],
	};
}

/* The median of the rounds' ratios: a slow moment hits both sides of a round. */
static double ratio_of(const struct series *numerator, const struct series *denominator)
{
	struct series ratios = {.count = numerator->count};

	for (int i = 0; i < ratios.count; i++)
		ratios.values[i] = numerator->values[i] / denominator->values[i];
	return quartiles_of(&ratios).median;
}

double median_of(const struct series *series)
{
	return quartiles_of(series).median;
}

static bool begins_section(const char *section)
{
	return table->count == 0 || strcmp(table->rows[table->count - 1].section, section);
}

static struct row *new_row(const char *section)
{
	struct row *row = &table->rows[table->count];

	if (table->count == MAX_ROWS)
		fail("more than %d rows\n", MAX_ROWS);
	table->count++;
	snprintf(row->section, sizeof(row->section), "%s", section);
	return row;
}

static void print_number(char *text, size_t size, double value)
{
	snprintf(text, size, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

static void print_quartiles(char *text, size_t size, const struct quartiles *values)
{
	char median[24], low[24], high[24];

	print_number(median, sizeof(median), values->median);
	print_number(low, sizeof(low), values->low);
	print_number(high, sizeof(high), values->high);
	snprintf(text, size, "%s (%s..%s)", median, low, high);
}

static void print_row(const struct row *row)
{
	char what[96], ours[80], peers[80] = "", ratio[24] = "", target[40] = "", max[24];

	snprintf(what, sizeof(what), "%s, %s", row->what, row->unit);
	print_quartiles(ours, sizeof(ours), &row->ours);
	if (row->relation == WITHIN) {
		print_number(max, sizeof(max), row->ours.max);
		snprintf(ours + strlen(ours), sizeof(ours) - strlen(ours), " max %s", max);
	}
	if (row->peer[0]) {
		print_quartiles(peers, sizeof(peers), &row->peers);
		print_number(ratio, sizeof(ratio) - 1, row->ratio);
		if (row->relation == CHEAPER)
			strcat(ratio, "x");
	}
	if (row->target > 0)
		snprintf(target, sizeof(target),
			 row->relation == AT_MOST   ? "<= %.2f %s"
			 : row->relation == WITHIN  ? "<= %.0f %s"
			 : row->relation == CHEAPER ? ">= %.0fx %s"
						    : ">= %.2f %s",
			 row->target, row->met ? "met" : "missed");
	printf("%-54s %30s  %-26s %30s %8s  %s\n", what, ours, row->peer, peers, ratio, target);
	fflush(stdout);
}

static void print_header(const char *section)
{
	if (begins_section(section))
		printf("\n%-54s %30s  %-26s %30s %8s  %s\n", section, "median (quartiles)",
		       "against", "median (quartiles)", "ratio", "target");
}

static bool is_met(const struct row *row)
{
	switch (row->relation) {
	case AT_MOST:
		return row->ratio <= row->target;
	case WITHIN:
		return row->ours.median <= row->target;
	default:
		return row->ratio >= row->target;
	}
}

static struct row *keep_row(const struct comparison *comparison)
{
	struct row *row = new_row(comparison->section);

	snprintf(row->what, sizeof(row->what), "%s", comparison->what);
	snprintf(row->unit, sizeof(row->unit), "%s", comparison->unit);
	row->n = comparison->n;
	row->threads = comparison->threads;
	row->samples = comparison->ours->count;
	row->ours = quartiles_of(comparison->ours);
	row->relation = comparison->relation;
	row->target = comparison->target;
	if (comparison->peer) {
		snprintf(row->peer, sizeof(row->peer), "%s", comparison->peer);
		row->peers = quartiles_of(comparison->peers);
		if (row->relation == CHEAPER)
			row->ratio = ratio_of(comparison->peers, comparison->ours);
		else if (row->relation == WITHIN)
			row->ratio = row->ours.median / row->peers.median;
		else
			row->ratio = ratio_of(comparison->ours, comparison->peers);
	}
	row->met = is_met(row);
	return row;
}

void add_row(const struct comparison *comparison)
{
	print_header(comparison->section);
	print_row(keep_row(comparison));
}

void add_curve(const struct curve *curve)
{
	bool first = begins_section(curve->section);
	char what[96];

	if (first) {
		printf("\n%-54s  medians by number of %s\n%54s", curve->section, curve->axis, "");
		for (int i = 0; i < curve->points; i++)
			printf(" %17d", curve->xs[i]);
		printf("\n");
	}
	snprintf(what, sizeof(what), "%s, %s", curve->what, curve->unit);
	printf("%-54s", what);
	for (int i = 0; i < curve->points; i++) {
		struct row *row = keep_row(&(struct comparison){
			.section = curve->section,
			.what = curve->what,
			.unit = curve->unit,
			.n = curve->xs[i],
			.threads = curve->threads,
			.ours = curve->ours[i],
			.peer = curve->peer,
			.peers = curve->peer ? curve->peers[i] : NULL,
		});
		char ours[24], peers[24], cell[64];

		print_number(ours, sizeof(ours), row->ours.median);
		print_number(peers, sizeof(peers), row->peers.median);
		snprintf(cell, sizeof(cell), curve->peer ? "%s (%s)" : "%s", ours, peers);
		printf(" %17s", cell);
	}
	printf("\n");
	fflush(stdout);
}

void add_note(const char *section, const char *text)
{
	struct row *row;

	print_header(section);
	row = new_row(section);
	snprintf(row->note, sizeof(row->note), "%s", text);
	printf("%s\n", row->note);
}

static void write_text(FILE *file, const char *name, const char *text)
{
	fprintf(file, "\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		fputc(*text, file);
	}
	fputs("\"", file);
}

static void write_quartiles(FILE *file, const char *name, const struct quartiles *values)
{
	fprintf(file, ", \"%s\": {\"median\": %.4f, \"q1\": %.4f, \"q3\": %.4f, \"max\": %.4f}",
		name, values->median, values->low, values->high, values->max);
}

static void write_row(FILE *file, const struct row *row)
{
	fputs("    {", file);
	write_text(file, "section", row->section);
	fputs(", ", file);
	if (row->note[0]) {
		write_text(file, "note", row->note);
		fputs("}", file);
		return;
	}
	write_text(file, "what", row->what);
	fputs(", ", file);
	write_text(file, "unit", row->unit);
	fprintf(file, ", \"n\": %d, \"samples\": %d", row->n, row->samples);
	if (row->threads)
		fprintf(file, ", \"threads\": %d", row->threads);
	write_quartiles(file, "value", &row->ours);
	if (row->peer[0]) {
		fputs(", ", file);
		write_text(file, "peer", row->peer);
		write_quartiles(file, "peer_value", &row->peers);
		fprintf(file, ", \"ratio\": %.4f, \"ratio_of\": \"%s\"", row->ratio,
			row->relation == CHEAPER ? "peer/value" : "value/peer");
	}
	if (row->target > 0)
		fprintf(file, ", \"target\": \"%s %.2f\", \"met\": %s",
			row->relation == AT_MOST || row->relation == WITHIN ? "<=" : ">=",
			row->target, row->met ? "true" : "false");
	fputs("}", file);
}

static void write_json(FILE *file, const char *cpu, long cores, const char *kernel)
{
	fputs("{\n  \"machine\": {", file);
	write_text(file, "cpu", cpu);
	fprintf(file, ", \"cores\": %ld, ", cores);
	write_text(file, "kernel", kernel);
	fputs("},\n  ", file);
	write_text(file, "version", ftrace_version());
	fprintf(file, ",\n  \"quick\": %s,\n  \"rows\": [\n", quick ? "true" : "false");
	for (int i = 0; i < table->count; i++) {
		write_row(file, &table->rows[i]);
		fputs(i + 1 < table->count ? ",\n" : "\n", file);
	}
	fputs("  ]\n}\n", file);
	if (fclose(file))
		fail("cannot write the JSON file\n");
}

/* The rows that have a peer or a target, as a table for a document. */
static void write_markdown(FILE *file, const char *cpu, long cores, const char *kernel)
{
	char ours[80], peers[80], target[40];

	fprintf(file,
		"libftrace %s, %s, %ld cores, Linux %s; median (quartiles)\n\n"
		"| what | here | against | | ratio | target |\n|---|---|---|---|---|---|\n",
		ftrace_version(), cpu, cores, kernel);
	for (int i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (row->note[0])
			fprintf(file, "| %s | | | | | |\n", row->note);
		if (row->note[0] || (!row->peer[0] && row->target == 0) || row->threads)
			continue;
		print_quartiles(ours, sizeof(ours), &row->ours);
		print_quartiles(peers, sizeof(peers), &row->peers);
		if (!row->peer[0])
			peers[0] = '\0';
		snprintf(target, sizeof(target), "%s %.4g %s",
			 row->relation == AT_MOST || row->relation == WITHIN ? "at most"
									     : "at least",
			 row->target, row->met ? "met" : "**missed**");
		fprintf(file, "| %s, %s | %s | %s | %s | %.2f | %s |\n", row->what, row->unit, ours,
			row->peer, peers, row->ratio, row->target > 0 ? target : "");
	}
	if (fclose(file))
		fail("cannot write the table\n");
}

/*
 * The gate's C# peer brings a runtime of its own, which cannot be unloaded and
 * must not be there when threads are stopped. So it gets a process of its own.
 */
static void run_in_child(void (*bench)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("cannot fork\n");
	if (pid == 0) {
		bench();
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		fail("the gate's bench ended with status %#x\n", status);
}

static void bench_gate_in_child(void)
{
	run_in_child(bench_gate);
}

static const struct part {
	const char *name;
	void (*bench)(void);
} parts[] = {
	{"gate", bench_gate_in_child},
	{"patch", bench_patch},
	{"enable", bench_enable},
	{"latency", bench_latency},
	{"throughput", bench_throughput},
	{"stop", bench_stop},
	{"load", bench_load},
	{"trace", bench_trace},
	{"record", bench_record},
	{"count", bench_count},
	{"graph", bench_graph},
	{"tracing", bench_tracing},
	{"attach", bench_attach},
	{NULL, NULL},
};

static const struct part *find_part(const char *name)
{
	for (const struct part *part = parts; part->name; part++) {
		if (!strcmp(part->name, name))
			return part;
	}
	return NULL;
}

static void usage(FILE *file)
{
	fputs("usage: bench [--json FILE] [--markdown FILE] [--plot FILE] [--only PART] [--quick]\n"
	      "\n"
	      "Measure the speed of the library. Each row compares it with a peer, measured in\n"
	      "turn in the same run, and with a target. The parts:\n"
	      "\n"
	      "  gate        enter and exit with the gate closed\n"
	      "  patch       cost of a location, by batch size, method and writer\n"
	      "  enable      enabling and disabling 20,000 functions, compared with LLVM XRay\n"
	      "  latency     the longest time that a thread stands still, by threads and\n"
	      "              locations; in parentheses: the same without any change\n"
	      "  throughput  of running threads while 1,000 functions are turned on and off\n"
	      "  stop        stopping threads\n"
	      "  load        loading the library\n"
	      "  trace       calls of functions with and without a handler, compared with XRay\n"
	      "              and -finstrument-functions; 100,000 functions by name; static keys\n"
	      "  record      calls whose entry is recorded with the time, compared with XRay and\n"
	      "              uftrace\n"
	      "  count       a counter for each function, compared with a hash table; a lookup by\n"
	      "              address\n"
	      "  graph       calls whose entry and exit are traced, compared with XRay,\n"
	      "              -finstrument-functions, replaced return addresses, and handlers\n"
	      "              called by hand\n"
	      "  tracing     calls that the recorder records, compared with two readings of the\n"
	      "              clock, XRay, -finstrument-functions and uftrace; recording that is "
	      "off;\n"
	      "              snapshots\n"
	      "  attach      attaching to a process that runs, compared with gdb; changes of what "
	      "is\n"
	      "              recorded; what is left after detaching\n"
	      "\n"
	      "  --json FILE  also write the results to FILE\n"
	      "  --markdown FILE  also write the rows that have a peer as a Markdown table\n"
	      "  --plot FILE  draw the latencies with gnuplot, as PNG if FILE ends in .png, or\n"
	      "               else as SVG; the data are in FILE.dat\n"
	      "  --only PART  measure only this part\n"
	      "  --quick      few repetitions: shows that everything works, but not the speed\n"
	      "  -h, --help   print this text\n"
	      "  --version    print the version of the library\n"
	      "\n"
	      "A missed target is shown, but is not an error: the exit code is 0 unless a\n"
	      "measurement fails, and 64 for wrong usage.\n",
	      file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", required_argument, NULL, 'j'},
		{"plot", required_argument, NULL, 'p'},
		{"markdown", required_argument, NULL, 'm'},
		{"only", required_argument, NULL, 'o'},
		{"quick", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	const struct part *only = NULL;
	struct utsname kernel;
	FILE *json = NULL, *markdown = NULL;
	char cpu[128];
	long cores;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'm':
			markdown = fopen(optarg, "w");
			if (!markdown)
				fail("cannot write %s\n", optarg);
			break;
		case 'j':
			/* Now: not after minutes of measuring. */
			json = fopen(optarg, "w");
			if (!json)
				fail("cannot write %s\n", optarg);
			break;
		case 'p':
			plot_file = optarg;
			break;
		case 'o':
			only = find_part(optarg);
			if (!only) {
				usage(stderr);
				return 64;
			}
			break;
		case 'q':
			quick = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'v':
			printf("libftrace %s\n", ftrace_version());
			return 0;
		default:
			usage(stderr);
			return 64;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 64;
	}

	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (table == MAP_FAILED)
		fail("no memory\n");
	read_cpu_model(cpu, sizeof(cpu));
	cores = sysconf(_SC_NPROCESSORS_ONLN);
	uname(&kernel);
	snprintf(machine, sizeof(machine), "%s, %ld cores, Linux %s", cpu, cores, kernel.release);
	printf("libftrace %s, %s\n", ftrace_version(), machine);

	for (const struct part *part = parts; part->name; part++) {
		if (!only || only == part)
			part->bench();
	}
	if (json)
		write_json(json, cpu, cores, kernel.release);
	if (markdown)
		write_markdown(markdown, cpu, cores, kernel.release);
	return 0;
}
