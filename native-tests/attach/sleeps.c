/* SPDX-License-Identifier: MIT */
/*
 * sleeps.c - a target of attach: one thread that blocks in a system call, over and over. It
 * checks the result of each call, errno, and that the call took as long as asked.
 *
 *	sleeps CALL [blocked]		blocked: all signals are blocked
 */
#include "shared.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 30
#define WAIT_NS (WAIT_MS * 1000000l)
#define ERRNO_BEFORE 77
#define INTERRUPTED  2

static int sockets[2], epoll, timer, listener;
static struct shared *shared;
static volatile sig_atomic_t alarms;
static sigset_t none, user, with_alarm;
static long wait_ns = WAIT_NS;

static void count(int signo)
{
	alarms++;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct timespec later(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += wait_ns;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void set_alarm(void)
{
	/* Again and again: the first one may come before the call. */
	struct timeval t = {wait_ns / 1000000000, wait_ns / 1000 % 1000000};
	struct itimerval in = {t, t};

	alarms = 0;
	setitimer(ITIMER_REAL, &in, 0);
}

static int stop_alarm(void)
{
	struct itimerval in = {0};

	setitimer(ITIMER_REAL, &in, 0);
	return alarms == 0;
}

static int start_child(void)
{
	struct timespec t = {wait_ns / 1000000000, wait_ns % 1000000000};
	int child = fork();

	if (child == 0) {
		while (nanosleep(&t, &t))
			;
		_exit(3);
	}
	return child;
}

/* Each returns 0 if the call had the right result; a call that is to fail has its errno set back. */
static int fails_with(long result, int error)
{
	if (result != -1 || errno != error)
		return result == -1 && errno == EINTR ? INTERRUPTED : 1;
	errno = ERRNO_BEFORE;
	return 0;
}

/* Likewise of calls that time out with 0. */
static int only_interrupted(long result)
{
	return result == -1 && errno == EINTR ? INTERRUPTED : result;
}

static int wait_once(const char *call)
{
	struct timespec t = {wait_ns / 1000000000, wait_ns % 1000000000};
	int ms = wait_ns / 1000000;
	struct pollfd pfd = {sockets[0], POLLIN, 0};
	struct epoll_event event;
	char byte;
	int status;

	if (!strcmp(call, "nanosleep"))
		return nanosleep(&t, 0);
	if (!strcmp(call, "clock_nanosleep")) {
		t = later(CLOCK_REALTIME);
		return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, 0);
	}
	if (!strcmp(call, "poll"))
		return poll(&pfd, 1, ms);
	if (!strcmp(call, "ppoll"))
		return ppoll(&pfd, 1, &t, &none);
	if (!strcmp(call, "select")) {
		struct timeval tv = {t.tv_sec, t.tv_nsec / 1000};
		fd_set set;

		FD_ZERO(&set);
		FD_SET(sockets[0], &set);
		return select(sockets[0] + 1, &set, 0, 0, &tv);
	}
	if (!strcmp(call, "pselect")) {
		fd_set set;

		FD_ZERO(&set);
		FD_SET(sockets[0], &set);
		return pselect(sockets[0] + 1, &set, 0, 0, &t, &none);
	}
	if (!strcmp(call, "epoll_wait"))
		return only_interrupted(epoll_wait(epoll, &event, 1, ms));
	if (!strcmp(call, "epoll_pwait"))
		return only_interrupted(epoll_pwait(epoll, &event, 1, ms, &none));
	if (!strcmp(call, "read")) {
		struct itimerspec in = {.it_value = t};
		uint64_t expired = 0;

		timerfd_settime(timer, 0, &in, 0);
		return read(timer, &expired, sizeof(expired)) != sizeof(expired) || expired != 1;
	}
	if (!strcmp(call, "readv")) {
		struct itimerspec in = {.it_value = t};
		uint64_t expired = 0;
		struct iovec v = {&expired, sizeof(expired)};

		timerfd_settime(timer, 0, &in, 0);
		return readv(timer, &v, 1) != sizeof(expired) || expired != 1;
	}
	if (!strcmp(call, "recv"))
		return fails_with(recv(sockets[0], &byte, 1, 0), EAGAIN);
	if (!strcmp(call, "recvmsg")) {
		struct iovec v = {&byte, 1};
		struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};

		return fails_with(recvmsg(sockets[0], &message, 0), EAGAIN);
	}
	if (!strcmp(call, "accept"))
		return fails_with(accept(listener, 0, 0), EAGAIN);
	if (!strcmp(call, "pause")) {
		set_alarm();
		return fails_with(pause(), EINTR) || stop_alarm();
	}
	if (!strcmp(call, "sigsuspend")) {
		sigprocmask(SIG_BLOCK, &with_alarm, 0);
		set_alarm();
		return fails_with(sigsuspend(&none), EINTR) || stop_alarm();
	}
	if (!strcmp(call, "sigtimedwait"))
		return fails_with(sigtimedwait(&user, 0, &t), EAGAIN);
	if (!strcmp(call, "wait4")) {
		int child = start_child();

		return waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 3;
	}
	if (!strcmp(call, "waitid")) {
		siginfo_t info;
		int child = start_child();

		return waitid(P_PID, child, &info, WEXITED) || info.si_pid != child || info.si_status != 3;
	}
	if (!strcmp(call, "condition")) {
		static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
		static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

		t = later(CLOCK_REALTIME);
		pthread_mutex_lock(&mutex);
		status = pthread_cond_timedwait(&cond, &mutex, &t);
		pthread_mutex_unlock(&mutex);
		return status != ETIMEDOUT;
	}
	if (!strcmp(call, "semaphore")) {
		static sem_t semaphore;

		t = later(CLOCK_REALTIME);
		return fails_with(sem_timedwait(&semaphore, &t), ETIMEDOUT);
	}
	fprintf(stderr, "sleeps: no call %s\n", call);
	_exit(64);
}

int main(int argc, char **argv)
{
	const struct timeval timeout = {0, WAIT_MS * 1000};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct sigaction act = {.sa_handler = count};
	struct epoll_event event = {.events = EPOLLIN};
	const char *call = argv[1];

	shared = map_shared();
	sigemptyset(&none);
	sigemptyset(&user);
	sigaddset(&user, SIGUSR2);
	sigemptyset(&with_alarm);
	sigaddset(&with_alarm, SIGALRM);
	sigaction(SIGALRM, &act, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
	setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (void *)&name, sizeof(name.sun_family)) || listen(listener, 1))
		return 2;
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[0], &event);
	if (argc > 2 && !strcmp(argv[2], "blocked")) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, 0);
	} else if (argc > 2) {
		wait_ns = atol(argv[2]) * 1000000;
	}

	errno = ERRNO_BEFORE;
	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		uint64_t end, begin = now();
		int wrong, error;

		__atomic_store_n(&shared->began, begin, __ATOMIC_RELEASE);
		wrong = wait_once(call);
		error = errno;
		end = now();
		__atomic_store_n(&shared->ended, end, __ATOMIC_RELEASE);

		/* The clocks of timeouts are read at other instants than this one: a tick less. */
		if (wrong == INTERRUPTED) {
			__atomic_add_fetch(&shared->interrupted, 1, __ATOMIC_RELAXED);
		} else if (wrong || error != ERRNO_BEFORE || end - begin < (uint64_t)wait_ns - 4000000) {
			fprintf(stderr, "sleeps %s: %s, errno %d, after %lu us\n", call, wrong ? "wrong result" : "right result", error,
				(end - begin) / 1000);
			__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
		}
		errno = ERRNO_BEFORE;
		__atomic_add_fetch(&shared->progress, 1, __ATOMIC_RELEASE);
	}
	return shared->bad ? 1 : 42;
}
