/* SPDX-License-Identifier: MIT */
/*
 * table.h - the rows of the bench: what was measured, how it compares, and the verdict. Shared by
 * what measures (bench.h), what prints the table and what writes it as JSON.
 */
#ifndef TABLE_H
#define TABLE_H

#include "bench.h"

#define MAX_ROWS  1024
#define MAX_PARTS 32

/* The median, the quartiles, and an interval that has the true median with 95 % certainty. */
struct quartiles {
	double low, median, high, max;
	double from, to;
};

enum verdict {
	NO_VERDICT, /* no target */
	MET,
	MISSED,
	NOISY,	 /* the machine was in use, or the values differ too much to tell */
	UNKNOWN, /* it was not measured: see why */
};

struct row {
	char part[16], section[24], what[64], unit[16], axis[16], peer[64], why[128];
	int n, samples, peer_samples;
	struct quartiles ours, peers;
	enum relation relation;
	struct quartiles ratio;
	double target;
	enum verdict verdict;
};

/* How quiet the machine was while a part was measured: noise.h. */
/* Parts of all CPUs' time: what the bench has used, what others have, and what the hypervisor has.
 */
struct quiet {
	double seconds, own, others, steal, spread, slower;
	char why[128]; /* it was not quiet; else "" */
};

struct measured_part {
	char name[16], date[32];
	struct quiet quiet;
};

struct left_out {
	char needed[64], why[96];
};

struct note {
	char section[24], text[160];
};

/* In memory that a child shares. */
struct table {
	char failure[96]; /* why the current part has failed */
	int count, part_count, note_count, left_out_count;
	struct row rows[MAX_ROWS];
	struct measured_part parts[MAX_PARTS];
	struct note notes[64];
	struct left_out left_out[16]; /* of the current part */
};

extern struct table *table;

void make_table(void);

/* Between them, the rows that are added are of this part. */
void begin_part(const char *part);
void end_part(const struct quiet *quiet);

/* A row that was not measured. */
void add_unknown_row(const char *section, const char *what, const char *unit, const char *peer,
		     const char *axis, const char *why);

void print_rows(const char *part);

const char *verdict_name(enum verdict verdict);

#endif /* TABLE_H */
