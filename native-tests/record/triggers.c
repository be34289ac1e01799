/* SPDX-License-Identifier: MIT */
/* triggers.c - what starts a snapshot, or switches recording: calls, how often, how long they take; a signal. */
#include "../modes.h"
#include "../signals.h"
#include "../threads.h"
#include "recording.h"

#include <errno.h>

static TRACED int step(int x)
{
	return x + 1;
}

static TRACED void event(void)
{
	__asm__ volatile("");
}

static TRACED void stop_here(void)
{
	__asm__ volatile("");
}

static TRACED void go_on(void)
{
	__asm__ volatile("");
}

/* Takes at least so long. */
static TRACED void work_for(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static const char *numbered_path(int number)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s.%d", recording_path(), number);
	return path;
}

static bool is_complete(const char *path)
{
	char magic[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool complete;

	if (fd < 0)
		return false;
	complete = pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && memcmp(magic, "FTRACE\r\n", 8) == 0;
	close(fd);
	return complete;
}

static void begin(const struct ftrace_tracing_opts *opts)
{
	for (int i = 1; i < 10; i++)
		unlink(numbered_path(i));
	start_recording(opts);
}

/* The snapshot with a number, and what it says caused it. */
static void open_numbered(struct trace_file *file, int number, const char *cause)
{
	struct trace_record record;
	bool found = false;

	WAIT_FOR(is_complete(numbered_path(number)));
	open_trace(file, numbered_path(number));
	unlink(numbered_path(number));
	CHECK_EQ(file->header->state, TRACE_SNAPSHOT);
	first_record(file);
	while (next_record(file, &record))
		if (record.kind == TRACE_SNAPSHOT_TAKEN) {
			found = true;
			CHECK_EQ(record_u32(&record, 8), strlen(cause));
			CHECK(memcmp(record.data + 16, cause, strlen(cause)) == 0);
		}
	CHECK(found);
}

/* Events of a kind, of a function. */
static unsigned int count(struct trace_file *file, enum trace_kind kind, const char *name)
{
	uint64_t address = trace_symbol(file, name);
	struct trace_event event;
	unsigned int count = 0;

	CHECK(address);
	first_event(file);
	while (next_event(file, &event))
		count += event.kind == kind && event.argument == address;
	return count;
}

static void set_trigger(const char *trigger)
{
	CHECK_EQ(ftrace_tracing_set_trigger(trigger, 0, 1), 0);
}

/* The call is in its own snapshot, with what led to it. */
static void call(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step;event");
	struct trace_file file;

	begin(&opts);
	set_trigger("event:snapshot:2");
	for (int i = 1; i <= 2; i++) {
		step(1);
		event();
		open_numbered(&file, i, "trigger: a call");
		CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 1);
		CHECK_EQ(count(&file, TRACE_EXIT, "step"), 1);
		CHECK_EQ(count(&file, TRACE_ENTRY, "event"), 1);
		close_trace(&file);
	}
	event(); /* a third time */
	stop_recording(&file);
	CHECK_EQ(count(&file, TRACE_ENTRY, "event"), 1);
	CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 0);
	CHECK(access(numbered_path(3), F_OK) != 0);
	close_trace(&file);
}

/* Many threads at the same time use up what is left once. */
static void *call_events(void *arg)
{
	for (int i = 0; i < 1000; i++)
		event();
	return arg;
}

static void counted(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step;event");
	pthread_t threads[4];
	struct trace_file file;

	begin(&opts);
	set_trigger("event:snapshot:1");
	for (int i = 0; i < 4; i++)
		threads[i] = start(call_events, NULL);
	for (int i = 0; i < 4; i++)
		join(threads[i]);
	open_numbered(&file, 1, "trigger: a call");
	CHECK(count(&file, TRACE_ENTRY, "event") >= 1);
	close_trace(&file);
	stop_recording(&file);
	close_trace(&file);
	CHECK(access(numbered_path(2), F_OK) != 0);
}

/* Only a call that takes longer; its exit is in the snapshot. */
static void longer(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "work_for");
	struct trace_file file;

	begin(&opts);
	set_trigger("work_for:snapshot:>200ms");
	work_for(1000);
	if (access(numbered_path(1), F_OK) == 0)
		skip("the machine is too busy");
	work_for(201000000);
	open_numbered(&file, 1, "trigger: a call took longer");
	CHECK_EQ(count(&file, TRACE_ENTRY, "work_for"), 2);
	CHECK_EQ(count(&file, TRACE_EXIT, "work_for"), 2);
	close_trace(&file);
	stop_recording(&file);
	close_trace(&file);
}

static void *call_steps(void *arg)
{
	for (int i = 0; i < 100; i++)
		step(i);
	return arg;
}

/* Off and on at once, on all threads. */
static void switched(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step");
	unsigned int on = 0, off = 0;
	struct trace_file file;
	struct trace_event event;

	begin(&opts);
	set_trigger("stop_here:traceoff;go_on:traceon");
	step(1);
	stop_here();
	step(2);
	join(start(call_steps, NULL));
	stop_here(); /* is off */
	go_on();
	step(3);
	join(start(call_steps, NULL));
	go_on(); /* is on */
	step(4);
	stop_recording(&file);
	CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 3 + 100);
	CHECK_EQ(count(&file, TRACE_EXIT, "step"), 3 + 100);
	first_event(&file);
	while (next_event(&file, &event)) {
		on += event.kind == TRACE_SWITCHED && event.argument == 1;
		off += event.kind == TRACE_SWITCHED && event.argument == 0;
	}
	CHECK_EQ(off, 1);
	CHECK_EQ(on, 1);
	close_trace(&file);

	/* The next recording begins with recording on. */
	begin(&opts);
	set_trigger("stop_here:traceoff");
	stop_here();
	stop_recording(&file);
	close_trace(&file);
	begin(&opts);
	step(1);
	stop_here(); /* a trigger of the recording before */
	step(2);
	stop_recording(&file);
	CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 2);
	close_trace(&file);
}

/* With ftrace_tracing_on() and _off(): each undoes what a trigger has done, and a trigger what they have. */
static void both(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step", .flags = FTRACE_TRACING_OFF);
	struct ftrace_tracing_status status = {.size = sizeof(status)};
	struct trace_file file;

	begin(&opts);
	set_trigger("stop_here:traceoff;go_on:traceon");
	step(1);
	go_on();
	WAIT_FOR(ftrace_tracing_get_status(&status) == 0 && (status.state & FTRACE_TRACING_STATE_ON));
	step(2);
	stop_here();
	step(3);
	CHECK_EQ(ftrace_tracing_on(), 0);
	step(4);
	CHECK_EQ(ftrace_tracing_off(), 0);
	step(5);
	stop_recording(&file);
	CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 2);
	close_trace(&file);
}

static void on_usr1(int signo)
{
	(void)signo;
}

static void signalled(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step", .snapshot_signal = SIGUSR2);
	struct sigaction action;
	struct trace_file file;

	begin(&opts);
	for (int i = 1; i <= 2; i++) {
		step(1);
		errno = EDOM;
		raise(SIGUSR2);
		CHECK_EQ(errno, EDOM);
		open_numbered(&file, i, "signal");
		CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 1);
		close_trace(&file);
	}
	stop_recording(&file);
	close_trace(&file);
	raise(SIGUSR2); /* too late, and harmless */

	/* A handler of the host is not replaced. */
	on_signal(SIGUSR1, on_usr1, 0);
	opts.snapshot_signal = SIGUSR1;
	CHECK_EQ(ftrace_tracing_start(&opts), -EBUSY);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	CHECK(action.sa_handler == on_usr1);
	CHECK(access(opts.path, F_OK) != 0);
	opts.snapshot_signal = SIGKILL;
	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL);
	opts.snapshot_signal = SIGSEGV;
	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL);
	opts.snapshot_signal = 65;
	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL);

	/* Nothing has changed if a recording was not begun. */
	opts.snapshot_signal = SIGHUP;
	opts.path = "/nowhere/at/all";
	CHECK_EQ(ftrace_tracing_start(&opts), -ENOENT);
	CHECK_EQ(sigaction(SIGHUP, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);

	/* Again, with the handler that is there. */
	opts.snapshot_signal = SIGUSR2;
	opts.path = recording_path();
	begin(&opts);
	step(1);
	raise(SIGUSR2);
	open_numbered(&file, 1, "signal");
	CHECK_EQ(count(&file, TRACE_ENTRY, "step"), 1);
	close_trace(&file);
	stop_recording(&file);
	close_trace(&file);
}

/* Calls that would wait for themselves. */
static int in_window(void *data)
{
	(void)data;
	CHECK_EQ(ftrace_snapshot(numbered_path(1)), -EDEADLK);
	CHECK_EQ(ftrace_tracing_set_trigger("step:snapshot", 0, 1), -EDEADLK);
	return 0;
}

static void in_handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	in_window(NULL);
}

static void errors(void)
{
	struct ftrace_ops ops = OPS(in_handler);
	static const char *const malformed[] = {
		"step", "step:", ":snapshot", "step:snapshots", "step:snapshot:", "step:snapshot:0", "step:snapshot:x",
		"step:snapshot:>", "step:snapshot:>1h", "step:snapshot:>0", "step:snapshot:>1ms:", "step:snapshot:>1ms:0",
		"step:snapshot:-1", "event:snapshot;step:count", "step:snapshot:1:2",
	};
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "step");
	struct trace_file file;

	CHECK_EQ(ftrace_tracing_set_trigger("step:snapshot", 0, 1), -ESRCH);
	begin(&opts);
	CHECK_EQ(ftrace_tracing_set_trigger(NULL, 0, 0), -EINVAL);
	CHECK_EQ(ftrace_tracing_set_trigger(NULL, 0, 1), 0);
	for (unsigned int i = 0; i < sizeof(malformed) / sizeof(*malformed); i++)
		CHECK_EQ(ftrace_tracing_set_trigger(malformed[i], 0, 0), -EINVAL);
	CHECK_EQ(ftrace_tracing_set_trigger("event:snapshot:1 and more", 16, 0), 0);
	CHECK_EQ(ftrace_tracing_set_trigger("a:traceon;b:traceon;c:traceon;d:traceon", 0, 0), -ENOSPC);
	CHECK_EQ(ftrace_tracing_set_trigger("a:traceon;b:traceon;c:traceon", 0, 0), 0);
	CHECK_EQ(ftrace_tracing_set_trigger("d:traceon", 0, 0), -ENOSPC);
	event();
	open_numbered(&file, 1, "trigger: a call");
	close_trace(&file);
	set_trigger(NULL);
	CHECK_EQ(ftrace_stop_machine(in_window, NULL), 0);
	trace(&ops, "event");
	event();
	untrace(&ops);
	stop_recording(&file);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"call", call},		{"counted", counted},	{"longer", longer}, {"switched", switched},
		{"both", both},		{"signalled", signalled}, {"errors", errors}, {},
	};

	return run_mode(modes, argc, argv);
}
