/* SPDX-License-Identifier: MIT */
/*
 * Functions that the compiler made patchable, and what they must return.
 */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#define FUNCTION_COUNT 64

/* Patchable. Element n returns function_body(n, x). */
extern unsigned long (*const function_table[FUNCTION_COUNT])(unsigned long x);

/*
 * What a patched entry calls. Adds 1 to function_marks and changes nothing
 * else but the flags, which are dead on entry to a function.
 */
void function_stub(void);

/* Handlers put back the value that they found. */
extern __thread volatile unsigned long function_marks;

static inline __attribute__((always_inline)) unsigned long function_body(unsigned long n,
									 unsigned long x)
{
	for (unsigned long i = 0; i <= n % 4; i++)
		x = (x ^ x >> (7 + n % 13)) * (0x9e3779b97f4a7c15 + 2 * n);
	return x + n;
}

#endif /* FUNCTIONS_H */
