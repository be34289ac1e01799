/* SPDX-License-Identifier: MIT */
/*
 * uftrace.c - has uftrace record calls_program, and asks that how long its calls took. On all
 * CPUs: uftrace has a process that writes the file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "cpus.h"
#include "uftrace.h"

#define UFTRACE_CALLS 200000
/* An entry and an exit in uftrace's file. */
#define UFTRACE_BYTES 32ul

extern char **environ;

/* Bytes of the folder's files for threads; removes it with all that is in it. */
static unsigned long remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned long bytes = 0;
	struct dirent *entry;
	struct stat status;

	while (dir && (entry = readdir(dir))) {
		const char *suffix = strrchr(entry->d_name, '.');

		if (suffix && !strcmp(suffix, ".dat") && entry->d_name[0] >= '0' &&
		    entry->d_name[0] <= '9' && !fstatat(dirfd(dir), entry->d_name, &status, 0))
			bytes += status.st_size;
		unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
	return bytes;
}

double uftrace_time(int threads)
{
	char folder[] = P_tmpdir "/uftrace-XXXXXX", data[sizeof(folder) + 8], calls[24], count[24];
	char line[256];
	char *argv[] = {"uftrace", "record", "--no-libcall",	       "--no-event",
			"-d",	   data,     PROGRAMS "/calls_fentry", calls,
			count,	   NULL};
	posix_spawn_file_actions_t actions;
	unsigned long long took = 0;
	int output[2], error, status;
	unsigned long bytes;
	cpu_set_t before;
	FILE *answer;
	pid_t pid;

	snprintf(calls, sizeof(calls), "%d", UFTRACE_CALLS);
	snprintf(count, sizeof(count), "%d", threads);
	if (!mkdtemp(folder))
		fail("cannot make a folder in " P_tmpdir "\n");
	/* It would rename one that is there. */
	snprintf(data, sizeof(data), "%s/data", folder);
	if (pipe2(output, O_CLOEXEC))
		fail("cannot create a pipe\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	sched_getaffinity(0, sizeof(before), &before);
	use_all_cpus();
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	sched_setaffinity(0, sizeof(before), &before);
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	answer = fdopen(output[0], "r");
	if (!answer)
		fail("no memory\n");
	while (fgets(line, sizeof(line), answer))
		sscanf(line, "took %llu", &took);
	fclose(answer);
	if (!error)
		waitpid(pid, &status, 0);
	bytes = remove_folder(data);
	rmdir(folder);
	if (error == ENOENT)
		return 0;
	if (error || status || !took)
		fail("uftrace failed\n");
	/* A peer that did nothing would be a fast one. */
	if (bytes < UFTRACE_CALLS * UFTRACE_BYTES * threads)
		fail("uftrace recorded only %lu bytes\n", bytes);
	return (double)took / UFTRACE_CALLS;
}
