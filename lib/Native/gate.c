/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the gate of ftrace_nmi_enter() and ftrace_nmi_exit(): its two objects, and
 * both functions for callers that do not inline them. The code, and the argument for it,
 * are in ftrace/nmi-inline.h; what runs while the gate is open is C#.
 */
#include "native.h"

/* On cache lines of its own: handlers on all CPUs read it, only the patcher writes it. */
EXPORT unsigned long ftrace_modifying_code[16] __attribute__((aligned(128)));

/* It is not claimed, and its mark makes the trampoline take the slow path. */
const unsigned long no_tracer[NO_TRACER_WORDS] __attribute__((aligned(128))) = {
	[TraceThread_Mark / sizeof(long)] = TraceMark_LookAside,
};

EXPORT __thread struct ftrace_nmi_thread ftrace_nmi_thread
	__attribute__((tls_model("initial-exec"))) = {.saved = 1, .tracer = (unsigned long)no_tracer};

/*
 * The exported copies of the inline gate. The header's functions of the same
 * name are static; the assembler name makes these the public ones. Each lies in
 * one line of the instruction cache: across two, a pair takes 6 % longer, and
 * which it is would depend on the size of everything before it.
 */
EXPORT void exported_enter(void) __asm__("ftrace_nmi_enter") __attribute__((aligned(64)));
EXPORT void exported_exit(void) __asm__("ftrace_nmi_exit") __attribute__((aligned(64)));

void exported_enter(void)
{
	ftrace_nmi_enter();
}

void exported_exit(void)
{
	ftrace_nmi_exit();
}

EXPORT void ftrace_nmi_enter_slow(void)
{
	native.enter_slow(&ftrace_nmi_thread);
}

EXPORT void ftrace_nmi_exit_slow(void)
{
	/*
	 * The thread may park here, where ftrace_check_stack() reads its stack, and no registers:
	 * this saves all that calls preserve.
	 */
	__builtin_unwind_init();

	/* If only the sentinel is left, this is an exit without an enter. */
	if (ftrace_nmi_thread.saved != 1)
		native.exit_slow(&ftrace_nmi_thread);
	__asm__ __volatile__(""); /* it is called, not jumped to with the registers restored */
}
