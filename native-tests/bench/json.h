/* SPDX-License-Identifier: MIT */
/* json.h - writes all rows as JSON. */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

#include "table.h"

struct machine {
	char cpu[128], kernel[65];
	long cpus;
	const char *commit;
};

void write_json(FILE *file, const struct machine *machine);

#endif /* JSON_H */
