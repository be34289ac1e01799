/* SPDX-License-Identifier: MIT */
/*
 * stream.c - FTRACE_TRACING_STREAM: every call is in the file, or counted as lost, exactly, whatever
 * comes in between: more calls than can be written, threads that end, a full file, a kill.
 *
 * Threads count their own calls. Each call is two units.
 */
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MOST_THREADS 20000
#define CHURNED	     400
#define PARALLEL     8
#define SHORT_MS     2000
#define LONG_MS	     60000

struct caller {
	int tid;
	unsigned long calls;
	unsigned long wanted; /* 0: until @done */
};

static struct caller *callers;
static unsigned int caller_count;
static int done;

static TRACED void call(void)
{
	__asm__ __volatile__("");
}

static void *make_calls(void *arg)
{
	struct caller *caller = arg;

	caller->tid = gettid();
	while (caller->wanted ? caller->calls < caller->wanted : !__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		call();
		__atomic_store_n(&caller->calls, caller->calls + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* In memory that a child shares. */
static void prepare(void)
{
	callers = mmap(NULL, MOST_THREADS * sizeof(*callers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	CHECK(callers != MAP_FAILED);
}

/* What the file says about a thread. */
struct account {
	int tid;
	unsigned long events, lost;
};

/* Units of blocks that are missing before this one, and that no record counts: the process was killed. */
static unsigned long missing_before(const struct trace_file *file, unsigned int i, bool counts_gaps)
{
	const struct trace_block *block = file->blocks[i], *before = i ? file->blocks[i - 1] : NULL;
	uint64_t expected = block->first;

	if (!counts_gaps)
		return 0;
	if (before && before->thread == block->thread)
		expected = before->sequence + 1;
	return (block->sequence - expected) * file->units;
}

static struct account *accounts_of(struct trace_file *file, bool counts_gaps)
{
	struct account *accounts = calloc(MOST_THREADS, sizeof(*accounts));
	struct trace_event event;
	struct trace_record record;

	CHECK(accounts);
	while (next_event(file, &event)) {
		CHECK(event.block->thread < MOST_THREADS);
		accounts[event.block->thread].tid = event.block->tid;
		accounts[event.block->thread].events++;
	}
	for (unsigned int i = 0; i < file->block_count; i++)
		accounts[file->blocks[i]->thread].lost += missing_before(file, i, counts_gaps);
	while (!counts_gaps && next_record(file, &record)) {
		if (record.kind == TRACE_LOST_UNITS)
			accounts[record_u32(&record, 0)].lost += record_u64(&record, 8);
	}
	return accounts;
}

/* Every call of every thread is in the file or lost. Threads that had no buffer at first have lost more, in all what the header says. */
static void check_accounts(struct trace_file *file, bool counts_gaps)
{
	struct account *accounts = accounts_of(file, counts_gaps);
	unsigned long made = 0, events = 0, lost = file->header->lost;

	for (unsigned int i = 0; i < caller_count; i++)
		made += 2 * callers[i].calls;
	for (unsigned int i = 0; i < MOST_THREADS; i++) {
		events += accounts[i].events;
		lost += accounts[i].lost;
	}
	printf("%lu units of %u threads: %lu in the file, %lu lost, of these %lu without a buffer\n", made, caller_count,
	       events, lost, (unsigned long)file->header->lost);
	CHECK_EQ(events + lost, made);
	for (unsigned int i = 0; i < MOST_THREADS && !file->header->lost && caller_count <= 32; i++) {
		for (unsigned int j = 0; j < caller_count && accounts[i].tid; j++)
			if (callers[j].tid == accounts[i].tid)
				CHECK_EQ(accounts[i].events + accounts[i].lost, 2 * callers[j].calls);
	}
	free(accounts);
}

static void stop_and_check(void)
{
	struct trace_file file;

	stop_recording(&file);
	CHECK(file.header->flags & TRACE_IS_STREAMED);
	check_accounts(&file, false);
	close_trace(&file);
}

/* Threads that make as many calls as they can: more than can be written. */
static void run_threads(unsigned int count, int ms)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM);
	pthread_t threads[64];
	uint64_t deadline;

	prepare();
	start_recording(&opts);
	caller_count = count;
	for (unsigned int i = 0; i < count; i++)
		threads[i] = start(make_calls, callers + i);
	deadline = now_ns() + ms * 1000000ULL;
	while (now_ns() < deadline)
		usleep(1000);
	done = 1;
	for (unsigned int i = 0; i < count; i++)
		join(threads[i]);
	stop_and_check();
}

static void two(void)
{
	run_threads(2, SHORT_MS);
}

static void two_long(void)
{
	run_threads(2, LONG_MS);
}

static void many(void)
{
	run_threads(32, SHORT_MS);
}

static void many_long(void)
{
	run_threads(32, LONG_MS);
}

/* Threads that end: their rings are taken by others, and what they hold must be in the file before. */
static void run_churn(unsigned int rounds)
{
	struct ftrace_tracing_opts opts =
		FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM, .buffer_size = 256 << 10,
				 .max_size = 4UL << 30);
	pthread_t threads[PARALLEL];

	prepare();
	start_recording(&opts);
	for (unsigned int round = 0; round < rounds; round++) {
		for (int i = 0; i < PARALLEL; i++) {
			struct caller *caller = callers + caller_count++;

			caller->wanted = 1 + caller_count % 7 * 1000;
			threads[i] = start(make_calls, caller);
		}
		for (int i = 0; i < PARALLEL; i++)
			join(threads[i]);
	}
	stop_and_check();
}

static void churn(void)
{
	run_churn(CHURNED / PARALLEL);
}

static void churn_long(void)
{
	run_churn(MOST_THREADS / 2 / PARALLEL);
}

static int lines;

static void count_lines(const char *line)
{
	if (strstr(line, "the trace file cannot hold more events"))
		lines++;
	dprintf(2, "%s\n", line);
}

/* The file gets full. The program goes on, and the file has its last events too. */
static void fill(const struct ftrace_tracing_opts *opts, off_t most)
{
	struct trace_file file;
	struct stat status;

	prepare();
	CHECK_EQ(ftrace_set_print(count_lines), 0);
	start_recording(opts);
	caller_count = 1;
	callers[0].wanted = 100000;
	while (!__atomic_load_n(&lines, __ATOMIC_RELAXED)) {
		make_calls(callers);
		callers[0].wanted += 10000;
	}
	callers[0].wanted = callers[0].calls + 1000000;
	make_calls(callers);
	CHECK_EQ(stat(opts->path, &status), 0);
	CHECK(status.st_size <= most);
	stop_recording(&file);
	CHECK_EQ(lines, 1);
	check_accounts(&file, false);
	close_trace(&file);
}

static void limit(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM,
							   .max_size = 24 << 20, .buffer_size = 1 << 20);

	fill(&opts, 24 << 20);
}

static void fsize(void)
{
	struct ftrace_tracing_opts opts =
		FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM, .buffer_size = 1 << 20);
	struct rlimit size = {24 << 20, RLIM_INFINITY};

	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &size), 0);
	fill(&opts, 24 << 20);
}

/* The file cannot grow, by another's will. */
static void sealed(void)
{
	char name[32], path[64];
	struct ftrace_tracing_opts opts =
		FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM, .buffer_size = 1 << 20);
	int fd = memfd_create("ftrace", MFD_CLOEXEC | MFD_ALLOW_SEALING), copy = dup(fd);
	struct trace_file file;

	CHECK(fd >= 0 && copy >= 0);
	snprintf(name, sizeof(name), "fd:%d", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	opts.path = name;
	prepare();
	CHECK_EQ(ftrace_set_print(count_lines), 0);
	start_recording(&opts);
	CHECK_EQ(fcntl(copy, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	caller_count = 1;
	callers[0].wanted = 100000;
	while (!__atomic_load_n(&lines, __ATOMIC_RELAXED)) {
		make_calls(callers);
		callers[0].wanted += 10000;
	}
	CHECK_EQ(ftrace_tracing_stop(), 0);
	open_trace(&file, path);
	CHECK_EQ(file.header->state, TRACE_FINISHED);
	CHECK_EQ(lines, 1);
	close_trace(&file);
}

static pid_t record_in_child(bool exits)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "call", .flags = FTRACE_TRACING_STREAM,
							   .buffer_size = 512 << 10);
	pid_t child;

	unlink(opts.path);
	child = fork();
	CHECK(child >= 0);
	if (child)
		return child;
	start_recording(&opts);
	for (unsigned int i = 0; i < caller_count - 1; i++)
		start(make_calls, callers + i);
	callers[caller_count - 1].wanted = exits ? 3000000 : 0;
	make_calls(callers + caller_count - 1);
	exit(0);
}

/* Of what was recorded when the process was killed, at most the last calls of each thread are not there. */
static void killed(void)
{
	for (int round = 0; round < 10; round++) {
		struct account *accounts;
		struct trace_file file;
		pid_t child;

		prepare();
		caller_count = 2;
		child = record_in_child(false);
		WAIT_FOR(__atomic_load_n(&callers[0].calls, __ATOMIC_ACQUIRE) > 100000U * round &&
			 __atomic_load_n(&callers[1].calls, __ATOMIC_ACQUIRE) > 100000U * round);
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, NULL, 0), child);
		open_recording(&file);
		CHECK_EQ(file.header->lost, 0);
		accounts = accounts_of(&file, true);
		for (unsigned int i = 0; i < MOST_THREADS; i++) {
			for (unsigned int j = 0; j < caller_count && accounts[i].tid; j++) {
				unsigned long units = accounts[i].events + accounts[i].lost;

				if (callers[j].tid != accounts[i].tid)
					continue;
				printf("%lu calls, %lu units in the file, %lu lost\n", callers[j].calls,
				       accounts[i].events, accounts[i].lost);
				CHECK(units >= 2 * callers[j].calls && units <= 2 * callers[j].calls + 2);
			}
		}
		free(accounts);
		close_trace(&file);
	}
}

/* exit() without a stop: what was not copied is in the rings. */
static void exited(void)
{
	struct trace_file file;
	pid_t child;
	int status;

	prepare();
	caller_count = 1;
	child = record_in_child(true);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	open_recording(&file);
	CHECK_EQ(file.header->state, TRACE_FINISHED);
	drop_copies(&file);
	check_accounts(&file, true);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"two", two},
		{"two-long", two_long},
		{"many", many},
		{"many-long", many_long},
		{"churn", churn},
		{"churn-long", churn_long},
		{"limit", limit},
		{"fsize", fsize},
		{"sealed", sealed},
		{"killed", killed},
		{"exited", exited},
		{},
	};

	return run_mode(modes, argc, argv);
}
