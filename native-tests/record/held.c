/* SPDX-License-Identifier: MIT */
/*
 * held.c - preloaded: threads that are created do nothing, as if they got no CPU until the process ends. For programs
 * that create none themselves.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static void *hold(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	(void)start;
	create = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
	return create(thread, attr, hold, arg);
}
