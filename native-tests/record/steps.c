/* SPDX-License-Identifier: MIT */
/*
 * steps.c - the recorder at each of its instructions.
 *
 * steps calls	a handler of a signal that makes recorded calls itself: few, or a block full of them
 * steps entries	the same, with entries recorded only
 * steps killed	what the file says if the process is killed there: what was recorded so far
 * steps short	as killed, with calls that are taken back because they are short
 */
#include "../modes.h"
#include "../steps.h"
#include "recording.h"

#define MANY_STEPS 100

static long steps, in_handler, calls_in_handler;
static bool is_stepping;

static TRACED int rs_leaf(int n)
{
	return n + 1;
}

static TRACED int rs_outer(int n)
{
	int result = rs_leaf(n);

	__asm__ __volatile__("");
	return result + 1;
}

/* Steps until is_stepping is false, and one function call further. */
static void step_calls(bool (*step)(void))
{
	step_from(SIGUSR1, step);
	steps = 0;
	is_stepping = true;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(rs_outer(1), 3);
	CHECK_EQ(rs_outer(2), 4);
	is_stepping = false;
	rs_leaf(0);
	CHECK(steps > MANY_STEPS);
}

static bool call_at_step(void)
{
	steps++;
	for (long i = 0; i < calls_in_handler; i++)
		CHECK_EQ(rs_leaf(i), i + 1);
	in_handler += calls_in_handler;
	return is_stepping;
}

/* The calls in handlers: a number that is no part of a block; and more than a block has place for. */
static void call_at_each(unsigned int flags)
{
	static const long counts[] = {1, 3, 1030};

	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct ftrace_tracing_opts opts =
			FTRACE_RECORDING(.filter = "rs_*", .flags = flags, .buffer_size = 64 << 20);
		struct trace_file file;
		struct trace_event event;
		long entries = 0, exits = 0, functions = 0, calls;

		calls_in_handler = counts[i];
		in_handler = 0;
		start_recording(&opts);
		step_calls(call_at_step);
		calls = in_handler + 5;
		stop_recording(&file); /* no unit is missing or cut off */
		while (next_event(&file, &event)) {
			entries += event.kind == TRACE_ENTRY;
			exits += event.kind == TRACE_EXIT;
			functions += event.kind == TRACE_FUNCTION;
		}
		CHECK_EQ(entries, flags ? 0 : calls);
		CHECK_EQ(exits, flags ? 0 : calls);
		CHECK_EQ(functions, flags ? calls : 0);
		CHECK_EQ(file.header->lost, 0);
		close_trace(&file);
	}
}

static void calls(void)
{
	call_at_each(0);
}

static void entries(void)
{
	call_at_each(FTRACE_TRACING_FUNCTION);
}

/* How many events are in the file now. All of them are what the program did, in this order. */
static long count_events(void)
{
	struct trace_file file;
	struct trace_event event;
	long count = 0;

	open_trace(&file, recording_path());
	while (next_event(&file, &event)) {
		CHECK(check_event(&file, &event, file.unit));
		count++;
	}
	close_trace(&file);
	return count;
}

static long last_count;

static bool read_at_step(void)
{
	long count = count_events();

	steps++;
	CHECK(count == last_count || count == last_count + 1);
	last_count = count;
	return is_stepping;
}

/* With each number of units left in the block, so that the next one is entered at each of the events. */
static void killed(void)
{
	for (unsigned int flags = 0; flags <= FTRACE_TRACING_FUNCTION; flags += FTRACE_TRACING_FUNCTION) {
		for (int left = 0; left < 12; left += 2) {
			struct ftrace_tracing_opts opts =
				FTRACE_RECORDING(.filter = "rs_*", .flags = flags, .buffer_size = 256 << 10);
			struct trace_file file;
			long before;

			start_recording(&opts);
			before = (32768 - 64) / 16 / 2 - left / 2;
			for (long i = 0; i < before; i++)
				rs_leaf(i);
			last_count = count_events();
			CHECK_EQ(last_count, flags ? before : 2 * before);
			step_calls(read_at_step);
			CHECK_EQ(last_count, flags ? before + 4 : 2 * before + 8);
			stop_recording(&file);
			close_trace(&file);
		}
	}
}

static bool read_short(void)
{
	long count = count_events();

	steps++;
	/* Those of the calls that are under way: two, and one more while an exit is on its way. */
	CHECK(count >= last_count && count <= last_count + 3);
	return is_stepping;
}

static void taken_back(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "rs_*", .min_time_ns = 1000000000000);
	struct trace_file file;

	start_recording(&opts);
	last_count = 0;
	step_calls(read_short);
	CHECK_EQ(count_events(), 0);
	open_recording(&file);
	close_trace(&file);
	CHECK_EQ(ftrace_tracing_stop(), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"calls", calls},
		{"entries", entries},
		{"killed", killed},
		{"short", taken_back},
		{},
	};

	return run_mode(modes, argc, argv);
}
