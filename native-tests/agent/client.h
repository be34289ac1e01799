/* SPDX-License-Identifier: MIT */
/*
 * client.h - the other end of a connection, by the rules of docs/agent.md and nothing else.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "../proc.h"
#include "../record/trace_file.h"
#include "../traced.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define AGENT_MAGIC	   0x47415446U
#define AGENT_LONGEST_TEXT 4096
#define NO_DESCRIPTOR	   -1

/* Those of docs/control.md are in ../record/control.h. */
enum { AGENT_HELLO = 16, AGENT_START, AGENT_STOP };

struct agent_request {
	uint32_t magic, number, kind, flags, length;
	char text[AGENT_LONGEST_TEXT];
};

struct agent_answer {
	uint32_t magic, number;
	int32_t error;
	uint32_t length;
	char text[AGENT_LONGEST_TEXT + 1];
};

_Static_assert(offsetof(struct agent_request, text) == 20, "docs/agent.md");
_Static_assert(offsetof(struct agent_answer, text) == 16, "docs/agent.md");

static struct agent_answer answer; /* the last one */

/* Two ends: the library's, and ours. */
static inline void make_ends(int ends[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static inline int connect_agent(void)
{
	int ends[2];

	make_ends(ends);
	CHECK_EQ(ftrace_agent_start(ends[0]), 0);
	return ends[1];
}

/* Sends any bytes, with descriptors. Returns 0 or an errno. */
static inline int send_bytes(int socket, const void *bytes, size_t size, const int *fds, int count)
{
	char control[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8))) = {};
	struct iovec data = {(void *)bytes, size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (count) {
		struct cmsghdr *part;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(part), fds, count * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static inline void send_request(int socket, unsigned int number, unsigned int kind, const char *text, int fd)
{
	struct agent_request request = {AGENT_MAGIC, number, kind, 0, strlen(text), ""};

	CHECK(strlen(text) <= sizeof(request.text));
	memcpy(request.text, text, strlen(text));
	CHECK_EQ(send_bytes(socket, &request, 20 + request.length, &fd, fd != NO_DESCRIPTOR), 0);
}

/* Returns false if the connection has ended. */
static inline bool receive_answer(int socket)
{
	struct pollfd state = {.fd = socket, .events = POLLIN};
	long size, ready;

	/* This thread may be stopped meanwhile, by a signal. */
	do
		ready = poll(&state, 1, TEST_WAIT_SECONDS * 1000);
	while (ready < 0 && errno == EINTR);
	CHECK_EQ(ready, 1);
	size = recv(socket, &answer, sizeof(answer), 0);
	if (size <= 0)
		return false;
	CHECK(size >= 16 && size == 16 + answer.length);
	CHECK_EQ(answer.magic, AGENT_MAGIC);
	answer.text[answer.length] = '\0';
	return true;
}

/* Asks, and returns the error of the answer. */
static inline int ask_with(int socket, unsigned int kind, const char *text, int fd)
{
	static unsigned int number;

	send_request(socket, ++number, kind, text, fd);
	CHECK(receive_answer(socket));
	CHECK_EQ(answer.number, number);
	return answer.error;
}

static inline int ask_agent(int socket, unsigned int kind, const char *text)
{
	return ask_with(socket, kind, text, NO_DESCRIPTOR);
}

static inline void say_hello(int socket)
{
	char text[128];

	snprintf(text, sizeof(text), "version=1\npid=%d\nname=test", getpid());
	CHECK_EQ(ask_agent(socket, AGENT_HELLO, text), 0);
}

static inline int connect_and_say_hello(void)
{
	int socket = connect_agent();

	say_hello(socket);
	return socket;
}

/* A file as the tool makes it: nobody can truncate it. */
static inline int make_file(void)
{
	int fd = memfd_create("ftrace", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	return fd;
}

static inline int start_agent(int socket, const char *settings)
{
	int fd = make_file(), error = ask_with(socket, AGENT_START, settings, fd);

	if (error)
		dprintf(2, "START: %s", answer.text);
	CHECK_EQ(error, 0);
	return fd;
}

/* What calls have left on the stack looks like calls that have not returned: the end of a recording waits for those. */
static __attribute__((noinline, unused)) void clear_calls(void)
{
	char area[16384];

	memset(area, 0, sizeof(area));
	__asm__ __volatile__("" ::"r"(area) : "memory");
}

/* The id of a thread of this process; 0: there is none of that name. */
static inline pid_t find_thread(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	pid_t found = 0;

	CHECK(tasks);
	while ((entry = readdir(tasks))) {
		char path[300], text[PROC_SIZE];
		long length;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		fd = entry->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (length > 0 && strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '\n')
			found = atoi(entry->d_name);
	}
	closedir(tasks);
	return found;
}

static inline bool has_thread(const char *name)
{
	return find_thread(name) != 0;
}

static inline bool is_recording(void)
{
	struct ftrace_tracing_status status = {.size = sizeof(status)};

	CHECK_EQ(ftrace_tracing_get_status(&status), 0);
	return status.state & FTRACE_TRACING_STATE_RUNNING;
}

/* Closes our end, and waits until nothing is left of the connection. */
static inline void disconnect(int socket)
{
	char byte;

	CHECK_EQ(shutdown(socket, SHUT_WR), 0);
	while (recv(socket, &byte, 1, 0) > 0)
		;
	close(socket);
	CHECK(!is_recording());
	WAIT_FOR(!has_thread("ftrace-agent"));
}

static inline int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1; /* its own */

	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static inline void open_descriptor(struct trace_file *file, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	open_trace(file, path);
}

/* How often a function was entered. The file must hold nothing that is torn. */
static inline unsigned int entries_in(int fd, const char *function)
{
	struct trace_file file;
	struct trace_event event;
	unsigned int entries = 0;
	uint64_t ip;
	const char *fault;

	open_descriptor(&file, fd);
	fault = check_trace(&file);
	if (fault)
		dprintf(2, "%s\n", fault);
	CHECK(!fault);
	ip = trace_symbol(&file, function);
	first_event(&file);
	while (ip && next_event(&file, &event))
		entries += event.kind == TRACE_ENTRY && event.argument == ip;
	close_trace(&file);
	return entries;
}

#endif /* CLIENT_H */
