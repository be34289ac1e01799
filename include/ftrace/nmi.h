/* SPDX-License-Identifier: MIT */
/*
 * ftrace/nmi.h - signal handlers that may execute code while it is modified.
 *
 * While the library modifies code, other threads stand still, and their signals
 * wait. Use this header for a signal that must not wait, such as that of a
 * profiler or a watchdog:
 *
 *	static void on_prof(int signo)
 *	{
 *		ftrace_nmi_enter();
 *		take_sample();
 *		ftrace_nmi_exit();
 *	}
 *
 *	ftrace_nmi_add_signal(SIGPROF);
 *	sigaction(SIGPROF, &action_with_on_prof, NULL);
 *
 * Do not use it for a handler that can wait until the change is over: with the default
 * method, such a handler needs nothing from this header.
 *
 * A signal handler declared as an NMI plays the part of the kernel's non-maskable
 * interrupt. The headers call it an NMI. Two things are necessary:
 *
 *   1. The signal is declared with ftrace_nmi_add_signal(). The library then
 *      leaves it deliverable in parked threads.
 *   2. The handler begins with ftrace_nmi_enter() and ends with
 *      ftrace_nmi_exit(). The two calls are its bracket.
 *
 * Inside the bracket the handler may execute code that is being patched. It must
 * not wait for another thread, because that thread may be parked until this handler
 * ends. It must not even spin on a lock: use a trylock, and do without the lock if
 * that fails. The handler must not fork, and must not be left by longjmp(),
 * pthread_exit() or cancellation.
 *
 * There is an exception to 1. If a thread does not take the library's stop signal,
 * because it blocks the signal or because the process has no free signal, the library
 * stops it with ptrace(2) ("seizes" it, see ftrace/patch.h). A seized thread takes no
 * signal at all until the release. A thread in an announced NMI is stopped only when
 * the NMI has ended. @seized_threads in struct ftrace_stats counts seized threads.
 *
 * Another signal handler of the program may interrupt the NMI and leave it by
 * siglongjmp(). ftrace_nmi_exit() is not called then. The library closes the bracket
 * when it finds that the thread is no longer in a signal handler: when it stops the
 * thread, when the thread calls the library, or eventually when the thread calls
 * traced functions. Up to two calls of the library may fail with -EDEADLK before that
 * if the open bracket cannot be distinguished from one in ordinary code. A thread can
 * have 63 open brackets.
 *
 * A signal handler may also leave a call of this library by siglongjmp(). While
 * a call holds a lock or another resource, the library blocks all signals except
 * declared signals, the stop signal, and faults. Blocked signals are delivered when
 * the call ends, or while it waits for the handler of a traced function or for
 * another thread's call of ftrace/trace.h. A call that is left in this way has taken
 * effect in part or completely, and its result is lost. The functions that the
 * library calls for ftrace_for_each_site() and ftrace_set_print() run with these
 * signals blocked, and must return. A fault handler must not leave a call of the
 * library.
 *
 * On Windows there are no signals, and nothing is declared. There an NMI is code that
 * another thread or the system forces onto a thread: by setting its context, as profilers
 * do, by a special user APC, or as a vectored exception handler. Only the bracket is needed.
 *
 * Source: ftrace_nmi_enter(), ftrace_nmi_exit() in the kernel's
 * arch/x86/kernel/ftrace.c as of 2010.
 */
#ifndef FTRACE_NMI_H
#define FTRACE_NMI_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(FTRACE_NO_INLINE) && !defined(_WIN32)
#include <ftrace/nmi-inline.h>
#else

/**
 * ftrace_nmi_enter - the first thing in a handler that may execute patched code
 *
 * While no thread modifies code, this costs one load, one thread-local store and
 * one branch. While a thread modifies code, the handler announces itself, and
 * writes the location that is being changed before it can execute it.
 *
 * Brackets nest up to 63 deep, because handlers of different signals may interrupt
 * each other. Each call needs a matching ftrace_nmi_exit() in the same handler.
 *
 * Context: any; async-signal-safe, on any stack, in any thread, before and
 * after every other call. Does not change errno.
 */
void ftrace_nmi_enter(void);

/**
 * ftrace_nmi_exit - the last thing in a handler that called ftrace_nmi_enter()
 *
 * If the handler was announced and the thread was asked to stop in the meantime, the
 * thread parks here until the other thread has finished its modification. Without a
 * matching ftrace_nmi_enter(), this function does nothing.
 *
 * Context: any, as ftrace_nmi_enter().
 */
void ftrace_nmi_exit(void);

#endif /* __GNUC__ && !FTRACE_NO_INLINE && !_WIN32 */

/**
 * ftrace_nmi_add_signal - declare that the handler of a signal has the bracket
 * @signo: the number of the signal
 *
 * From the next stop on, the signal stays deliverable in parked threads, but not in
 * seized ones (see ftrace/nmi.h). The library does not install or inspect the handler.
 * Faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS) stay deliverable in any
 * case; declare such a signal if its handler can execute patched code.
 *
 * Returns 0 or
 *   -EINVAL   a program cannot handle signal @signo (0, negative, too large,
 *             SIGKILL, SIGSTOP, or 32 or 33, which the C library uses), or it is
 *             the signal with which the library stops threads
 *   -EEXIST   the signal is already declared
 *   -EDEADLK  called from a signal handler: inside the bracket, or in one that
 *             interrupted the library
 *
 * Context: thread.
 */
int ftrace_nmi_add_signal(int signo);

/**
 * ftrace_nmi_del_signal - undo ftrace_nmi_add_signal()
 * @signo: the number of the signal
 *
 * Returns 0 or
 *   -EINVAL   as for ftrace_nmi_add_signal()
 *   -ENOENT   the signal is not declared
 *   -EDEADLK  called from a signal handler: inside the bracket, or in one that
 *             interrupted the library
 *
 * Context: thread.
 */
int ftrace_nmi_del_signal(int signo);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_NMI_H */
