/* SPDX-License-Identifier: MIT */
/* noise.h - how quiet the machine is while a part of the bench is measured. */
#ifndef NOISE_H
#define NOISE_H

#include "table.h"

/* What one looked like at its begin. */
struct noise {
	uint64_t start;
	double busy, steal, own; /* seconds of CPU: all programs, other machines, this program */
	struct series loops;	 /* ns */
};

void begin_noise(struct noise *noise);

/* All child processes have been waited for. */
void end_noise(struct noise *noise, struct quiet *quiet);

#endif /* NOISE_H */
