/* SPDX-License-Identifier: MIT */
/*
 * malformed.c - packets that are no requests. The process is not harmed, nothing is recorded, and no descriptor is left;
 * and a connection that goes on serves the next request.
 */
#include "../modes.h"
#include "../record/control.h"
#include "client.h"

#include <stdlib.h>

#define MOST_FDS 8

static TRACED int traced(int x)
{
	return x + 1;
}

static uint64_t random_state;

static unsigned int random_below(unsigned int bound)
{
	random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
	return (random_state >> 33) % bound;
}

struct packet {
	struct agent_request request;
	char more[2048];
	size_t size;
	int descriptors;
};

static struct packet packet_of(unsigned int kind, const char *text)
{
	struct packet packet = {{AGENT_MAGIC, 1, kind, 0, strlen(text), ""}, "", 20 + strlen(text), 0};

	memcpy(packet.request.text, text, strlen(text));
	return packet;
}

static int send_packet(int socket, const struct packet *packet)
{
	int fds[MOST_FDS], error;

	for (int i = 0; i < packet->descriptors; i++)
		fds[i] = make_file();
	error = send_bytes(socket, &packet->request, packet->size, fds, packet->descriptors);
	for (int i = 0; i < packet->descriptors; i++)
		close(fds[i]);
	return error;
}

/* It gets an error, and the next request is served. */
static void rejected(int socket, const struct packet *packet, int error)
{
	int descriptors = count_descriptors();

	CHECK_EQ(send_packet(socket, packet), 0);
	CHECK(receive_answer(socket));
	CHECK_EQ(answer.error, error);
	CHECK(answer.length && answer.text[answer.length - 1] == '\n');
	CHECK(!is_recording());
	CHECK_EQ(count_descriptors(), descriptors);
	say_hello(socket);
}

/* The connection ends. */
static void hung_up(const struct packet *packet)
{
	int descriptors = count_descriptors(), socket = connect_agent();

	CHECK_EQ(send_packet(socket, packet), 0);
	CHECK(!receive_answer(socket));
	disconnect(socket);
	CHECK_EQ(count_descriptors(), descriptors);
}

static void table(void)
{
	int socket = connect_agent();
	struct packet packet;

	packet = packet_of(1000, "");
	rejected(socket, &packet, EOPNOTSUPP);
	packet = packet_of(0, "");
	rejected(socket, &packet, EOPNOTSUPP);
	packet = packet_of(UINT32_MAX, "");
	rejected(socket, &packet, EOPNOTSUPP);
	packet = packet_of(AGENT_HELLO, "version=1\npid=1");
	packet.request.flags = 1;
	rejected(socket, &packet, EINVAL);
	packet = packet_of(CONTROL_FILTER, "traced");
	packet.request.flags = 2;
	rejected(socket, &packet, EINVAL);
	packet = packet_of(CONTROL_FILTER, "traced");
	packet.request.text[2] = '\0';
	rejected(socket, &packet, EINVAL);
	packet = packet_of(AGENT_START, "depth=1");
	packet.request.text[7] = '\0';
	packet.size++;
	packet.request.length++;
	packet.descriptors = 1;
	rejected(socket, &packet, EINVAL);
	packet = packet_of(CONTROL_FILTER, "traced");
	packet.request.length--;
	rejected(socket, &packet, EINVAL);
	packet.request.length += 2;
	rejected(socket, &packet, EINVAL);
	packet.request.length = UINT32_MAX;
	rejected(socket, &packet, E2BIG);
	packet.request.length = AGENT_LONGEST_TEXT + 1;
	rejected(socket, &packet, E2BIG);

	/* Longer than any request: the rest is not taken for the next one. */
	packet = packet_of(AGENT_HELLO, "");
	packet.request.length = AGENT_LONGEST_TEXT;
	packet.size = 20 + AGENT_LONGEST_TEXT + 1;
	memset(packet.request.text, 'x', AGENT_LONGEST_TEXT);
	rejected(socket, &packet, E2BIG);
	packet.size = sizeof(packet.request) + sizeof(packet.more);
	packet.descriptors = 1;
	rejected(socket, &packet, E2BIG);

	/* As long as one can be. */
	packet.size = 20 + AGENT_LONGEST_TEXT;
	packet.descriptors = 0;
	rejected(socket, &packet, EINVAL);
	memset(packet.request.text, '\n', AGENT_LONGEST_TEXT);
	rejected(socket, &packet, EINVAL);

	/* Descriptors that nobody has asked for. */
	packet = packet_of(AGENT_HELLO, "version=1\npid=1");
	packet.descriptors = 1;
	rejected(socket, &packet, EINVAL);
	packet = packet_of(CONTROL_STATUS, "");
	packet.descriptors = 1;
	rejected(socket, &packet, EINVAL);
	packet = packet_of(AGENT_START, "");
	packet.descriptors = 2;
	rejected(socket, &packet, EINVAL);
	packet.descriptors = MOST_FDS;
	rejected(socket, &packet, EINVAL);
	packet.descriptors = 1;
	packet.request.flags = 1;
	rejected(socket, &packet, EINVAL);
	disconnect(socket);

	packet = packet_of(AGENT_HELLO, "");
	packet.size = 19;
	hung_up(&packet);
	packet.descriptors = 1;
	hung_up(&packet);
	packet.descriptors = MOST_FDS;
	hung_up(&packet);
	packet.size = 1;
	hung_up(&packet);
	packet.size = 0;
	hung_up(&packet);
	packet.descriptors = 0;
	hung_up(&packet);
	packet = packet_of(AGENT_HELLO, "");
	packet.request.magic++;
	hung_up(&packet);
	CHECK_EQ(stats().gc_collections, 0);
}

static const char *const texts[] = {
	"", "version=1\npid=1\nname=x", "filter=traced", "filter=traced\nbuffer=128K", "traced", "*", "[", "1", "0", "depth=1\nhz=100",
	"mode=stream\nfilter=traced", "traced:traceoff", "/proc/none/x", "plugin=sample", "clock=monotonic", "min_time=1us",
};

static struct packet random_packet(void)
{
	static const unsigned int kinds[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 16, 17, 17, 17, 18, 18, 0, 11, 19, 255};
	struct packet packet = packet_of(kinds[random_below(sizeof(kinds) / sizeof(*kinds))],
					 texts[random_below(sizeof(texts) / sizeof(*texts))]);

	packet.descriptors = packet.request.kind == AGENT_START ? 1 : 0;
	if (random_below(3) == 0)
		packet.descriptors = random_below(MOST_FDS);
	switch (random_below(10)) {
	case 0:
		packet.size = random_below(sizeof(packet.request) + sizeof(packet.more));
		break;
	case 1:
		packet.request.length = random_below(2) ? random_below(5000) : ~random_below(5000);
		break;
	case 2:
		packet.request.flags = random_below(4);
		break;
	case 3: /* bits in what was whole */
		for (unsigned int i = random_below(8); i; i--)
			((unsigned char *)&packet)[random_below(packet.size)] ^= 1 << random_below(8);
		break;
	case 4:
		for (unsigned int i = 20; i < packet.size; i++)
			packet.request.text[i - 20] = random_below(256);
		break;
	}
	return packet;
}

/* Any packets, for some time. */
static void storm(uint64_t seed, unsigned int seconds)
{
	uint64_t deadline = now_ns() + seconds * 1000000000UL, sent = 0, served = 0;
	int descriptors = count_descriptors();

	random_state = seed;
	dprintf(2, "seed %lu\n", (unsigned long)seed);
	while (now_ns() < deadline) {
		int socket = connect_agent();

		for (int i = random_below(50); i >= 0; i--) {
			struct packet packet = random_packet();

			sent++;
			traced(i);
			if (send_packet(socket, &packet) != 0 || !receive_answer(socket))
				break;
			served += answer.error == 0;
		}
		disconnect(socket);
		CHECK_EQ(find_site("traced").users, 0);
		CHECK_EQ(count_descriptors(), descriptors);
	}
	dprintf(2, "%lu packets, %lu of them without an error\n", (unsigned long)sent, (unsigned long)served);
	CHECK(served);
	CHECK_EQ(stats().gc_collections, 0);
}

int main(int argc, char **argv)
{
	CHECK(argc >= 2);
	if (strcmp(argv[1], "table") == 0)
		table();
	else
		storm(argc > 3 ? strtoul(argv[3], NULL, 10) : now_ns(), atoi(argv[2]));
	return 0;
}
