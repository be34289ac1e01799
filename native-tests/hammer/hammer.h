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
#define CHANGERS    2 /* threads that change what is patched; one but for --ops */

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
 *   CONTROL_EARLY         --ops, --graph: a change counts as made before the library is asked for
 *                         it, and some exits are overlooked
 */
enum control { CONTROL_OFF, CONTROL_NO_BRACKET, CONTROL_PLAIN_STORES, CONTROL_EARLY };

struct settings {
	bool ops;	      /* handlers by name, in place of patches */
	bool graph;	      /* so at both ends of functions; ops is set too */
	unsigned int threads; /* besides those that patch */
	unsigned int seconds;
	unsigned int nmi_hz;
	unsigned int sites;
	unsigned int seed;
	unsigned int nmi_sites; /* how many sites one NMI executes */
	enum ftrace_method method;
	enum ftrace_writer writer;
	bool mask_all; /* handlers run with all signals blocked */
	bool seize;    /* threads are stopped by ptrace(2) */
	enum control control;
};

/* What can be wrong with a call of a function and its handlers. */
enum ops_fault {
	OPS_MISSED,    /* the handler was not called */
	OPS_EXTRA,     /* it was, though it was not to be, or more than once */
	OPS_DEAD,      /* it ran after its unregistration */
	OPS_MISPLACED, /* with the address of another function */
	OPS_RESULT,    /* the function returned something else */
	/* --graph */
	OPS_LOST,	/* the exit handler was not called */
	OPS_EXIT_EXTRA, /* it was, though it was not wanted, or more than once */
	OPS_EXIT_EARLY, /* it was, but that is not how or when the call ended */
	OPS_DATA,	/* a handler got the data of another call */
	OPS_DEPTH,	/* or another depth */
	OPS_REGS,	/* or no registers, or some without asking for them */
	OPS_FAULTS
};

enum ops_change { OPS_REGISTERED, OPS_FILTERED, OPS_UNREGISTERED, OPS_CHANGES };

/* One for each thread, on its own line. The thread and its handlers add. */
struct counters {
	_Alignas(64) _Atomic uint64_t calls;
	_Atomic uint64_t nmis;
	_Atomic uint64_t nmi_calls;
	_Atomic uint64_t torn;
	_Atomic uint64_t stale;
	/* --ops: handlers that were to be called, while nothing about them changed */
	_Atomic uint64_t on;
	_Atomic uint64_t nmi_on;
	_Atomic uint64_t several;   /* calls with more than one of them */
	_Atomic uint64_t meanwhile; /* calls while something changed */
	_Atomic uint64_t ops_fault[OPS_FAULTS];
	/* --graph: exits in threads and in NMIs, and how those calls ended that did not return */
	_Atomic uint64_t exits, nmi_exits, tails, left;
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

struct ops_anomaly {
	_Atomic bool claimed;
	_Atomic bool complete;
	enum ops_fault fault;
	bool nmi;
	unsigned int thread;
	unsigned int handler;
	unsigned int site;
	unsigned int hits;
	unsigned long version;
};

struct results {
	unsigned int sites[SITE_KINDS];
	uint64_t rounds;
	uint64_t elapsed_ns;
	struct ftrace_stats before, after;
	struct histogram stop_ns;
	struct histogram change_ns; /* of one changer */
	struct anomaly first;
	struct ops_anomaly first_ops;
	_Atomic uint64_t changes[OPS_CHANGES];
	uint64_t handler_calls;
	_Atomic unsigned int crashes;
	bool hung;	 /* had to be killed */
	char error[256]; /* one line; empty: none */
	/* The patching thread's is the first; that of another one is the last. */
	struct counters thread[MAX_THREADS + CHANGERS];
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
	uint64_t ops_fault[OPS_FAULTS];
	double seconds;
};

/* By the numbers of enum ftrace_method and enum ftrace_writer. */
#define METHODS 3
#define WRITERS 3
extern const char *const method_name[METHODS];
extern const char *const writer_name[WRITERS];

/*
 * How often somebody met a change: NMIs that wrote, breakpoints that were hit; for --ops the rarest
 * of what must happen. Without that, a run in which nothing was torn shows nothing.
 */
uint64_t proof(const struct run *run);

uint64_t sum_torn(const struct results *results);
uint64_t sum_stale(const struct results *results);
uint64_t sum_ops_fault(const struct results *results, enum ops_fault fault);
void report_progress(const struct run *run, const char *what, double seconds);
void report_clear_progress(void);
void report_anomaly(const struct results *results);
void report_table(const struct run *run, const struct control_results *control);
int report_json(const char *path, const struct run *run, const struct control_results *control,
		int exit_code);

/* splitmix64: small, and every seed is good. */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

#endif /* HAMMER_H */
