/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the parts of the bench share: samples, rows of the table, the
 * clock, and the way out when something is broken.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define MAX_SAMPLES 1024
#define MAX_POINTS  6

/*
 * Samples of one thing. Sample i of two series that are compared was taken in
 * the same round, so that both saw the same state of the machine.
 */
struct series {
	int count;
	double values[MAX_SAMPLES];
};

enum relation {
	AT_MOST,  /* ratio = ours / peer, to be at most the target */
	CHEAPER,  /* ratio = peer / ours, to be at least the target */
	AT_LEAST, /* ratio = ours / peer, to be at least the target */
	WITHIN,	  /* the median, to be at most the target; the ratio, of the medians, is for
		     information */
};

struct comparison {
	const char *section;
	const char *what;
	const char *unit;
	int n;	     /* threads, locations: the x axis of a curve */
	int threads; /* of a curve over something else; else 0 */
	const struct series *ours;
	const char *peer; /* NULL: an absolute number only */
	const struct series *peers;
	enum relation relation;
	double target; /* 0: none, the row is for information */
};

/* A line of the table that is many rows of the JSON file: one number for each x. */
struct curve {
	const char *section;
	const char *what;
	const char *unit;
	const char *axis; /* what the xs are */
	int threads;
	int points;
	const int *xs;
	const struct series *ours[MAX_POINTS];
	const char *peer; /* NULL, or what stands in parentheses */
	const struct series *peers[MAX_POINTS];
};

extern bool quick;

void add_sample(struct series *series, double value);

/* Prints the row and keeps it for the JSON file. */
void add_row(const struct comparison *comparison);

/* The same for a curve: prints the medians. */
void add_curve(const struct curve *curve);

double median_of(const struct series *series);

/* Prints why a row is missing and keeps it, too. */
void add_note(const char *section, const char *text);

/* A broken library or a broken machine, never a slow one: ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

void bench_gate(void);
void bench_patch(void);
void bench_enable(void);
void bench_latency(void);
void bench_throughput(void);
void bench_stop(void);
void bench_load(void);
void bench_trace(void);
void bench_record(void);
void bench_count(void);
void bench_graph(void);
void bench_tracing(void);
void bench_attach(void);

/* Where to draw the curves of bench_latency() to, or NULL; and what to call the machine. */
extern const char *plot_file;
extern char machine[];

#endif /* BENCH_H */
