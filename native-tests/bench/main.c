/* SPDX-License-Identifier: MIT */
/*
 * main.c - the bench: what the library costs, each number beside a peer that was
 * measured in the same run, taking turns. It reports, it never fails a target.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ftrace/version.h>

#include "bench.h"
#include "cpus.h"
#include "json.h"
#include "noise.h"
#include "rows.h"
#include "table.h"
#include "../cpu.h"

bool quick;

static const struct part {
	const char *name;
	void (*bench)(void);
	bool is_pinned; /* one thread measures, on one CPU; other parts do that themselves */
} parts[] = {
	{"gate", bench_gate, false},
	{"patch", bench_patch, false},
	{"enable", bench_enable, false},
	{"latency", bench_latency, false},
	{"throughput", bench_throughput, false},
	{"stop", bench_stop, false},
	{"load", bench_load, true},
	{"trace", bench_trace, true},
	{"record", bench_record, true},
	{"count", bench_count, true},
	{"graph", bench_graph, false},
	{"tracing", bench_tracing, false},
	{"tools", bench_tools, false},
	{"sampling", bench_sampling, false},
	{"busy", bench_busy, false},
	{"attach", bench_attach, false},
	{"files", bench_files, false},
	{"programs", bench_programs, false},
	{NULL, NULL, false},
};

static bool is_part(const char *name)
{
	for (const struct part *part = parts; part->name; part++) {
		if (!strcmp(part->name, name))
			return true;
	}
	return false;
}

/*
 * Each part has a process of its own: the gate's C# peer brings a runtime, which cannot be unloaded
 * and must not be there when threads are stopped, and what fails does not take the other parts'
 * rows with it. Returns false if it has failed.
 */
static bool run_in_child(const struct part *part)
{
	int status;
	pid_t pid;

	fflush(stdout);
	table->failure[0] = '\0';
	pid = fork();
	if (pid < 0)
		fail("cannot fork\n");
	if (pid == 0) {
		if (part->is_pinned)
			use_last_cpu();
		part->bench();
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("a child process is gone\n");
	if (status && !table->failure[0])
		snprintf(table->failure, sizeof(table->failure), "failed: status %#x", status);
	return status == 0;
}

static bool run_part(const struct part *part)
{
	struct noise noise;
	struct quiet quiet;
	bool is_done;

	fprintf(stderr, "measuring %s...\n", part->name);
	begin_part(part->name);
	begin_noise(&noise);
	is_done = run_in_child(part);
	end_noise(&noise, &quiet);
	is_done = compare_rows(part->name) && is_done;
	end_part(&quiet);
	print_rows(part->name);
	return is_done;
}

static void usage(FILE *file)
{
	fputs("usage: bench [--only PART[,PART...]] [--quick] [--json FILE [--commit NAME]] "
	      "[--list]\n"
	      "\n"
	      "./build.sh bench --help describes it. Exit code: 0 success, 1 a measurement failed, "
	      "64\n"
	      "wrong usage.\n",
	      file);
}

/* Before the first part, and after each: what was measured is not lost if a later one is
 * interrupted. */
static void save(const char *path, const struct machine *machine)
{
	FILE *file = path ? fopen(path, "we") : NULL;

	if (path && !file)
		fail("cannot write %s\n", path);
	if (!file)
		return;
	write_json(file, machine);
	if (fclose(file))
		fail("cannot write %s\n", path);
}

static void describe(struct machine *machine)
{
	struct utsname kernel;

	read_cpu_model(machine->cpu, sizeof(machine->cpu));
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uname(&kernel);
	snprintf(machine->kernel, sizeof(machine->kernel), "%s", kernel.release);
}

/* The parts' names, separated by commas. */
static const char *wrong_part(const char *names)
{
	static char copy[256];

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *name = strtok(copy, ","); name; name = strtok(NULL, ",")) {
		if (!is_part(name))
			return name;
	}
	return NULL;
}

static bool is_wanted(const struct part *part, const char *names)
{
	size_t length = strlen(part->name);

	for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		if (!strncmp(at, part->name, length) && (at[length] == ',' || !at[length]))
			return true;
	}
	return !names;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", required_argument, NULL, 'j'},	  {"only", required_argument, NULL, 'o'},
		{"commit", required_argument, NULL, 'c'}, {"quick", no_argument, NULL, 'q'},
		{"list", no_argument, NULL, 'l'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	struct machine machine = {.commit = ""};
	const char *only = NULL, *json = NULL, *wrong;
	bool list = false, is_done = true;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'j':
			json = optarg;
			break;
		case 'o':
			only = optarg;
			break;
		case 'c':
			machine.commit = optarg;
			break;
		case 'q':
			quick = true;
			break;
		case 'l':
			list = true;
			break;
		case 'v':
			printf("bench of libftrace %s\n", ftrace_version());
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 64;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 64;
	}
	wrong = only ? wrong_part(only) : NULL;
	if (wrong) {
		fprintf(stderr, "bench: there is no part %s\n", wrong);
		return 64;
	}

	read_rows();
	for (const struct part *part = parts; list && part->name; part++) {
		if (is_wanted(part, only))
			list_rows(part->name);
	}
	if (list)
		return 0;
	make_table();
	find_all_cpus();
	describe(&machine);
	save(json, &machine);
	printf("libftrace %s, %s, %ld CPUs, Linux %s\n", ftrace_version(), machine.cpu,
	       machine.cpus, machine.kernel);
	for (const struct part *part = parts; part->name; part++) {
		if (!is_wanted(part, only))
			continue;
		if (!run_part(part))
			is_done = false;
		save(json, &machine);
	}
	return is_done ? 0 : 1;
}
