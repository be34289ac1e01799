/* SPDX-License-Identifier: MIT */
/*
 * ftrace/patch.h - replace instructions that other threads may be executing.
 *
 * Use this header to patch instructions at addresses that the program knows: hot
 * fixes, or trace points of its own. Do not use it to trace functions by name
 * (ftrace/trace.h), or for branches and calls that the program itself defines
 * (ftrace/static_key.h): those headers find and check the locations.
 *
 * A call of count() instead of the nop at the entry of work():
 *
 *	error = ftrace_make_call((uintptr_t)work, (uintptr_t)count);
 *
 * There are two ways to make a change. The kernel's sequence is
 *
 *   ftrace_arch_code_modify_prepare();      opens the gate for NMIs
 *   ftrace_stop_machine(fn, data);          stops every other thread
 *      fn: ftrace_modify_code() ...         changes one location after another
 *   ftrace_arch_code_modify_post_process(); closes the gate
 *
 * ftrace_patch_text() does all of this for a batch of locations. A function that
 * changes a single location opens and closes a stop window of its own if it is
 * called outside of one. "NMI" means a signal handler declared as an NMI
 * (ftrace/nmi.h); a stop window is the time in which the other threads stand still.
 *
 * Every function returns 0 or a positive result, or -errno. No function prints,
 * aborts or changes errno. After an error the text, the protection of its pages,
 * the signal masks and the threads are as they were before.
 *
 * The context "thread" means ordinary code, not a signal handler. In a signal handler
 * that is inside the bracket of ftrace_nmi_enter(), or that interrupted the library,
 * these functions fail with -EDEADLK.
 *
 * Every function that stops threads (ftrace_stop_machine(); outside of a stop window
 * also ftrace_modify_code(), ftrace_make_nop(), ftrace_make_call() and
 * ftrace_patch_text()) can return these errors:
 *   -ETIMEDOUT  a thread did not stop in time: it does not take the library's signal
 *               and cannot be seized (see below), waits in vfork() or for a disk, or
 *               is stopped by a debugger; or an NMI did not end in time
 *   -EBUSY      the library has no signal, because the host uses all real-time
 *               signals or replaced the library's handler, and a thread cannot be
 *               seized; or FTRACE_STOP_SIGNAL names a signal that the library cannot
 *               use
 *   -EAGAIN     a limit is reached: of queued signals (RLIMIT_SIGPENDING), of
 *               processes, of open files, or 65,536 threads; or the library's
 *               constructor has not run yet
 *   -ENOMEM     no memory for the library's own tables, or for private copies of
 *               the pages that are changed
 *   -EOPNOTSUPP /proc is not mounted, or shows another pid namespace; or the system
 *               does not allow the library to send signals
 *   -EIO        an earlier change could be neither completed nor undone: the library
 *               no longer changes anything (the kernel's ftrace_kill())
 *
 * How threads are stopped. The library sends a thread the stop signal, and the thread
 * parks in the library's handler. The stop signal is the highest real-time signal that
 * has its default disposition at the first stop, or the one that
 * FTRACE_STOP_SIGNAL=34..64 names. No signal is sent to a thread that does not take this
 * one, because it blocks the signal or itself waits for signals with sigwait(). It is
 * seized: a process that shares the memory of this one, and exists only during the stop,
 * stops the thread with ptrace(2). All threads are seized
 *   - if there is no stop signal, or with FTRACE_STOP_SIGNAL=none
 *   - if no signal is declared as an NMI, and at least one thread must be seized
 *   - if no signal is declared as an NMI, FTRACE_STOP_SIGNAL is not set, and SIGSEGV has
 *     a handler with SA_ONSTACK, whose stack may have no room for the frame of another
 *     signal
 * The library decides this before it stops any thread, so a stop that cannot succeed
 * delays no thread. A seized thread notices this:
 *   - It takes no signal until the release, not even one declared as an NMI.
 *   - Its system calls continue. The kernel restarts most of them. The library restarts
 *     epoll_wait(), epoll_pwait(), epoll_pwait2(), sigtimedwait(), semop(),
 *     semtimedop(), io_getevents(), io_pgetevents() and io_uring_enter(), and, on
 *     sockets with SO_RCVTIMEO or SO_SNDTIMEO, read(), write(), recv(), send(),
 *     accept(), connect() and the like, unless a signal of the host is pending for the
 *     thread. A relative timeout may start again from its full length.
 *   - If kernel.yama.ptrace_scope is 1, the library calls prctl(PR_SET_PTRACER) to name
 *     the seizing process. This replaces the process that the host had named.
 * Threads cannot be seized where the system denies ptrace(2) (Yama scope 2 or 3 without
 * CAP_SYS_PTRACE, a seccomp filter, a process that is not dumpable, a debugger that
 * traces the thread), before Linux 4.16, and under a seccomp filter before Linux 5.16.
 * Another thread that calls wait() with __WALL may see the seizing process.
 *
 * If a stop fails because of a thread, the library reports which thread, why, and what
 * would help, to the function that ftrace_set_print() set. If the host set none,
 * FTRACE_PRINT=stderr in the environment sends these lines to standard error.
 *
 * Several copies of the library in one process take turns.
 *
 * How text is written. The library writes through /proc/self/mem, so no page is ever
 * both writable and executable. Such a write also rewrites, unchanged, the bytes between
 * locations that are less than a page apart. If the system denies /proc/self/mem, the
 * library makes the pages writable during the change. The text must stay mapped during
 * a call.
 */
#ifndef FTRACE_PATCH_H
#define FTRACE_PATCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The length in bytes of a call (e8 rel32), and of the nop that replaces it, on x86-64. */
#define FTRACE_INSN_SIZE 5

/**
 * ftrace_arch_code_modify_prepare - announce that code will be modified
 *
 * Takes the patch mutex, waiting for it if another thread holds it, and opens
 * the gate: NMIs that enter from now on announce themselves. Until it has called
 * ftrace_arch_code_modify_post_process(), the caller must not open or close shared
 * objects, because a thread that waits for the mutex may hold the loader's lock.
 *
 * Returns 0 or
 *   -EDEADLK  the calling thread has already called this function, is inside a stop
 *             window, or is in a signal handler (see ftrace/patch.h)
 *
 * Context: thread.
 * Source: ftrace_arch_code_modify_prepare() in arch/x86/kernel/ftrace.c.
 */
int ftrace_arch_code_modify_prepare(void);

/**
 * ftrace_arch_code_modify_post_process - end the modification
 *
 * Closes the gate and releases the patch mutex.
 *
 * Returns 0 or
 *   -EPERM    the calling thread has not called ftrace_arch_code_modify_prepare()
 *   -EDEADLK  the calling thread is inside a stop window, or in a signal handler
 *
 * Context: thread.
 * Source: ftrace_arch_code_modify_post_process() in arch/x86/kernel/ftrace.c.
 */
int ftrace_arch_code_modify_post_process(void);

/**
 * ftrace_stop_machine - run a function while every other thread stands still
 * @fn: the function to run
 * @data: passed to @fn
 *
 * Parks every other thread of the process in a signal handler, or seizes it. On the
 * calling thread, blocks all signals except declared signals
 * (ftrace_nmi_add_signal()) and faults. Then it runs @fn and releases the threads. It
 * waits at most 5 seconds for the threads to stop. The kernel restarts system calls
 * that the stop signal interrupts, as after any handler with SA_RESTART (signal(7)).
 * poll(), epoll_wait(), nanosleep() and the like fail with EINTR instead, except in
 * seized threads.
 *
 * @fn runs while other threads may hold any lock of the process. It must not allocate
 * memory, take a lock, use stdio, or wait for another thread.
 *
 * Returns the result of @fn, or
 *   -EINVAL     @fn is NULL
 *   -EDEADLK    called inside a stop window, or from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP as said at the top of
 *               ftrace/patch.h; @fn did not run
 *
 * Context: thread.
 * Source: stop_machine() in kernel/stop_machine.c.
 */
int ftrace_stop_machine(int (*fn)(void *data), void *data);

/**
 * ftrace_check_stack - find out whether a thread is in some text, or will return to it
 * @start: the first address of the text
 * @end: the address after its last byte
 * @timeout_ms: how long to wait, in milliseconds, until no thread is; 0: do not wait
 *
 * Use it before you unmap or reuse text that threads may still be in, such as that of the
 * functions that ran instead of traced ones until ftrace_unregister_function()
 * (ftrace/trace.h). First make sure that no thread begins to call the text.
 *
 * Stops all other threads, as ftrace_stop_machine() does, and reads the general
 * registers of each, and its stack: every aligned word from its stack pointer to the
 * end of the stack. It follows the contexts that the kernel saved when signal handlers
 * interrupted the thread, also to another stack. If an address of the text is found, the
 * text is in use. The library then lets the threads run, waits for 1 to 100 ms, and tries
 * again, until @timeout_ms have passed. On the calling thread only return addresses
 * count, so its own pointers to functions of the text do no harm.
 *
 * A thread may seem to use text that it does not use: the address may be a pointer to a
 * function, or remain from a call that has ended, in a part of the stack that has not been
 * written since. As long as it stays there, the text seems to be in use. So pass the text
 * alone, without the data of the object.
 *
 * Not found are
 *   - stacks that no thread is on: those of coroutines that are not running, and the one
 *     that a thread left by swapcontext() or the like
 *   - addresses on a stack that is neither the thread's own nor its alternate stack, if
 *     they are more than 1 MB above the stack pointer, or above memory that cannot be
 *     read; on the thread's own stack more than 64 MB, on threads that the C library did
 *     not create 1 MB
 *   - addresses elsewhere in memory: handlers of signals, functions that atexit() or
 *     pthread_key_create() registered, a thread that is about to start, work for other
 *     threads. Undo these first
 *   - return addresses that another tool has replaced on the stack, as a uretprobe of the
 *     kernel (perf, bpftrace) does until the function returns
 *   - on the calling thread, the return to a call that has become a nop since it was made
 *   - vector registers, addresses that are not aligned, and processes that share the
 *     memory
 *
 * The threads stand still for the usual time of a stop, and in addition for about a
 * microsecond for each thread, and 0.2 ms for each MB of stack between the stack pointer
 * of a thread and the end of its stack.
 *
 * Returns 0 if no thread was found in the text while all stood still, or
 *   -EINVAL   @start is not below @end
 *   -EBUSY    a thread uses the text, or has more than 32 stacks. The library reports
 *             which thread, and the address, to the function that ftrace_set_print() set
 *   -EDEADLK  called inside a stop window, from a signal handler, or from the handler of
 *             a traced function
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP as said at the top of
 *             ftrace/patch.h: the threads could not be stopped, so nothing is known
 *
 * Context: thread.
 * Source: klp_check_stack() in kernel/livepatch/transition.c.
 */
int ftrace_check_stack(uintptr_t start, uintptr_t end, unsigned int timeout_ms);

/**
 * ftrace_modify_code - replace one instruction
 * @ip: address of the instruction
 * @old_code: the FTRACE_INSN_SIZE bytes that are expected there
 * @new_code: the FTRACE_INSN_SIZE bytes to write
 *
 * Inside a stop window it patches at once. Outside, it opens a window of its own.
 *
 * The old bytes may be several instructions, and a thread may have stopped between
 * two of them. Such a thread resumes after the last one if those that it has not
 * executed are nops; otherwise the call fails with -EBUSY. The same holds for a thread
 * that a signal handler interrupted there, while that handler runs. The library
 * searches for interrupted contexts on up to 32 stacks of the thread, each at most
 * 1 MB upwards from the stack pointer of the thread or of a context that it has found.
 * It does not find a context that the program itself saved elsewhere, to resume it
 * later. The signal frame of a handler that has ended looks like that of one that
 * still runs. As long as such a leftover frame lies in the stack frame of a function, the
 * call may fail with -EBUSY without need if the old code is several instructions that
 * are not all nops. This never happens if the old code is one instruction.
 *
 * Returns 0 or
 *   -EFAULT   @ip cannot be read, or a code pointer is NULL
 *   -EACCES   @ip is not executable memory, or belongs to this library
 *   -EINVAL   the bytes at @ip differ from @old_code; nothing was written
 *   -EPERM    @ip cannot be written; or called in a stop window without
 *             ftrace_arch_code_modify_prepare(), so NMIs would not announce themselves
 *   -EBUSY    a thread is between two instructions of the old code
 *   -EDEADLK  called from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP, -EIO as said at the top of
 *             ftrace/patch.h
 *
 * Context: thread, stop window.
 * Source: ftrace_modify_code() in arch/x86/kernel/ftrace.c.
 */
int ftrace_modify_code(uintptr_t ip, const unsigned char *old_code,
		       const unsigned char *new_code);

/**
 * ftrace_make_nop - replace a call with a nop
 * @ip: address of the call
 * @addr: the function that it calls
 *
 * The call may be one of ftrace_make_call() or of ftrace_make_call_redzone().
 *
 * Returns 0, an error of ftrace_modify_code(), or
 *   -ERANGE   @addr cannot be reached from @ip with a signed 32-bit displacement
 *
 * Context: thread, stop window.
 * Source: ftrace_make_nop() in arch/x86/kernel/ftrace.c.
 */
int ftrace_make_nop(uintptr_t ip, uintptr_t addr);

/**
 * ftrace_make_call - replace a nop with a call
 * @ip: address of the nop
 * @addr: the function to call
 *
 * @ip may hold any sequence of nops of exactly FTRACE_INSN_SIZE bytes, such as
 * GCC and Clang emit for -fpatchable-function-entry. With other bytes the call fails
 * with -EINVAL.
 *
 * The call stores its return address below the stack pointer. At the entry of a function
 * nothing is there. In the middle of a function that calls no other, the compiler may keep
 * variables in the 128 bytes there, its red zone: the call would overwrite one. Use
 * ftrace_make_call_redzone() there, or compile the function with -mno-red-zone, as the
 * kernel is.
 *
 * Returns the same as ftrace_make_nop().
 *
 * Context: thread, stop window.
 * Source: ftrace_make_call() in arch/x86/kernel/ftrace.c.
 */
int ftrace_make_call(uintptr_t ip, uintptr_t addr);

/**
 * ftrace_make_call_redzone - replace a nop in the middle of a function with a call
 * @ip: address of the nop, as for ftrace_make_call()
 * @addr: the function to call, at any distance
 *
 * Works at any nop, and preserves the red zone of the function that @ip is in. The
 * location gets a jump to a stub near it, not a call, and the stub jumps to code of this
 * library. This code lowers the stack pointer by 128 bytes, calls @addr, raises the stack
 * pointer, and jumps to the instruction after the location. It changes no register and no
 * flag; @addr must preserve all registers, as for ftrace_make_call(), and all flags that
 * the function relies on. At the call, the stack is aligned as at @ip. Unwinders and
 * debuggers see @addr as called by the function at @ip, with one frame of the library in
 * between.
 *
 * ftrace_make_nop() with the same arguments removes the jump. A thread that had reached
 * it may call @addr even after that, and returns to the function at @ip. Before the text
 * of one of these two functions is unmapped, ftrace_check_stack() must have found no
 * thread in it. It counts such a thread as being in both. The stub stays: there is one
 * for each pair of @ip and @addr, which later calls use again. The library never frees or
 * changes it, so the bytes at @ip, once they have been read, can also be written and
 * removed with ftrace_patch_text().
 *
 * This function, and ftrace_make_nop() for such a location, use the method and the writer
 * of ftrace_set_patch_opts(). With breakpoints, the nop must be one instruction.
 *
 * Returns 0, an error of ftrace_patch_text(), or
 *   -EFAULT   @ip cannot be read
 *   -EINVAL   @addr is 0; or the bytes at @ip are not nops
 *   -ENOSPC   there are stubs for 2,048 pairs of @ip and @addr
 *   -ERANGE   there is no free address space for the stub near @ip
 *   -EPERM    the system provides no executable memory
 *   -EAGAIN   the stub cannot be written now, because the process can open no file. Or,
 *             permanently: this process is a child that was created without fork(), as
 *             for ftrace_register_function()
 *   -EDEADLK  called from a signal handler, from the handler of a traced function, inside
 *             a stop window, or after ftrace_arch_code_modify_prepare()
 * After an error the text is as it was before.
 *
 * Context: thread.
 */
int ftrace_make_call_redzone(uintptr_t ip, uintptr_t addr);

/**
 * struct ftrace_patch - one location of a batch
 * @ip: address
 * @old_code: the bytes that are expected there, @len of them
 * @new_code: the bytes to write, @len of them
 * @len: 1 to 8 bytes
 * @error: out: 0, or -errno if this location made the batch fail
 */
struct ftrace_patch {
	uintptr_t ip;
	unsigned char old_code[8];
	unsigned char new_code[8];
	unsigned int len;
	int error;
};

/**
 * enum ftrace_method - how other threads are kept from executing half a change
 * @FTRACE_METHOD_AUTO: the same as FTRACE_METHOD_STOP_MACHINE. The library never
 *	chooses the breakpoint method by itself, because it can end the process: a
 *	thread may block SIGTRAP after the library has checked its mask
 * @FTRACE_METHOD_STOP_MACHINE: stop all other threads for the whole change. Works
 *	for any instruction
 * @FTRACE_METHOD_BREAKPOINT: stop no thread. The library writes a breakpoint
 *	(int3) to all locations, then their other bytes, then their first bytes. All
 *	cores serialize after each of the three steps. A thread that executes a
 *	breakpoint gets SIGTRAP, and the library's handler emulates the old or the new
 *	instruction; this takes about 2 microseconds. The old and the new code must
 *	be a nop of any form, call rel32, jmp rel32, jmp rel8, ret, or mov r32,imm32,
 *	and the old code must be a single instruction
 *
 *                        STOP_MACHINE (AUTO)        BREAKPOINT
 *   other threads        all stand still            run on
 *   instructions         any                        those above
 *   a thread blocks the  the thread is seized       no effect
 *   stop signal
 *   a thread is in       cannot be stopped:         no effect
 *   vfork()              -ETIMEDOUT
 *   a thread blocks      no effect                  -ETIMEDOUT; if it does so after
 *   SIGTRAP                                         the check, the process may end
 *   a debugger is        it shows the stop          -EOPNOTSUPP
 *   attached             signals
 *
 * In version 1.0, AUTO chose breakpoints if nothing seemed to prevent them. Since
 * then, by default, threads stand still for some microseconds to some milliseconds,
 * depending on the number of threads and locations, and a change fails if a thread is
 * in vfork(). To use breakpoints, request them here or with ftrace_set_patch_opts().
 * The library then never uses the stop instead.
 *
 * If an instruction raises SIGTRAP while SIGTRAP is blocked, the process ends. The
 * breakpoint method therefore waits until it has seen each thread with SIGTRAP unblocked
 * in the thread's own mask, and fails with -ETIMEDOUT if it does not see that. It checks
 * again later
 *   - a thread that waits in a system call that replaces the mask (ppoll, pselect6,
 *     epoll_pwait, epoll_pwait2, rt_sigtimedwait, rt_sigsuspend, io_pgetevents,
 *     io_uring_enter): when it has left the call
 *   - a thread that has slept since the last change and runs now: when it has used 40
 *     microseconds of CPU time or sleeps again. With more busy threads than CPUs this
 *     takes as long as the scheduler needs
 * From then on, signal handlers with the bracket run with SIGTRAP unblocked, whatever
 * their mask says.
 *
 * A caller that chooses the breakpoint method promises that, during the call, no other
 * thread executes a location with SIGTRAP blocked. In particular:
 *   - No thread executes a location after it has blocked SIGTRAP, or in a signal
 *     handler that blocks SIGTRAP and has no bracket. A handler of SIGTRAP itself
 *     without SA_NODEFER is such a handler.
 *   - A thread that keeps SIGTRAP blocked is not in a signal handler that interrupted
 *     one of the system calls above if the mask of that call leaves SIGTRAP unblocked.
 *     The handler runs with the mask of the call, so the thread seems to have SIGTRAP
 *     unblocked; when the handler returns, SIGTRAP is blocked again. (The library
 *     recognizes a handler that takes less than 20 microseconds and does not sleep.)
 *   - A thread that keeps SIGTRAP blocked does not repeat such system calls without ever
 *     sleeping in one, for example with a timeout of 0, and does not run a KVM guest
 *     with KVM_SET_SIGNAL_MASK.
 * Threads that never block SIGTRAP can do all of this.
 *
 * Declared signals on the calling thread wait until the change is over. Otherwise
 * handlers that execute many breakpoints could arrive faster than the change proceeds.
 *
 * The library installs its handler for SIGTRAP at the first such change, and never
 * removes it. It passes other traps to the handler that was installed before. The
 * method fails with -EOPNOTSUPP without membarrier(SYNC_CORE), under valgrind, with a
 * shadow stack, in a process that has other threads and is not dumpable
 * (PR_SET_DUMPABLE), if /proc does not show which system call a thread waits in, and
 * while a debugger is attached: GDB treats a breakpoint that it did not set as a crash,
 * and resumes the thread in the middle of the instruction.
 *
 * On Windows a trap is an exception, which no thread can block: see docs/windows.md.
 */
enum ftrace_method {
	FTRACE_METHOD_AUTO,
	FTRACE_METHOD_STOP_MACHINE,
	FTRACE_METHOD_BREAKPOINT
};

/**
 * enum ftrace_writer - how text is written
 * @FTRACE_WRITER_AUTO: the first of the two that works. Pages that are already
 *	writable need neither
 * @FTRACE_WRITER_PROC_MEM: through /proc/self/mem (on Windows in pages that are not
 *	executable meanwhile, by the stop only). No page is ever both writable and
 *	executable. The cost depends on the number of pages more than on the number of
 *	locations
 * @FTRACE_WRITER_MPROTECT: in pages that are made writable during the change.
 *	Afterwards they have their old protection
 */
enum ftrace_writer {
	FTRACE_WRITER_AUTO,
	FTRACE_WRITER_PROC_MEM,
	FTRACE_WRITER_MPROTECT
};

/**
 * struct ftrace_patch_opts - options of ftrace_patch_text()
 * @size: sizeof(struct ftrace_patch_opts)
 * @method: an enum ftrace_method; ignored in a stop window
 * @timeout_ms: how long to wait, in milliseconds, for the other threads to stop and
 *	then for NMIs that run; or, with breakpoints, for SIGTRAP to be unblocked.
 *	0 means 5000
 * @writer: an enum ftrace_writer
 * @flags: 0
 *
 * The first version of the structure ended after @timeout_ms. With its size, the later
 * fields count as 0.
 */
struct ftrace_patch_opts {
	size_t size;
	int method;
	unsigned int timeout_ms;
	int writer;
	unsigned int flags;
};

/**
 * ftrace_patch_text - change many locations at once, all or nothing
 * @patches: the locations, in any order
 * @count: how many, 0 to 1,000,000; 0 does nothing
 * @opts: options, or NULL for those of ftrace_set_patch_opts(), or else the defaults
 *
 * If the old code of a location is several instructions, only the last one may be a
 * call, because the library does not search for return addresses.
 *
 * Every location is verified before the first is written. If any location fails,
 * nothing is written. @error of each location that failed says why, and @error of all
 * others is 0. The result is the error of the first failed location in the order of
 * @patches. If an error concerns no single location, every @error is 0.
 *
 * The checks have stages, and no stage begins after one that failed. Before any thread
 * is stopped: the entries (-EINVAL), then whether the method supports them
 * (-EOPNOTSUPP). Then: the bytes at the locations (-EFAULT, -EACCES, -EINVAL); threads
 * between their instructions (-EBUSY); whether they can be written (-EPERM).
 *
 * "(location)" marks errors that concern a location.
 *
 * Returns 0 or
 *   -EFAULT     @patches is NULL and @count is not 0; or (location) it cannot be read
 *   -EINVAL     (location) @len is not 1..8, the entry overlaps or repeats
 *               another one, or the bytes at @ip differ from @old_code
 *   -EACCES     (location) not executable memory, or it belongs to this library
 *   -EPERM      (location) the requested writer cannot write it; or called in a
 *               stop window without ftrace_arch_code_modify_prepare()
 *   -EBUSY      (location) a thread is between two instructions of the old code; or
 *               the library's handler for SIGTRAP was replaced
 *   -EINVAL     @opts has a size below that of the first version, an unknown method
 *               or writer, or @flags other than 0
 *   -E2BIG      @count is above 1,000,000; or @opts is larger than the library knows
 *               and has bytes other than 0 there, or is larger than 4096 bytes
 *   -EOPNOTSUPP the method is not available here; or (location) it does not support
 *               the old or the new code
 *   -ENOMEM     no memory for the batch
 *   -EDEADLK    called from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP, -EIO as said at the top of
 *             ftrace/patch.h
 *
 * Context: thread, stop window.
 */
int ftrace_patch_text(struct ftrace_patch *patches, size_t count,
		      const struct ftrace_patch_opts *opts);

/**
 * ftrace_set_patch_opts - set the options for calls that take none
 * @opts: the options, which are copied; NULL restores the defaults
 *
 * Applies from then on to ftrace_patch_text() without options, to
 * ftrace_make_call_redzone(), and to the functions of ftrace/trace.h and
 * ftrace/static_key.h. Two kinds of change always use the stop, and only the writer and
 * the timeout from here: the other functions for a single location, and ftrace/trace.h
 * when it merges several nops into one.
 *
 * Returns 0 or
 *   -EINVAL, -E2BIG  @opts, as for ftrace_patch_text(); the old options remain
 *   -EDEADLK  called from a signal handler
 *
 * Context: thread, stop window.
 */
int ftrace_set_patch_opts(const struct ftrace_patch_opts *opts);

/**
 * ftrace_arch_read_dyn_info - read the protocol's two counters as text
 * @buf: receives "WAITS UPDATES", null-terminated: how often the patcher had to
 *	wait for NMIs, and how often an NMI wrote for the patcher
 * @size: size of @buf in bytes; the text is truncated if it does not fit
 *
 * Returns the length of the whole text without the terminating null byte, as
 * snprintf() does, or
 *   -EFAULT   @buf is NULL and @size is not 0
 *   -EINVAL   @size is negative
 *   -EDEADLK  called from a signal handler
 *
 * Context: thread, stop window.
 * Source: ftrace_arch_read_dyn_info() in arch/x86/kernel/ftrace.c.
 */
int ftrace_arch_read_dyn_info(char *buf, int size);

/**
 * struct ftrace_stats - counters since the library was loaded
 * @size: sizeof(struct ftrace_stats); set by the caller
 * @patches: locations changed
 * @stops: stop windows opened
 * @stopped_threads: threads parked or seized, summed over all stops
 * @last_stop_ns: length of the last stop, from the first park request to the
 *	release, in nanoseconds. If a stop took several attempts (one that makes no
 *	progress is given up and tried again), length of the last attempt
 * @max_stop_ns: length of the longest attempt, successful or not
 * @nmi_wait_count: how often the patcher waited for announced NMIs
 * @nmi_update_count: locations that an NMI wrote
 * @deferred_stops: stop requests that found a thread inside an announced NMI, and
 *	took effect when the NMI ended
 * @masked_stops: stops that had to block the declared signals to drain NMIs
 * @breakpoint_hits: instructions emulated at a breakpoint
 * @gc_collections: garbage collections of the library's runtime; always 0
 * @managed_bytes: bytes that the library's runtime has allocated
 * @last_method: the enum ftrace_method of the last change; 0: none yet
 * @last_writer: the enum ftrace_writer of the last change; 0: none yet
 * @seized_threads: those of @stopped_threads that were stopped with ptrace(2)
 * @loader_timeouts: how often a thread that opened or closed an object continued before
 *	the library had looked at it (FTRACE_OPS_FL_PENDING in ftrace/trace.h)
 * @graph_overruns: calls whose exits were to be traced (ftrace/graph.h), and which were not
 *	traced because the thread got no block
 *
 * The first version of the structure ended after @managed_bytes. Sizes without the later
 * fields are accepted too.
 */
struct ftrace_stats {
	size_t size;
	uint64_t patches;
	uint64_t stops;
	uint64_t stopped_threads;
	uint64_t last_stop_ns;
	uint64_t max_stop_ns;
	uint64_t nmi_wait_count;
	uint64_t nmi_update_count;
	uint64_t deferred_stops;
	uint64_t masked_stops;
	uint64_t breakpoint_hits;
	uint64_t gc_collections;
	uint64_t managed_bytes;
	uint64_t last_method;
	uint64_t last_writer;
	uint64_t seized_threads;
	uint64_t loader_timeouts;
	uint64_t graph_overruns;
};

/**
 * ftrace_get_stats - read the counters
 * @stats: receives the counters; the caller sets @stats->size
 *
 * Returns 0 or
 *   -EFAULT   @stats is NULL
 *   -EINVAL   @size is below that of the first version
 *   -E2BIG    @stats is larger than the library knows and has bytes other than 0
 *             there, or is larger than 4096 bytes
 *   -EDEADLK  called from a signal handler
 *
 * Context: thread, stop window.
 */
int ftrace_get_stats(struct ftrace_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_PATCH_H */
