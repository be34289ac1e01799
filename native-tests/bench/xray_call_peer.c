/* SPDX-License-Identifier: MIT */
/*
 * xray_call_peer.c - the small function of trace_calls.h with an XRay handler at its entry.
 * Reads 't' or 'r', writes how long a million calls took with one that counts or one that
 * records which function it was and when. Begins with the number of functions.
 */
#include "xray_program.h"

#include <stdint.h>
#include <unistd.h>

#define CALLS 1000000

/* As in trace_calls.h. */
#define RECORDS 4096

static __thread struct {
	unsigned long count;
	struct {
		unsigned long id;
		uint64_t time;
	} records[RECORDS];
} recorded;

static void record_call(int32_t id, int type)
{
	unsigned long at = recorded.count++ % RECORDS;

	(void)type;
	recorded.records[at].id = id;
	recorded.records[at].time = __builtin_ia32_rdtsc();
}

unsigned long xray_traced(unsigned long x);
__attribute__((noinline, xray_always_instrument, aligned(64))) unsigned long
xray_traced(unsigned long x)
{
	/* Clang has no noipa. */
	__asm__ __volatile__("" : "+r"(x));
	return x * 3 + 1;
}

int main(void)
{
	char command;

	__xray_set_handler(count_call);
	put(__xray_max_function_id());
	if (__xray_patch() != XRAY_SUCCESS)
		return 1;
	while (read(STDIN_FILENO, &command, 1) == 1) {
		int record = command == 'r';
		unsigned long x = 0;
		uint64_t start;

		__xray_set_handler(record ? record_call : count_call);
		calls = recorded.count = 0;
		start = now_ns();
		for (int i = 0; i < CALLS; i++)
			x = xray_traced(x);
		__asm__ __volatile__("" ::"r"(x));
		start = now_ns() - start;
		/* A peer that did nothing would be a fast one. */
		if ((record ? recorded.count : calls) != CALLS)
			return 1;
		put(start);
	}
	return 0;
}
