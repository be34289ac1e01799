/* SPDX-License-Identifier: MIT */
/*
 * What the hammer's two processes share.
 *
 * The program supervises; a second process, the same executable, does the
 * work: it may crash or hang on a torn instruction, and the results must
 * survive that. Both map one struct run.
 */
#ifndef HAMMER_H
#define HAMMER_H

#include <ftrace/ftrace.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_THREADS 256
#define MAX_SITES   65536

/* Exit codes, of the program and of the process that works. */
enum { EXIT_PASS = 0, EXIT_TORN = 1, EXIT_INCONCLUSIVE = 2, EXIT_UNSUPPORTED = 3, EXIT_USAGE = 64 };

/* A run of this length must have proof() of something; it gets so much more time for it. */
#define PROOF_SECONDS 2
#define EXTRA_SECONDS 10

/*
 * What is left out. Torn executions must follow.
 *
 *   CONTROL_NO_BRACKET    handlers do not call ftrace_nmi_enter() and _exit(); for the stop method
 *   CONTROL_PLAIN_STORES  text is changed by plain stores, without the library; for the breakpoint
 *                         method, which protects threads as well
 */
enum control { CONTROL_OFF, CONTROL_NO_BRACKET, CONTROL_PLAIN_STORES };

struct settings {
	unsigned int threads; /* besides the one that patches */
	unsigned int seconds;
	unsigned int nmi_hz;
	unsigned int sites;
	unsigned int seed;
	unsigned int nmi_sites; /* how many sites one NMI executes */
	enum ftrace_method method;
	enum ftrace_writer writer;
	bool mask_all; /* handlers run with all signals blocked */
	enum control control;
};

/* One for each thread, on its own line. The thread and its handlers add. */
struct counters {
	_Alignas(64) _Atomic uint64_t calls;
	_Atomic uint64_t nmis;
	_Atomic uint64_t nmi_calls;
	_Atomic uint64_t torn;
	_Atomic uint64_t stale;
};

/*
 * A histogram with 16 buckets per power of two: a percentile read from it is
 * off by at most 1/32. Smallest and largest value are exact.
 */
#define HISTOGRAM_BUCKETS (61 * 16)

struct histogram {
	uint64_t count, min, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

enum site_kind { SITE_FUNCTION, SITE_LINE, SITE_PAGE, SITE_KINDS };

/* What went wrong first; written once, by the thread that turns @claimed. */
struct anomaly {
	_Atomic bool claimed;
	_Atomic bool complete;
	bool stale; /* old code after the patch call had returned */
	bool nmi;
	unsigned int thread;
	enum site_kind kind;
	unsigned int split;
	unsigned long ip;
	unsigned long got, want[2];
	unsigned long marks;
};

struct results {
	unsigned int sites[SITE_KINDS];
	uint64_t rounds;
	uint64_t elapsed_ns;
	struct ftrace_stats before, after;
	struct histogram stop_ns;
	struct anomaly first;
	_Atomic unsigned int crashes;
	bool hung;				 /* had to be killed */
	char error[256];			 /* one line; empty: none */
	struct counters thread[MAX_THREADS + 1]; /* the patching thread's is the first */
};

struct run {
	struct settings settings;
	struct results results;
};

/* run.c: the process that works. Returns an exit code. */
int run_main(struct run *run);

/* Says in results->error what failed; returns @error, a negative errno. */
int run_fail(struct results *results, int error, const char *what);

/* report.c */
struct control_results {
	bool done;
	unsigned int runs;
	uint64_t torn;
	double seconds;
};

/* By the numbers of enum ftrace_method and enum ftrace_writer. */
#define METHODS 3
#define WRITERS 3
extern const char *const method_name[METHODS];
extern const char *const writer_name[WRITERS];

/*
 * How often somebody met a change: NMIs that wrote, breakpoints that were hit. Without that, a run
 * in which nothing was torn shows nothing.
 */
uint64_t proof(const struct results *results);

uint64_t sum_torn(const struct results *results);
uint64_t sum_stale(const struct results *results);
void report_progress(const struct run *run, const char *what, double seconds);
void report_clear_progress(void);
void report_anomaly(const struct results *results);
void report_table(const struct run *run, const struct control_results *control);
int report_json(const char *path, const struct run *run, const struct control_results *control,
		int exit_code);

#endif /* HAMMER_H */
