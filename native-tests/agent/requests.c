/* SPDX-License-Identifier: MIT */
/*
 * requests.c - what can be asked by a connection. Both ends are in this process.
 */
#include "../modes.h"
#include "../record/control.h"
#include "../record/recording.h"
#include "../threads.h"
#include "client.h"

static TRACED int inner(int x)
{
	return x + 1;
}

static TRACED int outer(int x)
{
	return inner(x) + inner(x);
}

static bool answer_has_line(const char *line)
{
	return strstr(answer.text, line) != NULL;
}

/* A recording that a connection has started, to its end. */
static void recorded(void)
{
	int socket = connect_and_say_hello(), fd;
	char line[64];

	CHECK(answer_has_line("version=1\n") && answer_has_line("\nlibrary=") && answer_has_line("\nrecording=0\n"));
	snprintf(line, sizeof(line), "\npid=%d\n", getpid());
	CHECK(answer_has_line(line));
	CHECK(has_thread("ftrace-agent"));
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), ESRCH);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), ESRCH);
	outer(1);
	fd = start_agent(socket, "filter=outer;inner");
	say_hello(socket);
	CHECK(answer_has_line("\nrecording=1\n"));
	outer(1);
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), 0);
	CHECK(answer_has_line("state=on\nmode=flight\n"));
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
	CHECK(!is_recording());
	outer(1);
	CHECK_EQ(find_site("outer").users, 0);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), ESRCH);
	CHECK_EQ(entries_in(fd, "outer"), 1);
	CHECK_EQ(entries_in(fd, "inner"), 2);
	close(fd);

	/* Once more by the same connection; this time its end ends the recording. */
	fd = start_agent(socket, "mode=stream\nfilter=inner");
	outer(1);
	disconnect(socket);
	outer(1);
	CHECK_EQ(find_site("inner").users, 0);
	CHECK_EQ(entries_in(fd, "inner"), 2);
	CHECK_EQ(stats().gc_collections, 0);
}

/* The events of a file, as text: a name and a kind for each. */
static void list_events(int fd, char *text, size_t size)
{
	struct trace_file file;
	struct trace_event event;
	uint64_t inner_ip, outer_ip;
	size_t length = 0;

	open_descriptor(&file, fd);
	CHECK(!check_trace(&file));
	inner_ip = trace_symbol(&file, "inner");
	outer_ip = trace_symbol(&file, "outer");
	first_event(&file);
	while (next_event(&file, &event) && length < size - 64)
		length += snprintf(text + length, size - length, "%d %s\n", event.kind,
				   event.argument == inner_ip ? "inner" : event.argument == outer_ip ? "outer" : "?");
	close_trace(&file);
}

/* As a recording that the program starts itself: the same events, and the same options in the file. */
static void equal(void)
{
	static char by_agent[4096], by_program[4096], option[256];
	static const char *const options[] = {"mode", "plugin", "buffer", "max_size", "depth", "min_time_ns", "hz", "filter", "notrace"};
	struct ftrace_tracing_opts opts = {.size = sizeof(opts), .filter = "inner;outer", .max_depth = 7, .buffer_size = 1 << 20};
	int socket = connect_and_say_hello(), fd = start_agent(socket, "filter=inner;outer\ndepth=7\nbuffer=1M"), own = make_file();
	char path[64];

	snprintf(path, sizeof(path), "fd:%d", dup(own));
	opts.path = path;
	outer(1);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
	CHECK_EQ(ftrace_tracing_start(&opts), 0);
	outer(1);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	list_events(fd, by_agent, sizeof(by_agent));
	list_events(own, by_program, sizeof(by_program));
	CHECK_EQ(strcmp(by_agent, by_program), 0);
	CHECK_EQ(strcmp(by_agent, "0 outer\n0 inner\n16 inner\n0 inner\n16 inner\n16 outer\n"), 0);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct trace_file file;

		open_descriptor(&file, fd);
		snprintf(option, sizeof(option), "%s", trace_option(&file, options[i]));
		close_trace(&file);
		open_descriptor(&file, own);
		CHECK_EQ(strcmp(option, trace_option(&file, options[i])), 0);
		close_trace(&file);
	}
	disconnect(socket);
}

/* What can be asked by the trace file can be asked by a connection. */
static void changed(void)
{
	int socket = connect_and_say_hello(), fd = start_agent(socket, "filter=outer\nclock=monotonic\noff=1");
	char path[PATH_MAX];

	outer(1);
	CHECK_EQ(ask_agent(socket, CONTROL_ON, ""), 0);
	outer(1); /* outer */
	CHECK_EQ(ask_agent(socket, CONTROL_OFF, ""), 0);
	outer(1);
	CHECK_EQ(ask_agent(socket, CONTROL_ON, ""), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_FILTER, "inner"), 0);
	outer(1); /* inner, inner */
	CHECK_EQ(ask_agent(socket, CONTROL_NOTRACE, "inn*"), 0);
	outer(1);
	CHECK_EQ(ask_agent(socket, CONTROL_NOTRACE, ""), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_FILTER, ""), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_DEPTH, "1"), 0);
	outer(1); /* outer */
	CHECK_EQ(ask_agent(socket, CONTROL_MIN_TIME, "3600000000000"), 0);
	outer(1);
	CHECK_EQ(ask_agent(socket, CONTROL_MIN_TIME, "0"), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_TRIGGER, "inner:traceoff:1"), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_TRIGGER, ""), 0);
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), 0);
	CHECK(answer_has_line("\ndepth=1\n"));
	CHECK_EQ(ask_agent(socket, CONTROL_FILTER, "["), EINVAL);
	CHECK_EQ(ask_agent(socket, CONTROL_SNAPSHOT, "relative"), EINVAL);
	CHECK_EQ(entries_in(fd, "outer"), 2);
	CHECK_EQ(entries_in(fd, "inner"), 2);
	CHECK(getcwd(path, sizeof(path) - 64));
	snprintf(path + strlen(path), 64, "/agent-%d.data", getpid());
	CHECK_EQ(ask_agent(socket, CONTROL_SNAPSHOT, path), 0);
	CHECK_EQ(unlink(path), 0);
	disconnect(socket);
}

/* DETACH, by the trace file and by the connection. What the program has started itself stays. */
static void detached(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "outer");
	int socket = connect_and_say_hello(), fd = start_agent(socket, "filter=outer");
	struct control_page *page;
	char path[64];

	CHECK_EQ(find_site("outer").users, 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	page = open_control(path);
	CHECK_EQ(ask(page, CONTROL_DETACH, 0, ""), 0);
	CHECK(!is_recording());
	CHECK_EQ(find_site("outer").users, 0);
	CHECK(!receive_answer(socket)); /* the connection has ended too */
	disconnect(socket);

	socket = connect_and_say_hello();
	CHECK_EQ(ask_agent(socket, CONTROL_DETACH, ""), ESRCH);
	start_agent(socket, "filter=outer");
	CHECK_EQ(ask_agent(socket, CONTROL_DETACH, ""), 0);
	CHECK(!is_recording());
	CHECK(!receive_answer(socket));
	disconnect(socket);

	start_recording(&opts);
	page = open_control(opts.path);
	unlink(opts.path);
	CHECK_EQ(ask(page, CONTROL_DETACH, 0, ""), EPERM);
	socket = connect_and_say_hello();
	CHECK_EQ(ask_agent(socket, CONTROL_DETACH, ""), EPERM);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), ESRCH);
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), 0);
	close(socket);
	WAIT_FOR(!has_thread("ftrace-agent"));
	CHECK(is_recording());
	CHECK_EQ(ftrace_tracing_stop(), 0);
}

/* The recording of a connection is the one that it has started, not the next one. */
static void replaced(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "outer");
	int socket = connect_and_say_hello();

	start_agent(socket, "filter=outer");
	CHECK_EQ(ftrace_tracing_stop(), 0);
	start_recording(&opts);
	unlink(opts.path);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), ESRCH);
	CHECK_EQ(ask_with(socket, AGENT_START, "", make_file()), EBUSY);
	close(socket);
	WAIT_FOR(!has_thread("ftrace-agent"));
	CHECK(is_recording());
	CHECK_EQ(ftrace_tracing_stop(), 0);
}

/* Who holds the connection. */
static int do_nothing(void *data)
{
	return data != NULL;
}

static void held(void)
{
	int socket = connect_agent(), ends[2], duplicate;
	char text[128];

	/* The first stop of all: the thread takes the signal. */
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), ESRCH);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	CHECK_EQ(stats().stopped_threads, 1);
	CHECK_EQ(stats().seized_threads, 0);
	make_ends(ends);
	CHECK_EQ(ftrace_agent_start(ends[0]), -EBUSY);
	CHECK(receive_answer(ends[1]));
	CHECK_EQ(answer.error, EBUSY);
	CHECK_EQ(answer.number, 0);
	CHECK_EQ(strcmp(answer.text, "holder=0 unknown\n"), 0);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC); /* still the caller's */

	say_hello(socket);
	CHECK_EQ(ftrace_agent_start(ends[0]), -EBUSY);
	CHECK(receive_answer(ends[1]));
	snprintf(text, sizeof(text), "holder=%d test\n", getpid());
	CHECK_EQ(strcmp(answer.text, text), 0);
	CHECK_EQ(ask_agent(socket, AGENT_HELLO, "version=1\npid=12\nname=a \033[31mb\177"), 0);
	duplicate = ftrace_agent_start(ends[0]);
	CHECK_EQ(duplicate, -EBUSY);
	CHECK(receive_answer(ends[1]));
	CHECK_EQ(strcmp(answer.text, "holder=12 a??[31mb?\n"), 0);
	disconnect(socket);

	/* Now it is free. */
	CHECK_EQ(ftrace_agent_start(ends[0]), 0);
	say_hello(ends[1]);
	disconnect(ends[1]);
}

struct wrong {
	const char *settings, *text;
	int error;
};

static const struct wrong wrongs[] = {
	{"buffer=12Q", "buffer=12Q: must be a number of bytes, or one with K, M or G\n", EINVAL},
	{"filter=outer\nmode=all", "mode=all: must be flight or stream\n", EINVAL},
	{"hz=-1", "hz=-1: must be a whole number\n", EINVAL},
	{"snapshot_signal=SEGV", "snapshot_signal=SEGV: must be the name or number of a signal", EINVAL},
	{"clock=sun", "clock=sun: must be tsc or monotonic\n", EINVAL},
	{"filter=[", "[: the pattern is malformed; ", EINVAL},
	{"trigger=outer", "outer: the pattern is malformed; ", EINVAL},
	{"file=x", "file: no such setting; ", EINVAL},
	{"path=x", "path: no such setting; ", EINVAL},
	{"=x", ": no such setting; ", EINVAL},
	{"filter", "filter: must be NAME=VALUE\n", EINVAL},
	{"depth=1\ndepth=2", "depth: is set twice; ", EINVAL},
	{"max_size=32K", "it would become too large; raise max_size or the limit of file sizes (ulimit -f), or set buffer to less\n", EFBIG},
	{"plugin=sample\nfilter=outer", "the settings do not go together: ", EINVAL},
	{"hz=4000000", "the settings do not go together: ", EINVAL},
	{"children=2", "children=2: must be 0 or 1\n", EINVAL},
};

static void expect_error(int socket, const char *settings, int fd, int error, const char *text)
{
	int got = ask_with(socket, AGENT_START, settings, fd);

	if (got != error || strncmp(answer.text, text, strlen(text)) != 0)
		dprintf(2, "%s: %d, %s", settings, got, answer.text);
	CHECK_EQ(got, error);
	CHECK_EQ(strncmp(answer.text, text, strlen(text)), 0);
	CHECK_EQ(answer.text[answer.length - 1], '\n');
	CHECK(!is_recording());
}

/* A recording that cannot start: what is wrong, in a line; and nothing has changed. */
static void errors(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "outer");
	int socket = connect_and_say_hello(), descriptors, file = make_file(), full = make_file(), ends[2];
	char many[AGENT_LONGEST_TEXT] = "";

	CHECK_EQ(write(full, "x", 1), 1);
	descriptors = count_descriptors();
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		int fd = make_file();

		expect_error(socket, wrongs[i].settings, fd, wrongs[i].error, wrongs[i].text);
		close(fd);
	}
	for (int i = 0; i < 40; i++)
		snprintf(many + strlen(many), 32, "x%d=1\n", i);
	expect_error(socket, many, file, E2BIG, "x32=1: too many lines; ");
	expect_error(socket, "", NO_DESCRIPTOR, EINVAL, "no file came with the request; ");
	expect_error(socket, "", full, EINVAL, "it is no empty file that is open for reading and writing; ");
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	expect_error(socket, "", ends[1], EINVAL, "it is no empty file that is open for reading and writing; ");
	close(ends[0]);
	close(ends[1]);
	CHECK_EQ(find_site("outer").users, 0);
	CHECK_EQ(count_descriptors(), descriptors);

	start_recording(&opts);
	unlink(opts.path);
	CHECK_EQ(ask_with(socket, AGENT_START, "", file), EBUSY);
	CHECK(answer_has_line("a recording runs already: "));
	CHECK_EQ(ftrace_tracing_stop(), 0);
	CHECK_EQ(ask_agent(socket, AGENT_HELLO, "version=2\npid=1"), EPROTONOSUPPORT);
	CHECK(answer_has_line("version=1\n"));
	CHECK_EQ(ask_agent(socket, AGENT_HELLO, "pid=1"), EINVAL);
	CHECK_EQ(ask_agent(socket, AGENT_HELLO, "version=1\npid=x"), EINVAL);
	close(start_agent(socket, "filter=outer"));
	CHECK_EQ(ask_with(socket, AGENT_START, "", file), EBUSY);
	CHECK(is_recording());
	disconnect(socket);
	close(file);
	close(full);
	CHECK_EQ(count_descriptors(), descriptors - 4); /* the files, and both ends */
}

static int start_in_window(void *data)
{
	return ftrace_agent_start(*(int *)data);
}

/* What ftrace_agent_start() refuses, it leaves alone. */
static void refused(void)
{
	int ends[2], pair[2], fd;

	CHECK_EQ(ftrace_agent_start(-1), -EBADF);
	CHECK_EQ(ftrace_agent_start(9999), -EBADF);
	fd = make_file();
	CHECK_EQ(ftrace_agent_start(fd), -ENOTSOCK);
	close(fd);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(ftrace_agent_start(pair[0]), -EINVAL);
	CHECK_EQ(fcntl(pair[0], F_GETFD), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK_EQ(ftrace_agent_start(fd), -ENOTCONN);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(fd < 0 || ftrace_agent_start(fd) == -EINVAL);
	make_ends(ends);
	fd = dup(ends[0]);
	CHECK_EQ(ftrace_stop_machine(start_in_window, &ends[0]), -EDEADLK);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	errno = 77;
	CHECK_EQ(ftrace_agent_start(ends[0]), 0);
	CHECK_EQ(errno, 77);
	CHECK_EQ(fcntl(ends[0], F_GETFD), -1); /* it has moved */
	say_hello(ends[1]);
	disconnect(ends[1]);
	CHECK_EQ(recv(fd, &answer, sizeof(answer), 0), 0); /* other copies do not keep it open */
}

static const struct mode modes[] = {
	{"recorded", recorded}, {"equal", equal},   {"changed", changed}, {"detached", detached},
	{"replaced", replaced}, {"held", held},	    {"errors", errors},	  {"refused", refused},
	{},
};

int main(int argc, char **argv)
{
	return run_mode(modes, argc, argv);
}
