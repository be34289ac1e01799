/* SPDX-License-Identifier: MIT */
/*
 * story.c - a program is sampled at 10 kHz while the tracing of all its functions is turned on and off 100 times
 * a second, and its threads come and go: nothing in the files is torn, and no sample is missing. Those of new threads
 * may be lost, while there is no ring for them; they are counted.
 *
 *	record-story [--seconds N] [--threads N] [--hz N] [--toggles N] [--seed N]
 *
 * Each file holds what happened in a second or less. All of it is checked: every unit that was reserved is part of
 * a complete event, calls are nested, the addresses in samples are code, and there are as many samples as were
 * counted. How often tracing is turned on and off depends on how many threads share a CPU: docs/performance.md. The
 * negative control tears units of each file, at random, and the check must notice.
 */
#include "../threads.h"
#include "recording.h"

#include <getopt.h>
#include <stdbool.h>
#include <string.h>

static int seconds = 2, thread_count = 3, hz = 10000, toggles = 100;
static unsigned long seed;

static volatile bool stopping;
static unsigned long handled;

/* The functions. Most time is spent where nothing is traced, so that what is recorded fits into the rings. */
static TRACED long leaf(long x)
{
	return x * 3 + 1;
}

static TRACED long branch(long x)
{
	return x & 1 ? leaf(x) : leaf(x) + leaf(x + 1);
}

static TRACED long tree(long x, int depth)
{
	return depth ? tree(x, depth - 1) + branch(x) + tree(x + 1, depth - 1) : branch(x);
}

static __attribute__((noipa)) void compute(int turns)
{
	for (volatile int i = 0; i < turns; i++)
		;
}

static void *work(void *arg)
{
	long turns = (long)arg;

	for (long i = 0; turns ? i < turns : !stopping; i++) {
		tree(i, 3);
		compute(20000);
		if (i % 16 == 0)
			ftrace_printk("turn %ld", i);
	}
	return NULL;
}

/* Threads that live for a few milliseconds. */
static void *come_and_go(void *arg)
{
	(void)arg;
	while (!stopping)
		join(start(work, (void *)50));
	return NULL;
}

static void count(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static struct ftrace_graph_ops others = {.size = sizeof(others), .retfunc = count};

/* Where code is: the program's own, and what it has loaded. */
static struct {
	uint64_t start, end;
} code[256];
static int code_count;

static void find_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], perms[5];

	CHECK(maps);
	for (code_count = 0; fgets(line, sizeof(line), maps) && code_count < 256;)
		if (sscanf(line, "%lx-%lx %4s", &code[code_count].start, &code[code_count].end, perms) == 3 && perms[2] == 'x')
			code_count++;
	fclose(maps);
}

static bool is_code(uint64_t address)
{
	for (int i = 0; i < code_count; i++)
		if (address >= code[i].start && address < code[i].end)
			return true;
	return false;
}

struct totals {
	unsigned long files, events, calls, samples, lost, marks, torn, noticed, toggles;
	uint64_t recorded_ns;
};

struct open_call {
	unsigned int call;
	uint64_t address;
};

#define MAX_OPEN 64

/* Calls are nested, as far as their entries are in the file: a ring keeps the last blocks only. */
static void check_nesting(const struct trace_event *event, struct open_call *open, int *depth)
{
	if (event->kind == TRACE_ENTRY) {
		CHECK(*depth < MAX_OPEN);
		open[*depth] = (struct open_call){event->call, event->argument};
		++*depth;
	} else if (*depth) {
		/* A function that was being called when it began to be traced has no exit, nor one whose tracing ended. */
		while (*depth && open[*depth - 1].call != event->call)
			--*depth;
		if (*depth) {
			CHECK_EQ(event->argument, open[*depth - 1].address);
			--*depth;
		}
	}
}

static void check_events(struct trace_file *file, struct totals *totals)
{
	struct open_call open[MAX_OPEN];
	unsigned long samples = 0;
	struct trace_event event;
	unsigned int thread = 0;
	bool wrapped = false;
	int depth = 0;

	find_code();
	while (next_event(file, &event)) {
		if (event.block->thread != thread) {
			thread = event.block->thread;
			depth = 0;
		}
		totals->events++;
		if (event.kind == TRACE_MARK) {
			CHECK_EQ(memcmp(event.data, "turn ", 5), 0);
			totals->marks++;
		} else if (event.kind == TRACE_SAMPLE) {
			unsigned int n = event.data[0];

			samples++;
			CHECK(is_code(event.argument));
			for (int i = 0; i < event.data[1]; i++)
				CHECK(is_code(address_at(&event, 4 + 6 * (n + i))));
		} else if (event.kind == TRACE_ENTRY || event.kind == TRACE_EXIT) {
			CHECK(is_code(event.argument));
			check_nesting(&event, open, &depth);
			totals->calls++;
		}
	}
	/* Of a thread that has used all blocks of its ring again, the first events are not there. */
	for (unsigned int i = 0; i < file->block_count; i++)
		wrapped |= (i == 0 || file->blocks[i - 1]->thread != file->blocks[i]->thread) && file->blocks[i]->sequence > 1;
	if (!wrapped)
		CHECK_EQ(samples, atol(trace_option(file, "samples")));
	totals->samples += samples;
	totals->lost += atol(trace_option(file, "samples_lost"));
}

static unsigned long next_random(void)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return seed >> 33;
}

/* Tears a unit, as if it had been reserved and not been written: not the last one, with which nothing would be missing. */
static void tear(struct trace_file *file, struct totals *totals)
{
	struct trace_block *block = file->blocks[next_random() % file->block_count];
	struct trace_unit *units = units_of(block), saved;
	unsigned int last = file->units, at;

	while (last && !is_written(block, units + last - 1))
		last--;
	if (last < 2)
		return;
	at = next_random() % (last - 1);
	while (at && (units[at].what & 0xffff) >> 4 == TRACE_PADDING)
		at--;
	saved = units[at];
	units[at].when ^= next_random() % 15 + 1;
	totals->torn++;
	totals->noticed += check_trace(file) != NULL;
	units[at] = saved;
	CHECK(!check_trace(file));
}

/* Until the next toggle is due; @due: the last one. One that is late is followed by the next at once, but is not made up for. */
static void pause_until_next(uint64_t *due)
{
	uint64_t now = now_ns();
	struct timespec time;

	*due += 1000000000ULL / toggles;
	if (*due < now)
		*due = now;
	time = (struct timespec){*due / 1000000000, *due % 1000000000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void record(uint64_t ns, struct totals *totals)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.hz = hz, .buffer_size = 4 << 20);
	uint64_t end = now_ns() + ns, begin, due;
	struct trace_file file;

	start_recording(&opts);
	begin = due = now_ns();
	while (now_ns() < end) {
		CHECK_EQ(ftrace_register_graph(&others), 0);
		pause_until_next(&due);
		CHECK_EQ(ftrace_unregister_graph(&others), 0);
		pause_until_next(&due);
		totals->toggles += 2;
	}
	totals->recorded_ns += now_ns() - begin;
	stop_recording(&file);
	totals->files++;
	check_events(&file, totals);
	for (int i = 0; i < 5; i++)
		tear(&file, totals);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
		{"hz", required_argument, NULL, 'h'},	   {"toggles", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 'r'},	   {},
	};
	struct totals totals = {0};
	pthread_t threads[64];
	uint64_t end, limit;
	int option;

	seed = now_ns();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		long value = optarg ? atol(optarg) : 0;

		switch (option) {
		case 's': seconds = value; break;
		case 't': thread_count = value; break;
		case 'h': hz = value; break;
		case 'n': toggles = value; break;
		case 'r': seed = value; break;
		default: return 64;
		}
	}
	if (thread_count < 1 || thread_count > 63 || toggles < 1)
		return 64;
	printf("seed %lu\n", seed);
	for (int i = 0; i < thread_count; i++)
		threads[i] = start(work, NULL);
	threads[thread_count] = start(come_and_go, NULL);
	/* On a machine that is busy each change takes long: until something has been seen. */
	end = now_ns() + seconds * 1000000000ULL;
	limit = end + TEST_WAIT_SECONDS * 1000000000ULL;
	while (now_ns() < end || (now_ns() < limit && (!handled || !totals.samples || !totals.marks || !totals.torn)))
		record(500000000, &totals);
	stopping = true;
	for (int i = 0; i <= thread_count; i++)
		join(threads[i]);

	printf("%lu files, %lu toggles, %.1f a second: %lu events, of them %lu entries and exits, %lu samples (%lu lost), %lu marks; all whole\n",
	       totals.files, totals.toggles, totals.toggles / (totals.recorded_ns / 1e9), totals.events, totals.calls, totals.samples, totals.lost, totals.marks);
	printf("control: of %lu torn files the check has noticed %lu\n", totals.torn, totals.noticed);
	CHECK(totals.calls && totals.samples && totals.marks && totals.torn);
	CHECK_EQ(totals.noticed, totals.torn);
	CHECK(totals.lost < totals.samples);
	CHECK(handled);
	return 0;
}
