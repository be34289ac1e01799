/* SPDX-License-Identifier: MIT */
/*
 * xray.c - talks to xray_peer and xray_call_peer. XRay has a process of its own, so that neither
 * side is slowed down by the other's text, and it has one thread.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "functions.h"
#include "xray.h"

extern char **environ;

static uint64_t answer_of(const struct xray *xray)
{
	uint64_t answer;

	if (read(xray->answers, &answer, sizeof(answer)) != sizeof(answer))
		fail("the XRay peer failed\n");
	return answer;
}

void skip_xray(void)
{
	leave_out("libclang-rt-19-dev", NULL);
}

void start_xray(struct xray *xray, const char *program, int functions)
{
	char *argv[] = {(char *)program, NULL};
	posix_spawn_file_actions_t actions;
	int commands[2], answers[2];

	if (pipe2(commands, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		fail("cannot create a pipe\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, commands[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
	if (posix_spawn(&xray->pid, program, &actions, NULL, argv, environ))
		fail("cannot start %s\n", program);
	posix_spawn_file_actions_destroy(&actions);
	close(commands[0]);
	close(answers[1]);
	xray->commands = commands[1];
	xray->answers = answers[0];
	if (answer_of(xray) != (uint64_t)functions)
		fail("%s does not have %d functions\n", program, functions);
}

double xray_patch(const struct xray *xray, bool patch)
{
	if (write(xray->commands, patch ? "p" : "u", 1) != 1)
		fail("the XRay peer failed\n");
	return (double)answer_of(xray) / FUNCTIONS;
}

static double time_of(const struct xray *xray, const char *command)
{
	if (write(xray->commands, command, 1) != 1)
		fail("the XRay peer failed\n");
	return answer_of(xray);
}

double xray_time(const struct xray *xray)
{
	return time_of(xray, "t");
}

double xray_record_time(const struct xray *xray)
{
	return time_of(xray, "r");
}

double xray_way_time(const struct xray *xray, int way)
{
	char command[] = {'0' + way, 0};

	return time_of(xray, command);
}

void end_xray(struct xray *xray)
{
	close(xray->commands);
	close(xray->answers);
	waitpid(xray->pid, NULL, 0);
}
