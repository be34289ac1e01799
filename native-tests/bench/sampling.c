/* SPDX-License-Identifier: MIT */
/*
 * sampling.c - a program that only computes, while the recorder takes samples of it with the stack,
 * against perf record, and not sampled.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

#ifndef FTRACE_COMMAND
#define FTRACE_COMMAND "ftrace"
#endif

#define CALLS (quick ? "20000000" : "200000000")
#define RATES 2

enum way { UNTOUCHED, FTRACE, PERF, WAYS };

static const char *const rates[RATES] = {"1000", "10000"};
static struct series series[RATES][WAYS];

/* ms that the calls took, by the program's own clock; 0: the tool is not there. */
static double run(enum way way, const char *hz, const char *file)
{
	char *commands[WAYS][16] = {
		[UNTOUCHED] = {PROGRAMS "/calls_plain", CALLS, NULL},
		[FTRACE] = {FTRACE_COMMAND, "record", "-q", "-p", "sample", "--hz", (char *)hz,
			    "-o", (char *)file, PROGRAMS "/calls_plain", CALLS, NULL},
		[PERF] = {"perf", "record", "-q", "-e", "cpu-clock", "-g", "-F", (char *)hz, "-o",
			  (char *)file, PROGRAMS "/calls_plain", CALLS, NULL},
	};
	char text[4096] = "";
	struct stat status;
	const char *took;
	double ms;
	int code;

	unlink(file);
	code = run_command(commands[way], text, sizeof(text), &ms);
	took = strstr(text, "took ");
	if (way == PERF && (code || !took))
		return 0;
	if (code || !took)
		fail("%s has failed (%d): %s\n", commands[way][0], code, text);
	/* A sampler that did nothing would be a fast one. */
	if (way != UNTOUCHED && (stat(file, &status) || status.st_size < 4096))
		fail("%s has recorded nothing\n", commands[way][0]);
	unlink(file);
	return strtod(took + 5, NULL) / 1e6;
}

void bench_sampling(void)
{
	char file[64], old[80];
	bool has_perf = true;

	snprintf(file, sizeof(file), P_tmpdir "/ftrace-bench-%d.samples", getpid());
	for (int round = 0, rounds = quick ? 3 : 20; round < rounds; round++) {
		for (int rate = 0; rate < RATES; rate++) {
			for (enum way way = 0; way < WAYS; way++) {
				double ms =
					way == PERF && !has_perf ? 0 : run(way, rates[rate], file);

				if (ms)
					add_sample(&series[rate][way], ms);
				else
					has_perf = false;
			}
		}
	}
	snprintf(old, sizeof(old), "%s.old", file);
	unlink(old);
	if (!has_perf)
		leave_out("linux-perf", NULL);
	for (int rate = 0; rate < RATES; rate++) {
		char what[64];

		snprintf(what, sizeof(what), "a thread that computes, %s samples a second",
			 rates[rate]);
		for (enum way way = 0; way < WAYS; way++) {
			if (way != FTRACE)
				add_row(&(struct comparison){
					.section = "sampling",
					.what = what,
					.unit = "ms",
					.ours = &series[rate][FTRACE],
					.peer = way == PERF ? "perf record -g" : "not sampled",
					.peers = &series[rate][way],
					.relation = AT_MOST,
					.target = way == PERF ? 1 : 0,
				});
		}
	}
}
