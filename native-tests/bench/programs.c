/* SPDX-License-Identifier: MIT */
/*
 * programs.c - how long whole programs take that the command records, from their start until the
 * file is finished: against uftrace, and untouched. programs.sh makes the programs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

#ifndef FTRACE_COMMAND
#define FTRACE_COMMAND "ftrace"
#endif

#define SECTION	 "whole programs"
#define LIMIT_MS 600000

enum way { UNTOUCHED, TRACEABLE, FLIGHT, STREAM, UFTRACE, WAYS };

static const struct program {
	const char *name, *file, *arguments;
	bool prints_times; /* so what it prints is not the same each time */
} programs[] = {
	{"Lua 5.4, five scripts", "lua", "scripts.lua", false},
	{"SQLite, speedtest1", "speedtest1", "--size 10 --memdb", true},
};

#define PROGRAM_COUNT (int)(sizeof(programs) / sizeof(programs[0]))

/* How each is called: a variant of the program, and its arguments, follow. */
static const struct {
	const char *name, *command, *variant;
} ways[WAYS] = {
	[UNTOUCHED] = {"untouched", "", "plain"},
	[TRACEABLE] = {"not recorded", "", "traced"},
	[FLIGHT] = {"ftrace record", FTRACE_COMMAND " record -q -o flight.data", "traced"},
	[STREAM] = {"ftrace record --stream",
		    FTRACE_COMMAND " record --stream -b 16M --max-size 8G -o stream.data",
		    "traced"},
	[UFTRACE] = {"uftrace record", "uftrace record --no-libcall --no-event -d uftrace.data",
		     "uftrace"},
};

static struct series series[PROGRAM_COUNT][WAYS], lost[PROGRAM_COUNT];
static bool has_uftrace = true;

static int run_line(const char *line, char *text, size_t size, double *ms)
{
	char *argv[] = {"sh", "-c", (char *)line, NULL};
	struct command command = start_command(argv);

	text[0] = '\0';
	return await_command(&command, LIMIT_MS, text, size, ms);
}

/* False, and rows are left out, if the programs cannot be made. */
static bool make_programs(void)
{
	char text[1024], why[96], *end;
	double ms;
	int status = run_line(PROGRAMS_SCRIPT " " PROGRAMS_FOLDER, text, sizeof(text), &ms);

	if (!status)
		return true;
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	if (status != 3)
		fail("%s\n", text);
	snprintf(why, sizeof(why), "%.90s", text);
	leave_out("sources", why);
	leave_out("uftrace", why);
	return false;
}

/* Million events that are not in the file: the command's summary ends with "; 5 events lost" if
 * there are any. */
static double read_lost(const char *summary)
{
	double events = 0;

	for (const char *at = summary; (at = strstr(at, "; ")); at++) {
		char word[8] = "";

		if (sscanf(at, "; %lf event%*[s] %7s", &events, word) == 2 && !strcmp(word, "lost"))
			return events / 1e6;
	}
	return 0;
}

static void run_way(int at, enum way way)
{
	const struct program *program = &programs[at];
	char line[512], text[1024];
	double ms;
	int status;

	snprintf(line, sizeof(line), "%s ./%s-%s %s >%s.out", ways[way].command, program->file,
		 ways[way].variant, program->arguments, ways[way].variant);
	status = run_line(line, text, sizeof(text), &ms);
	if (status)
		fail("%s has failed (%d): %.300s\n", line, status, text);
	add_sample(&series[at][way], ms / 1e3);
	if (way == STREAM)
		add_sample(&lost[at], read_lost(text));
	snprintf(line, sizeof(line), "cmp plain.out %s.out && test -e %s", ways[way].variant,
		 way == FLIGHT	  ? "flight.data"
		 : way == STREAM  ? "stream.data"
		 : way == UFTRACE ? "uftrace.data"
				  : ".");
	if (!program->prints_times && run_line(line, text, sizeof(text), &ms))
		fail("%s, %s: prints something else, or was not recorded\n", program->name,
		     ways[way].name);
	run_line("rm -rf flight.data* stream.data* uftrace.data*", text, sizeof(text), &ms);
}

static void add_program_row(int at, enum way way, enum way peer, double target)
{
	char what[64];

	snprintf(what, sizeof(what), "%s: %s", programs[at].name, ways[way].name);
	add_row(&(struct comparison){
		.section = SECTION,
		.what = what,
		.unit = "s",
		.ours = &series[at][way],
		.peer = ways[peer].name,
		.peers = &series[at][peer],
		.relation = AT_MOST,
		.target = target,
	});
}

void bench_programs(void)
{
	char *before = get_current_dir_name(), text[256], what[64];
	int count = quick ? 1 : PROGRAM_COUNT;
	double ms;

	if (!before || !make_programs())
		return;
	if (chdir(PROGRAMS_FOLDER))
		fail(PROGRAMS_FOLDER ": %s\n", strerror(errno));
	has_uftrace = !run_line("command -v uftrace", text, sizeof(text), &ms);
	if (!has_uftrace)
		leave_out("uftrace", NULL);
	for (int round = 0, rounds = quick ? 1 : 5; round < rounds; round++) {
		for (int at = 0; at < count; at++) {
			for (int way = 0; way < WAYS - !has_uftrace; way++)
				run_way(at, (enum way)way);
		}
	}
	if (chdir(before))
		fail("%s: %s\n", before, strerror(errno));
	free(before);
	for (int at = 0; at < count; at++) {
		add_program_row(at, TRACEABLE, UNTOUCHED, 0);
		add_program_row(at, FLIGHT, UNTOUCHED, 0);
		add_program_row(at, STREAM, UNTOUCHED, 0);
		add_program_row(at, FLIGHT, UFTRACE, 1);
		add_program_row(at, STREAM, UFTRACE, 1);
		snprintf(what, sizeof(what), "%s: lost from the stream", programs[at].name);
		add_row(&(struct comparison){
			.section = SECTION,
			.what = what,
			.unit = "M events",
			.ours = &lost[at],
		});
	}
}
