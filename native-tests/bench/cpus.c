/* SPDX-License-Identifier: MIT */
/* cpus.c - where the calling thread, and what it starts, may run. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "bench.h"
#include "cpus.h"

static cpu_set_t all;

void find_all_cpus(void)
{
	if (sched_getaffinity(0, sizeof(all), &all))
		fail("sched_getaffinity: %s\n", strerror(errno));
}

void use_last_cpu(void)
{
	cpu_set_t last;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&last);
		CPU_SET(cpu, &last);
	}
	sched_setaffinity(0, sizeof(last), &last);
}

void use_all_cpus(void)
{
	sched_setaffinity(0, sizeof(all), &all);
}
