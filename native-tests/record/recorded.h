/* SPDX-License-Identifier: MIT */
/*
 * recorded.h - runs program.c with variables of the environment, in a folder of its own, and reads
 * what that has left.
 */
#ifndef RECORDED_H
#define RECORDED_H

#include "../modes.h"
#include "recording.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define DONE	5 /* as the program ends */
#define NO_FILE NULL

/*
 * struct run - a process
 * @variables: further ones; the last is NULL
 * @file: what FTRACE_RECORD is; NULL: "trace"
 * @preload: another library
 * @closes: standard error is closed
 * @limit: of a resource, if @bytes is not 0
 */
struct run {
	const char *mode, *count, *file, *preload;
	const char *variables[6];
	bool closes;
	int limit;
	rlim_t bytes;
	/* what came of it */
	pid_t process;
	int status;
	char errors[4096];
};

static char folder[PATH_MAX];

/* The folder is the working directory from now on. */
static inline void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/record-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	CHECK(mkdtemp(folder));
	CHECK_EQ(chdir(folder), 0);
}

/* Calls @fn with each file in the folder. Returns how many begin so. */
static inline int for_each_file(const char *start, void (*fn)(const char *name))
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int count = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, start, strlen(start)) != 0)
			continue;
		count++;
		if (fn)
			fn(entry->d_name);
	}
	closedir(dir);
	return count;
}

static inline void remove_file(const char *name)
{
	CHECK_EQ(unlink(name), 0);
}

static inline void clear_folder(void)
{
	for_each_file("", remove_file);
}

static inline void remove_folder(void)
{
	clear_folder();
	CHECK_EQ(chdir("/"), 0);
	rmdir(folder);
}

static inline void execute(const struct run *run, int errors)
{
	char preload[2 * PATH_MAX + 16], record[PATH_MAX + 16];
	char *environment[12] = {preload, record};
	int count = 2;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s%s%s", LIBRARY, run->preload ? ":" : "",
		 run->preload ? run->preload : "");
	snprintf(record, sizeof(record), "FTRACE_RECORD=%s", run->file ? run->file : "trace");
	for (int i = 0; run->variables[i]; i++)
		environment[count++] = (char *)run->variables[i];
	dup2(errors, 2);
	for (int i = 3; i < 256; i++)
		close(i); /* what the test was started with */
	if (run->closes)
		close(2);
	if (run->bytes) {
		struct rlimit limit = {run->bytes, run->bytes};

		if (setrlimit((__rlimit_resource_t)run->limit, &limit) != 0)
			_exit(99);
	}
	execle(PROGRAM, PROGRAM, run->mode, run->count ? run->count : "10", (char *)NULL, environment);
	_exit(98);
}

/* Runs it, to its end. */
static inline void run_program(struct run *run)
{
	int ends[2];
	long length = 0, got;

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	run->process = fork();
	CHECK(run->process >= 0);
	if (run->process == 0)
		execute(run, ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], run->errors + length, sizeof(run->errors) - 1 - length)) > 0)
		length += got;
	run->errors[length] = '\0';
	close(ends[0]);
	CHECK_EQ(waitpid(run->process, &run->status, 0), run->process);
}

static inline void check_status(const struct run *run, int status)
{
	if (run->status != status)
		dprintf(2, "%s: %s", run->mode, run->errors);
	CHECK_EQ(run->status, status);
}

/* It has ended as it does without the recorder, and the recorder has printed nothing. */
static inline void check_quiet(const struct run *run)
{
	if (*run->errors)
		dprintf(2, "%s: %s", run->mode, run->errors);
	CHECK(!*run->errors);
	check_status(run, W_EXITCODE(DONE, 0));
}

/* How often a function was called by a file, of which nothing is torn; in @process, the file's. */
static inline unsigned int calls_in(const char *path, const char *function, pid_t *process)
{
	struct trace_file file;
	struct trace_event event;
	unsigned int calls = 0;
	const char *fault;
	uint64_t address;

	open_trace(&file, path);
	fault = check_trace(&file);
	if (fault)
		dprintf(2, "%s: %s\n", path, fault);
	CHECK(!fault);
	if (process)
		*process = file.header->pid;
	address = trace_symbol(&file, function);
	first_event(&file);
	while (address && next_event(&file, &event))
		calls += event.kind == TRACE_ENTRY && event.argument == address;
	close_trace(&file);
	return calls;
}

#endif /* RECORDED_H */
