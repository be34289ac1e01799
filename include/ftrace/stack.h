/* SPDX-License-Identifier: MIT */
/*
 * ftrace/stack.h - how much stack the library takes of the host's threads.
 *
 * For programs that make stacks small: of threads, of coroutines, and alternate
 * ones for signal handlers. The library runs on them when a thread is stopped,
 * when it runs into a breakpoint, in the brackets of its handlers, and when it calls
 * a traced function. The first two use the thread's alternate stack, if it has one,
 * in programs that have SA_ONSTACK with the handler of a signal that may come at any
 * time; not where only faults are handled there, as SIGSEGV in .NET and Rust.
 *
 * What is needed at the same time adds up. A handler that is declared as an NMI and
 * takes N bytes itself needs
 *
 *	FTRACE_STACK_SIGNAL + N + FTRACE_STACK_BRACKET
 *
 * and as many such handlers as there are declared signals can be on one stack, each
 * once (more often with SA_NODEFER), with one stop, and in the innermost handler one
 * breakpoint, where that method is used. A handler that is not declared is
 * interrupted by a stop as well:
 *
 *	FTRACE_STACK_SIGNAL + N + FTRACE_STACK_STOP
 *
 * If such code calls traced functions, their handlers' calls come on top.
 */
#ifndef FTRACE_STACK_H
#define FTRACE_STACK_H

#ifdef __cplusplus
extern "C" {
#endif

/* A signal frame, as the kernel makes it for every handler: no code of the library's. */
#define FTRACE_STACK_SIGNAL 1

/* A thread is stopped: the frame of the stop signal, and its handler. */
#define FTRACE_STACK_STOP 2

/* A thread runs into a breakpoint: the frame of SIGTRAP, and its handler. */
#define FTRACE_STACK_BREAKPOINT 3

/* ftrace_nmi_enter() or ftrace_nmi_exit(), which may stop the thread there. */
#define FTRACE_STACK_BRACKET 4

/*
 * A traced call, up to the handler, if all handlers of the function have
 * FTRACE_OPS_FL_NO_VECTORS. But a thread's first traced call, one in an NMI, one that
 * comes while its handlers are being changed, and every one with a function of
 * ftrace_update_ftrace_func() take as much as the next kind.
 */
#define FTRACE_STACK_CALL 5

/* A traced call with any handlers, which are called with all vector registers saved. */
#define FTRACE_STACK_CALL_VECTORS 6

/*
 * The library's own share of each of them but the first, at most, in bytes, whatever
 * the machine and the handler's flags.
 */
#define FTRACE_STACK_OWN 640

/**
 * ftrace_stack_size - how many bytes of stack something takes at most on this machine
 * @what: FTRACE_STACK_*
 *
 * FTRACE_STACK_OWN and what the machine adds: for signals the kernel's frame, with
 * the vector registers that there are, and 128 bytes of red zone; for traced calls
 * the vector registers that are saved. With AVX-512 a frame takes more than 3 KB, and
 * the registers of a traced call 2.2 KB.
 *
 * Returns the number of bytes, or
 *   -EINVAL  @what is none of them
 *
 * Context: any.
 * Source: getauxval(AT_MINSIGSTKSZ), Documentation/arch/x86/elf_auxvec.rst.
 */
long ftrace_stack_size(int what);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_STACK_H */
