/* SPDX-License-Identifier: MIT */
/*
 * gate_loops.h - one shape of loop for everything that is compared.
 *
 * A difference of a twentieth of a nanosecond is less than what an unlucky
 * alignment costs, so functions and loops start on a cache line of their own
 * (-falign-functions, -falign-loops) and differ in nothing but the pair.
 */
#ifndef GATE_LOOPS_H
#define GATE_LOOPS_H

#define PAIR_LOOP(name, enter, exit)                                                               \
	__attribute__((noinline)) void name(unsigned long count)                                   \
	{                                                                                          \
		for (unsigned long i = 0; i < count; i++) {                                        \
			enter;                                                                     \
			__asm__ __volatile__("" ::: "memory");                                     \
			exit;                                                                      \
		}                                                                                  \
	}

void loop_empty(unsigned long count);
void loop_inline(unsigned long count);
void loop_hand(unsigned long count);
void loop_ungated(unsigned long count);
void loop_mfence(unsigned long count);
void loop_exported(unsigned long count);
void loop_out_of_line(unsigned long count);
void loop_urcu(unsigned long count);
void loop_uco(unsigned long count);

/* Both return false when the peer is not there. */
bool uco_open(void);
bool urcu_present(void);

/* A thread that runs loop_urcu() registers before and unregisters after. */
void urcu_thread_begin(void);
void urcu_thread_end(void);

#endif /* GATE_LOOPS_H */
