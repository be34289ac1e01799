/* SPDX-License-Identifier: MIT */
/*
 * ftrace/ftrace.h - everything: live code patching that is safe against
 * signal handlers.
 *
 * Loading the library never ends the process. If it cannot start, because there is
 * too little address space (it needs 10 MB of its own, its file included) or memory,
 * its functions return an error and change nothing, from then on. ftrace_version(),
 * ftrace_nmi_enter() and ftrace_nmi_exit() work at any time. All others return, beside
 * what stands with each,
 *
 *   -EAGAIN  called before the library's constructor has run, as from .preinit_array or
 *            the constructor of an object that does not depend on the library; or a
 *            limit other than memory was met: at load, which is for good, or in the
 *            thread's first call, which can be made again
 *   -ENOMEM  there was too little memory: at load, or in the thread's first call
 *   -EOPNOTSUPP
 *            called from a process that has this one's memory and is none of its
 *            threads, as the child of vfork(), or of clone() with CLONE_VM
 *
 * Children. After fork(), at whatever moment and whatever other threads were doing, the
 * child can call everything; also if one of them was in the loader, where the child itself
 * cannot open or close objects any more. A child that was made without the C library's
 * fork(), by clone() or syscall(SYS_fork), may call the library as well; if another thread
 * was in its first call at that moment, or ending, threads of the child that have not called
 * the library yet get -EAGAIN, and if one was in a call of ftrace/trace.h, sites.h or
 * static_key.h, so does every such call in the child.
 *
 * It has 352 bytes of thread-local objects, which must be near: dlopen() fails with
 * "cannot allocate memory in static TLS block" if other libraries have used up what the
 * C library keeps for that (1,664 bytes). Linking with the library, LD_PRELOAD, or
 * GLIBC_TUNABLES=glibc.rtld.optional_static_tls=BYTES help.
 *
 * The environment is read for FTRACE_STOP_SIGNAL and FTRACE_PRINT only, and not in programs
 * that run with more rights than their caller's (secure_getenv(3)).
 */
#ifndef FTRACE_FTRACE_H
#define FTRACE_FTRACE_H

#include <ftrace/version.h>
#include <ftrace/nmi.h>
#include <ftrace/patch.h>
#include <ftrace/sites.h>
#include <ftrace/stack.h>
#include <ftrace/static_key.h>
#include <ftrace/trace.h>

#endif /* FTRACE_FTRACE_H */
