/* SPDX-License-Identifier: MIT */
/*
 * files.c - how fast the command ftrace reads a trace of 100 million events, and in how much
 * memory. The file is written by trace_file, which takes 1.6 GB; where there is no room for it, it
 * is smaller.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

#ifndef FTRACE_COMMAND
#define FTRACE_COMMAND "ftrace"
#endif

#define SECTION	    "files"
#define EVENT_BYTES 16ul
#define MAX_MB	    256
#define LIMIT_MS    300000

static const struct reading {
	const char *name, *threads, *arguments;
	double target; /* million events a second */
} readings[] = {
	{"ftrace stat, 1 thread", "1", "stat", 20},
	{"ftrace stat, 2 threads", "2", "stat", 20},
	{"ftrace stat, 16 threads", "16", "stat", 20},
	{"ftrace stat --by-thread, 2 threads", "2", "stat --by-thread", 20},
	{"ftrace graph, 2 threads", "2", "graph -i", 0},
	{"ftrace dump --format perfetto", "2", "dump --format perfetto", 5},
	{"ftrace dump --format chrome", "2", "dump --format chrome", 3},
};

#define READINGS (int)(sizeof(readings) / sizeof(readings[0]))

static struct series speeds[READINGS], memory[READINGS];

static void run(char *const *argv, struct command *command, double *ms)
{
	char text[1024] = "";
	int status;

	*command = start_command((char **)argv);
	status = await_command(command, LIMIT_MS, text, sizeof(text), ms);
	if (status)
		fail("%s has failed (%d): %s\n", argv[0], status, text);
}

static void write_file(const char *path, unsigned long millions, const char *threads)
{
	char events[24];
	char *argv[] = {TRACE_FILE_PROGRAM, (char *)path, events, (char *)threads, NULL};
	struct command command;
	double ms;

	snprintf(events, sizeof(events), "%lu000000", millions);
	unlink(path);
	run(argv, &command, &ms);
}

static void measure(int at, const char *path, unsigned long millions)
{
	char line[256];
	char *argv[] = {"sh", "-c", line, NULL};
	struct command command;
	double ms;

	snprintf(line, sizeof(line), "exec " FTRACE_COMMAND " %s %s >/dev/null",
		 readings[at].arguments, path);
	run(argv, &command, &ms);
	add_sample(&speeds[at], millions * 1e3 / ms);
	add_sample(&memory[at], command.kib / 1024.0);
}

/* Million events for which there is room: half of what is free. */
static unsigned long choose_size(void)
{
	unsigned long most = quick ? 2 : 100, room;
	struct statvfs status;

	if (statvfs(P_tmpdir, &status))
		fail("cannot ask how much room " P_tmpdir " has\n");
	room = status.f_bavail * status.f_frsize / 2 / EVENT_BYTES / 1000000;
	if (!room)
		fail(P_tmpdir " is full\n");
	return room < most ? room : most;
}

void bench_files(void)
{
	unsigned long millions = choose_size();
	char path[64], text[80];

	snprintf(path, sizeof(path), P_tmpdir "/ftrace-bench-%d.trace", getpid());
	for (int round = 0, rounds = quick ? 1 : 3; round < rounds; round++) {
		for (int at = 0; at < READINGS; at++) {
			if (at == 0 || strcmp(readings[at].threads, readings[at - 1].threads))
				write_file(path, millions, readings[at].threads);
			measure(at, path, millions);
		}
	}
	unlink(path);
	snprintf(text, sizeof(text), "The files have %lu million events.", millions);
	add_note(SECTION, text);
	for (int at = 0; at < READINGS; at++) {
		add_row(&(struct comparison){
			.section = SECTION,
			.what = readings[at].name,
			.unit = "M events/s",
			.ours = &speeds[at],
			.relation = REACHES,
			.target = readings[at].target,
		});
		add_row(&(struct comparison){
			.section = SECTION,
			.what = readings[at].name,
			.unit = "MB",
			.ours = &memory[at],
			.relation = WITHIN,
			.target = MAX_MB,
		});
	}
}
