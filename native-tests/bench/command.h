/* SPDX-License-Identifier: MIT */
/* command.h - commands that the bench runs, what they print, and how long they take. */
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COMMAND_LIMIT_MS 60000

/* One that was started and is read from. */
struct command {
	pid_t pid;
	int output;
	uint64_t start;
	long kib; /* its peak memory, after it has ended */
};

struct command start_command(char **argv);

/*
 * What it prints, on both outputs; what does not fit is read and forgotten. Returns the exit
 * status, 127 or -1 if it was not there, -1 if it had to be killed.
 */
int await_command(struct command *command, int limit_ms, char *text, size_t size, double *ms);

int run_command(char **argv, char *text, size_t size, double *ms);

#endif /* COMMAND_H */
