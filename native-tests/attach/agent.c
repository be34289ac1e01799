/* SPDX-License-Identifier: MIT */
/* agent.c - a small library in the place of libftrace: tests of attach load it often. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void *serve(void *fd)
{
	char byte;

	while (read((int)(long)fd, &byte, 1) > 0)
		;
	close((int)(long)fd);
	return 0;
}

EXPORT int ftrace_agent_start(int fd)
{
	pthread_attr_t detached;
	pthread_t thread;
	int error;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &detached, serve, (void *)(long)fd);
	pthread_attr_destroy(&detached);
	return -error;
}

#ifdef CONSTRUCTOR
/* As constructors fail. */
static __attribute__((constructor)) void construct(void)
{
	CONSTRUCTOR;
}
#endif
