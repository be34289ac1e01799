/* SPDX-License-Identifier: MIT */
/*
 * processes.c - which files there are, and what is in them, when a recorded program forks, executes
 * another one, and ends: program.c, started with the library preloaded.
 *
 * A child that is not to be recorded must not write into its parent's file: the calls in that
 * file are counted.
 */
#include "recorded.h"

#define LEAF "pr_leaf"

static int children;
static unsigned int child_calls[64];

static void count_child(const char *name)
{
	char own[64];
	pid_t process;

	CHECK(children < 64);
	child_calls[children++] = calls_in(name, LEAF, &process);
	snprintf(own, sizeof(own), "trace.%d", process);
	CHECK(strncmp(name, own, strlen(own)) == 0);
}

/* The files of children; their calls are in child_calls. */
static int count_children(void)
{
	children = 0;
	for_each_file("trace.", count_child);
	return children;
}

static void run_quietly(struct run *run)
{
	clear_folder();
	run_program(run);
	check_quiet(run);
}

/* A child has a file of its own, with its calls; and the child of a child. */
static void forked(void)
{
	struct run run = {.mode = "forked", .count = "100"};
	struct run chain = {.mode = "chain", .count = "100"};
	pid_t process;

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, &process), 100);
	CHECK_EQ(process, run.process);
	CHECK_EQ(count_children(), 1);
	CHECK_EQ(child_calls[0], 100);
	run_quietly(&chain);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	CHECK_EQ(count_children(), 2);
	CHECK_EQ(child_calls[0], 100);
	CHECK_EQ(child_calls[1], 100);
}

/* A child that calls nothing has no file; and none has one if they are not wanted. */
static void without(void)
{
	struct run idle = {.mode = "idle"};
	struct run forked = {.mode = "forked", .count = "100", .variables = {"FTRACE_RECORD_CHILDREN=0"}};
	struct run started = {.mode = "starts", .count = "100", .variables = {"FTRACE_RECORD_CHILDREN=0"}};

	run_quietly(&idle);
	CHECK_EQ(count_children(), 0);
	run_quietly(&forked);
	CHECK_EQ(count_children(), 0);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	run_quietly(&started);
	CHECK_EQ(count_children(), 0);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
}

/* Another path for children. */
static void elsewhere(void)
{
	struct run run = {.mode = "forked", .count = "10", .variables = {"FTRACE_RECORD_CHILD_PATH=other"}};

	run_quietly(&run);
	CHECK_EQ(for_each_file("trace", NULL), 1);
	CHECK_EQ(for_each_file("other.", NULL), 1);
}

/* 20 children, while other threads call. */
static void many(void)
{
	struct run run = {.mode = "many", .count = "100"};

	run_quietly(&run);
	CHECK_EQ(count_children(), 20);
	for (int i = 0; i < children; i++)
		CHECK_EQ(child_calls[i], 101);
}

/* The child of vfork() is this process, as far as calls are concerned. */
static void vforked(void)
{
	struct run run = {.mode = "vforked", .count = "100"};

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 300);
	CHECK_EQ(for_each_file("", NULL), 1);
}

/* Children that fork(3) did not make are not recorded, and change nothing. */
static void bare(void)
{
	struct run run = {.mode = "bare", .count = "100"};

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 200);
	CHECK_EQ(for_each_file("", NULL), 1);
}

/* A program in the place of another one: its file has the next name, unless the first one called nothing. */
static void executed(void)
{
	struct run run = {.mode = "executes", .count = "100"};
	struct run first = {.mode = "executes-first", .count = "100"};
	pid_t process;

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	CHECK_EQ(count_children(), 1);
	CHECK_EQ(child_calls[0], 20);
	run_quietly(&first);
	CHECK_EQ(calls_in("trace", LEAF, &process), 20);
	CHECK_EQ(process, first.process);
	CHECK_EQ(count_children(), 0);
}

/* A program that is started by a recorded one. */
static void started(void)
{
	struct run run = {.mode = "starts", .count = "100"};

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	CHECK_EQ(count_children(), 1);
	CHECK_EQ(child_calls[0], 20);
}

static uint32_t state_of(const char *path)
{
	struct trace_file file;
	uint32_t state;

	open_trace(&file, path);
	state = file.header->state;
	close_trace(&file);
	return state;
}

/* However it ends, the file has all calls, and the names. */
static void ended(void)
{
	static const struct {
		const char *mode;
		int status;
		uint32_t state;
	} ways[] = {
		{"calls", W_EXITCODE(DONE, 0), TRACE_FINISHED},
		{"ends-at-once", W_EXITCODE(DONE, 0), TRACE_RECORDING},
		{"ends-quickly", W_EXITCODE(DONE, 0), TRACE_RECORDING},
		{"aborts", W_EXITCODE(0, SIGABRT), TRACE_RECORDING},
		{"killed", W_EXITCODE(0, SIGKILL), TRACE_RECORDING},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct run run = {
			.mode = ways[i].mode, .count = "1000", .limit = RLIMIT_CORE, .bytes = 1};

		clear_folder();
		run_program(&run);
		CHECK(!*run.errors);
		check_status(&run, ways[i].status);
		CHECK_EQ(state_of("trace"), ways[i].state);
		CHECK_EQ(calls_in("trace", LEAF, NULL), 1000);
	}
}

/* It has the lowest descriptors for itself; and can close what it wants. */
static void descriptors(void)
{
	struct run run = {.mode = "descriptors", .count = "100", .variables = {"FTRACE_RECORD_BUFFER=128K"}};

	run_quietly(&run);
	CHECK(calls_in("trace", LEAF, NULL) > 100);
}

/* The file becomes shorter while it is mapped: the program does not notice. Other faults are as they are without. */
static void truncated(void)
{
	struct run run = {.mode = "truncated", .count = "100000"};
	struct run fault = {.mode = "faults", .count = "100", .limit = RLIMIT_CORE, .bytes = 1};

	run_quietly(&run);
	clear_folder();
	run_program(&fault);
	check_status(&fault, W_EXITCODE(0, SIGBUS));
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"forked", forked},	{"without", without}, {"elsewhere", elsewhere},
		{"many", many},		{"vforked", vforked}, {"bare", bare},
		{"executed", executed}, {"started", started}, {"ended", ended},
		{"descriptors", descriptors}, {"truncated", truncated}, {},
	};
	int result;

	make_folder();
	result = run_mode(modes, argc, argv);
	remove_folder();
	return result;
}
