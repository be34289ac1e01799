/* SPDX-License-Identifier: MIT */
/*
 * ends.c - however a connection ends, and whenever: the recording that it has started has ended, every function is what it
 * was, and no thread, descriptor or memory is left.
 */
#include "../modes.h"
#include "../record/control.h"
#include "../threads.h"
#include "client.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CONNECTIONS 200
#define WARM_UP	    20
#define FORKS	    40

static TRACED int traced(int x)
{
	return x + 1;
}

/* Nothing is left. */
static void check_gone(int descriptors)
{
	WAIT_FOR(count_descriptors() == descriptors); /* it may not have begun: it has a descriptor before it has a name */
	WAIT_FOR(!has_thread("ftrace-agent"));
	CHECK(!is_recording());
	CHECK_EQ(find_site("traced").users, 0);
	WAIT_FOR(!has_thread("ftrace-keeper") && !has_thread("ftrace-control"));
	CHECK_EQ(count_descriptors(), descriptors);
	CHECK_EQ(traced(1), 2);
}

/* The states in which the other end is killed. */
enum state { CONNECTED, GREETED, ASKED, STARTING, STARTED, CHANGING, STOPPING, STOPPED, STATES };

static void send_start(int socket)
{
	int fd = make_file();

	send_request(socket, 1, AGENT_START, "filter=traced", fd);
	close(fd);
}

static void reach(int socket, enum state state)
{
	if (state >= GREETED)
		say_hello(socket);
	if (state == ASKED)
		send_request(socket, 1, CONTROL_STATUS, "", NO_DESCRIPTOR);
	if (state == STARTING)
		send_start(socket);
	if (state >= STARTED) {
		send_start(socket);
		CHECK(receive_answer(socket));
		CHECK_EQ(answer.error, 0);
	}
	if (state == CHANGING)
		send_request(socket, 1, CONTROL_FILTER, "trac*", NO_DESCRIPTOR);
	if (state == STOPPING)
		send_request(socket, 1, AGENT_STOP, "", NO_DESCRIPTOR);
	if (state == STOPPED)
		CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
}

/* The first stop opens a descriptor that stays. */
static int count_after_first(void)
{
	int socket = connect_and_say_hello();

	close(start_agent(socket, "filter=traced"));
	disconnect(socket);
	return count_descriptors();
}

static void killed(void)
{
	int descriptors = count_after_first();

	for (int round = 0; round < 2 * STATES; round++) {
		int ends[2], status;
		pid_t client;

		make_ends(ends);
		client = fork();
		CHECK(client >= 0);
		if (client == 0) {
			close(ends[0]);
			reach(ends[1], (enum state)(round % STATES));
			kill(getpid(), SIGKILL);
		}
		close(ends[1]);
		CHECK_EQ(ftrace_agent_start(ends[0]), 0);
		CHECK_EQ(waitpid(client, &status, 0), client);
		CHECK_EQ(status, SIGKILL);
		check_gone(descriptors);
	}
	CHECK_EQ(stats().gc_collections, 0);
}

/* The other end asks, and does not read the answers: nothing waits for it. */
static void unread(void)
{
	int descriptors = count_after_first(), socket = connect_and_say_hello(), error;
	struct agent_request request = {AGENT_MAGIC, 1, CONTROL_STATUS, 0, 0, ""};
	const struct timeval longest = {.tv_sec = TEST_WAIT_SECONDS / 2};

	CHECK_EQ(setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest)), 0);
	send_start(socket);
	do
		error = send_bytes(socket, &request, 20, NULL, 0);
	while (error == 0 || error == EINTR); /* this thread was stopped */
	CHECK(error == EPIPE || error == ECONNRESET); /* with requests that were not read */
	WAIT_FOR(!has_thread("ftrace-agent"));
	close(socket);
	check_gone(descriptors);
}

static bool receives(pid_t tid)
{
	char path[64], text[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	read_proc(path, text);
	return atoi(text) == SYS_recvmsg;
}

/* The library's descriptor: the only socket among the high ones. */
static int find_agents(void)
{
	for (int fd = 256; fd < 2048; fd++) {
		struct stat stat;

		if (fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode))
			return fd;
	}
	return -1;
}

/* The program closes what it does not know, and opens another socket with the number: that one is nobody's but its own. */
static void closed(void)
{
	int descriptors = count_after_first();

	for (int replaces = 0; replaces < 2; replaces++) {
		int socket = connect_and_say_hello(), agents = find_agents(), own[2], others = 0;
		char byte;

		CHECK(agents > 0);
		send_start(socket);
		CHECK(receive_answer(socket));
		CHECK_EQ(answer.error, 0);
		make_ends(own);
		WAIT_FOR(receives(find_thread("ftrace-agent"))); /* a call that has the socket */
		if (replaces) {
			CHECK_EQ(dup3(own[0], agents, O_CLOEXEC), agents);
			others = 1;
		} else {
			close(agents);
		}
		/* It has served this one, and finds then that the socket is gone. */
		send_request(socket, 9, CONTROL_STATUS, "", NO_DESCRIPTOR);
		CHECK(!receive_answer(socket));
		WAIT_FOR(!has_thread("ftrace-agent"));
		CHECK(!is_recording());
		CHECK_EQ(recv(own[1], &byte, 1, MSG_DONTWAIT), -1);
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(write(own[0], "x", 1), 1);
		CHECK_EQ(read(own[1], &byte, 1), 1);
		CHECK_EQ(fcntl(agents, F_GETFD) >= 0, others);
		if (others)
			close(agents);
		close(own[0]);
		close(own[1]);
		close(socket);
		check_gone(descriptors);
	}
}

static long memory_lines(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	long lines = 0;
	int letter;

	CHECK(maps);
	while ((letter = getc(maps)) != EOF)
		lines += letter == '\n';
	fclose(maps);
	return lines;
}

/* Again and again: nothing grows. */
static void many(int count)
{
	int descriptors = count_after_first();
	uint64_t memory = 0, now;
	long lines = 0;

	for (int i = 0; i < count; i++) {
		int socket = connect_and_say_hello();

		if (i % 4 == 0) {
			send_start(socket);
			CHECK(receive_answer(socket));
			CHECK_EQ(answer.error, 0);
			traced(i);
			clear_calls();
		}
		if (i % 8 == 0)
			CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
		disconnect(socket);
		if (i == WARM_UP) {
			memory = proc_number("/proc/self/status", "\nRssAnon:", 10);
			lines = memory_lines();
		}
	}
	check_gone(descriptors);
	now = proc_number("/proc/self/status", "\nRssAnon:", 10);
	dprintf(2, "RssAnon %lu KB, then %lu KB; %ld mappings, then %ld\n", (unsigned long)memory, (unsigned long)now, lines,
		memory_lines());
	/* Less than a KB for each connection; a thread's stack alone would be several. */
	CHECK(now < memory + (uint64_t)count);
	CHECK(memory_lines() < lines + count / 8);
	CHECK_EQ(thread_count(), 1);
	CHECK_EQ(stats().gc_collections, 0);
}

static void often(void)
{
	many(CONNECTIONS);
}

static void thousand(void)
{
	many(1000);
}

static void end_child(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/*
 * A child has no connection, and no thread; its parent's goes on. It can be traced itself, and what its parent's connection
 * has changed in it is undone then.
 */
static void forked(void)
{
	int descriptors = count_after_first(), socket = connect_and_say_hello(), fd, agents = find_agents(), hold[2];
	char byte;
	pid_t child;

	fd = start_agent(socket, "filter=traced");
	traced(1);
	CHECK_EQ(fcntl(agents, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int own;

		CHECK_EQ(fcntl(agents, F_GETFD), -1);
		CHECK_EQ(thread_count(), 1);
		traced(1);
		close(socket);
		own = connect_and_say_hello();
		send_start(own);
		CHECK(receive_answer(own));
		CHECK_EQ(answer.error, 0);
		traced(1);
		clear_calls();
		disconnect(own);
		CHECK_EQ(find_site("traced").users, 0);
		_exit(0);
	}
	end_child(child);
	traced(1);
	clear_calls();
	/* Made by a bare system call, the child has a copy of the socket: the end is seen all the same. */
	child = syscall(SYS_fork);
	CHECK(child >= 0);
	if (child == 0) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) != 0);
	}
	CHECK_EQ(ask_agent(socket, CONTROL_STATUS, ""), 0);
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
	CHECK_EQ(entries_in(fd, "traced"), 2);
	disconnect(socket);
	close(hold[1]);
	close(hold[0]);
	end_child(child);
	close(fd);
	check_gone(descriptors);
}

static volatile int stop_forking;

static void *fork_all_the_time(void *arg)
{
	int *forks = (int *)arg;

	while (!stop_forking) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			int socket;

			traced(1);
			socket = connect_agent();
			send_start(socket);
			if (!receive_answer(socket) || answer.error != 0)
				dprintf(2, "in a child: %s\n", answer.text);
			CHECK_EQ(answer.error, 0);
			traced(1);
			clear_calls();
			CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
			CHECK_EQ(find_site("traced").users, 0);
			_exit(0);
		}
		end_child(child);
		__atomic_add_fetch(forks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Forks at any moment of a recording that begins and ends. */
static void forking(void)
{
	int descriptors = count_after_first(), forks = 0, connections = 0;
	pthread_t thread = start(fork_all_the_time, &forks);

	for (; __atomic_load_n(&forks, __ATOMIC_RELAXED) < FORKS; connections++) {
		int socket = connect_agent();

		send_start(socket);
		CHECK(receive_answer(socket));
		CHECK_EQ(answer.error, 0);
		traced(1);
		clear_calls();
		close(socket);
		WAIT_FOR(!has_thread("ftrace-agent"));
	}
	stop_forking = 1;
	join(thread);
	dprintf(2, "%d forks, %d connections\n", forks, connections);
	check_gone(descriptors);
}

/* No thread can be created, or no descriptor: an error, and all is as it was. */
static void limited(void)
{
	struct rlimit before, limit;
	int ends[2], socket, last, descriptors;

	make_ends(ends);
	descriptors = count_descriptors();
	CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = 1;
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	CHECK_EQ(ftrace_agent_start(ends[0]), -EAGAIN);
	CHECK_EQ(setrlimit(RLIMIT_AS, &before), 0);
	CHECK_EQ(count_descriptors(), descriptors);

	/* The low numbers are all taken. */
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 32;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	socket = make_file();
	do
		last = dup(0);
	while (last >= 0);
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(ftrace_agent_start(ends[0]), 0);
	say_hello(ends[1]);
	CHECK_EQ(ask_with(ends[1], AGENT_START, "", socket), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	disconnect(ends[1]);
}

/* A program that has closed the first three. */
static void without_standard(void)
{
	int log = fcntl(2, F_DUPFD_CLOEXEC, 100), fd, socket;

	close(0);
	close(1);
	close(2);
	socket = connect_agent();
	CHECK_EQ(fcntl(1, F_GETFD), FD_CLOEXEC); /* our end */
	CHECK_EQ(fcntl(0, F_GETFD), -1);	 /* the library's has moved */
	say_hello(socket);
	fd = start_agent(socket, "filter=traced");
	traced(1);
	CHECK_EQ(fd, 0);
	CHECK_EQ(fcntl(2, F_GETFD), -1); /* the file has moved too */
	CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
	CHECK_EQ(entries_in(fd, "traced"), 1);
	disconnect(socket);
	dup2(log, 2);
}

static const struct mode modes[] = {
	{"killed", killed},   {"unread", unread},   {"closed", closed},	  {"often", often},
	{"forked", forked},   {"forking", forking}, {"limited", limited}, {"without-standard", without_standard},
	{"thousand", thousand}, {},
};

int main(int argc, char **argv)
{
	return run_mode(modes, argc, argv);
}
