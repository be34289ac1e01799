/* SPDX-License-Identifier: MIT */
/*
 * line.c - lines for the user.
 */
#include "line.h"
#include "native.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_VALUE 200 /* that is repeated in a line */

void line_add_text(struct line *line, const char *text, size_t length)
{
	size_t room = LONGEST_LINE - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

void line_add(struct line *line, const char *text)
{
	line_add_text(line, text, strlen(text));
}

void line_add_number(struct line *line, unsigned int number)
{
	char digits[12], *at = digits + 11;

	*at = '\0';
	do
		*--at = '0' + number % 10;
	while (number /= 10);
	line_add(line, at);
}

/* What the user has given may be long. */
void line_add_value(struct line *line, const char *text)
{
	size_t length = strlen(text);

	line_add_text(line, text, length < LONGEST_VALUE ? length : LONGEST_VALUE);
}

static unsigned long pending_signals(void)
{
	unsigned long set = 0;

	raw_syscall(SYS_rt_sigpending, (long)&set, sizeof(set), 0, 0, 0, 0);
	return set;
}

/*
 * Ends the line with @end, and prints it. The host can notice nothing but the line: the write does not wait, and
 * signals that it causes are taken back (nobody reads, the file's limit, a background
 * process that may not write to its terminal). A descriptor that is not open for writing is
 * something else than standard error.
 */
void line_print(struct line *line, const char *end)
{
	unsigned long caused = 1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1) | 1UL << (SIGTTOU - 1);
	struct pollfd state = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct timespec at_once = {0};
	unsigned long mask, before;
	long flags = raw_syscall(SYS_fcntl, STDERR_FILENO, F_GETFL, 0, 0, 0, 0);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) ||
	    raw_syscall(SYS_poll, (long)&state, 1, 0, 0, 0, 0) != 1 || !(state.revents & POLLOUT))
		return;
	if (line->length > sizeof(line->text) - strlen(end))
		line->length = sizeof(line->text) - strlen(end);
	line_add(line, end);
	raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&caused, (long)&mask, sizeof(mask), 0, 0);
	before = pending_signals();
	raw_syscall(SYS_write, STDERR_FILENO, (long)line->text, line->length, 0, 0, 0);
	caused &= ~before;
	while (pending_signals() & caused)
		raw_syscall(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&at_once, sizeof(caused), 0, 0);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
}
