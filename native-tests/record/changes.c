/* SPDX-License-Identifier: MIT */
/*
 * changes.c - a recording is changed while it runs: switched, filtered, limited, for one thread or for
 * all; what is wrong changes nothing.
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

static TRACED void other(void)
{
	__asm__ __volatile__("");
}

static struct ftrace_tracing_status status_now(void)
{
	struct ftrace_tracing_status status = {.size = sizeof(status)};

	CHECK_EQ(ftrace_tracing_get_status(&status), 0);
	return status;
}

/* How many entries of each function there are, and ends of calls in all. */
struct counts {
	unsigned int inner, outer, other, exits;
};

static struct counts count_events(struct trace_file *file)
{
	uint64_t inner_ip = trace_symbol(file, "inner"), outer_ip = trace_symbol(file, "outer");
	uint64_t other_ip = trace_symbol(file, "other");
	static struct trace_event event; /* not on the stack: what was there before would look like calls that have not returned */
	struct counts counts = {};

	first_event(file);
	while (next_event(file, &event)) {
		if (event.kind == TRACE_EXIT)
			counts.exits++;
		if (event.kind != TRACE_ENTRY)
			continue;
		counts.inner += event.argument == inner_ip;
		counts.outer += event.argument == outer_ip;
		counts.other += event.argument == other_ip;
	}
	return counts;
}

static struct counts stop_and_count(void)
{
	static struct trace_file file;
	struct counts counts;

	stop_recording(&file);
	counts = count_events(&file);
	close_trace(&file);
	return counts;
}

static bool is_nop(int (*fn)(int))
{
	static const unsigned char nop5[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	const unsigned char *at = (const unsigned char *)fn;

	for (int i = 0; i < 16; i++)
		if (memcmp(at + i, nop5, 5) == 0 || memcmp(at + i, "\x90\x90\x90\x90\x90", 5) == 0)
			return true;
	return false;
}

/* Off: the text is as without the library, and nothing is recorded. */
static void switched(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner;outer");
	struct counts counts;

	CHECK_EQ(ftrace_tracing_on(), -ESRCH);
	CHECK_EQ(ftrace_tracing_off(), -ESRCH);
	CHECK(is_nop(inner));
	start_recording(&opts);
	CHECK(!is_nop(inner));
	outer(1);
	CHECK_EQ(ftrace_tracing_off(), 0);
	CHECK_EQ(ftrace_tracing_off(), 0);
	CHECK(is_nop(inner));
	CHECK_EQ(status_now().state, FTRACE_TRACING_STATE_RUNNING);
	outer(2);
	CHECK_EQ(ftrace_tracing_on(), 0);
	CHECK_EQ(ftrace_tracing_on(), 0);
	CHECK_EQ(status_now().state, FTRACE_TRACING_STATE_RUNNING | FTRACE_TRACING_STATE_ON);
	outer(3);
	CHECK_EQ(ftrace_tracing_off(), 0);
	counts = stop_and_count();
	CHECK_EQ(counts.outer, 2);
	CHECK_EQ(counts.inner, 4);
	CHECK_EQ(counts.exits, 6);
	CHECK_EQ(status_now().state, 0);
}

/* FTRACE_TRACING_OFF: nothing before ftrace_tracing_on(). */
static void begun_off(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner;outer", .flags = FTRACE_TRACING_OFF);
	struct counts counts;

	start_recording(&opts);
	CHECK(is_nop(inner));
	outer(1);
	CHECK_EQ(ftrace_tracing_on(), 0);
	outer(2);
	counts = stop_and_count();
	CHECK_EQ(counts.outer, 1);
	CHECK_EQ(counts.inner, 2);
	CHECK_EQ(counts.exits, 3);
}

static void filtered(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner");
	struct counts counts;
	char many[4096] = "";

	CHECK_EQ(ftrace_tracing_set_filter("outer", 0, 1), -ESRCH);
	start_recording(&opts);
	outer(1); /* 2 inner */
	CHECK_EQ(ftrace_tracing_set_filter("outer;other", 0, 0), 0);
	outer(1); /* 2 inner, outer */
	other();
	CHECK_EQ(ftrace_tracing_set_notrace("o*r\nnothing", 3, 0), 0);
	outer(1); /* 2 inner */
	other();
	CHECK_EQ(ftrace_tracing_set_notrace(NULL, 0, 1), 0);
	CHECK_EQ(ftrace_tracing_set_filter("other", 0, 1), 0);
	outer(1);
	other();

	/* What is wrong changes nothing, also what comes before it. */
	CHECK_EQ(ftrace_tracing_set_filter("inner;[", 0, 1), -EINVAL);
	CHECK_EQ(ftrace_tracing_set_filter(NULL, 0, 0), -EINVAL);
	CHECK_EQ(ftrace_tracing_set_notrace(NULL, 0, 0), -EINVAL);
	for (int i = 0; i < 60; i++)
		strcat(many, "a_function_with_a_long_name_that_there_is_not_*;");
	CHECK_EQ(ftrace_tracing_set_filter(many, 0, 1), -E2BIG);
	for (int i = 0; i < 200; i++)
		memcpy(many + 2 * i, "a;", 3);
	CHECK_EQ(ftrace_tracing_set_filter(many, 0, 1), -E2BIG);
	CHECK_EQ(ftrace_tracing_set_filter("other", 1 << 20, 1), -E2BIG);
	outer(1);
	other();
	CHECK_EQ(ftrace_tracing_off(), 0);
	CHECK_EQ(ftrace_tracing_set_filter("[", 0, 1), -EINVAL);
	CHECK_EQ(ftrace_tracing_set_filter(many, 0, 1), -E2BIG);
	CHECK_EQ(ftrace_tracing_on(), 0);
	outer(1);
	other();
	counts = stop_and_count();
	CHECK_EQ(counts.inner, 6);
	CHECK_EQ(counts.outer, 1);
	CHECK_EQ(counts.other, 4);
}

static void limited(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner;outer");
	struct counts counts;

	CHECK_EQ(ftrace_tracing_set_depth(1), -ESRCH);
	CHECK_EQ(ftrace_tracing_set_min_time(1), -ESRCH);
	start_recording(&opts);
	CHECK_EQ(ftrace_tracing_set_depth(1), 0);
	CHECK_EQ(status_now().max_depth, 1);
	outer(1); /* outer */
	CHECK_EQ(ftrace_tracing_set_depth(0), 0);
	CHECK_EQ(ftrace_tracing_set_min_time(3600000000000UL), 0);
	CHECK_EQ(status_now().min_time_ns, 3600000000000UL);
	inner(1);
	CHECK_EQ(ftrace_tracing_set_min_time(0), 0);
	inner(1); /* inner */
	CHECK_EQ(ftrace_tracing_off(), 0);
	CHECK_EQ(ftrace_tracing_set_depth(1), 0); /* it stays off */
	outer(1);
	CHECK_EQ(ftrace_tracing_on(), 0);
	outer(1); /* outer */
	counts = stop_and_count();
	CHECK_EQ(counts.outer, 2);
	CHECK_EQ(counts.inner, 1);
	CHECK_EQ(counts.exits, 3);
}

static int threads_left;

static void *count_alone(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5000; i++)
		inner(i);
	__atomic_sub_fetch(&threads_left, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* One thread is off, in the middle of blocks; the other ones are not. */
static void of_threads(unsigned int flags)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner;outer", .flags = flags);
	struct counts counts;
	pthread_t thread;

	CHECK_EQ(ftrace_tracing_thread(0), -ESRCH);
	start_recording(&opts);
	CHECK_EQ(ftrace_tracing_thread(1), 0); /* it is */
	CHECK_EQ(ftrace_tracing_thread(0), 0); /* before its first call */
	inner(1);
	thread = start(count_alone, NULL);
	join(thread); /* 5000 */
	for (int i = 0; i < 3000; i++) {
		CHECK_EQ(ftrace_tracing_thread(1), 0);
		CHECK_EQ(ftrace_tracing_thread(1), 0);
		inner(i); /* 3000 */
		CHECK_EQ(ftrace_tracing_thread(0), 0);
		CHECK_EQ(ftrace_tracing_thread(0), 0);
		outer(i);
		if (i == 7) {
			CHECK_EQ(ftrace_tracing_off(), 0);
			CHECK_EQ(ftrace_tracing_on(), 0);
		}
	}
	if (flags & FTRACE_TRACING_STREAM) {
		struct trace_file file;
		struct trace_record record;
		uint64_t lost = 0;

		stop_recording(&file);
		while (next_record(&file, &record))
			lost += record.kind == TRACE_LOST_UNITS ? record_u64(&record, 8) : 0;
		counts = count_events(&file);
		CHECK_EQ(counts.outer, 0);
		/* A block that is lost has 2 units, and padding, which is counted as what could have been there. */
		CHECK(counts.inner + counts.exits + lost >= 2 * 8000 && (lost || counts.inner == 8000));
		close_trace(&file);
		return;
	}
	counts = stop_and_count();
	CHECK_EQ(counts.outer, 0);
	CHECK(counts.inner > 5000 && counts.inner == counts.exits);
}

static void one_thread(void)
{
	of_threads(0);
}

static void one_thread_streamed(void)
{
	of_threads(FTRACE_TRACING_STREAM);
}

static int done;

static void *call_all_the_time(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED))
		outer(1);
	return NULL;
}

/* All changes while threads call the functions: no event is torn, and each exit has its entry in the block order. */
static void stormy(void)
{
	struct ftrace_tracing_opts opts =
		FTRACE_RECORDING(.filter = "inner;outer", .buffer_size = 4 << 20, .flags = FTRACE_TRACING_STREAM);
	struct trace_file file;
	pthread_t threads[3];

	start_recording(&opts);
	for (int i = 0; i < 3; i++)
		threads[i] = start(call_all_the_time, NULL);
	for (int i = 0; i < 60; i++) {
		CHECK_EQ(ftrace_tracing_off(), 0);
		CHECK_EQ(ftrace_tracing_on(), 0);
		CHECK_EQ(ftrace_tracing_set_filter(i % 2 ? "outer;inner" : "inner", 0, 1), 0);
		CHECK_EQ(ftrace_tracing_set_depth(i % 3), 0);
		CHECK_EQ(ftrace_tracing_set_min_time(i % 4 * 1000), 0);
	}
	done = 1;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	stop_recording(&file);
	CHECK(file.block_count > 0);
	close_trace(&file);
	CHECK_EQ(stats().gc_collections, 0);
}

static void status(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "inner", .buffer_size = 1 << 20, .max_size = 64 << 20);
	struct ftrace_tracing_status status;
	struct {
		struct ftrace_tracing_status known;
		long later;
	} larger = {.known.size = sizeof(larger)};

	CHECK_EQ(ftrace_tracing_get_status(NULL), -EFAULT);
	status.size = sizeof(status) - 1;
	CHECK_EQ(ftrace_tracing_get_status(&status), -EINVAL);
	CHECK_EQ(ftrace_tracing_get_status(&larger.known), 0);
	larger.later = 1;
	CHECK_EQ(ftrace_tracing_get_status(&larger.known), -E2BIG);
	start_recording(&opts);
	inner(1);
	status = status_now();
	CHECK_EQ(status.max_size, 64 << 20);
	CHECK_EQ(status.buffer_size, 1 << 20);
	CHECK_EQ(status.threads, 1);
	CHECK(status.buffers > status.free_buffers && status.free_buffers > 0);
	CHECK(status.file_size > status.buffers * status.buffer_size && status.file_size <= status.max_size);
	CHECK_EQ(status.lost_without_buffer + status.lost_overwritten + status.copied, 0);
	stop_and_count();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"switched", switched},
		{"begun-off", begun_off},
		{"filtered", filtered},
		{"limited", limited},
		{"thread", one_thread},
		{"thread-streamed", one_thread_streamed},
		{"stormy", stormy},
		{"status", status},
		{},
	};

	return run_mode(modes, argc, argv);
}
