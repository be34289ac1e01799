/* SPDX-License-Identifier: MIT */
/*
 * environment.c - the variables that start a recording. What is wrong is one line on standard error,
 * and the program ends as it does without; it leaves no file.
 */
#include "recorded.h"

#include <sys/mount.h>

/* One line, which begins with "ftrace: ", and has these parts. */
static void check_line(const struct run *run, const char *first, const char *second)
{
	const char *text = run->errors, *end = strchr(text, '\n');

	if (strncmp(text, "ftrace: ", 8) != 0 || !end || end[1] || !strstr(text, first) || !strstr(text, second))
		dprintf(2, "expected %s ... %s, got: %s\n", first, second, text);
	CHECK(strncmp(text, "ftrace: ", 8) == 0);
	CHECK(end && !end[1]);
	CHECK(strstr(text, first));
	CHECK(strstr(text, second));
	check_status(run, W_EXITCODE(DONE, 0));
}

/* Each is wrong; the line has the variable, its value and what is allowed. */
static void values(void)
{
	static const struct {
		const char *variable, *allowed;
	} wrong[] = {
		{"FTRACE_RECORD_BUFFER=1T", "a number of bytes"},
		{"FTRACE_RECORD_BUFFER=-1", "a number of bytes"},
		{"FTRACE_RECORD_BUFFER=K", "a number of bytes"},
		{"FTRACE_RECORD_BUFFER=99999999999999999999", "a number of bytes"},
		{"FTRACE_RECORD_BUFFER=99999999999999999G", "a number of bytes"},
		{"FTRACE_RECORD_MAX_SIZE=much", "a number of bytes"},
		{"FTRACE_RECORD_DEPTH=1.5", "a whole number"},
		{"FTRACE_RECORD_HZ=4294967296", "a whole number"},
		{"FTRACE_RECORD_MIN_TIME=5m", "us, ms or s"},
		{"FTRACE_RECORD_MODE=streams", "flight or stream"},
		{"FTRACE_RECORD_PLUGIN=Graph", "graph, function or sample"},
		{"FTRACE_RECORD_CLOCK=hpet", "tsc or monotonic"},
		{"FTRACE_RECORD_SNAPSHOT_SIGNAL=SEGV", "a signal"},
		{"FTRACE_RECORD_SNAPSHOT_SIGNAL=KILL", "a signal"},
		{"FTRACE_RECORD_SNAPSHOT_SIGNAL=33", "a signal"},
		{"FTRACE_RECORD_SNAPSHOT_SIGNAL=RTMIN+31", "a signal"},
		{"FTRACE_RECORD_CHILDREN=yes", "0 or 1"},
		{"FTRACE_RECORD_OFF=2", "0 or 1"},
	};
	static const char *const right[] = {
		"FTRACE_RECORD_BUFFER=64k", "FTRACE_RECORD_MAX_SIZE=64M", "FTRACE_RECORD_CHILDREN=1",
		"FTRACE_RECORD_OFF=",	    "FTRACE_RECORD_MODE=flight",  "FTRACE_RECORD_PLUGIN=graph",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct run run = {.mode = "calls", .variables = {wrong[i].variable}};

		run_program(&run);
		check_line(&run, wrong[i].variable, wrong[i].allowed);
		CHECK_EQ(for_each_file("", NULL), 0);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct run run = {.mode = "calls", .variables = {right[i]}};

		clear_folder();
		run_program(&run);
		check_quiet(&run);
		CHECK_EQ(calls_in("trace", "pr_leaf", NULL), 10);
	}
}

/* What they say is done, and is in the file. */
static void check_options(void)
{
	struct run run = {.mode = "calls",
			  .variables = {"FTRACE_RECORD_FILTER=pr_*;other*", "FTRACE_RECORD_NOTRACE=pr_leaf",
					"FTRACE_RECORD_BUFFER=256K"}};
	struct trace_file file;
	struct trace_event event;
	double rate;

	clear_folder();
	run_program(&run);
	check_quiet(&run);
	open_trace(&file, "trace");
	CHECK(!next_event(&file, &event));
	CHECK(strcmp(trace_option(&file, "filter"), "pr_*;other*") == 0);
	CHECK(strcmp(trace_option(&file, "notrace"), "pr_leaf") == 0);
	CHECK(strcmp(trace_option(&file, "buffer"), "262144") == 0);
	CHECK(strcmp(trace_option(&file, "mode"), "flight") == 0);
	/* Within the range of processors that there are. */
	rate = atof(trace_option(&file, "tsc_hz"));
	CHECK(rate > 5e8 && rate < 1e10);
	close_trace(&file);
}

static void errors(void)
{
	struct run missing = {.mode = "calls", .file = "nothing/trace"};
	struct run unknown = {.mode = "calls", .file = "fd:77"};
	struct run number = {.mode = "calls", .file = "fd:x"};
	struct run pattern = {.mode = "calls", .variables = {"FTRACE_RECORD_FILTER=pr_leaf;[a"}};
	struct run link = {.mode = "calls", .file = "link"};

	run_program(&missing);
	check_line(&missing, "nothing/trace", "no such directory");
	run_program(&unknown);
	check_line(&unknown, "fd:77", "no empty file");
	run_program(&number);
	check_line(&number, "fd:x", "no empty file");
	run_program(&pattern);
	check_line(&pattern, "[a", "malformed");
	CHECK_EQ(for_each_file("", NULL), 0);
	CHECK_EQ(symlink("target", "link"), 0);
	run_program(&link);
	check_line(&link, "link", "exists");
	CHECK_EQ(for_each_file("", NULL), 1);
	check_options();
}

/* A file that exists stays as it is, whether it is a trace of an earlier run or not. */
static void exists(void)
{
	struct run first = {.mode = "calls", .count = "100"}, second = first;

	run_program(&first);
	check_quiet(&first);
	run_program(&second);
	check_line(&second, "trace", "the file exists");
	CHECK_EQ(calls_in("trace", "pr_leaf", NULL), 100);
	CHECK_EQ(for_each_file("", NULL), 1);
}

/* Limits of the process: it is recorded, or one line says why not; the program ends as it does without. */
static void limits(void)
{
	static const struct {
		int limit;
		rlim_t bytes;
	} all[] = {
		{RLIMIT_FSIZE, 1},	  {RLIMIT_FSIZE, 100 << 10}, {RLIMIT_FSIZE, 3 << 20}, {RLIMIT_AS, 60 << 20},
		{RLIMIT_AS, 300 << 20},   {RLIMIT_NOFILE, 8},	     {RLIMIT_NOFILE, 64},
	};
	int recorded = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct run run = {.mode = "calls", .count = "1000", .limit = all[i].limit, .bytes = all[i].bytes};

		clear_folder();
		run_program(&run);
		if (*run.errors) {
			check_line(&run, "trace", "; the program is not recorded");
			CHECK_EQ(for_each_file("", NULL), 0);
			continue;
		}
		check_quiet(&run);
		if (for_each_file("", NULL)) {
			CHECK_EQ(calls_in("trace", "pr_leaf", NULL), 1000);
			recorded++;
		}
	}
	CHECK(recorded >= 2);
}

/* Without standard error nothing is printed, and no file is written to that has its number. */
static void closed(void)
{
	struct run run = {.mode = "calls", .closes = true, .variables = {"FTRACE_RECORD_MODE=other"}};
	struct run good = {.mode = "calls", .closes = true};

	run_program(&run);
	check_quiet(&run);
	CHECK_EQ(for_each_file("", NULL), 0);
	run_program(&good);
	check_quiet(&good);
	CHECK_EQ(calls_in("trace", "pr_leaf", NULL), 10);
}

/* A file system of 2 MB, which is full after the first file. */
static void full(void)
{
	struct run run = {.mode = "many", .count = "100000", .file = "small/trace", .variables = {"FTRACE_RECORD_BUFFER=256K"}};
	struct run second = {.mode = "calls", .file = "small/second"};

	if (unshare(CLONE_NEWNS) != 0)
		skip("needs the right to mount");
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mkdir("small", 0700), 0);
	CHECK_EQ(mount("none", "small", "tmpfs", 0, "size=2m"), 0);
	run_program(&run);
	check_quiet(&run);
	CHECK(calls_in("small/trace", "pr_leaf", NULL) > 1000);
	run_program(&second);
	check_line(&second, "small/second", "no space is left");
	CHECK_EQ(umount("small"), 0);
	CHECK_EQ(rmdir("small"), 0);
}

/* Without a steady TSC the times are CLOCK_MONOTONIC's, and calls are recorded all the same. */
static void clock_used(void)
{
	struct run run = {.mode = "calls", .variables = {"FTRACE_RECORD_CLOCK=monotonic", "FTRACE_RECORD_FILTER=pr_leaf"}};
	struct trace_file file;
	struct trace_event event;
	int events = 0;

	run_program(&run);
	check_quiet(&run);
	open_trace(&file, "trace");
	CHECK_EQ(file.header->flags & 1, 0);
	CHECK(file.header->start[0] - file.header->start[1] + 1000000 < 2000000);
	while (next_event(&file, &event)) {
		CHECK(event.time >= file.header->start[1] && event.time <= file.header->latest[1]);
		events++;
	}
	CHECK_EQ(events, 20);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"values", values}, {"errors", errors}, {"exists", exists}, {"limits", limits},
		{"closed", closed}, {"full", full},	{"clock", clock_used}, {},
	};
	int result;

	make_folder();
	result = run_mode(modes, argc, argv);
	remove_folder();
	return result;
}
