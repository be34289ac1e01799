/* SPDX-License-Identifier: MIT */
/*
 * file.c - what a recording writes can be read by the rules of the format, and the check of these
 * rules notices what is torn.
 */
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <errno.h>

static TRACED int inner(int x)
{
	return x + 1;
}

static TRACED int outer(int x)
{
	return inner(x) + inner(x);
}

/* Every call has its entry and its exit, nested, in the order of the program. */
static void calls(void)
{
	static const char *names[] = {"outer", "inner", "inner"};
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "outer;inner");
	struct trace_file file;
	struct trace_event event;
	unsigned int entries = 0, exits = 0, stack[2];
	int depth = 0;

	start_recording(&opts);
	CHECK_EQ(outer(1), 4);
	stop_recording(&file);
	CHECK_EQ(file.header->state, TRACE_FINISHED);
	while (next_event(&file, &event)) {
		if (event.kind == TRACE_ENTRY) {
			uint64_t address = trace_symbol(&file, names[entries % 3]);

			CHECK_EQ(event.argument, address);
			CHECK(depth < 2);
			stack[depth++] = event.call;
			entries++;
			continue;
		}
		CHECK_EQ(event.kind, TRACE_EXIT);
		CHECK(depth > 0);
		CHECK_EQ(event.call, stack[--depth]);
		exits++;
	}
	CHECK_EQ(entries, 3);
	CHECK_EQ(exits, 3);
	close_trace(&file);
}

/* Enough calls to go through a ring several times: the last ones are there, and no others. */
static void record_many(struct trace_file *file)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner", .buffer_size = 128 << 10);

	start_recording(&opts);
	for (int i = 0; i < 50000; i++)
		inner(i);
	stop_recording(file);
	CHECK_EQ(file->block_count, 4);
	CHECK(file->blocks[0]->sequence > 40);
}

static void wrapped(void)
{
	struct trace_file file;
	struct trace_event event;
	unsigned int calls = 0;
	uint64_t last = 0;

	record_many(&file);
	while (next_event(&file, &event)) {
		CHECK(event.time >= last);
		last = event.time;
		calls++;
	}
	CHECK(calls > 3 * file.units && calls <= 4 * file.units);
	close_trace(&file);
}

static void *call_inner(void *arg)
{
	for (long i = 0; i < *(const long *)arg; i++)
		inner(i);
	return NULL;
}

/* The events of the thread that was the last to begin. */
static unsigned int events_of_last(void)
{
	unsigned int last = 0, count = 0;
	struct trace_file file;
	struct trace_event event;

	open_trace(&file, recording_path());
	for (unsigned int i = 0; i < file.block_count; i++)
		last = file.blocks[i]->thread > last ? file.blocks[i]->thread : last;
	while (next_event(&file, &event))
		count += event.block->thread == last;
	close_trace(&file);
	return count;
}

/*
 * Rings that are taken over by one thread after another, which use little of a block: what was left in it by a thread
 * 13 times before, when the block had the same tag, is not theirs.
 */
static void taken_over(void)
{
	/* Room for the rings that a recording begins with. */
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(
		.filter = "inner", .buffer_size = 128 << 10, .max_size = (32 << 10) * (1 + 8 + 16 * 4));
	const long many = 5000, one = 1;

	start_recording(&opts);
	for (int i = 0; i < 40; i++) /* no unit of any ring is as it was */
		join(start(call_inner, (void *)&many));
	for (int i = 0; i < 16 * 4 * 14; i++) {
		join(start(call_inner, (void *)&one));
		CHECK_EQ(events_of_last(), 2);
	}
	CHECK_EQ(ftrace_tracing_stop(), 0);
	unlink(recording_path());
}

/* The negative control of all tests that use check_trace(). */
static void torn(void)
{
	struct trace_file file;
	struct trace_block *block;
	struct trace_unit *unit, saved;

	record_many(&file);
	block = file.blocks[1];
	unit = units_of(block) + file.units / 2;
	saved = *unit;

	unit->when ^= 1; /* reserved, and not written */
	CHECK(check_trace(&file));
	*unit = saved;
	CHECK(!check_trace(&file));

	unit->when &= 15; /* a time that was not written */
	CHECK(check_trace(&file));
	*unit = saved;

	unit->what = 15 << 4; /* a kind that there is not */
	CHECK(check_trace(&file));
	unit->what = 1 << 8 | TRACE_SAMPLE << 4 | saved.what << 16; /* whose data is a call's */
	CHECK(check_trace(&file));
	*unit = saved;

	unit = units_of(block) + file.units - 1; /* at the end of a block that is not the last */
	unit->when ^= 1;
	CHECK(check_trace(&file));
	unit->when ^= 1;
	CHECK(!check_trace(&file));
	close_trace(&file);
}

/* What the recording has so far as the name of a thread: that of its last record. */
static bool is_named(pid_t tid, const char *name)
{
	struct trace_file file;
	struct trace_record record;
	bool found = false;

	open_trace(&file, recording_path());
	first_record(&file);
	while (next_record(&file, &record))
		if (record.kind == TRACE_THREAD && record_u32(&record, 4) == (uint32_t)tid)
			found = record_u32(&record, 16) == strlen(name) && memcmp(record.data + 24, name, strlen(name)) == 0;
	close_trace(&file);
	return found;
}

static volatile pid_t named;
static volatile bool is_over;

/* A thread that calls before it has its name, as most have it. */
static void *call_and_be_named(void *arg)
{
	inner(1);
	named = gettid();
	WAIT_FOR(is_over);
	return arg;
}

static void names(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner");
	pthread_t thread;
	char name[16];

	start_recording(&opts);
	thread = start(call_and_be_named, NULL);
	WAIT_FOR(named);
	CHECK_EQ(pthread_setname_np(thread, "worker"), 0);
	WAIT_FOR(is_named(named, "worker"));
	CHECK_EQ(pthread_setname_np(thread, "sixteen bytes.."), 0);
	WAIT_FOR(is_named(named, "sixteen bytes.."));
	/* A snapshot notes it at once; and so does the end, of a thread that changes its name all the time too. */
	for (int i = 0; i < 40; i++) {
		char path[64];

		snprintf(name, sizeof(name), "job %d", i);
		CHECK_EQ(pthread_setname_np(thread, name), 0);
		snprintf(path, sizeof(path), "record-%d.snapshot", getpid());
		CHECK_EQ(ftrace_snapshot(path), 0);
		unlink(path);
		CHECK(is_named(named, name));
	}
	CHECK_EQ(pthread_setname_np(thread, "last"), 0);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	CHECK(is_named(named, "last"));
	is_over = true;
	join(thread);

	/* Stopped at once: the recorder's thread has seen nothing. */
	start_recording(&opts);
	inner(1);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	snprintf(name, sizeof(name), "%.15s", program_invocation_short_name);
	CHECK(is_named(gettid(), name));
	unlink(recording_path());
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"calls", calls},
		{"wrapped", wrapped},
		{"torn", torn},
		{"taken-over", taken_over},
		{"names", names},
		{},
	};

	return run_mode(modes, argc, argv);
}
