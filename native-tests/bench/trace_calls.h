/* SPDX-License-Identifier: MIT */
/*
 * trace_calls.h - one small function in many versions, that differ in what happens at its
 * entry, and a loop around each. As in gate_loops.h each begins on a cache line of its own.
 */
#ifndef TRACE_CALLS_H
#define TRACE_CALLS_H

#include <stdint.h>

#include <ftrace/trace.h>

/* Enough to be a function, and no more. */
#define SMALL_FUNCTION(name, entry)                                                                \
	unsigned long name(unsigned long x);                                                       \
	__attribute__((noipa)) unsigned long name(unsigned long x)                                 \
	{                                                                                          \
		entry;                                                                             \
		return x * 3 + 1;                                                                  \
	}

/* Each call has to wait for the one before. */
#define CALL_LOOP(loop, name)                                                                      \
	__attribute__((noinline)) void loop(unsigned long count)                                   \
	{                                                                                          \
		unsigned long x = 0;                                                               \
                                                                                                   \
		for (unsigned long i = 0; i < count; i++)                                          \
			x = name(x);                                                               \
		__asm__ __volatile__("" ::"r"(x));                                                 \
	}

#define MAX_HANDLERS 8

/* What a handler records of a call; the latest ones are kept. */
#define RECORDS 4096

struct record {
	unsigned long ip;
	uint64_t time;
};

struct recorded {
	unsigned long count;
	struct record records[RECORDS];
};

extern __thread struct recorded recorded;

void record_general(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs);

/* A counter for each function: in the library's word, and in a hash table of the host's. */
void count_in_data(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs);
void count_in_hash(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs);

#define HASH_BITS 18

struct hashed {
	unsigned long ip;
	unsigned long count;
};

extern struct hashed hashed[1 << HASH_BITS];

/* The place of an address; the first free one if it has none. */
static inline struct hashed *find_hashed(unsigned long ip)
{
	unsigned long at = ip * 0x9e3779b97f4a7c15 >> (64 - HASH_BITS);

	while (hashed[at].ip != ip && hashed[at].ip)
		at = (at + 1) & ((1 << HASH_BITS) - 1);
	return &hashed[at];
}

/* What the handlers count. */
extern unsigned long counted;

void count_general(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs);

void loop_untouched(unsigned long count);
void loop_off(unsigned long count);
void loop_traced(unsigned long count);
void loop_by_hand(unsigned long count);
void loop_by_hand_2(unsigned long count);
void loop_by_hand_8(unsigned long count);
void loop_instrumented(unsigned long count);

void loop_no_branch(unsigned long count);
void loop_static_key(unsigned long count);
void loop_flag(unsigned long count);

#endif /* TRACE_CALLS_H */
