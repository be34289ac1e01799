/* SPDX-License-Identifier: MIT */
/*
 * loaded.c - a program with many threads that knows nothing of the library: it is opened while they run, as `ftrace attach` opens
 * it, and told to record, and to end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ftrace/ftrace.h>

static __typeof__(ftrace_agent_start) *agent_start;
static __typeof__(ftrace_tracing_get_status) *get_status;

#define ftrace_agent_start	  agent_start
#define ftrace_tracing_get_status get_status

#include "../threads.h"
#include "client.h"

#define THREADS 4

static unsigned long calls[THREADS];
static int ends;

static TRACED unsigned long work(unsigned long x)
{
	return x + 1;
}

static void *run(void *arg)
{
	unsigned long *count = (unsigned long *)arg;

	while (!__atomic_load_n(&ends, __ATOMIC_RELAXED)) {
		unsigned long value = work(*count);

		CHECK_EQ(value, *count + 1);
		__atomic_store_n(count, value, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void wait_for_calls(void)
{
	unsigned long before[THREADS];

	for (int i = 0; i < THREADS; i++)
		before[i] = __atomic_load_n(&calls[i], __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		WAIT_FOR(__atomic_load_n(&calls[i], __ATOMIC_RELAXED) > before[i] + 100);
}

int main(void)
{
	pthread_t threads[THREADS];
	void *library;
	uint64_t count;

	for (int i = 0; i < THREADS; i++)
		threads[i] = start(run, &calls[i]);
	wait_for_calls();
	library = dlopen(FTRACE_LIBRARY, RTLD_NOW | RTLD_NODELETE);
	if (!library)
		dprintf(2, "%s\n", dlerror());
	CHECK(library);
	agent_start = (__typeof__(agent_start))dlsym(library, "ftrace_agent_start");
	get_status = (__typeof__(get_status))dlsym(library, "ftrace_tracing_get_status");
	CHECK(agent_start && get_status);
	count = thread_count();
	for (int round = 0; round < 2; round++) {
		int socket = connect_and_say_hello(), fd = start_agent(socket, "filter=work\nbuffer=128K");

		wait_for_calls();
		CHECK_EQ(ask_agent(socket, AGENT_STOP, ""), 0);
		wait_for_calls();
		disconnect(socket);
		CHECK(entries_in(fd, "work") > THREADS * 100);
		close(fd);
		WAIT_FOR(thread_count() == count);
	}
	ends = 1;
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	return 0;
}
