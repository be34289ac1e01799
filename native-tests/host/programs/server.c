/* SPDX-License-Identifier: MIT */
/*
 * server.c - a server as many are: every thread has every signal blocked, one takes them with
 * sigwait(). Each signal that is sent arrives there, no other does, and each request gets its
 * answer.
 */
#include "../../test.h"
#include "../../threads.h"
#include "work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKERS 4
#define CLIENTS 2

static int listener;
static struct sockaddr_in address;
static atomic_ulong signals, requests;
static atomic_bool finish;

static bool whole(int socket, bool out, uint64_t *word)
{
	long done = out ? send(socket, word, sizeof(*word), MSG_NOSIGNAL)
			: recv(socket, word, sizeof(*word), MSG_WAITALL);

	CHECK(done == sizeof(*word) || done == 0);
	return done;
}

static void work_serve(int socket)
{
	uint64_t word;

	while (whole(socket, false, &word)) {
		word = work_unit(word);
		CHECK(whole(socket, true, &word));
	}
}

static void *worker(void *arg)
{
	for (;;) {
		int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		/* shutdown() of the listener ends it. */
		if (socket < 0) {
			CHECK_EQ(errno, EINVAL);
			return arg;
		}
		work_serve(socket);
		close(socket);
	}
}

static void *client(void *arg)
{
	for (unsigned long i = (unsigned long)arg; !finish; i++) {
		int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		CHECK(file >= 0);
		CHECK_EQ(connect(file, (struct sockaddr *)&address, sizeof(address)), 0);
		for (uint64_t j = 0; j < 10; j++) {
			uint64_t seed = (i + j) % WORK_SEEDS, word = seed;

			CHECK(whole(file, true, &word) && whole(file, false, &word));
			CHECK_EQ(word, work_unit(seed));
			requests++;
		}
		close(file);
	}
	return NULL;
}

static void *taker(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int signo;

		CHECK_EQ(sigwait(&all, &signo), 0);
		if (signo == SIGTERM)
			return arg;
		if (signo != SIGUSR1) {
			dprintf(2, "signal %d, which nobody has sent\n", signo);
			_exit(1);
		}
		work_verify(signals);
		signals++;
	}
}

int main(void)
{
	pthread_t threads[WORKERS + CLIENTS + 1];
	socklen_t length = sizeof(address);
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(listener >= 0);
	address = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK_EQ(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(listener, 128), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	for (int i = 0; i < WORKERS; i++)
		threads[i] = start(worker, NULL);
	threads[WORKERS] = start(taker, NULL);
	for (long i = 0; i < CLIENTS; i++)
		threads[WORKERS + 1 + i] = start(client, (void *)i);
	while (work_continues(50)) {
		unsigned long seen = signals, served = requests;

		CHECK_EQ(kill(getpid(), SIGUSR1), 0);
		WAIT_FOR(signals == seen + 1);
		WAIT_FOR(requests > served);
	}
	finish = true;
	for (int i = 0; i < CLIENTS; i++)
		join(threads[WORKERS + 1 + i]);
	CHECK_EQ(shutdown(listener, SHUT_RDWR), 0);
	for (int i = 0; i < WORKERS; i++)
		join(threads[i]);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	join(threads[WORKERS]);
	printf("%#lx\n", work_checksum());
	return 0;
}
