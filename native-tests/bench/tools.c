/* SPDX-License-Identifier: MIT */
/*
 * tools.c - what tools for the shell cost that trace or count each call of a function, without a
 * change of the program's source: the command ftrace, and its peers. The same small program
 * (calls_program.c) makes 1,000 to 10,000,000 calls under each of them. It says how long its calls
 * took, and the whole command has a time too, with what starts the tool and writes its file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

#ifndef FTRACE_COMMAND
#define FTRACE_COMMAND "ftrace"
#endif

#define SECTION	      "tools"
#define CURVE	      "calls"
#define LTTNG_PRELOAD "/usr/lib/x86_64-linux-gnu/liblttng-ust-cyg-profile.so.1"
#define MAX_WORDS     16
#define POINTS	      5
#define COUNTS	      5
#define THREAD_CALLS  200000
#define LTTNG_PATH    "trace"

enum tool {
	UNTOUCHED,
	COUNTED,
	RECORDED,
	STREAMED,
	GPROF,
	UFTRACE_MCOUNT,
	UFTRACE,
	LTTNG,
	CALLGRIND,
	UPROBES,
	LTRACE,
	GDB,
	TOOLS,
};

static const int counts[COUNTS] = {1, 2, 4, 8, 16};
static const int points[POINTS] = {1000, 10000, 100000, 1000000, 10000000};

static struct {
	const char *name, *package;
	const char *command[MAX_WORDS]; /* before the number of calls */
	int most;			/* calls: an index of points */
	const char *file;		/* that it writes, in the current folder; */
	unsigned int bytes;		/* at least, for each call; 0: any */
	bool is_missing;
	struct series call;	       /* ns, of the most calls */
	struct series whole[POINTS];   /* ms */
	struct series threads[COUNTS]; /* ns, of a CPU's time */
} tools[TOOLS] = {
	[UNTOUCHED] = {"untouched", "", {PROGRAMS "/calls_plain"}, 4, NULL, 0},
	[COUNTED] = {"handler of the library", "", {PROGRAMS "/calls_handler"}, 4, NULL, 0},
	[RECORDED] = {"ftrace record",
		      "ftrace",
		      {FTRACE_COMMAND, "record", "-q", "-o", "f.data", PROGRAMS "/calls_traced"},
		      4,
		      "f.data",
		      0},
	[STREAMED] = {"ftrace record --stream",
		      "ftrace",
		      {FTRACE_COMMAND, "record", "-q", "--stream", "-b", "16M", "-o", "s.data",
		       PROGRAMS "/calls_traced"},
		      3,
		      "s.data",
		      0},
	[GPROF] = {"gprof", "", {PROGRAMS "/calls_gprof"}, 4, "gmon.out", 0},
	[UFTRACE_MCOUNT] = {"uftrace, -pg",
			    "uftrace",
			    {"uftrace", "record", "--no-libcall", "--no-event", "-d", "m.uftrace",
			     PROGRAMS "/calls_mcount"},
			    3,
			    "m.uftrace",
			    32},
	[UFTRACE] = {"uftrace, -mfentry",
		     "uftrace",
		     {"uftrace", "record", "--no-libcall", "--no-event", "-d", "f.uftrace",
		      PROGRAMS "/calls_fentry"},
		     3,
		     "f.uftrace",
		     32},
	[LTTNG] = {"LTTng, -finstrument-functions",
		   "lttng-tools",
		   {"env", "LD_PRELOAD=" LTTNG_PRELOAD, PROGRAMS "/calls_instrumented"},
		   3,
		   LTTNG_PATH,
		   0},
	[CALLGRIND] = {"callgrind",
		       "valgrind",
		       {"valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=callgrind.out",
			PROGRAMS "/calls_plain"},
		       3,
		       "callgrind.out",
		       0},
	[UPROBES] = {"uprobes", "uprobes", {PROGRAMS "/calls_uprobes"}, 2, NULL, 0},
	[LTRACE] = {"ltrace",
		    "ltrace",
		    {"ltrace", "-o", "ltrace.out", "-L", "-x", "called", PROGRAMS "/calls_plain"},
		    1,
		    "ltrace.out",
		    10},
	[GDB] = {"gdb, a breakpoint",
		 "gdb",
		 {"gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
		  "break called if 0", "-ex", "run", "--args", PROGRAMS "/calls_plain"},
		 0,
		 NULL,
		 0},
};

static pid_t lttng_daemon = -1;
static unsigned long bytes;

static int add_bytes(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)path, (void)ftw;
	if (type == FTW_F)
		bytes += status->st_size;
	return 0;
}

static int remove_it(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

struct took {
	double ns, cpu_ns; /* a call: by the clock, and of the CPU time of its thread */
	double ms;	   /* the whole command */
};

/* A peer that did nothing would be a fast one. */
static void check_file(enum tool tool, int calls)
{
	if (!tools[tool].file)
		return;
	bytes = 0;
	nftw(tools[tool].file, add_bytes, 16, FTW_PHYS);
	if (!bytes || bytes < (unsigned long)tools[tool].bytes * calls)
		fail("%s has written only %lu bytes for %d calls\n", tools[tool].name, bytes,
		     calls);
	if (tool != LTTNG)
		remove_tree(tools[tool].file);
}

static void leave_tool(enum tool tool, const char *why)
{
	tools[tool].is_missing = true;
	leave_out(tools[tool].package, why);
}

/* False: it is not there. */
static bool run_tool(enum tool tool, int calls, int threads, struct took *result)
{
	char *argv[MAX_WORDS + 3], text[8192] = "", number[16], count[16];
	struct command command;
	const char *took;
	int status, words;

	for (words = 0; tools[tool].command[words]; words++)
		argv[words] = (char *)tools[tool].command[words];
	snprintf(number, sizeof(number), "%d", calls);
	snprintf(count, sizeof(count), "%d", threads);
	argv[words] = number;
	argv[words + 1] = count;
	argv[words + 2] = NULL;
	command = start_command(argv);
	status = await_command(&command, COMMAND_LIMIT_MS, text, sizeof(text), &result->ms);
	if (status == 127 || command.pid < 0) {
		leave_tool(tool, NULL);
		return false;
	}
	took = strstr(text, "took ");
	if (status == 3 && tool == UPROBES) {
		leave_tool(tool, "uprobes are not permitted here");
		return false;
	}
	if (status || !took)
		fail("%s has failed (%d): %s\n", tools[tool].name, status, text);
	if (sscanf(took, "took %lf cpu %lf", &result->ns, &result->cpu_ns) != 2)
		fail("%s: %s\n", tools[tool].name, took);
	result->ns /= calls;
	result->cpu_ns /= calls;
	check_file(tool, calls);
	return true;
}

/* A command of LTTng; true if it has worked. */
static bool run_lttng(const char *line)
{
	char *argv[] = {"sh", "-c", (char *)line, NULL};
	char text[1024] = "";
	double ms;

	return run_command(argv, text, sizeof(text), &ms) == 0;
}

/* The session, for all of the part. Its daemon is a child, so its time is not that of others. */
static void start_lttng(void)
{
	char *argv[] = {"lttng-sessiond", "--no-kernel", NULL};
	struct command command;
	bool is_there = false;

	if (!run_lttng("command -v lttng lttng-sessiond && test -e " LTTNG_PRELOAD)) {
		leave_tool(LTTNG, NULL);
		return;
	}
	command = start_command(argv);
	lttng_daemon = command.pid;
	for (int i = 0; i < 100 && !is_there; i++) {
		is_there = run_lttng("lttng --no-sessiond list");
		if (!is_there)
			usleep(100000);
	}
	if (!is_there ||
	    !run_lttng("lttng create ftrace-bench --output=$PWD/" LTTNG_PATH
		       " && lttng enable-channel -u --subbuf-size=4M --num-subbuf=8 c"
		       " && lttng enable-event -u -c c 'lttng_ust_cyg_profile*' && lttng start"))
		leave_tool(LTTNG, "LTTng does not record here");
}

static void end_lttng(void)
{
	if (lttng_daemon < 0)
		return;
	run_lttng("lttng destroy ftrace-bench");
	kill(lttng_daemon, SIGTERM);
	waitpid(lttng_daemon, NULL, 0);
}

/* What the tool has written is there when its session has been stopped. */
static void check_lttng(void)
{
	if (tools[LTTNG].is_missing || lttng_daemon < 0)
		return;
	run_lttng("lttng stop ftrace-bench");
	bytes = 0;
	nftw(LTTNG_PATH, add_bytes, 16, FTW_PHYS);
	if (bytes < 1000000)
		fail("LTTng has recorded only %lu bytes\n", bytes);
}

static void measure_tools(void)
{
	for (int point = 0; point < POINTS - quick; point++) {
		for (enum tool tool = 0; tool < TOOLS; tool++) {
			struct took took;

			if (tools[tool].is_missing || point > tools[tool].most)
				continue;
			if (!run_tool(tool, points[point], 1, &took))
				continue;
			add_sample(&tools[tool].whole[point], took.ms);
			if (point == tools[tool].most - (quick && tools[tool].most == POINTS - 1))
				add_sample(&tools[tool].call, took.ns);
		}
	}
}

/* Several threads at once, on fewer CPUs or on as many: so it is the CPU time. */
static void measure_threads(void)
{
	static const enum tool some[] = {UNTOUCHED, RECORDED, GPROF, UFTRACE};

	for (int i = 0; i < COUNTS; i++) {
		for (unsigned int at = 0; at < sizeof(some) / sizeof(some[0]); at++) {
			struct took took;

			if (!tools[some[at]].is_missing &&
			    run_tool(some[at], THREAD_CALLS, counts[i], &took))
				add_sample(&tools[some[at]].threads[i], took.cpu_ns);
		}
	}
}

static void add_threads_curve(enum tool peer)
{
	struct curve curve = {.section = "recorded, by threads",
			      .what = "entry and exit recorded",
			      .unit = "ns/call",
			      .axis = "threads",
			      .points = COUNTS,
			      .xs = counts,
			      .peer = tools[peer].name};

	for (int i = 0; i < COUNTS; i++) {
		curve.ours[i] = &tools[RECORDED].threads[i];
		curve.peers[i] = &tools[peer].threads[i];
	}
	add_curve(&curve);
}

static void add_tool_row(const char *what, enum tool ours, enum tool peer, double target)
{
	if (tools[ours].call.count)
		add_row(&(struct comparison){
			.section = SECTION,
			.what = what,
			.unit = "ns/call",
			.ours = &tools[ours].call,
			.peer = tools[peer].name,
			.peers = &tools[peer].call,
			.relation = AT_MOST,
			.target = target,
		});
}

static void add_tool_curve(enum tool tool)
{
	struct curve curve = {.section = CURVE,
			      .what = tools[tool].name,
			      .unit = "ms",
			      .axis = "calls",
			      .points = tools[tool].most + 1 -
					(quick && tools[tool].most == POINTS - 1),
			      .xs = points,
			      .peer = tool == UNTOUCHED ? NULL : "untouched"};

	for (int i = 0; i < curve.points; i++) {
		curve.ours[i] = &tools[tool].whole[i];
		curve.peers[i] = &tools[UNTOUCHED].whole[i];
	}
	add_curve(&curve);
}

void bench_tools(void)
{
	char folder[] = P_tmpdir "/ftrace-bench-XXXXXX", *before = get_current_dir_name();

	if (!before || !mkdtemp(folder) || chdir(folder))
		fail("no folder for the tools\n");
	start_lttng();
	for (int round = 0, rounds = quick ? 2 : 15; round < rounds; round++) {
		measure_tools();
		measure_threads();
	}
	check_lttng();
	end_lttng();
	if (chdir(before))
		fail("%s: %s\n", before, strerror(errno));
	free(before);
	remove_tree(folder);

	for (enum tool peer = 0; peer < TOOLS; peer++) {
		if (peer == UNTOUCHED || peer == STREAMED || peer > GPROF)
			add_tool_row("entry and exit recorded", RECORDED, peer,
				     peer > GPROF ? 1 : 0);
		if (peer == UNTOUCHED || peer == GPROF)
			add_tool_row("entry counted", COUNTED, peer, peer == GPROF ? 1 : 0);
	}
	for (enum tool tool = 0; tool < TOOLS; tool++)
		add_tool_curve(tool);
	add_threads_curve(UNTOUCHED);
	add_threads_curve(GPROF);
	add_threads_curve(UFTRACE);
}
