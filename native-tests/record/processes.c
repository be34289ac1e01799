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

/*
 * exit(3) does not end the other threads, and other destructors run after the library's: they are recorded too. These
 * events are later than the end in the header, and only such are.
 */
static void later(void)
{
	struct run run = {.mode = "goes-on", .count = "100"};
	struct trace_file file;
	struct trace_event event;
	unsigned int calls[2] = {0};
	uint64_t address;

	run_quietly(&run);
	open_trace(&file, "trace");
	CHECK_EQ(file.header->state, TRACE_FINISHED);
	CHECK(check_trace(&file)); /* as if nothing had gone on */
	CHECK(strstr(file.fault, "after the end"));
	file.goes_on = true;
	CHECK_EQ(check_trace(&file), NULL);
	address = trace_symbol(&file, LEAF);
	first_event(&file);
	while (next_event(&file, &event))
		if (event.kind == TRACE_ENTRY && event.argument == address)
			calls[event.time > file.header->latest[0]]++;
	CHECK(calls[0] == 100 || calls[0] == 101); /* the thread's first one, at any time */
	CHECK_EQ(calls[0] + calls[1], 301);
	close_trace(&file);
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

/* A handler forks in the middle of an event, or anywhere else. */
static void handler(void)
{
	struct run run = {.mode = "handler", .count = "100"};

	run_quietly(&run);
	CHECK(calls_in("trace", LEAF, NULL) > 0);
	CHECK_EQ(count_children(), 20);
	for (int i = 0; i < children; i++) {
		CHECK(child_calls[i] >= 100);
		CHECK(child_calls[i] <= 101); /* and the call that was interrupted, if its entry was the child's */
	}
}

/* Another allocator has handlers of forks too, after which a thread can be created. */
static void allocator(void)
{
	struct run run = {.mode = "forked", .count = "100", .preload = JEMALLOC};
	struct run later = {.mode = "forked-later", .count = "100", .preload = JEMALLOC};

	run_quietly(&run);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	run_quietly(&later);
	CHECK_EQ(calls_in("trace", LEAF, NULL), 100);
	CHECK_EQ(count_children(), 1);
	CHECK_EQ(child_calls[0], 100);
}

/* The number of the object that has an address at a time; 0: none. */
static uint32_t object_at(struct trace_file *file, uint64_t address, uint64_t time)
{
	struct trace_record record;
	uint32_t found = 0;

	first_record(file);
	while (next_record(file, &record)) {
		if (record.kind == TRACE_OBJECT && record_u64(&record, 8) <= time &&
		    address >= record_u64(&record, 16) && address < record_u64(&record, 24))
			found = record_u32(&record, 0);
		if (record.kind == TRACE_OBJECT_CLOSED && record_u32(&record, 0) == found &&
		    record_u64(&record, 8) <= time)
			found = 0;
	}
	return found;
}

/* The address of a function, and its object. */
static uint64_t symbol_in(struct trace_file *file, const char *name, uint32_t *object)
{
	struct trace_record record;

	first_record(file);
	while (next_record(file, &record)) {
		unsigned int offset = 8;

		for (unsigned int i = 0; record.kind == TRACE_SYMBOLS && i < record_u32(&record, 4); i++) {
			uint32_t length = record_u32(&record, offset + 12);

			*object = record_u32(&record, 0);
			if (length == strlen(name) && memcmp(record.data + offset + 16, name, length) == 0)
				return record_u64(&record, offset);
			offset += 16 + ((length + 7) & ~7U);
		}
	}
	return 0;
}

/* Names of functions of closed objects: by the address and the time. */
static void reopened(void)
{
	struct run run = {.mode = "reopens", .count = "100"};
	struct trace_file file;
	struct trace_event event;
	uint32_t one, two;
	uint64_t address;
	unsigned int calls[2] = {0};

	run_quietly(&run);
	open_trace(&file, "trace");
	CHECK(!check_trace(&file));
	address = symbol_in(&file, "pr_one", &one);
	CHECK(address && symbol_in(&file, "pr_two", &two));
	CHECK(one != two);
	if (symbol_in(&file, "pr_two", &two) != address)
		skip("the loader gives the second object other addresses");
	first_event(&file);
	while (next_event(&file, &event)) {
		uint32_t object;

		if (event.kind != TRACE_ENTRY || event.argument != address)
			continue;
		object = object_at(&file, address, event.time);
		CHECK(object == one || object == two);
		CHECK(object == two || calls[1] == 0);
		calls[object == two]++;
	}
	CHECK_EQ(calls[0], 100);
	CHECK_EQ(calls[1], 100);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"forked", forked},	{"without", without}, {"elsewhere", elsewhere},
		{"many", many},		{"vforked", vforked}, {"bare", bare},
		{"executed", executed}, {"started", started}, {"ended", ended},
		{"later", later},	{"descriptors", descriptors}, {"truncated", truncated},
		{"handler", handler},	{"allocator", allocator}, {"reopened", reopened}, {},
	};
	int result;

	make_folder();
	result = run_mode(modes, argc, argv);
	remove_folder();
	return result;
}
