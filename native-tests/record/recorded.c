/* SPDX-License-Identifier: MIT */
/*
 * recorded.c - a program that ftrace record runs. It knows nothing of the library: compiled with
 * -fpatchable-function-entry=5, and no more. CALLS calls of each of two functions, and that of
 * main(); then what its argument says.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CALLS 100

#define UNTRACED __attribute__((patchable_function_entry(0, 0)))

__attribute__((noipa)) static int inner(int x)
{
	return x + 1;
}

__attribute__((noipa)) static int outer(int x)
{
	return inner(x) + 1;
}

static volatile sig_atomic_t caught;

UNTRACED static void on_signal(int signo)
{
	caught = signo;
}

UNTRACED static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(99);
}

/* Says that it is ready, waits for a signal, and says which one it was. */
UNTRACED static int wait_for_signal(int handles)
{
	char text[32];
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	for (int signo = 1; handles && signo < SIGRTMIN; signo++)
		signal(signo, on_signal);
	snprintf(text, sizeof(text), "ready %d\n", getpid());
	say(text);
	while (!caught)
		sigsuspend(&before);
	snprintf(text, sizeof(text), "got %d\n", caught);
	say(text);
	return 5;
}

/* Reads a line, although the parent may have ended. */
UNTRACED static int wait_for_line(void)
{
	char text[32], c;

	snprintf(text, sizeof(text), "ready %d\n", getpid());
	say(text);
	if (read(STDIN_FILENO, &c, 1) != 1)
		return 98;
	for (int i = 0; i < 100000; i++)
		outer(i);
	say("alive\n");
	return 0;
}

UNTRACED static int copy_input(void)
{
	char buffer[4096];
	ssize_t got;

	while ((got = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
		if (write(STDOUT_FILENO, buffer, got) != got)
			return 97;
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "exit";
	const struct rlimit no_core = {0, 0};
	int sum = 0;

	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < CALLS; i++)
		sum += outer(i);
	if (strcmp(mode, "exit") == 0)
		return argc > 2 ? atoi(argv[2]) : sum == 0;
	if (strcmp(mode, "signal") == 0) {
		signal(atoi(argv[2]), SIG_DFL);
		raise(atoi(argv[2]));
	}
	if (strcmp(mode, "handle") == 0)
		return wait_for_signal(1);
	if (strcmp(mode, "wait") == 0)
		return wait_for_signal(0);
	if (strcmp(mode, "line") == 0)
		return wait_for_line();
	if (strcmp(mode, "copy") == 0)
		return copy_input();
	if (strcmp(mode, "print") == 0) {
		for (int i = 2; i < argc; i++)
			printf("[%s]", argv[i]);
		printf("\n");
		return 0;
	}
	return 96;
}
