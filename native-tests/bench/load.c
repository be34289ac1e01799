/* SPDX-License-Identifier: MIT */
/*
 * load.c - what loading the library adds to a process: time, threads, resident
 * memory. Measured by load_probe, a program of its own that is started anew for
 * each sample, against a C library of one page.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ftrace/version.h>

#include "bench.h"
#include "gate_peer.h"

extern char **environ;

struct loads {
	struct series us, threads, kib;
};

static void load_once(const char *library, struct loads *loads)
{
	char *argv[] = {LOAD_PROBE, (char *)library, NULL};
	posix_spawn_file_actions_t actions;
	double us, threads, kib;
	int fds[2], status;
	FILE *output;
	pid_t pid;

	if (pipe(fds))
		fail("cannot create a pipe\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ))
		fail("cannot start %s\n", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);

	output = fdopen(fds[0], "r");
	if (!output || fscanf(output, "%lf %lf %lf", &us, &threads, &kib) != 3)
		fail("%s %s failed\n", argv[0], library);
	fclose(output);
	if (waitpid(pid, &status, 0) != pid || status)
		fail("%s %s ended with status %#x\n", argv[0], library, status);
	add_sample(&loads->us, us);
	add_sample(&loads->threads, threads);
	add_sample(&loads->kib, kib);
}

static const char *file_of(const void *symbol)
{
	Dl_info info;

	if (!dladdr(symbol, &info))
		fail("cannot find the file of a library\n");
	return info.dli_fname;
}

static void add_load_row(const char *what, const char *unit, const struct series *ours,
			 const struct series *plain)
{
	add_row(&(struct comparison){
		.section = "load",
		.what = what,
		.unit = unit,
		.n = 1,
		.ours = ours,
		.peer = plain ? "plain C library" : NULL,
		.peers = plain,
	});
}

void bench_load(void)
{
	static struct loads ours, plain;

	for (int i = 0, rounds = quick ? 3 : 20; i < rounds; i++) {
		load_once(file_of(ftrace_version), &ours);
		load_once(file_of(peer_nmi_enter), &plain);
	}
	add_load_row("dlopen in a fresh process", "us", &ours.us, &plain.us);
	add_load_row("threads added", "threads", &ours.threads, NULL);
	add_load_row("resident memory added", "KiB", &ours.kib, &plain.kib);
}
