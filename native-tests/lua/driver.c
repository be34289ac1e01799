/* SPDX-License-Identifier: MIT */
/*
 * driver.c - runs Lua scripts in several threads, each with its own states.
 *
 * Shows that a program nobody here wrote computes the same while its code is
 * patched: built once as it is and once with WITH_FTRACE (toggle.h), it must
 * write the same bytes. Each thread runs all scripts, beginning with a different
 * one, so that the threads are in different code. What a thread's scripts write goes to
 * OUT_DIR/THREAD.out.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "toggle.h"

#define MAX_THREADS 4

struct worker {
	pthread_t thread;
	int index;
	int failed;
};

static const char *out_dir;
static int rounds;
static int nr_scripts;
static char **scripts;
static atomic_uint running;

/* Lua's print writes to stdout, which the threads share. */
static const char prelude[] = "io.output(assert(io.open(..., 'a')))\n"
			      "function print(...)\n"
			      "	local t = table.pack(...)\n"
			      "	for i = 1, t.n do t[i] = tostring(t[i]) end\n"
			      "	io.write(table.concat(t, '\\t'), '\\n')\n"
			      "end\n";

static int run_script(const char *script, const char *out)
{
	lua_State *L = luaL_newstate();
	int failed;

	if (L == NULL) {
		fprintf(stderr, "%s: no memory for a state\n", script);
		return 1;
	}
	luaL_openlibs(L);
	failed = luaL_loadstring(L, prelude);
	if (!failed) {
		lua_pushstring(L, out);
		failed = lua_pcall(L, 1, 0, 0);
	}
	if (!failed)
		failed = luaL_loadfile(L, script) || lua_pcall(L, 0, 0, 0);
	if (failed)
		fprintf(stderr, "%s: %s\n", script, lua_tostring(L, -1));
	lua_close(L);
	return failed;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	char out[4096];

	snprintf(out, sizeof(out), "%s/%d.out", out_dir, worker->index);
	toggle_thread_begin();
	for (int i = 0; i < rounds * nr_scripts; i++)
		worker->failed |= run_script(scripts[(worker->index + i) % nr_scripts], out);
	toggle_thread_end();
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	struct worker workers[MAX_THREADS] = {0};
	struct timespec start;
	int nr_threads = argc > 5 ? atoi(argv[2]) : 0;
	int failed = 0;

	if (nr_threads < 1 || nr_threads > MAX_THREADS || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: %s OUT_DIR THREADS ROUNDS METHOD SCRIPT...\n", argv[0]);
		return 2;
	}
	out_dir = argv[1];
	rounds = atoi(argv[3]);
	scripts = argv + 5;
	nr_scripts = argc - 5;

	toggle_init(argv[4]);
	atomic_store(&running, (unsigned int)nr_threads);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < nr_threads; i++) {
		int error;

		workers[i].index = i;
		error = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (error) {
			fprintf(stderr, "pthread_create: %s\n", strerror(error));
			return 1;
		}
	}
	toggle_while(&running);
	for (int i = 0; i < nr_threads; i++) {
		pthread_join(workers[i].thread, NULL);
		failed |= workers[i].failed;
	}
	fprintf(stderr, "  %-24s %.2f\n", VARIANT " run, seconds", seconds_since(&start));
	return toggle_report() | failed ? 1 : 0;
}
