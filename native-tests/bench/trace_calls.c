/* SPDX-License-Identifier: MIT */
/*
 * trace_calls.c - calls of a small function: not to be traced, that can be traced, with a
 * handler called by hand, and with -finstrument-functions. And a branch in a loop.
 */
#include <ftrace/sites.h>
#include <ftrace/static_key.h>

#include "trace_calls.h"

#define PATCHABLE __attribute__((patchable_function_entry(5)))

unsigned long counted;

/* A call through a pointer, as the library's is. */
static ftrace_func_t volatile handler = count_general;

__attribute__((noipa)) void count_general(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	counted++;
}

__attribute__((noipa)) void count_in_data(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	unsigned long *count = ftrace_site_data(ip);

	(void)parent_ip, (void)ops, (void)regs;
	if (count)
		++*count;
}

struct hashed hashed[1 << HASH_BITS];

__attribute__((noipa)) void count_in_hash(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct hashed *found = find_hashed(ip);

	(void)parent_ip, (void)ops, (void)regs;
	if (found->ip)
		++found->count;
}

__thread struct recorded recorded;

__attribute__((noipa)) void record_general(unsigned long ip, unsigned long parent_ip,
					   struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct record *record = &recorded.records[recorded.count++ % RECORDS];

	(void)parent_ip, (void)ops, (void)regs;
	record->ip = ip;
	record->time = __builtin_ia32_rdtsc();
}

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

__attribute__((noipa)) void __cyg_profile_func_enter(void *function, void *caller)
{
	(void)function, (void)caller;
	counted++;
}

__attribute__((noipa)) void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)function, (void)caller;
}

#define HANDLER(function)                                                                          \
	handler((unsigned long)function, (unsigned long)__builtin_return_address(0), 0, 0)
#define TWICE(call) call, call
#define EIGHT(call) TWICE(call), TWICE(call), TWICE(call), TWICE(call)

SMALL_FUNCTION(untouched, (void)0)
PATCHABLE SMALL_FUNCTION(bench_off, (void)0) PATCHABLE SMALL_FUNCTION(bench_traced, (void)0)
	SMALL_FUNCTION(by_hand, HANDLER(by_hand))
		SMALL_FUNCTION(by_hand_2, TWICE(HANDLER(by_hand_2)))
			SMALL_FUNCTION(by_hand_8, EIGHT(HANDLER(by_hand_8)))

	/* trace_instrumented.c */
	unsigned long instrumented(unsigned long x);

CALL_LOOP(loop_untouched, untouched)
CALL_LOOP(loop_off, bench_off)
CALL_LOOP(loop_traced, bench_traced)
CALL_LOOP(loop_by_hand, by_hand)
CALL_LOOP(loop_by_hand_2, by_hand_2)
CALL_LOOP(loop_by_hand_8, by_hand_8)
CALL_LOOP(loop_instrumented, instrumented)

static FTRACE_DEFINE_STATIC_KEY_FALSE(key);
static volatile int flag;

#define BRANCH_LOOP(name, condition)                                                               \
	__attribute__((noinline)) void name(unsigned long count)                                   \
	{                                                                                          \
		for (unsigned long i = 0; i < count; i++) {                                        \
			if (__builtin_expect(condition, 0))                                        \
				count_general(0, 0, 0, 0);                                         \
			__asm__ __volatile__("" ::: "memory");                                     \
		}                                                                                  \
	}

BRANCH_LOOP(loop_no_branch, 0)
BRANCH_LOOP(loop_static_key, ftrace_static_branch_unlikely(&key))
BRANCH_LOOP(loop_flag, flag)
