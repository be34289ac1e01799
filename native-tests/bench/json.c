/* SPDX-License-Identifier: MIT */
/* json.c - the results as JSON: what the page and the plots are made of (report/). */
#include <stdio.h>

#include <ftrace/version.h>

#include "json.h"

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
	fprintf(file,
		", \"%s\": {\"median\": %.5g, \"q1\": %.5g, \"q3\": %.5g, \"max\": %.5g, "
		"\"from\": %.5g, \"to\": %.5g}",
		name, values->median, values->low, values->high, values->max, values->from,
		values->to);
}

static void write_target(FILE *file, const struct row *row)
{
	bool is_value = row->relation == WITHIN || row->relation == REACHES;
	bool is_most = row->relation == AT_MOST || row->relation == WITHIN;

	fprintf(file, ", \"target\": {\"of\": \"%s\", \"is\": \"%s\", \"value\": %g}",
		is_value ? "value" : "ratio", is_most ? "at most" : "at least", row->target);
}

static void write_row(FILE *file, const struct row *row)
{
	fputs("    {", file);
	write_text(file, "part", row->part);
	fputs(", ", file);
	write_text(file, "section", row->section);
	fputs(", ", file);
	write_text(file, "what", row->what);
	fputs(", ", file);
	write_text(file, "unit", row->unit);
	if (row->axis[0]) {
		fputs(", ", file);
		write_text(file, "axis", row->axis);
		fprintf(file, ", \"n\": %d", row->n);
	}
	if (row->samples) {
		fprintf(file, ", \"rounds\": %d", row->samples);
		write_quartiles(file, "here", &row->ours);
	}
	if (row->peer[0]) {
		fputs(", ", file);
		write_text(file, "against", row->peer);
	}
	if (row->peer_samples) {
		write_quartiles(file, "peer", &row->peers);
		write_quartiles(file, "ratio", &row->ratio);
		fprintf(file, ", \"ratio_of\": \"%s\"",
			row->relation == CHEAPER ? "peer/here" : "here/peer");
	}
	if (row->target > 0)
		write_target(file, row);
	if (row->verdict) {
		fputs(", ", file);
		write_text(file, "verdict", verdict_name(row->verdict));
	}
	if (row->why[0]) {
		fputs(", ", file);
		write_text(file, "why", row->why);
	}
	fputs("}", file);
}

static void write_part(FILE *file, const struct measured_part *part, const char *commit)
{
	const struct quiet *quiet = &part->quiet;

	fputs("    {", file);
	write_text(file, "name", part->name);
	fputs(", ", file);
	write_text(file, "date", part->date);
	fputs(", ", file);
	write_text(file, "commit", commit);
	fprintf(file,
		", \"seconds\": %.1f, \"others\": %.3f, \"steal\": %.3f, \"slower\": %.3f, "
		"\"spread\": %.3f, ",
		quiet->seconds, quiet->others, quiet->steal, quiet->slower, quiet->spread);
	write_text(file, "noisy", quiet->why);
	fputs("}", file);
}

static void end_line(FILE *file, bool is_last)
{
	fputs(is_last ? "\n" : ",\n", file);
}

void write_json(FILE *file, const struct machine *machine)
{
	fputs("{\n  \"machine\": {", file);
	write_text(file, "cpu", machine->cpu);
	fprintf(file, ", \"cpus\": %ld, ", machine->cpus);
	write_text(file, "kernel", machine->kernel);
	fputs(", ", file);
	write_text(file, "gcc", __VERSION__);
	fputs(", ", file);
	write_text(file, "clang", CLANG_VERSION);
	fputs("},\n  ", file);
	write_text(file, "version", ftrace_version());
	fprintf(file, ",\n  \"quick\": %s,\n  \"parts\": [\n", quick ? "true" : "false");
	for (int i = 0; i < table->part_count; i++) {
		write_part(file, &table->parts[i], machine->commit);
		end_line(file, i + 1 == table->part_count);
	}
	fputs("  ],\n  \"notes\": [\n", file);
	for (int i = 0; i < table->note_count; i++) {
		fputs("    {", file);
		write_text(file, "section", table->notes[i].section);
		fputs(", ", file);
		write_text(file, "text", table->notes[i].text);
		fputs("}", file);
		end_line(file, i + 1 == table->note_count);
	}
	fputs("  ],\n  \"rows\": [\n", file);
	for (int i = 0; i < table->count; i++) {
		write_row(file, &table->rows[i]);
		end_line(file, i + 1 == table->count);
	}
	fputs("  ]\n}\n", file);
}
