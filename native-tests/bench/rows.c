/* SPDX-License-Identifier: MIT */
/*
 * rows.c - all rows that the bench has: ROWS, a text file, has a line for each, or for each curve,
 * with fields that are separated by bars:
 *
 *	part | section | what | unit | against | axis of a curve | what is needed for it
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "table.h"

enum field { PART, SECTION, WHAT, UNIT, PEER, AXIS, NEEDS, FIELDS };

struct listed {
	const char *fields[FIELDS];
};

static struct listed listed[MAX_ROWS];
static int listed_count;

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && strchr(" \t\n", end[-1]))
		*--end = '\0';
	return text;
}

void read_rows(void)
{
	FILE *file = fopen(ROWS, "re");
	char line[512];

	if (!file)
		fail("cannot read %s\n", ROWS);
	while (fgets(line, sizeof(line), file)) {
		struct listed *row = &listed[listed_count];
		char *copy = strdup(line), *text = copy;

		if (!copy)
			fail("no memory\n");
		if (line[0] == '#' || !*trim(line)) {
			free(copy);
			continue;
		}
		for (int i = 0; i < FIELDS; i++)
			row->fields[i] = "";
		for (int i = 0; i < FIELDS && text; i++) {
			char *next = strchr(text, '|');

			if (next)
				*next++ = '\0';
			row->fields[i] = strdup(trim(text));
			text = next;
		}
		free(copy);
		if (++listed_count == MAX_ROWS)
			fail("%s has too many lines\n", ROWS);
	}
	fclose(file);
}

void list_rows(const char *part)
{
	for (int i = 0; i < listed_count; i++) {
		if (part && strcmp(listed[i].fields[PART], part))
			continue;
		for (int field = 0; field < FIELDS; field++)
			printf("%s%s", field ? " | " : "", listed[i].fields[field]);
		printf("\n");
	}
}

void leave_out(const char *needed, const char *why)
{
	struct left_out *left_out = &table->left_out[table->left_out_count];

	if (table->left_out_count == sizeof(table->left_out) / sizeof(table->left_out[0]))
		fail("too much is missing\n");
	table->left_out_count++;
	snprintf(left_out->needed, sizeof(left_out->needed), "%s", needed);
	if (why)
		snprintf(left_out->why, sizeof(left_out->why), "%s", why);
	else
		snprintf(left_out->why, sizeof(left_out->why), "peer not installed: package %s",
			 needed);
}

static bool is_same(const struct row *row, const struct listed *line)
{
	return !strcmp(row->part, line->fields[PART]) &&
	       !strcmp(row->section, line->fields[SECTION]) &&
	       !strcmp(row->what, line->fields[WHAT]) && !strcmp(row->unit, line->fields[UNIT]) &&
	       !strcmp(row->peer, line->fields[PEER]) && !strcmp(row->axis, line->fields[AXIS]);
}

static const struct listed *find_line(const struct row *row)
{
	for (int i = 0; i < listed_count; i++) {
		if (is_same(row, &listed[i]))
			return &listed[i];
	}
	return NULL;
}

static bool is_measured(const struct listed *line)
{
	for (int i = 0; i < table->count; i++) {
		if (is_same(&table->rows[i], line))
			return true;
	}
	return false;
}

static const char *why_not(const struct listed *line)
{
	for (int i = 0; i < table->left_out_count; i++) {
		if (!strcmp(table->left_out[i].needed, line->fields[NEEDS]))
			return table->left_out[i].why;
	}
	if (table->failure[0])
		return table->failure;
	return quick ? "not in --quick" : "not possible here";
}

static bool is_twice(int at)
{
	const struct row *row = &table->rows[at];

	for (int i = 0; i < at; i++) {
		const struct row *other = &table->rows[i];

		if (other->n == row->n && !strcmp(other->section, row->section) &&
		    !strcmp(other->what, row->what) && !strcmp(other->unit, row->unit) &&
		    !strcmp(other->peer, row->peer))
			return true;
	}
	return false;
}

bool compare_rows(const char *part)
{
	bool is_good = true;

	for (int i = 0; i < table->count; i++) {
		struct row *row = &table->rows[i];
		const struct listed *line = find_line(row);

		if (strcmp(row->part, part))
			continue;
		if (!line || is_twice(i)) {
			fprintf(stderr, "bench: %s: %s | %s | %s | %s | %s | %s\n",
				line ? "measured twice" : "not in rows.txt", row->part,
				row->section, row->what, row->unit, row->peer, row->axis);
			is_good = false;
		} else if (row->peer[0] && !row->peer_samples) {
			snprintf(row->why, sizeof(row->why), "%s", why_not(line));
		}
	}
	for (int i = 0; i < listed_count; i++) {
		const char *const *fields = listed[i].fields;

		if (!strcmp(fields[PART], part) && !is_measured(&listed[i]))
			add_unknown_row(fields[SECTION], fields[WHAT], fields[UNIT], fields[PEER],
					fields[AXIS], why_not(&listed[i]));
	}
	table->left_out_count = 0;
	return is_good;
}
