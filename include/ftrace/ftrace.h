/* SPDX-License-Identifier: MIT */
/*
 * ftrace/ftrace.h - patch the code of a running program, and trace its functions: all
 * headers of libftrace.
 *
 * It includes
 *
 *	ftrace/trace.h		call a handler at the entry of functions, by name
 *	ftrace/graph.h		call handlers at their entry and exit
 *	ftrace/sites.h		list the functions that can be traced
 *	ftrace/static_key.h	branches and calls that are changed by patching
 *	ftrace/patch.h		replace instructions at given addresses
 *	ftrace/nmi.h		signal handlers that may execute code while it changes
 *	ftrace/tracing.h	record what a program does, in a file
 *	ftrace/agent.h		serve another process that wants to trace this one
 *	ftrace/stack.h		how much stack the library uses
 *	ftrace/error.h		what an error code means
 *	ftrace/version.h	the version of the library
 *
 * Do not use the library to patch code on a system other than x86-64 Linux, or to
 * change data: it writes only to executable memory. (On x86-64 Windows there is a part of
 * it, experimental: docs/windows.md.)
 *
 * Loading the library never ends the process. If the library cannot start, because there
 * is too little memory or address space (it needs 20 MB, including its file), its
 * functions return an error and change nothing from then on. To change code it needs about
 * 60 MB of address space; with less, these calls fail with -ENOMEM. ftrace_version(),
 * ftrace_strerror(), ftrace_stack_size(), ftrace_nmi_enter() and ftrace_nmi_exit() always
 * work. All other functions that return an error can return these, in addition to those
 * listed with each function:
 *
 *   -EAGAIN  the library's constructor has not run yet: the call comes from
 *            .preinit_array, or from the constructor of an object that does not depend
 *            on the library. Or a limit other than memory was reached: at load, and
 *            then the error is permanent; or in the first call of this thread, and
 *            then the thread can try again
 *   -ENOMEM  there was too little memory, at load or in the first call of this thread
 *   -EOPNOTSUPP
 *            the caller is a process that shares the memory of this process and is not
 *            one of its threads: a child of vfork(), or of clone() with CLONE_VM
 *
 * Children. The child of fork() can call every function, whatever the other threads
 * of the parent were doing at the time of the fork. This holds even if one of them was
 * in the dynamic loader; the child itself can then no longer open or close objects. A
 * child that was created without the C library's fork(), with clone() or
 * syscall(SYS_fork), can call the library too, with two exceptions. If another thread
 * of the parent was ending, or was in its first call of the library, then threads of the
 * child that have not called the library yet get -EAGAIN. If another thread was in a
 * call of ftrace/trace.h, graph.h, sites.h or static_key.h, then all calls of these
 * headers fail with -EAGAIN in the child.
 *
 * fork() waits for such calls of other threads, but for 10 seconds at most, because they
 * may wait for a lock that the forking thread holds, such as the one that an allocator
 * takes in its handler of pthread_atfork(). It does not wait inside a stop window, after
 * ftrace_arch_code_modify_prepare(), or in code that a call of the library runs: those
 * calls may wait for this thread. If fork() has not waited for a call to end, the same
 * exceptions hold in the child.
 *
 * The library has 352 bytes of thread-local objects in the static TLS block. If other
 * libraries have used up the space that the C library reserves there for dlopen()
 * (1,664 bytes), dlopen() fails with "cannot allocate memory in static TLS block". To
 * avoid this, link with the library, use LD_PRELOAD, or set
 * GLIBC_TUNABLES=glibc.rtld.optional_static_tls=BYTES.
 *
 * The library reads the environment variables FTRACE_STOP_SIGNAL, FTRACE_PRINT, and those
 * that begin with FTRACE_RECORD (docs/tracing.md), except in a program that runs with more
 * privileges than its caller (secure_getenv(3)).
 */
#ifndef FTRACE_FTRACE_H
#define FTRACE_FTRACE_H

#include <ftrace/version.h>
#include <ftrace/agent.h>
#include <ftrace/error.h>
#include <ftrace/graph.h>
#include <ftrace/nmi.h>
#include <ftrace/patch.h>
#include <ftrace/sites.h>
#include <ftrace/stack.h>
#include <ftrace/static_key.h>
#include <ftrace/trace.h>
#include <ftrace/tracing.h>

#endif /* FTRACE_FTRACE_H */
