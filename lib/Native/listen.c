/* SPDX-License-Identifier: MIT */
/*
 * listen.c - FTRACE_CONTROL=PATH: a socket by which this process can be traced; docs/agent.md. Whoever connects is served by
 * connection.c.
 *
 * The socket is made under another name, PATH.PID, and gets its own when it listens: so one that refuses connections is
 * what an ended process has left, and is replaced. Two processes may want to do that at the same time: it is exchanged, and put back if it
 * was not the one that was looked at.
 *
 * The program runs all the same if it cannot listen, and prints one line. A program that was started by one with the same variable
 * prints nothing: that one listens.
 */
#include "line.h"
#include "record_env.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define VARIABLE       "FTRACE_CONTROL"
#define NO_CONTROL     "; the program cannot be traced by it\n"
#define LONGEST_NAME   96 /* with the process id it fits into a socket's address */
#define OWNER_ONLY     0600
#define BACKLOG	       4
#define STACK_SIZE     (256 * 1024)
#define PAUSE_NS       100000000L
#define SILENCE_MS     10000
#define RENAME_NEW     1 /* RENAME_NOREPLACE */
#define RENAME_SWAPPED 2 /* RENAME_EXCHANGE */

_Static_assert(LONGEST_NAME + sizeof(".2147483647") <= sizeof(((struct sockaddr_un *)0)->sun_path), "it does not fit");

/*
 * @fd: the socket, whose identity @socket is. The host may close it, and have another file with its number
 * @path: absolute: the host may change its directory; @file: its identity
 */
static struct {
	int fd;
	int process;
	struct stat socket;
	struct stat file;
	char path[PATH_MAX];
} listener = {.fd = -1};

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

static int is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int is_ours(void)
{
	struct stat now;

	return listener.fd >= 0 && raw_syscall(SYS_fstat, listener.fd, (long)&now, 0, 0, 0, 0) == 0 &&
	       is_same(&now, &listener.socket);
}

static int look_at(const char *path, struct stat *stat)
{
	return raw_syscall(SYS_newfstatat, AT_FDCWD, (long)path, (long)stat, AT_SYMLINK_NOFOLLOW, 0, 0);
}

static void remove_name(const char *path)
{
	raw_syscall(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
}

static int rename_to(const char *from, const char *to, unsigned int how)
{
	return raw_syscall(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, how, 0);
}

/* The file is removed at exit if it is still ours; else the next process finds that nobody listens there. */
static void remove_file(void)
{
	struct stat now;

	if (*listener.path && listener.process == current_process() && look_at(listener.path, &now) == 0 &&
	    is_same(&now, &listener.file))
		remove_name(listener.path);
}

__attribute__((destructor)) static void end_listening(void)
{
	remove_file();
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, path);
	return address;
}

/* Nobody listens at what is there. */
static int is_left_over(const char *path, struct stat *found)
{
	struct sockaddr_un address = address_of(path);
	int fd, error;

	if (look_at(path, found) != 0 || !S_ISSOCK(found->st_mode))
		return 0;
	fd = raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
	if (fd < 0)
		return 0;
	error = raw_syscall(SYS_connect, fd, (long)&address, sizeof(address), 0, 0, 0);
	close_descriptor(fd);
	return error == -ECONNREFUSED;
}

/* Gives the socket its name. Returns 0 or -errno. */
static int give_name(const char *made, const char *path)
{
	int error = rename_to(made, path, RENAME_NEW);
	struct stat found, replaced;

	if (error != -EEXIST)
		return error;
	if (!is_left_over(path, &found))
		return -EADDRINUSE;
	error = rename_to(made, path, RENAME_SWAPPED);
	if (error)
		return error;
	if (look_at(made, &replaced) == 0 && !is_same(&replaced, &found)) {
		rename_to(made, path, RENAME_SWAPPED);
		return -EADDRINUSE;
	}
	remove_name(made);
	return 0;
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un address = address_of(path);
	int error = raw_syscall(SYS_bind, fd, (long)&address, sizeof(address), 0, 0, 0);
	struct stat found;

	if (error != -EADDRINUSE || look_at(path, &found) != 0 || !S_ISSOCK(found.st_mode))
		return error;
	/* An earlier program of this process, or an earlier process with this id, was killed at this point. */
	remove_name(path);
	return raw_syscall(SYS_bind, fd, (long)&address, sizeof(address), 0, 0, 0);
}

/* The mode is that of the socket when it is bound: the umask of the process, which is not ours to change, can only take bits away. */
static int make_socket(int fd, const char *path)
{
	struct line made = {.length = 0};
	int error;

	line_add(&made, path);
	line_add(&made, ".");
	line_add_number(&made, current_process());
	made.text[made.length] = '\0';
	error = raw_syscall(SYS_fchmod, fd, OWNER_ONLY, 0, 0, 0, 0);
	error = error ? error : bind_to(fd, made.text);
	if (error)
		return error;
	error = raw_syscall(SYS_listen, fd, BACKLOG, 0, 0, 0, 0);
	error = error ? error : look_at(made.text, &listener.file);
	error = error ? error : give_name(made.text, path);
	if (error)
		remove_name(made.text);
	return error;
}

/* Only the user that the process runs as, and root. */
static int is_allowed(const struct ucred *peer)
{
	return peer->uid == 0 || peer->uid == (uid_t)raw_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0);
}

/*
 * Who only connects to see whether somebody listens, as is_left_over() does in another process, must not be taken for the
 * holder of the connection, not even for a moment.
 */
static int asks_anything(int fd)
{
	long deadline = now_ns() + SILENCE_MS * 1000000L, left, ready;
	struct pollfd state = {.fd = fd, .events = POLLIN};
	char byte;

	/* The stop signal interrupts it. */
	do {
		left = deadline - now_ns();
		ready = raw_syscall(SYS_poll, (long)&state, 1, left > 0 ? left / 1000000 : 0, 0, 0, 0);
	} while (ready == -EINTR && left > 0);
	return ready == 1 &&
	       raw_syscall(SYS_recvfrom, fd, (long)&byte, 1, MSG_PEEK | MSG_DONTWAIT, 0, 0) > 0;
}

/* A socket that is closed before all was read from it takes the answer away from the other end. */
static void refuse(int fd)
{
	char byte;

	while (raw_syscall(SYS_recvfrom, fd, (long)&byte, 1, MSG_DONTWAIT, 0, 0) > 0)
		;
	close_descriptor(fd);
}

static void serve(int fd)
{
	struct ucred peer = {};
	socklen_t size = sizeof(peer);

	if (raw_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size, 0) != 0 || !is_allowed(&peer) ||
	    connection_refuses(fd) || !asks_anything(fd) || connection_start(fd, peer.pid) != 0)
		refuse(fd);
}

static void *listen_main(void *arg)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	unsigned long mask;

	(void)arg;
	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace-listen", 0, 0, 0, 0);
	if (ftrace_record_mask(&mask) == 0)
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
	while (is_ours()) {
		struct pollfd state = {.fd = listener.fd, .events = POLLIN};
		long fd = raw_syscall(SYS_accept4, listener.fd, 0, 0, SOCK_CLOEXEC, 0, 0);

		if (fd >= 0)
			serve(fd);
		else if (fd == -EAGAIN)
			raw_syscall(SYS_poll, (long)&state, 1, -1, 0, 0, 0);
		else if (fd == -EBADF || fd == -EINVAL || fd == -ENOTSOCK)
			break;
		else if (fd != -EINTR && fd != -ECONNABORTED)
			raw_syscall(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
	}
	remove_file();
	return NULL;
}

static int create_thread(void)
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
	error = __real_pthread_create(&thread, &attr, listen_main, NULL);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
	pthread_attr_destroy(&attr);
	return -error;
}

/* Notes the path as an absolute one. */
static int note_path(const char *path)
{
	long length = 0;

	if (strlen(path) > LONGEST_NAME)
		return -ENAMETOOLONG;
	if (*path != '/') {
		length = raw_syscall(SYS_getcwd, (long)listener.path, sizeof(listener.path) - LONGEST_NAME - 1, 0, 0, 0, 0);
		if (length <= 0)
			return length ? length : -ENOENT;
		listener.path[length - 1] = '/';
	}
	strcpy(listener.path + length, path);
	return 0;
}

static int begin(const char *path)
{
	int error = note_path(path), fd;

	if (error)
		return error;
	fd = raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	listener.fd = descriptor_move_up(fd);
	listener.process = current_process();
	if (listener.fd != fd)
		close_descriptor(fd);
	error = raw_syscall(SYS_fstat, listener.fd, (long)&listener.socket, 0, 0, 0, 0);
	error = error ? error : make_socket(listener.fd, path);
	if (!error) {
		error = create_thread();
		if (error)
			remove_file();
	}
	if (error) {
		close_descriptor(listener.fd);
		listener.fd = -1;
		*listener.path = '\0';
	}
	return error;
}

static const char *reason_of(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return "another process listens there, or it is no socket; choose another path";
	case -ENAMETOOLONG:
		return "the path is longer than 96 bytes; choose a shorter one";
	case -ENOENT:
	case -ENOTDIR:
		return "there is no such directory; create it";
	case -EACCES:
	case -EPERM:
		return "permission denied; choose a directory that you may write to";
	case -EROFS:
		return "the file system is read-only; choose another one";
	case -EAGAIN:
		return "no thread can be created; raise the limit (ulimit -u)";
	case -EMFILE:
	case -ENFILE:
		return "too many files are open; raise the limit (ulimit -n)";
	default:
		return "there can be no socket; choose another path";
	}
}

void listen_from_environment(void)
{
	const char *path = secure_getenv(VARIABLE);
	struct line line = {.length = 0};
	int error;

	if (!path || !*path)
		return;
	error = begin(path);
	if (!error || (error == -EADDRINUSE && record_is_descendant(VARIABLE, path)))
		return;
	line_add(&line, "ftrace: " VARIABLE "=");
	line_add_value(&line, path);
	line_add(&line, ": ");
	line_add(&line, reason_of(error));
	line_print(&line, NO_CONTROL);
}

/* In the child of a fork, however it was created: the parent listens. */
void listen_after_fork(void)
{
	if (listener.process == current_process())
		return;
	if (is_ours())
		close_descriptor(listener.fd);
	listener.fd = -1;
	*listener.path = '\0';
}
