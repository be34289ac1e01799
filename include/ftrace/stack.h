/* SPDX-License-Identifier: MIT */
/*
 * ftrace/stack.h - how much stack the library uses on the threads of the host.
 *
 * Use this header in programs with small stacks: of threads, of coroutines, and alternate
 * stacks for signal handlers. With the usual stacks of some MB you do not need it.
 *
 *	size = own_need + ftrace_stack_size(FTRACE_STACK_STOP);
 *
 * The library uses a thread's stack when it stops the thread, when the thread executes
 * a breakpoint, in the brackets of signal handlers, and when the thread calls a traced
 * function. The first two use the alternate stack, if the thread has one and the program
 * handles a signal that may arrive at any time with SA_ONSTACK. They do not use it if the
 * program handles only faults there, as .NET and Rust do for SIGSEGV.
 *
 * Needs that exist at the same time add up. In the formulas below, FTRACE_STACK_X means
 * ftrace_stack_size(FTRACE_STACK_X). A signal handler declared as an NMI that itself uses
 * N bytes needs
 *
 *	FTRACE_STACK_SIGNAL + N + FTRACE_STACK_BRACKET
 *
 * One stack can hold one such handler for each declared signal (more with SA_NODEFER),
 * one stop, and, with the breakpoint method, one breakpoint in the innermost handler. A
 * stop also interrupts a handler that is not declared:
 *
 *	FTRACE_STACK_SIGNAL + N + FTRACE_STACK_STOP
 *
 * If these handlers call traced functions, add FTRACE_STACK_CALL or
 * FTRACE_STACK_CALL_VECTORS.
 */
#ifndef FTRACE_STACK_H
#define FTRACE_STACK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A signal frame, which the kernel makes for every handler; nothing of the library. */
#define FTRACE_STACK_SIGNAL 1

/* A stop: the frame of the stop signal, and its handler. */
#define FTRACE_STACK_STOP 2

/* A breakpoint: the frame of SIGTRAP, and its handler. */
#define FTRACE_STACK_BREAKPOINT 3

/* A call of ftrace_nmi_enter() or ftrace_nmi_exit(), in which the thread may park. */
#define FTRACE_STACK_BRACKET 4

/*
 * A traced call, up to the handler, if all handlers of the function have
 * FTRACE_OPS_FL_NO_VECTORS. Some calls need as much as FTRACE_STACK_CALL_VECTORS all the
 * same: the first traced call of a thread, a call in an NMI, a call while the handlers of
 * the function are being changed, and every call while ftrace_update_ftrace_func() has
 * set a function.
 */
#define FTRACE_STACK_CALL 5

/* A traced call with other handlers, for which all vector registers are saved. */
#define FTRACE_STACK_CALL_VECTORS 6

/*
 * An upper limit for the library's own part of each of them except FTRACE_STACK_SIGNAL, in
 * bytes, on every machine and with any flags of the handler.
 */
#define FTRACE_STACK_OWN 640

/**
 * ftrace_stack_size - get the maximum stack usage on this machine, in bytes
 * @what: FTRACE_STACK_*
 *
 * The sum of FTRACE_STACK_OWN and of what depends on the machine: for signals the kernel's
 * frame, including the vector registers, and 128 bytes of red zone; for traced calls the
 * vector registers that are saved. With AVX-512 a signal frame takes more than 3 KB, and
 * the registers of a traced call take 2.2 KB.
 *
 * Returns the number of bytes, or
 *   -EINVAL  @what is not FTRACE_STACK_*
 *
 * Context: any.
 * Source: getauxval(AT_MINSIGSTKSZ), Documentation/arch/x86/elf_auxvec.rst.
 */
intptr_t ftrace_stack_size(int what);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_STACK_H */
