/* SPDX-License-Identifier: MIT */
/*
 * pending_plugin.c - a shared object whose constructor calls a function that can be traced,
 * PEND_CALLS times. UNRESOLVED: it cannot be opened. MANGLED: the function has a C++ name.
 */
#include "pending.h"

#ifdef MANGLED
int pend_step(int x) __asm__("_ZN4pend4stepEi");
#else
int pend_step(int x);
#endif
int pend_undefined(void);
volatile int pend_sum;

int __attribute__((noipa)) pend_step(int x)
{
	return x + 1;
}

static void __attribute__((constructor)) construct(void)
{
	for (int i = 0; i < PEND_CALLS; i++)
		pend_sum += pend_step(i);
#ifdef UNRESOLVED
	pend_undefined();
#endif
}
