/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the parts of the bench share: samples, rows of the table (table.h), the
 * clock, and the way out when something is broken.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define MAX_SAMPLES 1024
#define MAX_POINTS  8

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
	WITHIN,	  /* the median, to be at most the target; the ratio is for information */
	REACHES,  /* the median, to be at least the target */
};

struct comparison {
	const char *section;
	const char *what;
	const char *unit;
	int n;		  /* threads, locations: the x of a point of a curve */
	const char *axis; /* what @n counts; NULL: the row is no point of a curve */
	const struct series *ours;
	const char *peer; /* NULL: an absolute number only */
	const struct series *peers;
	enum relation relation;
	double target; /* 0: none, the row is for information */
};

/* Many rows: one for each x, but where there are no samples. */
struct curve {
	const char *section;
	const char *what;
	const char *unit;
	const char *axis; /* what the xs are */
	int points;
	const int *xs;
	const struct series *ours[MAX_POINTS];
	const char *peer; /* NULL: none */
	const struct series *peers[MAX_POINTS];
	enum relation relation; /* WITHIN: the ratio says nothing */
};

extern bool quick;

void add_sample(struct series *series, double value);

/* Each row has to be in rows.txt. */
void add_row(const struct comparison *comparison);
void add_curve(const struct curve *curve);

double median_of(const struct series *series);

/* What is to be known of a section's rows. */
void add_note(const char *section, const char *text);

/*
 * The rows of rows.txt that need this are not measured in this part. Without @why it is a package
 * that is not installed.
 */
void leave_out(const char *needed, const char *why);

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
void bench_tools(void);
void bench_sampling(void);
void bench_busy(void);
void bench_files(void);
void bench_programs(void);

#endif /* BENCH_H */
