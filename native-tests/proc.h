/* SPDX-License-Identifier: MIT */
/*
 * proc.h - files of /proc. All but page_perms() and thread_named() are usable in handlers and while others are
 * parked.
 */
#ifndef PROC_H
#define PROC_H

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define PROC_SIZE 4096

static inline void read_proc(const char *path, char text[PROC_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long length;

	CHECK(fd >= 0);
	length = read(fd, text, PROC_SIZE - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = '\0';
}

/* The number in @base that follows @key, as "SigBlk:" in .../status. */
static inline uint64_t proc_number(const char *path, const char *key, int base)
{
	char text[PROC_SIZE], *at;

	read_proc(path, text);
	at = strstr(text, key);
	CHECK(at);
	return strtoull(at + strlen(key), NULL, base);
}

/* Another thread of the process blocks a signal. */
static inline bool blocks(pid_t tid, int signo)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	return proc_number(path, "\nSigBlk:", 16) >> (signo - 1) & 1;
}

static inline uint64_t thread_count(void)
{
	return proc_number("/proc/self/status", "\nThreads:", 10);
}

/* Another thread of the process sleeps, in the kernel. */
static inline bool asleep(pid_t tid)
{
	char path[64], stat[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	read_proc(path, stat);
	return strstr(stat, ") S ");
}

/* A thread of the process; 0 if there is none of that name. */
static inline pid_t thread_named(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[300], found[PROC_SIZE];
	struct dirent *task;
	pid_t tid = 0;

	CHECK(tasks);
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		read_proc(path, found);
		found[strcspn(found, "\n")] = '\0';
		if (strcmp(found, name) == 0)
			tid = atoi(task->d_name);
	}
	closedir(tasks);
	return tid;
}

/* The protection of a page as /proc/self/maps prints it; "" if nothing is mapped there. */
static inline void page_perms(unsigned long address, char perms[5])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512], found[5];

	CHECK(maps);
	perms[0] = '\0';
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, found) == 3 && from <= address &&
		    address < to) {
			memcpy(perms, found, sizeof(found));
			break;
		}
	}
	fclose(maps);
}

#endif /* PROC_H */
