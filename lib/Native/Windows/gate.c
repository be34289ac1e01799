/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the gate of ftrace_nmi_enter() and ftrace_nmi_exit(): its two objects, and both
 * functions. The code, and the argument for it, are in ftrace/nmi-inline.h. Programs cannot
 * inline it: a thread-local object cannot be exported.
 */
#include "native.h"

#define TEB_SELF      0x30
#define TEB_TLS_ARRAY 0x58

/* On cache lines of its own: handlers on all CPUs read it, only the patcher writes it. */
uintptr_t ftrace_modifying_code[16] __attribute__((aligned(128)));

__thread struct ftrace_nmi_thread ftrace_nmi_thread = {.saved = 1};

void ftrace_nmi_enter(void) __attribute__((aligned(64)));
void ftrace_nmi_exit(void) __attribute__((aligned(64)));

void ftrace_nmi_enter(void)
{
	inline_nmi_enter();
}

void ftrace_nmi_exit(void)
{
	inline_nmi_exit();
}

/* The gate opens only after the runtime has started: then these are set. */
void ftrace_nmi_enter_slow(void)
{
	native.enter_slow(&ftrace_nmi_thread);
}

void ftrace_nmi_exit_slow(void)
{
	/* If only the sentinel is left, this is an exit without an enter. */
	if (ftrace_nmi_thread.saved != 1)
		native.exit_slow(&ftrace_nmi_thread);
}

struct ftrace_nmi_thread *current_thread(void)
{
	return &ftrace_nmi_thread;
}

/* The words of another thread are found by its TEB. */
uintptr_t tls_offset(void)
{
	char *teb, **array;

	__asm__("mov %%gs:%c1, %0" : "=r"(teb) : "i"(TEB_SELF));
	array = *(char ***)(teb + TEB_TLS_ARRAY);
	return (uintptr_t)((char *)&ftrace_nmi_thread - array[_tls_index]);
}
