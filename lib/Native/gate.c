/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the gate of ftrace_nmi_enter() and ftrace_nmi_exit(): its two objects, and
 * both functions for callers that do not inline them. The text, and why it is right, is
 * in ftrace/nmi-inline.h; what happens while the gate is open is C#.
 */
#include "native.h"

/* Own lines: handlers on all CPUs read it, the patcher alone writes it. */
EXPORT unsigned long ftrace_modifying_code[16] __attribute__((aligned(128)));

/* Nobody has claimed it, and what would be the mark says to look closer. */
const unsigned long no_tracer[NO_TRACER_WORDS] __attribute__((aligned(128))) = {
	[TraceThread_Mark / sizeof(long)] = TraceMark_LookAside,
};

EXPORT __thread struct ftrace_nmi_thread ftrace_nmi_thread
	__attribute__((tls_model("initial-exec"))) = {.saved = 1, .tracer = (unsigned long)no_tracer};

/*
 * The exported copies of the inline gate. The header's functions of the same
 * name are static; the assembler name makes these the public ones.
 */
EXPORT void exported_enter(void) __asm__("ftrace_nmi_enter");
EXPORT void exported_exit(void) __asm__("ftrace_nmi_exit");

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
	/* Only the sentinel is there: an exit without its enter. */
	if (ftrace_nmi_thread.saved != 1)
		native.exit_slow(&ftrace_nmi_thread);
}
