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

static const struct mode modes[] = {
	{"recorded", recorded},
	{},
};

int main(int argc, char **argv)
{
	return run_mode(modes, argc, argv);
}
