/* SPDX-License-Identifier: MIT */
/*
 * Functions compiled with -fpatchable-function-entry=5, which call each other, return,
 * end with calls, and are left. They write down that they run, for comparison with
 * what handlers have seen.
 */
#include "calls.h"

__thread struct trail *volatile call_trail;

#define CALL(n) static __attribute__((noinline)) unsigned long call_##n(unsigned long x)

static inline __attribute__((always_inline)) struct visit *arrive(unsigned int site)
{
	struct trail *trail = call_trail;
	struct visit *visit = &trail->at[trail->visits];

	visit->site = site;
	trail->runs[site]++;
	trail->nest++;
	atomic_signal_fence(memory_order_seq_cst);
	trail->visits++;
	return visit;
}

static inline __attribute__((always_inline)) unsigned long depart(struct visit *visit,
								  unsigned long result)
{
	visit->result = result;
	visit->done = true;
	call_trail->nest--;
	atomic_signal_fence(memory_order_seq_cst);
	return result;
}

#define LEAF(n)                                                                                    \
	CALL(n)                                                                                    \
	{                                                                                          \
		return depart(arrive(n), function_body(n, x));                                     \
	}

#define NEST(n, a, b)                                                                              \
	CALL(n)                                                                                    \
	{                                                                                          \
		struct visit *visit = arrive(n);                                                   \
		unsigned long y = call_##a(x);                                                     \
                                                                                                   \
		return depart(visit, function_body(n, y ^ call_##b(x)));                           \
	}

#define DEEPER(n, a)                                                                               \
	CALL(n)                                                                                    \
	{                                                                                          \
		struct visit *visit = arrive(n);                                                   \
                                                                                                   \
		return depart(visit, function_body(n, call_##a(x)));                               \
	}

#define TAIL(n, a)                                                                                 \
	CALL(n)                                                                                    \
	{                                                                                          \
		return call_##a(depart(arrive(n), function_body(n, x)));                           \
	}

#define LEFT_FROM(n, a, b)                                                                         \
	CALL(n)                                                                                    \
	{                                                                                          \
		struct visit *visit = arrive(n);                                                   \
                                                                                                   \
		return depart(visit, call_##b(call_##a(x)) + 1);                                   \
	}

#define LEAVES(n, a)                                                                               \
	CALL(n)                                                                                    \
	{                                                                                          \
		arrive(n)->result = call_##a(x);                                                   \
		__builtin_longjmp(call_trail->leave, 1);                                           \
	}

/* In the order in which they can be defined. */
#define EIGHT(n)                                                                                   \
	LEAF(n##0)                                                                                 \
	LEAF(n##1)                                                                                 \
	LEAF(n##2)                                                                                 \
	NEST(n##3, n##2, n##1)                                                                     \
	DEEPER(n##4, n##3)                                                                         \
	TAIL(n##5, n##4)                                                                           \
	LEAVES(n##7, n##2)                                                                         \
	LEFT_FROM(n##6, n##5, n##7)

/* The numbers are octal: 000 to 077. */
EIGHT(00)
EIGHT(01) EIGHT(02) EIGHT(03) EIGHT(04) EIGHT(05) EIGHT(06) EIGHT(07)

#define ELEMENTS(n)                                                                                \
	call_##n##0, call_##n##1, call_##n##2, call_##n##3, call_##n##4, call_##n##5, call_##n##6, \
		call_##n##7
	unsigned long (*const call_table[FUNCTION_COUNT])(unsigned long x) = {
		ELEMENTS(00), ELEMENTS(01), ELEMENTS(02), ELEMENTS(03),
		ELEMENTS(04), ELEMENTS(05), ELEMENTS(06), ELEMENTS(07),
};
