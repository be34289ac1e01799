/* SPDX-License-Identifier: MIT */
/*
 * send.c SIGNAL WHOM COMMAND... - runs ftrace record in a process group of its own, with the program
 * recorded.c; when that is ready, sends the signal to the group, as a terminal does, to the tool,
 * or to the program. Prints what the program prints from then on, and ends as the command did.
 *
 * WHOM: group, tool or program; orphan: the tool, and then the program gets a line, and must go on.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(90);
}

int main(int argc, char **argv)
{
	int in[2], out[2], signo = atoi(argv[1]), status, program;
	const char *whom = argv[2];
	char line[64];
	FILE *answers;
	pid_t tool;

	if (argc < 4 || pipe(in) != 0 || pipe(out) != 0)
		fail("pipe");
	tool = fork();
	if (tool == 0) {
		setpgid(0, 0);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execv(argv[3], argv + 3);
		fail(argv[3]);
	}
	close(in[0]);
	close(out[1]);
	answers = fdopen(out[0], "r");
	if (!fgets(line, sizeof(line), answers) || sscanf(line, "ready %d", &program) != 1) {
		fprintf(stderr, "the program is not ready: %s\n", line);
		return 91;
	}
	if (strcmp(whom, "group") == 0)
		kill(-tool, signo);
	else
		kill(strcmp(whom, "program") == 0 ? program : tool, signo);
	if (strcmp(whom, "orphan") == 0) {
		if (waitpid(tool, &status, 0) != tool)
			fail("waitpid");
		if (write(in[1], "\n", 1) != 1)
			fail("write");
	}
	while (fgets(line, sizeof(line), answers))
		printf("%s", line);
	if (strcmp(whom, "orphan") != 0 && waitpid(tool, &status, 0) != tool)
		fail("waitpid");
	if (WIFSIGNALED(status)) {
		printf("ended by signal %d\n", WTERMSIG(status));
		return 92;
	}
	return WEXITSTATUS(status);
}
