/* SPDX-License-Identifier: MIT */
/* cpu.h - the model of the CPU, for reports of what was measured on it. */
#ifndef CPU_H
#define CPU_H

#include <stdio.h>
#include <string.h>

static inline void read_cpu_model(char *model, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(model, size, "unknown CPU");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !value || value[1] != ' ')
			continue;
		value[strcspn(value, "\n")] = 0;
		snprintf(model, size, "%s", value + 2);
		break;
	}
	if (file)
		fclose(file);
}

#endif /* CPU_H */
