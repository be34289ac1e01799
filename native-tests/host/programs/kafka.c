/* SPDX-License-Identifier: MIT */
/*
 * kafka.c - a producer and a consumer of librdkafka, whose threads have every signal
 * blocked, and its own mock of a cluster, on the loopback device. Each message is checked.
 * Functions of the program run on the threads of the library, as interceptors do.
 */
#include "../../test.h"
#include "work.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define TOPIC	   "units"
#define BATCH	   50
#define TIMEOUT_MS 60000

static atomic_ulong delivered, sent_requests;

static void work_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	(void)producer, (void)opaque;
	CHECK_EQ(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
	delivered++;
}

static void work_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client;
	if (level < 4)
		dprintf(2, "%s: %s\n", facility, text);
}

/* On the thread of a broker. */
static rd_kafka_resp_err_t work_request_sent(rd_kafka_t *client, int socket, const char *broker,
					     int32_t id, int16_t key, int16_t version,
					     int32_t correlation, size_t size, void *opaque)
{
	(void)client, (void)socket, (void)broker, (void)id, (void)key, (void)version,
		(void)correlation, (void)size, (void)opaque;
	work_verify(sent_requests++);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t work_new_client(rd_kafka_t *client, const rd_kafka_conf_t *conf,
					   void *opaque, char *error, size_t size)
{
	(void)conf, (void)error, (void)size;
	return rd_kafka_interceptor_add_on_request_sent(client, "host", work_request_sent, opaque);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char error[256];

	if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) != RD_KAFKA_CONF_OK) {
		dprintf(2, "%s: %s\n", name, error);
		_exit(1);
	}
}

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	char error[256];

	rd_kafka_conf_set_log_cb(conf, work_log);
	CHECK_EQ(rd_kafka_conf_interceptor_add_on_new(conf, "host", work_new_client, NULL), 0);
	if (brokers)
		set(conf, "bootstrap.servers", brokers);
	else
		set(conf, "test.mock.num.brokers", "1");
	if (type == RD_KAFKA_PRODUCER) {
		rd_kafka_conf_set_dr_msg_cb(conf, work_delivered);
		set(conf, "linger.ms", "1");
	} else {
		set(conf, "group.id", "host");
		set(conf, "auto.offset.reset", "earliest");
		set(conf, "enable.auto.commit", "false");
		set(conf, "fetch.wait.max.ms", "10");
	}
	client = rd_kafka_new(type, conf, error, sizeof(error));
	if (!client) {
		dprintf(2, "rd_kafka_new: %s\n", error);
		_exit(1);
	}
	return client;
}

static void produce(rd_kafka_t *producer, unsigned long from)
{
	for (unsigned long i = from; i < from + BATCH; i++) {
		uint64_t message[2] = {i, work_unit(i % WORK_SEEDS)};

		CHECK_EQ(rd_kafka_producev(
				 producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(0),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
				 RD_KAFKA_V_VALUE(message, sizeof(message)), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	CHECK_EQ(rd_kafka_flush(producer, TIMEOUT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	CHECK_EQ(delivered, from + BATCH);
}

static void consume(rd_kafka_t *consumer, unsigned long from)
{
	for (unsigned long i = from; i < from + BATCH; i++) {
		rd_kafka_message_t *message = NULL;
		const uint64_t *words;

		while (!message) {
			message = rd_kafka_consumer_poll(consumer, TIMEOUT_MS);
			CHECK(message);
			/* The topic may not be known to it yet. */
			if (message->err) {
				CHECK(!rd_kafka_message_errstr(message) || !from);
				rd_kafka_message_destroy(message);
				message = NULL;
			}
		}
		words = message->payload;
		CHECK_EQ(message->len, 2 * sizeof(*words));
		CHECK_EQ(words[0], i);
		CHECK_EQ(words[1], work_unit(i % WORK_SEEDS));
		rd_kafka_message_destroy(message);
	}
}

int main(void)
{
	rd_kafka_t *producer, *consumer;
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
	unsigned long messages = 0;
	sigset_t all, none;

	/*
	 * The thread of the mock takes signals as the one does that starts it, and ends if one
	 * interrupts its poll().
	 */
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, &none), 0);
	producer = new_client(RD_KAFKA_PRODUCER, NULL);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &none, NULL), 0);
	cluster = rd_kafka_handle_mock_cluster(producer);
	CHECK(cluster);
	CHECK_EQ(rd_kafka_mock_topic_create(cluster, TOPIC, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	consumer = new_client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
	CHECK_EQ(rd_kafka_poll_set_consumer(consumer), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_add(parts, TOPIC, 0)->offset = 0;
	CHECK_EQ(rd_kafka_assign(consumer, parts), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(parts);
	for (; work_continues(5); messages += BATCH) {
		produce(producer, messages);
		consume(consumer, messages);
	}
	CHECK(sent_requests > 0);
	CHECK_EQ(rd_kafka_consumer_close(consumer), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_destroy(consumer);
	rd_kafka_destroy(producer);
	printf("%#lx\n", work_checksum());
	return 0;
}
