/* SPDX-License-Identifier: MIT */
/*
 * ftrace/nmi-inline.h - the bodies of ftrace_nmi_enter() and ftrace_nmi_exit().
 *
 * Do not include this file. <ftrace/nmi.h> includes it if the compiler supports
 * GNU C and FTRACE_NO_INLINE is not defined. It depends on __thread, on the
 * initial-exec model of thread-local storage, and on the layout of the two
 * objects below, which is part of the ABI.
 *
 * The gate. ftrace_modifying_code is 1 while a thread modifies code, and 0 at
 * all other times, that is, nearly always. It has cache lines of its own, and
 * handlers only read it, so all CPUs keep a shared copy of the line.
 *
 * The saved word. Each enter shifts the value of the gate into bit 0 of
 * ftrace_nmi_thread.saved, and the matching exit shifts it out again. The copy
 * that was saved on entry decides what the exit does, even if the gate has
 * changed since. The kernel has one flag per CPU; here, handlers of different
 * signals nest, so a stack of bits is needed. The word starts as 1: the highest
 * set bit is always the sentinel, and its position is the nesting depth.
 *
 * While the gate is closed, no atomic operation and no barrier is needed. Only
 * this thread writes its word, and a nested handler restores the word before it
 * returns. The patcher opens the gate before it stops this thread, so a thread
 * that reads a stale 0 always stops before any byte changes.
 */
#ifndef FTRACE_NMI_INLINE_H
#define FTRACE_NMI_INLINE_H

#include <stdint.h>

/**
 * struct ftrace_nmi_thread, ftrace_nmi_thread - what ftrace_nmi_enter() and
 * ftrace_nmi_exit() keep of a thread
 * @saved: a stack of bits, one for each bracket that the thread is in, below a 1
 * @reserved: the library's
 *
 * Do not use it: it is here for the inline functions. There is one for each thread.
 */
struct ftrace_nmi_thread {
	uintptr_t saved;
	uintptr_t reserved[7];
};
extern __thread struct ftrace_nmi_thread ftrace_nmi_thread
	__attribute__((tls_model("initial-exec")));

/**
 * ftrace_modifying_code - 1 while a thread modifies code
 *
 * Do not use it: it is here for the inline functions ftrace_nmi_enter() and
 * ftrace_nmi_exit(). It has whole cache lines, because a copy relocation into the executable
 * must not share a line.
 */
extern uintptr_t ftrace_modifying_code[16];

/**
 * ftrace_nmi_enter_slow, ftrace_nmi_exit_slow - what ftrace_nmi_enter() and
 * ftrace_nmi_exit() do while a thread modifies code
 *
 * Do not call them: the inline functions do.
 *
 * Context: any, as ftrace_nmi_enter().
 */
void ftrace_nmi_enter_slow(void);
void ftrace_nmi_exit_slow(void);

static inline void ftrace_nmi_enter(void)
{
	uintptr_t modifying = *(volatile uintptr_t *)&ftrace_modifying_code[0];

	ftrace_nmi_thread.saved = ftrace_nmi_thread.saved << 1 | modifying;
	if (__builtin_expect(modifying != 0, 0)) {
		ftrace_nmi_enter_slow();
		return;
	}
	/* The compiler must not move the handler's work above this line ... */
	__asm__ __volatile__("" ::: "memory");
}

static inline void ftrace_nmi_exit(void)
{
	/* ... nor below this one. */
	__asm__ __volatile__("" ::: "memory");
	if (__builtin_expect(ftrace_nmi_thread.saved & 1, 0))
		ftrace_nmi_exit_slow();
	else
		ftrace_nmi_thread.saved >>= 1;
}

#endif /* FTRACE_NMI_INLINE_H */
