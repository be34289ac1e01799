/* SPDX-License-Identifier: MIT */
/*
 * line.h - lines for the user.
 */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>

#define LONGEST_LINE 1024

/* The text of a line, which is cut if it is too long; it does not end with a 0. */
struct line {
	char text[LONGEST_LINE];
	size_t length;
};

#pragma GCC visibility push(hidden)
void line_add(struct line *line, const char *text);
void line_add_text(struct line *line, const char *text, size_t length);
void line_add_number(struct line *line, unsigned int number);
void line_add_value(struct line *line, const char *text);
void line_print(struct line *line, const char *end);
#pragma GCC visibility pop

#endif /* LINE_H */
