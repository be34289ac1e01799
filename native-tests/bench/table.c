/* SPDX-License-Identifier: MIT */
/*
 * table.c - the rows: medians, quartiles, ratios and verdicts.
 *
 * A ratio is the median of the rounds' ratios, because a slow moment hits both sides of a round.
 * The interval of a median is that of order statistics: between the values of the ranks
 * n/2 - 0.98 sqrt(n) and n/2 + 0.98 sqrt(n) the true median is with 95 % certainty, however the
 * values are distributed. A row is noisy if that interval does not tell whether the target is met,
 * or if it is as wide as a quarter of the value; and all rows of a part are if the machine was in
 * use (noise.c).
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table.h"

/* Parts of the value: an interval that is narrower is a value; one that is wider is none. */
#define NARROW 0.03
#define WIDE   0.25

struct table *table;
static const char *current_part = "";

void make_table(void)
{
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (table == MAP_FAILED)
		fail("no memory\n");
}

void fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "bench: %s", text);
	text[strcspn(text, "\n")] = '\0';
	if (table)
		snprintf(table->failure, sizeof(table->failure), "failed: %.80s", text);
	_exit(1);
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
	int last = sorted.count - 1, from, to;

	if (last < 0)
		fail("a series has no values\n");
	qsort(sorted.values, sorted.count, sizeof(double), compare_doubles);
	from = (int)floor(last / 2.0 - 0.98 * sqrt(sorted.count));
	to = (int)ceil(last / 2.0 + 0.98 * sqrt(sorted.count));
	return (struct quartiles){
		.low = sorted.values[last / 4],
		.median = (sorted.values[last / 2] + sorted.values[(last + 1) / 2]) / 2,
		.high = sorted.values[last - last / 4],
		.max = sorted.values[last],
		.from = sorted.values[from < 0 ? 0 : from],
		.to = sorted.values[to > last ? last : to],
	};
}

double median_of(const struct series *series)
{
	return quartiles_of(series).median;
}

static struct quartiles ratio_of(const struct series *numerator, const struct series *denominator)
{
	struct series ratios = {0};

	for (int i = 0; i < numerator->count && i < denominator->count; i++)
		add_sample(&ratios, numerator->values[i] / denominator->values[i]);
	return quartiles_of(&ratios);
}

static bool is_absolute(const struct row *row)
{
	return !row->peer[0] || row->relation == WITHIN || row->relation == REACHES;
}

static bool is_met(const struct row *row, double value)
{
	if (row->relation == AT_MOST || row->relation == WITHIN)
		return value <= row->target;
	return value >= row->target;
}

static void judge(struct row *row)
{
	const struct quartiles *value = is_absolute(row) ? &row->ours : &row->ratio;
	double width = value->to - value->from;
	bool unclear = row->target > 0 && is_met(row, value->from) != is_met(row, value->to);

	if (value == &row->ratio && !row->peer_samples)
		row->verdict = UNKNOWN;
	else if (width > WIDE * value->median || (unclear && width > NARROW * value->median)) {
		row->verdict = NOISY;
		snprintf(row->why, sizeof(row->why), "the median is between %.3g and %.3g",
			 value->from, value->to);
	} else if (row->target > 0) {
		row->verdict = is_met(row, value->median) ? MET : MISSED;
	}
}

static struct row *new_row(const char *section, const char *what, const char *unit)
{
	struct row *row = &table->rows[table->count];

	if (table->count == MAX_ROWS)
		fail("more than %d rows\n", MAX_ROWS);
	table->count++;
	snprintf(row->part, sizeof(row->part), "%s", current_part);
	snprintf(row->section, sizeof(row->section), "%s", section);
	snprintf(row->what, sizeof(row->what), "%s", what);
	snprintf(row->unit, sizeof(row->unit), "%s", unit);
	return row;
}

void add_row(const struct comparison *comparison)
{
	struct row *row = new_row(comparison->section, comparison->what, comparison->unit);

	if (comparison->axis)
		snprintf(row->axis, sizeof(row->axis), "%s", comparison->axis);
	row->n = comparison->n;
	row->samples = comparison->ours->count;
	row->ours = quartiles_of(comparison->ours);
	row->relation = comparison->relation;
	row->target = comparison->target;
	if (comparison->peer)
		snprintf(row->peer, sizeof(row->peer), "%s", comparison->peer);
	row->peer_samples = comparison->peer ? comparison->peers->count : 0;
	if (row->peer_samples) {
		row->peers = quartiles_of(comparison->peers);
		if (row->relation == CHEAPER)
			row->ratio = ratio_of(comparison->peers, comparison->ours);
		else
			row->ratio = ratio_of(comparison->ours, comparison->peers);
	}
	judge(row);
}

void add_curve(const struct curve *curve)
{
	for (int i = 0; i < curve->points; i++) {
		if (curve->ours[i]->count)
			add_row(&(struct comparison){
				.section = curve->section,
				.what = curve->what,
				.unit = curve->unit,
				.axis = curve->axis,
				.n = curve->xs[i],
				.ours = curve->ours[i],
				.peer = curve->peer,
				.peers = curve->peer ? curve->peers[i] : NULL,
				.relation = curve->relation,
			});
	}
}

void add_unknown_row(const char *section, const char *what, const char *unit, const char *peer,
		     const char *axis, const char *why)
{
	struct row *row = new_row(section, what, unit);

	snprintf(row->peer, sizeof(row->peer), "%s", peer);
	snprintf(row->axis, sizeof(row->axis), "%s", axis);
	snprintf(row->why, sizeof(row->why), "%s", why);
	row->verdict = UNKNOWN;
}

void add_note(const char *section, const char *text)
{
	struct note *note = &table->notes[table->note_count];

	if (table->note_count == sizeof(table->notes) / sizeof(table->notes[0]))
		fail("too many notes\n");
	table->note_count++;
	snprintf(note->section, sizeof(note->section), "%s", section);
	snprintf(note->text, sizeof(note->text), "%s", text);
}

void begin_part(const char *part)
{
	current_part = part;
}

/* Whatever a row says: if the machine was not quiet, it says nothing. */
void end_part(const struct quiet *quiet)
{
	struct measured_part *part = &table->parts[table->part_count++];
	time_t now = time(NULL);
	struct tm tm;

	snprintf(part->name, sizeof(part->name), "%s", current_part);
	strftime(part->date, sizeof(part->date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	part->quiet = *quiet;
	for (int i = 0; i < table->count && quiet->why[0]; i++) {
		struct row *row = &table->rows[i];

		if (strcmp(row->part, current_part) || row->verdict == UNKNOWN)
			continue;
		row->verdict = NOISY;
		if (!row->peer[0] || row->peer_samples)
			snprintf(row->why, sizeof(row->why), "%s", quiet->why);
	}
	current_part = "";
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[NO_VERDICT] = "",	    [MET] = "met", [MISSED] = "missed", [NOISY] = "noisy",
		[UNKNOWN] = "not measured",
	};

	return names[verdict];
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
	char what[128], ours[80], peers[128] = "", ratio[24] = "", target[40] = "", number[24];

	if (row->axis[0] && row->n)
		snprintf(what, sizeof(what), "%s, %s: %d, %s", row->what, row->axis, row->n,
			 row->unit);
	else
		snprintf(what, sizeof(what), "%s, %s", row->what, row->unit);
	if (row->verdict == UNKNOWN && !row->samples) {
		printf("%-62s %s%s%s: %s\n", what, row->peer[0] ? "against " : "", row->peer,
		       row->peer[0] ? ", not measured" : "not measured", row->why);
		return;
	}
	print_quartiles(ours, sizeof(ours), &row->ours);
	if (row->relation == WITHIN) {
		print_number(number, sizeof(number), row->ours.max);
		snprintf(ours + strlen(ours), sizeof(ours) - strlen(ours), " max %s", number);
	}
	if (row->peer[0] && !row->peer_samples) {
		snprintf(peers, sizeof(peers), "%s", row->why);
	} else if (row->peer[0]) {
		print_quartiles(peers, sizeof(peers), &row->peers);
		print_number(ratio, sizeof(ratio) - 1, row->ratio.median);
		if (row->relation == CHEAPER)
			strcat(ratio, "x");
	}
	if (row->target > 0) {
		print_number(number, sizeof(number), row->target);
		snprintf(target, sizeof(target), "%s %s%s ",
			 row->relation == AT_MOST || row->relation == WITHIN ? "<=" : ">=", number,
			 row->relation == CHEAPER ? "x" : "");
	}
	printf("%-62s %30s  %-30s %28s %8s  %s%s\n", what, ours, row->peer, peers, ratio, target,
	       verdict_name(row->verdict));
}

void print_rows(const char *part)
{
	const char *section = "";

	for (int i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (strcmp(row->part, part))
			continue;
		if (strcmp(row->section, section))
			printf("\n%-62s %30s  %-30s %28s %8s  %s\n", row->section,
			       "median (quartiles)", "against", "median (quartiles)", "ratio",
			       "target");
		section = row->section;
		print_row(row);
	}
	for (int i = 0; i < table->part_count; i++) {
		const struct measured_part *measured = &table->parts[i];

		if (!strcmp(measured->name, part))
			printf("%s: %.0f s%s%s\n", part, measured->quiet.seconds,
			       measured->quiet.why[0] ? "; noisy: " : "", measured->quiet.why);
	}
	fflush(stdout);
}
