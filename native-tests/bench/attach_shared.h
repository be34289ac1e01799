/* SPDX-License-Identifier: MIT */
/* attach_shared.h - what a target of the attach part and the bench share: descriptor 3. */
#ifndef ATTACH_SHARED_H
#define ATTACH_SHARED_H

#include <stdint.h>

#define ATTACH_FD 3

struct attach_shared {
	uint64_t running; /* threads that have begun */
	uint64_t latest;  /* CLOCK_MONOTONIC, ns: the latest step of any thread */
	uint64_t longest; /* ns between two steps, at most; the bench clears it */
};

#endif /* ATTACH_SHARED_H */
