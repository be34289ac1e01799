/* SPDX-License-Identifier: MIT */
/*
 * marks.c - what ftrace_mark() and ftrace_printk() call while a recording runs: ftrace/tracing.h.
 * The library finds their keys, which follow the one here, in lib/Objects/JumpTable.cs.
 */
#include "recorder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct ftrace_mark_key ftrace_marks = {{{0, 1, NULL}}, ftrace_write_mark, ftrace_write_printk};

/* Where a text that is too long is cut off: not within a character, if it is UTF-8. */
static unsigned int end_of_characters(const char *text)
{
	unsigned int end = FTRACE_MARK_MAX;

	while (end > FTRACE_MARK_MAX - 3 && (text[end] & 0xc0) == 0x80)
		end--;
	return (text[end] & 0xc0) == 0x80 ? FTRACE_MARK_MAX : end;
}

EXPORT void ftrace_write_mark(const char *text)
{
	unsigned int length = 0;

	if (!text || !__atomic_load_n(&ftrace_recorder.active, __ATOMIC_RELAXED))
		return;
	while (length <= FTRACE_MARK_MAX && text[length])
		length++;
	if (length > FTRACE_MARK_MAX)
		length = end_of_characters(text);
	else if (length && text[length - 1] == '\n')
		length--;
	record_data(TraceEvent_Mark, length, text, length);
}

EXPORT void ftrace_write_printk(const char *format, ...)
{
	char text[FTRACE_MARK_MAX + 2]; /* one byte more, to see where a character ends */
	int saved_errno = errno, length;
	va_list args;

	if (!__atomic_load_n(&ftrace_recorder.active, __ATOMIC_RELAXED))
		return;
	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length >= 0)
		ftrace_write_mark(text);
	errno = saved_errno;
}
