/* SPDX-License-Identifier: MIT */
/*
 * graph_ring.c - functions compiled with -finstrument-functions. What they call takes its place in
 * the ring as the recorder does, by one instruction, so that signal handlers might do the same, and
 * writes the time and the address. At the end of a block it only goes on to the next one.
 */
#define _GNU_SOURCE
#include "graph_ring.h"

#include <stdlib.h>
#include <string.h>

#define KIND graph_ringed
#define TRACED
#define NOT_TRACED	__attribute__((no_instrument_function))
#define ENTER(function) (void)0
#define LEAVE		(void)0

#include "graph_functions.h"

#define RINGS 8

struct event {
	unsigned long when, what;
};

struct ring {
	unsigned long pos, end; /* of the block */
	unsigned long start;
	int used;
};

static struct ring rings[RINGS], no_ring;
static __thread struct ring *own = &no_ring;
static unsigned long full_blocks;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ended;

NOT_TRACED void __cyg_profile_func_enter(void *function, void *caller);
NOT_TRACED void __cyg_profile_func_exit(void *function, void *caller);

static NOT_TRACED void give_back(void *ring)
{
	__atomic_store_n(&((struct ring *)ring)->used, 0, __ATOMIC_RELEASE);
}

static NOT_TRACED void make_key(void)
{
	if (pthread_key_create(&ended, give_back))
		abort();
}

static NOT_TRACED struct ring *find_ring(void)
{
	pthread_once(&once, make_key);
	for (int i = 0; i < RINGS; i++) {
		struct ring *ring = &rings[i];

		if (__atomic_exchange_n(&ring->used, 1, __ATOMIC_ACQUIRE))
			continue;
		if (!ring->start) {
			void *memory = aligned_alloc(RING_BLOCK, RING_SIZE);

			if (!memory)
				abort();
			memset(memory, 0xff, RING_SIZE);
			ring->start = (unsigned long)memory;
			ring->pos = ring->start;
			ring->end = ring->start + RING_BLOCK;
		}
		pthread_setspecific(ended, ring);
		return ring;
	}
	abort();
}

/* Of one unit, in a block that is not full. */
static NOT_TRACED __attribute__((noinline)) unsigned long take_slow(void)
{
	unsigned long at;

	if (own == &no_ring) {
		own = find_ring();
		if (own->pos < own->end) {
			at = own->pos;
			own->pos += RING_EVENT;
			return at;
		}
	}
	__atomic_add_fetch(&full_blocks, 1, __ATOMIC_RELAXED);
	at = own->end == own->start + RING_SIZE ? own->start : own->end;
	own->end = at + RING_BLOCK;
	own->pos = at + RING_EVENT;
	return at;
}

static NOT_TRACED inline __attribute__((always_inline)) void write_event(unsigned long what)
{
	struct ring *ring = own;
	unsigned long at = RING_EVENT;

	__asm__ __volatile__("xaddq %0, %1" : "+r"(at), "+m"(ring->pos)::"cc", "memory");
	if (__builtin_expect(at >= ring->end, 0))
		at = take_slow();
	((struct event *)at)->what = what;
	__atomic_store_n(&((struct event *)at)->when, __builtin_ia32_rdtsc() << 4 | 1,
			 __ATOMIC_RELEASE);
}

__attribute__((noipa)) void __cyg_profile_func_enter(void *function, void *caller)
{
	(void)caller;
	write_event((unsigned long)function << 16 | 1);
}

__attribute__((noipa)) void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)caller;
	write_event(1ul << 63 | (unsigned long)function << 16 | 1);
}

NOT_TRACED unsigned long graph_ring_events(void)
{
	return __atomic_load_n(&full_blocks, __ATOMIC_RELAXED) * (RING_BLOCK / RING_EVENT);
}
