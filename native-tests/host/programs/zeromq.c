/* SPDX-License-Identifier: MIT */
/*
 * zeromq.c - two pairs of sockets of libzmq, over TCP on the loopback device and inside of
 * the process. Its threads have every signal blocked; they run the program's function that
 * frees what was sent.
 */
#include "../../test.h"
#include "../../threads.h"
#include "work.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#define BATCH	    50
#define TIMEOUT_MS  60000
#define LONG_ENOUGH 2000 /* bytes: short messages are copied, and freed at once */

static void *context;
static atomic_ulong freed;

static void work_free(void *data, void *hint)
{
	(void)hint;
	work_verify(freed++);
	free(data);
}

static void *new_socket(int type)
{
	void *socket = zmq_socket(context, type);
	int timeout = TIMEOUT_MS, none = 0;

	CHECK(socket);
	CHECK_EQ(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	CHECK_EQ(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout, sizeof(timeout)), 0);
	CHECK_EQ(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)), 0);
	return socket;
}

/* Calls of libzmq end with EINTR where a signal interrupts them, as its manual says. */
#define AGAIN(call)                                                                                \
	({                                                                                         \
		int result_;                                                                       \
		while ((result_ = (call)) < 0 && errno == EINTR)                                   \
			;                                                                          \
		result_;                                                                           \
	})

/* Sends back what it gets. */
static void *echo(void *socket)
{
	for (;;) {
		zmq_msg_t message;
		size_t size;

		CHECK_EQ(zmq_msg_init(&message), 0);
		CHECK(AGAIN(zmq_msg_recv(&message, socket, 0)) >= 0);
		size = zmq_msg_size(&message);
		CHECK(AGAIN(zmq_msg_send(&message, socket, 0)) >= 0);
		if (size == 0)
			return NULL;
	}
}

static void send_unit(void *socket, unsigned long number)
{
	uint64_t *data = calloc(1, LONG_ENOUGH);
	zmq_msg_t message;

	CHECK(data);
	data[0] = number;
	data[1] = work_unit(number % WORK_SEEDS);
	CHECK_EQ(zmq_msg_init_data(&message, data, LONG_ENOUGH, work_free, NULL), 0);
	CHECK_EQ(AGAIN(zmq_msg_send(&message, socket, 0)), LONG_ENOUGH);
}

static void receive_unit(void *socket, unsigned long number)
{
	uint64_t data[LONG_ENOUGH / sizeof(uint64_t)];

	CHECK_EQ(AGAIN(zmq_recv(socket, data, sizeof(data), 0)), LONG_ENOUGH);
	CHECK_EQ(data[0], number);
	CHECK_EQ(data[1], work_unit(number % WORK_SEEDS));
}

int main(void)
{
	void *sockets[2], *others[2];
	pthread_t threads[2];
	char address[128] = "inproc://units";
	size_t size = sizeof(address);
	unsigned long units = 0;

	context = zmq_ctx_new();
	CHECK(context);
	for (int i = 0; i < 2; i++) {
		sockets[i] = new_socket(ZMQ_PAIR);
		others[i] = new_socket(ZMQ_PAIR);
	}
	CHECK_EQ(zmq_bind(sockets[0], address), 0);
	CHECK_EQ(zmq_connect(others[0], address), 0);
	CHECK_EQ(zmq_bind(sockets[1], "tcp://127.0.0.1:*"), 0);
	CHECK_EQ(zmq_getsockopt(sockets[1], ZMQ_LAST_ENDPOINT, address, &size), 0);
	CHECK_EQ(zmq_connect(others[1], address), 0);
	for (int i = 0; i < 2; i++)
		threads[i] = start(echo, others[i]);
	for (; work_continues(5); units += BATCH) {
		for (int i = 0; i < 2; i++) {
			for (unsigned long unit = units; unit < units + BATCH; unit++)
				send_unit(sockets[i], unit);
			for (unsigned long unit = units; unit < units + BATCH; unit++)
				receive_unit(sockets[i], unit);
		}
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(AGAIN(zmq_send(sockets[i], "", 0, 0)), 0);
		join(threads[i]);
		CHECK_EQ(zmq_close(sockets[i]), 0);
		CHECK_EQ(zmq_close(others[i]), 0);
	}
	CHECK_EQ(AGAIN(zmq_ctx_term(context)), 0);
	CHECK_EQ(freed, 2 * units);
	printf("%#lx\n", work_checksum());
	return 0;
}
