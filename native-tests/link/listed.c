/* SPDX-License-Identifier: MIT */
/*
 * listed.c - whether a function can be traced, and what the print function is told if not.
 * The functions are in other files, which work() calls.
 *
 * listed NAME traced: it can
 * listed NAME nothing: it cannot, and no line is about an object
 * listed NAME TEXT: it cannot, and a line about the program has TEXT in it; no other line
 * than that and the first one is printed
 */
#include <errno.h>
#include <ftrace/ftrace.h>
#include <stdio.h>
#include <string.h>

int work(void);

static const char *text;
static int lines, told, hits;

static void print(const char *line)
{
	printf("%s\n", line);
	lines++;
	told += strstr(line, text) && strstr(line, "ftrace: program: ") == line;
}

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
}

int main(int argc, char **argv)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	int error;

	if (argc != 3 || ftrace_set_print(print) != 0)
		return 64;
	text = argv[2];
	error = ftrace_set_filter(&ops, argv[1], 0, 0);
	if (strcmp(text, "nothing") == 0)
		return error != -ENOENT || lines != 1;
	if (strcmp(text, "traced") != 0)
		return error != -ENOENT || told != 1 || lines != 2;
	error = error ? error : ftrace_register_function(&ops);
	work();
	printf("error %d, hits %d\n", error, hits);
	error = error ? error : ftrace_unregister_function(&ops);
	return error != 0 || hits != 1;
}
