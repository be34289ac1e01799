/* SPDX-License-Identifier: MIT */
/* command.c - commands that the bench runs, what they print, and how long they take. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

extern char **environ;

struct command start_command(char **argv)
{
	struct command command = {.pid = -1};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int output[2];

	if (pipe2(output, O_CLOEXEC))
		fail("cannot create a pipe\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDERR_FILENO);
	/* A shell's background job ignores it. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	command.start = now_ns();
	if (posix_spawnp(&command.pid, argv[0], &actions, &attributes, argv, environ))
		command.pid = -1;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	command.output = output[0];
	return command;
}

/* Returns the exit status, -1 if it was not there or had to be killed. */
int await_command(struct command *command, int limit_ms, char *text, size_t size, double *ms)
{
	uint64_t until = now_ns() + limit_ms * 1000000ull;
	size_t length = 0;
	ssize_t got = 1;
	struct rusage usage;
	char rest[4096];
	int status = -1;

	while (got > 0 && now_ns() < until) {
		struct pollfd state = {.fd = command->output, .events = POLLIN};

		if (poll(&state, 1, 100) <= 0)
			continue;
		got = length + 1 < size ? read(command->output, text + length, size - 1 - length)
					: read(command->output, rest, sizeof(rest));
		if (got > 0 && length + 1 < size)
			length += got;
	}
	text[length] = '\0';
	close(command->output);
	if (command->pid < 0)
		return -1;
	if (got > 0)
		kill(command->pid, SIGKILL);
	wait4(command->pid, &status, 0, &usage);
	command->kib = usage.ru_maxrss;
	*ms = (now_ns() - command->start) / 1e6;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_command(char **argv, char *text, size_t size, double *ms)
{
	struct command command = start_command(argv);

	return await_command(&command, COMMAND_LIMIT_MS, text, size, ms);
}
