/* SPDX-License-Identifier: MIT */
/*
 * ftrace/nmi-inline.h - the bodies of ftrace_nmi_enter() and _exit().
 *
 * Do not include this file; <ftrace/nmi.h> does, under GNU C, unless
 * FTRACE_NO_INLINE is defined. It depends on __thread, on the initial-exec
 * model of thread-local storage, and on the layout of the two objects below,
 * which is part of the ABI.
 *
 * The gate. ftrace_modifying_code is 1 while somebody modifies code and 0 the
 * rest of the time, which is nearly always. It is alone on its cache line, and
 * handlers only read it, so the line stays shared by all CPUs.
 *
 * The saved word. Each enter shifts the gate in at the bottom of
 * ftrace_nmi_thread.saved, each exit shifts it out again: the copy that was
 * saved on entry decides on exit, whatever the gate says by then. The kernel
 * has one flag per CPU; here handlers of different signals nest, hence a
 * stack of bits. It starts as 1, so the highest set bit is always the
 * sentinel, and its position is the depth of nesting.
 *
 * No atomic operation and no barrier is needed while the gate is closed: only
 * this thread touches its word, a nested handler leaves it as it found it, and
 * the patcher opens the gate before it stops this thread, so a stale 0 is
 * always followed by a stop before any byte changes.
 */
#ifndef FTRACE_NMI_INLINE_H
#define FTRACE_NMI_INLINE_H

/* One per thread, 64 bytes. Only @saved is for this header. */
struct ftrace_nmi_thread {
	unsigned long saved;
	unsigned long reserved[7];
};

/* Whole lines, so that a copy in the executable stays alone on its line. */
extern unsigned long ftrace_modifying_code[16];
extern __thread struct ftrace_nmi_thread ftrace_nmi_thread
	__attribute__((tls_model("initial-exec")));

void ftrace_nmi_enter_slow(void);
void ftrace_nmi_exit_slow(void);

static inline void ftrace_nmi_enter(void)
{
	unsigned long modifying = *(volatile unsigned long *)&ftrace_modifying_code[0];

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
