/* SPDX-License-Identifier: MIT */
/*
 * marks.c - marks of the host: what is written, where, and that they cost nothing and need nothing
 * while no recording runs.
 */
#include "../modes.h"
#include "../threads.h"
#include "../signals.h"
#include "recording.h"

#include <dlfcn.h>
#include <errno.h>

static TRACED int marked(int x)
{
	ftrace_mark("inside");
	return x + 1;
}

static void expect_mark(struct trace_file *file, const char *text)
{
	struct trace_event event;

	CHECK(next_event(file, &event));
	CHECK_EQ(event.kind, TRACE_MARK);
	if (event.argument != strlen(text) || memcmp(event.data, text, event.argument) != 0)
		dprintf(2, "expected \"%s\", got \"%.*s\"\n", text, (int)event.argument, (const char *)event.data);
	CHECK_EQ(event.argument, strlen(text));
	CHECK_EQ(memcmp(event.data, text, event.argument), 0);
}

static void expect_end(struct trace_file *file)
{
	struct trace_event event;

	CHECK(!next_event(file, &event));
}

static int evaluations;

static const char *evaluated(const char *text)
{
	evaluations++;
	return text;
}

/* The texts, in order; nothing before the start and after the stop, when arguments are not evaluated either. */
static void texts(void)
{
	static const char *lines[] = {"", "a", "123456789012345", "1234567890123456", "ends with a newline\n", "\n", "ä\n\n"};
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "marked", .buffer_size = 128 << 10);
	struct trace_file file;
	struct trace_event event;

	ftrace_mark(evaluated("before"));
	ftrace_printk("%s", evaluated("before"));
	CHECK_EQ(evaluations, 0);
	for (int round = 0; round < 2; round++) {
		start_recording(&opts);
		for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
			ftrace_mark(evaluated(lines[i]));
		CHECK_EQ(evaluations, (round + 1) * sizeof(lines) / sizeof(*lines));
		errno = 1234;
		ftrace_printk("%d %s %.1f\n", 42, "words", 0.5);
		CHECK_EQ(errno, 1234);
		ftrace_write_mark("by a function");
		ftrace_write_mark(NULL);
		ftrace_write_printk("%x", 255);
		CHECK_EQ(marked(1), 2);
		stop_recording(&file);
		ftrace_mark(evaluated("after"));
		ftrace_write_mark("after");
		ftrace_write_printk("after");

		expect_mark(&file, "");
		expect_mark(&file, "a");
		expect_mark(&file, "123456789012345");
		expect_mark(&file, "1234567890123456");
		expect_mark(&file, "ends with a newline");
		expect_mark(&file, "");
		expect_mark(&file, "ä\n");
		expect_mark(&file, "42 words 0.5");
		expect_mark(&file, "by a function");
		expect_mark(&file, "ff");
		CHECK(next_event(&file, &event));
		CHECK_EQ(event.kind, TRACE_ENTRY);
		expect_mark(&file, "inside");
		CHECK(next_event(&file, &event));
		CHECK_EQ(event.kind, TRACE_EXIT);
		expect_end(&file);
		close_trace(&file);
	}
}

/* Longer than the greatest length: cut off, but not within a character. */
static void lengths(void)
{
	static char text[FTRACE_MARK_MAX + 10];
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "marked", .buffer_size = 128 << 10);
	static const char *cut[] = {"xxxx", "\xc3\xa4yy", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	struct trace_file file;

	start_recording(&opts);
	memset(text, 'x', FTRACE_MARK_MAX);
	ftrace_mark(text);
	/* A character of up to four bytes begins 1 to 4 bytes before the end. */
	for (int i = 0; i < 4; i++) {
		for (int before = 1; before <= 4; before++) {
			memset(text, 'x', FTRACE_MARK_MAX + 4);
			memcpy(text + FTRACE_MARK_MAX - before, cut[i], strlen(cut[i]));
			text[FTRACE_MARK_MAX + 4] = '\0';
			ftrace_mark(text);
			ftrace_printk("%s", text);
		}
	}
	memset(text, 0x80, FTRACE_MARK_MAX + 4); /* not UTF-8 at all */
	ftrace_mark(text);
	stop_recording(&file);

	memset(text, 'x', FTRACE_MARK_MAX);
	text[FTRACE_MARK_MAX] = '\0';
	expect_mark(&file, text);
	for (int i = 0; i < 4; i++) {
		for (int before = 1; before <= 4; before++) {
			memset(text, 'x', FTRACE_MARK_MAX + 4);
			memcpy(text + FTRACE_MARK_MAX - before, cut[i], strlen(cut[i]));
			text[FTRACE_MARK_MAX + (before <= i ? -before : 0)] = '\0';
			expect_mark(&file, text);
			expect_mark(&file, text);
		}
	}
	memset(text, 0x80, FTRACE_MARK_MAX);
	text[FTRACE_MARK_MAX] = '\0';
	expect_mark(&file, text);
	expect_end(&file);
	close_trace(&file);
}

static volatile sig_atomic_t handled;

static void on_mark(int signo)
{
	char text[] = "handler 0000000";

	(void)signo;
	for (int i = 0, n = handled; i < 7; i++, n /= 10)
		text[sizeof(text) - 2 - i] = '0' + n % 10;
	ftrace_mark(text);
	handled++;
}

/* Handlers interrupt marks anywhere: every mark is whole, and none is missing among the last ones. */
static void handlers(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "marked", .buffer_size = 256 << 10);
	struct trace_file file;
	struct trace_event event;
	int outside = -1, inside = -1, marks = 0;
	timer_t timer;

	start_recording(&opts);
	on_signal(SIGUSR1, on_mark, 0);
	timer = thread_timer(SIGUSR1, 20000);
	for (uint64_t end = now_ns() + 20000000000ULL; handled < 1000 && now_ns() < end; marks++)
		ftrace_printk("mark %07d and a text that takes some units", marks);
	timer_delete(timer);
	CHECK(handled >= 1000);
	stop_recording(&file);
	while (next_event(&file, &event)) {
		CHECK_EQ(event.kind, TRACE_MARK);
		if (event.data[0] == 'h') {
			int number = atoi((char *)event.data + 8);

			CHECK(inside < 0 || number == inside + 1);
			inside = number;
		} else {
			int number = atoi((char *)event.data + 5);

			CHECK(outside < 0 || number == outside + 1);
			outside = number;
			CHECK_EQ(event.argument, strlen("mark 0000000 and a text that takes some units"));
		}
	}
	CHECK_EQ(inside, handled - 1);
	CHECK_EQ(outside, marks - 1);
	close_trace(&file);
}

static volatile int ended;

static void *mark_always(void *arg)
{
	(void)arg;
	while (!ended)
		ftrace_mark("a thread that calls no traced function, and does not end for a recording");
	return NULL;
}

/* Threads mark while recordings start and stop: the memory of one that has ended is not written to. */
static void restarts(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "marked", .buffer_size = 128 << 10);
	pthread_t threads[3];
	struct trace_file file;
	struct trace_event event;
	int seen = 0;

	for (int i = 0; i < 3; i++)
		threads[i] = start(mark_always, NULL);
	for (int i = 0; i < 15; i++) {
		start_recording(&opts);
		sched_yield();
		stop_recording(&file);
		for (; next_event(&file, &event); seen++)
			CHECK_EQ(event.kind, TRACE_MARK);
		close_trace(&file);
	}
	ended = 1;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	CHECK(seen > 0);
}

/* An object that is opened while a recording runs, and one that was there before, which is linked with nothing. */
static void opened(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "marked", .buffer_size = 128 << 10);
	void *plugin = dlopen(PLUGIN, RTLD_NOW);
	void (*mark)(const char *) = (void (*)(const char *))dlsym(plugin, "plugin_mark");
	struct trace_file file;

	CHECK(mark);
	mark("off");
	start_recording(&opts);
	mark("known before");
	CHECK_EQ(dlclose(plugin), 0);
	plugin = dlopen(PLUGIN, RTLD_NOW);
	CHECK(plugin);
	mark = (void (*)(const char *))dlsym(plugin, "plugin_mark");
	mark("opened again");
	stop_recording(&file);
	mark("off");
	expect_mark(&file, "known before");
	expect_mark(&file, "opened again");
	expect_end(&file);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"texts", texts}, {"lengths", lengths}, {"handlers", handlers},
		{"restarts", restarts}, {"opened", opened}, {},
	};

	return run_mode(modes, argc, argv);
}
