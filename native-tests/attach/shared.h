/* SPDX-License-Identifier: MIT */
/* What a target of attach and the test that drives it share: descriptor 3. */
#ifndef ATTACH_SHARED_H
#define ATTACH_SHARED_H

#include <stdint.h>
#include <sys/mman.h>

#define SHARED_FD 3

struct shared {
	uint32_t stop;	   /* written by the test: the target ends */
	uint32_t progress; /* counted by the target */
	uint32_t bad;	   /* wrong results that the target has seen */
	uint32_t interrupted; /* EINTR without a signal: the command has died between the stop of a thread and its next step */
	uint64_t began; /* CLOCK_MONOTONIC, ns: when the wait began that the target is in */
	uint64_t ended; /* when the last one ended */
};

static inline struct shared *map_shared(void)
{
	return mmap(0, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
}

#endif
