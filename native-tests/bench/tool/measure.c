/* SPDX-License-Identifier: MIT */
/*
 * measure.c - runs a command, with its output to /dev/null, and prints how many events of a trace
 * it read in a second, how many in a second of its CPU time, which tells whether the machine had
 * other work, and its peak memory; and whether that is as fast and as little as it is to be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_KIB (256 * 1024)

static double seconds(struct timeval time)
{
	return time.tv_sec + time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage usage;
	double events, target, took, speed;
	int status;
	pid_t pid;

	if (argc < 5) {
		fprintf(stderr, "usage: measure NAME MILLION-EVENTS TARGET COMMAND...\n");
		return 64;
	}
	events = atof(argv[2]);
	target = atof(argv[3]);
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		execvp(argv[4], argv + 4);
		fprintf(stderr, "measure: %s: %s\n", argv[4], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		fprintf(stderr, "measure: %s\n", strerror(errno));
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (status) {
		fprintf(stderr, "measure: %s failed\n", argv[1]);
		return 1;
	}
	took = (end.tv_sec - start.tv_sec) + (end.tv_nsec - start.tv_nsec) / 1e9;
	speed = events / took;
	printf("%-28s %8.1f %10.1f %10.1f %8.0f MB   %s\n", argv[1], speed,
	       events / (seconds(usage.ru_utime) + seconds(usage.ru_stime)), target,
	       usage.ru_maxrss / 1024.0,
	       speed >= target && usage.ru_maxrss <= MAX_KIB ? "met" : "missed");
	return 0;
}
