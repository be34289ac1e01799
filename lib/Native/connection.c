/* SPDX-License-Identifier: MIT */
/*
 * connection.c - a thread that serves another process, by a socket: docs/agent.md. Who is connected can have the process
 * recorded, and the recording ends with the connection, however that ends.
 *
 * There is at most one connection, and the thread ends with it. It enters the C# side for one request at a time; nothing
 * waits for it.
 *
 * The descriptor belongs to the library, but the host may close it, and then have another file with its number. So it is
 * looked at before each use, and only its owner, the thread, closes it, with the mutex held; so does another thread
 * that wakes it. The other end may be anybody's: all that comes from there is checked, and what goes
 * there does not wait.
 *
 * Who may run against whom: the fields of struct connection are changed with the mutex held. The child of a fork has a copy
 * of the descriptor, which it closes, and nothing else.
 */
#include "record_settings.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <ftrace/agent.h>

#define MAGIC		 0x47415446U /* FTAG */
#define LONGEST_TEXT	 4096
#define LONGEST_NAME	 64
#define MOST_DESCRIPTORS 4 /* that a request is looked through for, and they closed */
#define MOST_SETTINGS	 32
#define STACK_SIZE	 (1024 * 1024) /* as the agent's: names are compared */
#define FIRST_DESCRIPTOR 512	       /* lib/Record/RecordFile.cs */
#define FIRST_PAUSE_NS	 10000000L
#define LONGEST_PAUSE_NS 10000000000L

enum { HELLO = 16, START, STOP };

struct request {
	unsigned int magic, number, kind, flags, length;
	char text[LONGEST_TEXT + 1];
};

struct answer {
	unsigned int magic, number;
	int error;
	unsigned int length;
	char text[LONGEST_LINE];
};

#define REQUEST_HEADER offsetof(struct request, text)
#define ANSWER_HEADER  offsetof(struct answer, text)

_Static_assert(REQUEST_HEADER == 20 && ANSWER_HEADER == 16, "docs/agent.md");

static struct connection {
	pthread_mutex_t mutex;
	int held;
	int ending; /* its other end is gone */
	unsigned int number;
	int process;
	int fd;
	dev_t device;
	ino_t inode;
	unsigned int holder; /* the process at the other end; 0: it has not said */
	char name[LONGEST_NAME];
} connection = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

static int current_process(void)
{
	return raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static void close_descriptor(int fd)
{
	raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* The descriptor still is that of the socket. */
static int is_ours(void)
{
	struct stat stat;

	return connection.fd >= 0 && raw_syscall(SYS_fstat, connection.fd, (long)&stat, 0, 0, 0, 0) == 0 &&
	       stat.st_dev == connection.device && stat.st_ino == connection.inode;
}

static void add_field(struct line *line, const char *key, unsigned int value)
{
	line_add(line, key);
	line_add(line, "=");
	line_add_number(line, value);
	line_add(line, "\n");
}

/* Does not wait. Returns 0 if the other end does not read. */
static int send_answer(int fd, unsigned int number, int error, const struct line *line)
{
	struct answer answer = {.magic = MAGIC, .number = number, .error = -error, .length = line->length};
	long size = ANSWER_HEADER + line->length;

	memcpy(answer.text, line->text, line->length);
	return raw_syscall(SYS_sendto, fd, (long)&answer, size, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0) == size;
}

/* The words of a text, lines KEY=VALUE, from another process. */
struct field {
	char *name;
	char *value;
	int is_known;
};

struct fields {
	struct record_source source;
	struct field fields[MOST_SETTINGS];
	unsigned int count;
};

/* Splits the text, in which there is no 0 but at its end. Returns 0 or -errno, and then the line that is wrong. */
static int split(struct fields *fields, char *text, char **wrong)
{
	char *line, *rest = text;

	fields->count = 0;
	while ((line = strsep(&rest, "\n"))) {
		struct field *field = &fields->fields[fields->count];
		char *value = strchr(line, '=');

		if (!*line)
			continue;
		*wrong = line;
		if (fields->count == MOST_SETTINGS)
			return -E2BIG;
		if (!value)
			return -EINVAL;
		*value = '\0';
		for (unsigned int i = 0; i < fields->count; i++)
			if (strcmp(fields->fields[i].name, line) == 0)
				return -EEXIST;
		*field = (struct field){.name = line, .value = value + 1};
		fields->count++;
	}
	return 0;
}

static struct field *find(struct fields *fields, const char *name)
{
	for (unsigned int i = 0; i < fields->count; i++)
		if (strcasecmp(fields->fields[i].name, name) == 0)
			return &fields->fields[i];
	return NULL;
}

/* Of struct record_source. Empty is as not set. */
static const char *value_of(const struct record_source *source, const char *name)
{
	struct field *field = find((struct fields *)source, name);

	if (!field)
		return NULL;
	field->is_known = 1;
	return *field->value ? field->value : NULL;
}

static void add_name(struct line *line, const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char letter[2] = {name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i]};

		line_add(line, letter);
	}
}

static const struct field *find_unknown(const struct fields *fields)
{
	for (unsigned int i = 0; i < fields->count; i++)
		if (!fields->fields[i].is_known)
			return &fields->fields[i];
	return NULL;
}

static int report_line(struct line *line, const char *wrong, int error)
{
	line_add_value(line, wrong);
	line_add(line, error == -E2BIG	? ": too many lines; docs/agent.md has the settings" :
		       error == -EEXIST ? ": is set twice; set it once" :
					  ": must be NAME=VALUE");
	return error == -EEXIST ? -EINVAL : error;
}

static int start_recording(const struct fields *fields, int fd, unsigned int number, struct line *line)
{
	struct record_settings settings = {.opts.size = sizeof(settings.opts)};
	struct line path = {.text = "fd:", .length = 3};
	const struct field *unknown;
	const char *wrong, *allowed;
	int error;

	wrong = record_read_settings(&settings, &fields->source, &allowed);
	if (wrong) {
		record_report_value(line, &fields->source, wrong, allowed);
		return -EINVAL;
	}
	unknown = find_unknown(fields);
	if (unknown) {
		line_add_value(line, unknown->name);
		line_add(line, ": no such setting; docs/agent.md has the settings");
		return -EINVAL;
	}
	line_add_number(&path, fd);
	path.text[path.length] = '\0';
	settings.opts.path = path.text;
	settings.start.owner = number;
	error = ftrace_record_start(&settings.opts, &settings.start);
	if (error == -EBUSY && !settings.start.stage)
		line_add(line, "a recording runs already: the program, its environment or this connection has started it; "
			       "end that one first");
	else if (error == -EINVAL && !settings.start.stage)
		line_add(line, "the settings do not go together: hz is too large, or plugin=sample has a filter");
	else if (error)
		record_explain(line, &settings, &fields->source, path.text, error);
	return error;
}

/* @fd: -1: the request had none. Closed here, unless the recording has it. */
static int start(struct request *request, int fd, unsigned int number, struct line *line)
{
	struct fields fields = {.source = {.value = value_of, .add_name = add_name}};
	struct stat before, after;
	char *wrong = NULL;
	int error;

	if (fd < 0) {
		line_add(line, "no file came with the request; send one descriptor");
		return -EINVAL;
	}
	error = split(&fields, request->text, &wrong);
	if (error) {
		close_descriptor(fd);
		return report_line(line, wrong, error);
	}
	if (raw_syscall(SYS_fstat, fd, (long)&before, 0, 0, 0, 0) != 0)
		return -EBADF;
	error = start_recording(&fields, fd, number, line);
	/* How far it came is not known: it may be closed already, and be another file's. */
	if (error && raw_syscall(SYS_fstat, fd, (long)&after, 0, 0, 0, 0) == 0 && before.st_dev == after.st_dev &&
	    before.st_ino == after.st_ino)
		close_descriptor(fd);
	return error;
}

static int stop(unsigned int number, struct line *line)
{
	int error = ftrace_record_stop(number);

	if (error == -ESRCH)
		line_add(line, "no recording of this connection runs");
	return error;
}

static void add_version(struct line *line)
{
	line_add(line, "version=1\nlibrary=");
	line_add(line, ftrace_version());
	line_add(line, "\n");
}

/* What others are told of the holder is printed: so nothing but letters, digits and the like. */
static void note_holder(const char *pid, const char *name)
{
	size_t length = name ? strnlen(name, LONGEST_NAME - 1) : 0;

	pthread_mutex_lock(&connection.mutex);
	connection.holder = strtoul(pid, NULL, 10);
	for (size_t i = 0; i < length; i++)
		connection.name[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	connection.name[length] = '\0';
	pthread_mutex_unlock(&connection.mutex);
}

static int is_number(const char *text)
{
	return *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text);
}

static int hello(struct request *request, struct line *line)
{
	struct fields fields = {.source = {.value = value_of, .add_name = add_name}};
	struct ftrace_tracing_status status = {.size = sizeof(status)};
	const char *version, *pid;
	char *wrong = NULL;
	int error = split(&fields, request->text, &wrong);

	if (error)
		return report_line(line, wrong, error);
	version = value_of(&fields.source, "version");
	pid = value_of(&fields.source, "pid");
	if (!version || !is_number(version) || !pid || !is_number(pid)) {
		line_add(line, "version and pid must be numbers");
		return -EINVAL;
	}
	if (strcmp(version, "1") != 0) {
		add_version(line);
		return -EPROTONOSUPPORT;
	}
	error = ftrace_tracing_get_status(&status);
	if (error)
		return error;
	note_holder(pid, value_of(&fields.source, "name"));
	add_version(line);
	add_field(line, "pid", current_process());
	add_field(line, "recording", status.state & FTRACE_TRACING_STATE_RUNNING ? 1 : 0);
	return 0;
}

static int change(const struct request *request, struct line *line)
{
	struct control_request change = {.kind = request->kind,
					 .flags = request->flags,
					 .text = (char *)request->text,
					 .answer = line->text,
					 .length = request->length};
	int error = ftrace_record_request(&change);

	line->length = change.answer_length;
	return error;
}

/* Executes a request that is whole. */
static int execute(struct request *request, int fd, unsigned int number, struct line *line)
{
	if (fd >= 0 && request->kind != START) {
		close_descriptor(fd);
		line_add(line, "the request takes no descriptor");
		return -EINVAL;
	}
	if (request->flags && request->kind >= HELLO) {
		if (fd >= 0)
			close_descriptor(fd);
		return -EINVAL;
	}
	switch (request->kind) {
	case HELLO:
		return hello(request, line);
	case START:
		return start(request, fd, number, line);
	case STOP:
		return stop(number, line);
	default:
		return change(request, line);
	}
}

/*
 * Takes the descriptors that came with a packet. Returns one of them, if there is just one; -1: there is none; else
 * -errno, and all are closed.
 */
static int take_descriptors(struct msghdr *message)
{
	int fds[MOST_DESCRIPTORS], count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		int more = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (int i = 0; i < more && count < MOST_DESCRIPTORS; i++)
			memcpy(&fds[count++], CMSG_DATA(part) + i * sizeof(int), sizeof(int));
	}
	if (count == 1 && !(message->msg_flags & MSG_CTRUNC))
		return fds[0];
	if (count == 0)
		return message->msg_flags & MSG_CTRUNC ? -EMFILE : -1;
	while (count > 0)
		close_descriptor(fds[--count]);
	return -EINVAL;
}

/* Waits for a packet. Returns its size, 0 also for an empty one; -1 if there will be none any more. */
static long receive(struct msghdr *message)
{
	for (;;) {
		struct pollfd state = {.fd = connection.fd, .events = POLLIN};
		long size;

		if (!is_ours())
			return -1;
		size = raw_syscall(SYS_recvmsg, connection.fd, (long)message, MSG_CMSG_CLOEXEC, 0, 0, 0);
		if (size == -EAGAIN)
			raw_syscall(SYS_poll, (long)&state, 1, -1, 0, 0, 0);
		else if (size != -EINTR)
			return size < 0 ? -1 : size;
		message->msg_controllen = CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int));
	}
}

/* What is wrong with a packet whose header is whole. */
static int check(const struct request *request, long size, int flags)
{
	if (flags & MSG_TRUNC || request->length > LONGEST_TEXT)
		return -E2BIG;
	if (request->length != size - REQUEST_HEADER || memchr(request->text, '\0', request->length))
		return -EINVAL;
	return 0;
}

/* Serves one request. Returns 0 if there will be none any more. */
static int serve(unsigned int number)
{
	struct request request;
	char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec data = {&request, REQUEST_HEADER + LONGEST_TEXT};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct line line = {.length = 0};
	long size = receive(&message);
	int fd = size >= 0 ? take_descriptors(&message) : -1, error; /* an empty packet can have some */

	if (size < (long)REQUEST_HEADER || request.magic != MAGIC) {
		if (fd >= 0)
			close_descriptor(fd);
		return 0;
	}
	error = check(&request, size, message.msg_flags);
	if (error && fd >= 0)
		close_descriptor(fd);
	if (!error && fd < -1)
		error = fd;
	if (!error) {
		request.text[request.length] = '\0';
		error = execute(&request, fd, number, &line);
	}
	if (error && !line.length)
		line_add(&line, ftrace_strerror(error));
	if (error && line.length && line.length < LONGEST_LINE && line.text[line.length - 1] != '\n')
		line_add(&line, "\n");
	return is_ours() && send_answer(connection.fd, request.number, error, &line);
}

/* It may take some attempts: a thread does not stop. */
static void end_recording(unsigned int number)
{
	long pause = FIRST_PAUSE_NS;
	int error;

	while (error = ftrace_record_stop(number), error && error != -ESRCH) {
		struct timespec time = {.tv_sec = pause / 1000000000L, .tv_nsec = pause % 1000000000L};

		raw_syscall(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
		pause = pause * 2 < LONGEST_PAUSE_NS ? pause * 2 : LONGEST_PAUSE_NS;
	}
}

/* With the mutex held. Forked children may have copies of it: the other end is to notice all the same. */
static void hang_up(void)
{
	if (is_ours()) {
		raw_syscall(SYS_shutdown, connection.fd, SHUT_RDWR, 0, 0, 0, 0);
		close_descriptor(connection.fd);
	}
	connection.fd = -1;
	connection.held = 0;
}

static void *connection_main(void *arg)
{
	unsigned int number = (unsigned long)arg;
	struct line line = {.length = 0};
	unsigned long mask;
	int error;

	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace-agent", 0, 0, 0, 0);
	error = ftrace_record_mask(&mask);
	if (error == 0) {
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
		while (serve(number))
			;
	} else if (is_ours()) {
		send_answer(connection.fd, 0, error, &line);
	}
	pthread_mutex_lock(&connection.mutex);
	connection.ending = 1;
	pthread_mutex_unlock(&connection.mutex);
	end_recording(number);
	pthread_mutex_lock(&connection.mutex);
	hang_up();
	pthread_mutex_unlock(&connection.mutex);
	return NULL;
}

static int create_thread(unsigned int number)
{
	unsigned long all = ~0UL, saved_mask;
	pthread_attr_t attr;
	pthread_t thread;
	int error = pthread_attr_init(&attr);

	if (error)
		return -error;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&saved_mask, 8, 0, 0);
	error = __real_pthread_create(&thread, &attr, connection_main, (void *)(unsigned long)number);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
	pthread_attr_destroy(&attr);
	return -error;
}

static long get_option(int fd, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);
	long error = raw_syscall(SYS_getsockopt, fd, SOL_SOCKET, option, (long)&value, (long)&size, 0);

	return error < 0 ? error : value;
}

/* A connected socket of the right kind. */
static int check_socket(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	long domain = get_option(fd, SO_DOMAIN);

	if (domain < 0)
		return domain;
	if (domain != AF_UNIX || get_option(fd, SO_TYPE) != SOCK_SEQPACKET)
		return -EINVAL;
	return raw_syscall(SYS_getpeername, fd, (long)&peer, (long)&size, 0, 0, 0);
}

/* A high descriptor for the same socket, if there is one. */
int descriptor_move_up(int fd)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
	long first = FIRST_DESCRIPTOR, moved;

	raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
	if (limit.rlim_cur / 2 < FIRST_DESCRIPTOR)
		first = limit.rlim_cur / 2;
	moved = fd < first ? raw_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, first, 0, 0, 0) : -1;
	if (moved >= 0)
		return moved;
	raw_syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC, 0, 0, 0);
	return fd;
}

static void tell_holder(int fd)
{
	struct line line = {.length = 0};

	line_add(&line, "holder=");
	line_add_number(&line, connection.holder);
	line_add(&line, " ");
	line_add(&line, *connection.name ? connection.name : "unknown");
	line_add(&line, connection.ending ? "\nending=1\n" : "\n");
	send_answer(fd, 0, -EBUSY, &line);
}

/* With the mutex held. */
static int begin(int fd, unsigned int holder)
{
	struct stat stat;
	int error, moved;

	if (connection.held) {
		tell_holder(fd);
		return -EBUSY;
	}
	error = raw_syscall(SYS_fstat, fd, (long)&stat, 0, 0, 0, 0);
	if (error)
		return error;
	moved = descriptor_move_up(fd);
	connection.fd = moved;
	connection.device = stat.st_dev;
	connection.inode = stat.st_ino;
	connection.process = current_process();
	connection.holder = holder;
	connection.name[0] = '\0';
	connection.ending = 0;
	connection.number += connection.number == UINT_MAX ? 2 : 1;
	error = create_thread(connection.number);
	if (moved != fd)
		close_descriptor(error ? moved : fd);
	if (error) {
		connection.fd = -1;
		return error;
	}
	connection.held = 1;
	return 0;
}

/* Serves a socket, which is the library's from then on. @holder: the process at the other end; 0: not known. */
int connection_start(int fd, unsigned int holder)
{
	int error = check_socket(fd);

	if (error)
		return error;
	/* The copy of another process, which was created by a bare system call. */
	if (connection.held && connection.process != current_process())
		connection_after_fork();
	pthread_mutex_lock(&connection.mutex);
	error = begin(fd, holder);
	pthread_mutex_unlock(&connection.mutex);
	return error;
}

/* Ends the connection once the requests are served that were sent before: the recording was ended. */
void connection_end(unsigned int number)
{
	if (connection.process != current_process())
		return;
	pthread_mutex_lock(&connection.mutex);
	if (connection.held && connection.number == number && is_ours())
		raw_syscall(SYS_shutdown, connection.fd, SHUT_RD, 0, 0, 0, 0);
	pthread_mutex_unlock(&connection.mutex);
}

/* In the child of a fork, however it was created: there is no connection. */
void connection_after_fork(void)
{
	pthread_mutex_init(&connection.mutex, NULL);
	if (connection.held && is_ours())
		close_descriptor(connection.fd);
	connection.fd = -1;
	connection.held = 0;
}
