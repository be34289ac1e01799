/* SPDX-License-Identifier: MIT */
/* rows.h - all rows that the bench has, as rows.txt lists them. */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>

void read_rows(void);
void list_rows(const char *part);

/*
 * At the end of a part: adds the rows that are listed and were not measured, with the reason.
 * Returns false, after a message, if a row was measured that is not listed, or twice.
 */
bool compare_rows(const char *part);

#endif /* ROWS_H */
