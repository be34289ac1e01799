/* SPDX-License-Identifier: MIT */
/* controlled.c - a program that calls two functions until its standard input ends; it knows nothing of ftrace. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define TRACED __attribute__((noipa, patchable_function_entry(5)))

static TRACED void work_one(void)
{
	__asm__ __volatile__("");
}

static TRACED void work_two(void)
{
	__asm__ __volatile__("");
}

int main(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char byte;

	printf("%d\n", getpid());
	fflush(stdout);
	/* A stop can interrupt poll(), and read() would wait. */
	while (poll(&input, 1, 1) <= 0 || read(STDIN_FILENO, &byte, 1) > 0) {
		work_one();
		work_two();
	}
	return 0;
}
