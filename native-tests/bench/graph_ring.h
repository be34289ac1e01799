/* SPDX-License-Identifier: MIT */
/*
 * graph_ring.h - a peer of the recorder: functions compiled with -finstrument-functions, which
 * write events as the recorder's into a ring of the thread's own.
 */
#ifndef GRAPH_RING_H
#define GRAPH_RING_H

#include "graph_loops.h"

/* Bytes: of a ring, and of its parts, after which the next one is looked for. */
#define RING_SIZE  (1ul << 20)
#define RING_BLOCK (32ul << 10)
#define RING_EVENT 16ul

void graph_ringed_loop(enum graph_way way);

/* Events of all threads in the blocks that are full. */
unsigned long graph_ring_events(void);

#endif /* GRAPH_RING_H */
