/* SPDX-License-Identifier: MIT */
/*
 * ftrace/nmi.h - signals that stay deliverable while code is modified.
 *
 * A signal plays the part of the kernel's non-maskable interrupt when
 *
 *   1. its number is declared with ftrace_nmi_add_signal(), so that the
 *      library leaves it deliverable in threads that are parked, and
 *   2. its handler begins with ftrace_nmi_enter() and ends with
 *      ftrace_nmi_exit().
 *
 * In between the handler may execute code that is being patched. It must not
 * wait for another thread, not even for a spinning lock (try it, and do without):
 * that thread may be parked until this handler ends. It must not leave by
 * longjmp(), pthread_exit() or cancellation, and not fork.
 *
 * One exception to 1: a thread that takes no signal of the library's, because it
 * blocks the stop signal or the process has none, is stopped by ptrace(2) ("seized",
 * ftrace/patch.h) and takes no signal at all until the release. It is not stopped
 * inside of an announced NMI, but when that has ended. @seized_threads of struct
 * ftrace_stats counts such threads.
 *
 * Another handler of the program's may interrupt it and leave by siglongjmp(). Then
 * ftrace_nmi_exit() is not called; the library closes the bracket when it finds out
 * that the thread is in no signal handler any more: when it is stopped, calls the
 * library, or by and by as it calls traced functions. A call of the
 * library may return -EDEADLK twice before that, where nothing tells the bracket
 * from one in ordinary code, which looks the same. 63 brackets can be open.
 *
 * A handler that interrupts a call of this library may leave by siglongjmp() as well:
 * while a call holds something, all signals are blocked but the declared ones, the one
 * that stops threads, and faults. They come when the call ends, or while it waits for
 * the handler of a traced function or for another thread's call of ftrace/trace.h. Such a
 * call has then been made, in part or in whole, and has no result. Functions that the
 * library calls (of ftrace_for_each_site(), ftrace_set_print()) run with these
 * signals blocked, and must not be left; nor must the library by a handler of a fault.
 *
 * Source: ftrace_nmi_enter(), ftrace_nmi_exit() in the kernel's
 * arch/x86/kernel/ftrace.c as of 2010.
 */
#ifndef FTRACE_NMI_H
#define FTRACE_NMI_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(FTRACE_NO_INLINE)
#include <ftrace/nmi-inline.h>
#else

/**
 * ftrace_nmi_enter - the first thing in a handler that may execute patched code
 *
 * While nobody modifies code this costs one load, one thread-local store and
 * one branch. While somebody does, the handler announces itself, and writes
 * the location that is being changed before it can execute it.
 *
 * Nests 63 deep: handlers of different signals may interrupt each other.
 * Each call needs its ftrace_nmi_exit() in the same handler.
 *
 * Context: any; async-signal-safe, on any stack, in any thread, before and
 * after every other call. Does not change errno.
 */
void ftrace_nmi_enter(void);

/**
 * ftrace_nmi_exit - the last thing in a handler that called ftrace_nmi_enter()
 *
 * If the handler was announced and the thread was asked to stop meanwhile, it
 * stops here, until the other thread's modification is done. Without a
 * matching ftrace_nmi_enter() it does nothing.
 *
 * Context: any, as ftrace_nmi_enter().
 */
void ftrace_nmi_exit(void);

#endif /* __GNUC__ && !FTRACE_NO_INLINE */

/**
 * ftrace_nmi_add_signal - declare that a signal's handler brackets itself
 * @signo: the number of the signal
 *
 * From the next stop on, the signal stays deliverable in threads that are
 * parked (not in those that had to be seized, see above). The library neither installs nor looks at its handler. A handler
 * for a hardware fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS)
 * stays deliverable in any case; declare it if it can execute patched code.
 *
 * Returns 0 or
 *   -EINVAL   @signo is no signal that a program can handle (0, negative, too
 *             large, SIGKILL, SIGSTOP, the C library's own 32 and 33), or it
 *             is the signal with which the library stops threads
 *   -EEXIST   it is declared already
 *   -EDEADLK  called from a handler that interrupted the library
 *
 * Context: thread.
 */
int ftrace_nmi_add_signal(int signo);

/**
 * ftrace_nmi_del_signal - take back ftrace_nmi_add_signal()
 * @signo: the number of the signal
 *
 * Returns 0 or
 *   -EINVAL   as for ftrace_nmi_add_signal()
 *   -ENOENT   it is not declared
 *   -EDEADLK  called from a handler that interrupted the library
 *
 * Context: thread.
 */
int ftrace_nmi_del_signal(int signo);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_NMI_H */
