/* SPDX-License-Identifier: MIT */
#include "../agent/client.h"
#include "../record/control.h"
#include "attach_agent.h"

#include <sys/un.h>

static bool try_connect(int socket, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(socket, (struct sockaddr *)&address, sizeof(address)) == 0;
}

int attach_connect(const char *path)
{
	int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CHECK(connection >= 0);
	WAIT_FOR(try_connect(connection, path));
	say_hello(connection);
	return connection;
}

static double time_request(int socket, unsigned int kind, const char *text, int fd)
{
	uint64_t start = now_ns();
	int error = ask_with(socket, kind, text, fd);
	double took = (now_ns() - start) / 1e3;

	if (error)
		dprintf(2, "request %u: %s\n", kind, answer.text);
	CHECK_EQ(error, 0);
	return took;
}

double attach_start(int socket, const char *settings)
{
	int fd = make_file();
	double took = time_request(socket, AGENT_START, settings, fd);

	close(fd);
	return took;
}

double attach_stop(int socket)
{
	return time_request(socket, AGENT_STOP, "", NO_DESCRIPTOR);
}

double attach_status(int socket)
{
	return time_request(socket, CONTROL_STATUS, "", NO_DESCRIPTOR);
}

double attach_filter(int socket, const char *patterns)
{
	return time_request(socket, CONTROL_FILTER, patterns, NO_DESCRIPTOR);
}
