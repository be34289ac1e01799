/* SPDX-License-Identifier: MIT */
/*
 * ftrace/patch.h - change instructions that may be running.
 *
 * The kernel's sequence
 *
 *   ftrace_arch_code_modify_prepare();      opens the gate for NMIs
 *   ftrace_stop_machine(fn, data);          parks every other thread
 *      fn: ftrace_modify_code() ...         changes one location after another
 *   ftrace_arch_code_modify_post_process(); closes the gate
 *
 * can be spelled out, or left to ftrace_patch_text(), which does all of it for
 * a whole batch. The single-location calls open and close a window of their own
 * when they are used outside of one.
 *
 * Every function returns 0 or a positive result, or -errno. None prints,
 * aborts or touches errno. After an error the text, the protection of its
 * pages, the signal masks and the threads are as they were before.
 *
 * "Thread" as a context means: ordinary code, not a signal handler. Called from
 * a handler, whether it calls ftrace_nmi_enter() or interrupted the library,
 * these functions return -EDEADLK.
 *
 * Errors that every function may return which stops threads
 * (ftrace_stop_machine(), and outside of a window ftrace_modify_code(),
 * ftrace_make_nop(), ftrace_make_call(), ftrace_patch_text()):
 *   -ETIMEDOUT  a thread did not stop in time: it takes no signal of the library's and
 *               cannot be seized (see below), waits in vfork() or for a disk, or is
 *               stopped by a debugger; or an NMI handler did not end in time
 *   -EBUSY      the library has no signal, because all real-time signals are taken,
 *               or its handler was replaced, and a thread cannot be seized; or
 *               FTRACE_STOP_SIGNAL names a signal that cannot be had
 *   -EAGAIN     the limit of queued signals (RLIMIT_SIGPENDING), of processes, of
 *               open files, or of 65,536 threads, is reached; or the library's
 *               constructor has not run yet
 *   -ENOMEM     no memory for the library's own tables, or for private copies of
 *               the pages that are changed
 *   -EOPNOTSUPP /proc is not mounted, or shows another pid namespace; or the system
 *               forbids to send signals
 *   -EIO        an earlier change could be neither completed nor put back: the
 *               library changes nothing any more (the kernel's ftrace_kill())
 *
 * How a thread is stopped. It gets a signal, the highest real-time signal that has its
 * default disposition at the first stop, or FTRACE_STOP_SIGNAL=34..64, and parks in its
 * handler. Who does not take it, because it blocks the signal or waits for signals itself
 * with sigwait(), is not sent one, but seized: a process that shares this one's memory,
 * and lives for the time of the stop, stops it by ptrace(2). All threads are seized if
 * there is no signal, with FTRACE_STOP_SIGNAL=none, and, unless a signal is declared as
 * an NMI, if one has to be, or if SIGSEGV has a handler with SA_ONSTACK: there may be no
 * room on that stack for another signal. Which threads those are is
 * found out before any thread is asked: a stop that cannot succeed makes nobody wait.
 * What a seized thread notices:
 *   - no signal until the release: not even one declared as an NMI (ftrace/nmi.h)
 *   - system calls go on. Most are restarted by the kernel; epoll_wait(),
 *     epoll_pwait(), epoll_pwait2(), sigtimedwait(), semop(), semtimedop(),
 *     io_getevents(), io_pgetevents(), io_uring_enter(), and on sockets with
 *     SO_RCVTIMEO or SO_SNDTIMEO read(), write(), recv(), send(), accept(), connect()
 *     and the like, by the library, unless a signal of the host's waits for the
 *     thread. A relative timeout may begin again
 *   - if kernel.yama.ptrace_scope is 1, prctl(PR_SET_PTRACER) names the seizing
 *     process, in place of whomever the host had named
 * It cannot be had where ptrace(2) is refused (Yama scope 2 or 3 without CAP_SYS_PTRACE,
 * a seccomp filter, a process that is not dumpable, a debugger that traces the thread),
 * before Linux 4.16, and under a seccomp filter before Linux 5.16. wait() with __WALL
 * in another thread may see the process.
 *
 * If a stop fails because of a thread, ftrace_set_print()'s function is told which one,
 * why, and what would help; FTRACE_PRINT=stderr in the environment writes such lines to
 * the standard error as long as the host sets no function.
 *
 * Copies of the library in one process take turns.
 *
 * How the text is written: through /proc/self/mem, so that no page is ever
 * writable and executable; or, where that is refused, in pages that are writable
 * while they are changed. Between the locations of one page the bytes that are
 * there are written again. Text must stay mapped during a call.
 */
#ifndef FTRACE_PATCH_H
#define FTRACE_PATCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The length in bytes of a call (e8 rel32) and of the nop that replaces it (x86-64). */
#define FTRACE_INSN_SIZE 5

/**
 * ftrace_arch_code_modify_prepare - announce that code will be modified
 *
 * Takes the patch mutex, waiting for it if another thread holds it, and opens
 * the gate: handlers that enter from now on announce themselves. Until
 * ftrace_arch_code_modify_post_process() the caller must not open or close shared
 * objects: the loader's lock may be held by a thread that waits for the mutex.
 *
 * Returns 0 or
 *   -EDEADLK  the calling thread has prepared already, is inside a stop
 *             window, or is in a signal handler (see above)
 *
 * Context: thread.
 * Source: ftrace_arch_code_modify_prepare() in arch/x86/kernel/ftrace.c.
 */
int ftrace_arch_code_modify_prepare(void);

/**
 * ftrace_arch_code_modify_post_process - the modification is over
 *
 * Closes the gate and releases the patch mutex.
 *
 * Returns 0 or
 *   -EPERM    the calling thread has not prepared
 *   -EDEADLK  it is inside a stop window, or in a signal handler
 *
 * Context: thread.
 * Source: ftrace_arch_code_modify_post_process() in arch/x86/kernel/ftrace.c.
 */
int ftrace_arch_code_modify_post_process(void);

/**
 * ftrace_stop_machine - run a function while every other thread stands still
 * @fn: what to run; its result is returned
 * @data: passed to @fn
 *
 * Parks every other thread of the process in a signal handler, or seizes it; blocks all
 * signals that are neither declared (ftrace_nmi_add_signal()) nor raised by a
 * fault on the calling thread, runs @fn, and lets the threads go. It waits at
 * most 5 seconds for the threads to stop. System calls that the signal interrupts
 * are restarted where the kernel restarts them (signal(7)); poll(), epoll_wait(),
 * nanosleep() and the like end with EINTR, but not in seized threads.
 *
 * @fn runs while other threads may hold any lock of the process: it must not
 * allocate, lock, use stdio, or wait for another thread.
 *
 * Returns what @fn returns, or
 *   -EINVAL     @fn is NULL
 *   -EDEADLK    called from inside a stop window, or from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP as above; @fn did not run
 *
 * Context: thread.
 * Source: stop_machine() in kernel/stop_machine.c.
 */
int ftrace_stop_machine(int (*fn)(void *data), void *data);

/**
 * ftrace_modify_code - replace one instruction
 * @ip: address of the instruction
 * @old_code: the FTRACE_INSN_SIZE bytes that are expected there
 * @new_code: the FTRACE_INSN_SIZE bytes to write
 *
 * Inside a stop window it patches at once; outside it opens a window of its own.
 *
 * If the old bytes are several instructions, a thread that stands between them
 * resumes after the last one, provided the rest are nops; otherwise the call
 * fails with -EBUSY. So does one that a signal handler has interrupted there, if
 * the handler is still under way: it is found on the thread's stacks, of which there
 * may be 32 in a row, at most 1 MB above the place where the thread, or the next
 * handler, stands. But what a program itself has saved elsewhere, to go on with it
 * later, is not found. What remains of a handler that has ended looks the same: as
 * long as it lies in the frame of some function, a site of several instructions that
 * are not all nops may be refused for no reason. A site of one instruction never is.
 *
 * Returns 0 or
 *   -EFAULT   @ip cannot be read, or a code pointer is NULL
 *   -EACCES   @ip is not executable memory, or belongs to this library
 *   -EINVAL   @ip holds other bytes than @old_code; nothing was written
 *   -EPERM    @ip cannot be written; or called in a stop window without
 *             ftrace_arch_code_modify_prepare(): NMIs would not know
 *   -EBUSY    a thread stands inside of the old code
 *   -EDEADLK  called from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP, -EIO as above
 *
 * Context: thread, stop window.
 * Source: ftrace_modify_code() in arch/x86/kernel/ftrace.c.
 */
int ftrace_modify_code(unsigned long ip, const unsigned char *old_code,
		       const unsigned char *new_code);

/**
 * ftrace_make_nop - replace a call by a nop
 * @ip: address of the call
 * @addr: the function that it calls
 *
 * Returns as ftrace_modify_code() and
 *   -ERANGE   @addr cannot be reached from @ip with a signed 32-bit displacement
 *
 * Context: thread, stop window.
 * Source: ftrace_make_nop() in arch/x86/kernel/ftrace.c.
 */
int ftrace_make_nop(unsigned long ip, unsigned long addr);

/**
 * ftrace_make_call - replace a nop by a call
 * @ip: address of the nop
 * @addr: the function to call
 *
 * Any nops that fill FTRACE_INSN_SIZE bytes exactly are accepted, as GCC and
 * Clang emit them for -fpatchable-function-entry; other bytes are -EINVAL.
 *
 * Returns as ftrace_make_nop().
 *
 * Context: thread, stop window.
 * Source: ftrace_make_call() in arch/x86/kernel/ftrace.c.
 */
int ftrace_make_call(unsigned long ip, unsigned long addr);

/**
 * struct ftrace_patch - one location of a batch
 * @ip: address
 * @old_code: the bytes that are expected there, @len of them
 * @new_code: the bytes to write, @len of them
 * @len: 1 to 8 bytes
 * @error: out: 0, or -errno if this location is why the batch failed
 */
struct ftrace_patch {
	unsigned long ip;
	unsigned char old_code[8];
	unsigned char new_code[8];
	unsigned int len;
	int error;
};

/**
 * enum ftrace_method - how other threads are kept from executing half a change
 * @FTRACE_METHOD_AUTO: the stop. What can end the process is never chosen by
 *	itself, however harmless it looks: a thread may block SIGTRAP at any time
 *	after the look
 * @FTRACE_METHOD_STOP_MACHINE: park all other threads. Costs every thread the
 *	time of the whole change; works for any instruction
 * @FTRACE_METHOD_BREAKPOINT: nobody stands still. A breakpoint (int3) is put on
 *	all locations, then the other bytes are written, then the first ones, and
 *	all cores serialize after each of the three. A thread that runs into a
 *	breakpoint takes SIGTRAP, whose handler emulates the old or the new
 *	instruction, about 2 microseconds. Both must be a nop of any
 *	form, call rel32, jmp rel32, jmp rel8, ret or mov r32,imm32; the old one a
 *	single instruction
 *
 *                        STOP_MACHINE (AUTO)        BREAKPOINT
 *   other threads        stand still, all of them   run on
 *   instructions         any                        those above
 *   a thread blocks the  it is seized               no obstacle
 *   stop signal
 *   a thread in vfork()  cannot be stopped:         no obstacle
 *                        -ETIMEDOUT
 *   a thread blocks      no obstacle                -ETIMEDOUT; later than the
 *   SIGTRAP                                         look: the process may end
 *   a debugger           stops show as signals      -EOPNOTSUPP
 *
 * In version 1.0 AUTO took breakpoints where nothing seemed to be in their
 * way. What that change costs: by default threads stand still now, from some
 * microseconds to some milliseconds, by the number of threads and of locations;
 * and a process with a thread in vfork() gets an error where it got a change. Who wants breakpoints asks for them, here or
 * with ftrace_set_patch_opts(); then nothing else is done in their place.
 *
 * SIGTRAP that is raised while it is blocked ends the process. The breakpoint
 * method waits until each thread has been seen with SIGTRAP unblocked by a mask
 * that is its own, and fails with -ETIMEDOUT if one is not. A thread that waits in
 * a call that replaces its mask (ppoll, pselect6, epoll_pwait, epoll_pwait2,
 * rt_sigtimedwait, rt_sigsuspend, io_pgetevents, io_uring_enter) is looked at again
 * when it has left the call; so is one that has slept since the last change and is
 * running now, until it has used 40 microseconds of CPU time or sleeps again. With
 * more busy threads than CPUs that takes as long as the scheduler likes. Handlers
 * that bracket themselves have SIGTRAP unblocked from then on, whatever their mask.
 *
 * By choosing the breakpoint method the caller promises that nobody else executes a
 * location with SIGTRAP blocked while the call lasts. In particular:
 *   - A thread does not block SIGTRAP, nor begin a handler that blocks it and is not
 *     bracketed, and execute a location then. Each handler of SIGTRAP itself, without
 *     SA_NODEFER, is one that blocks it.
 *   - A thread that keeps SIGTRAP blocked is not, at this time, in a handler that has
 *     interrupted one of the calls above, with a mask for the wait that leaves SIGTRAP
 *     unblocked. The handler has that mask, so it looks like a thread that has SIGTRAP
 *     unblocked, and when it returns, SIGTRAP is blocked again. (One that takes less
 *     than 20 microseconds and does not sleep is noticed.)
 *   - Nor does it make such calls again and again without ever sleeping in one, as with
 *     a timeout of 0, nor run a guest of KVM with KVM_SET_SIGNAL_MASK.
 * Threads that never block SIGTRAP can do all of this.
 *
 * On the calling thread declared signals wait until the change is over: handlers
 * that run into many breakpoints could otherwise come faster than it goes on.
 *
 * The handler for SIGTRAP is installed at the first such change and stays; traps
 * that are not its own go to the handler that was there before. The method is
 * -EOPNOTSUPP without membarrier(SYNC_CORE), under valgrind, with a shadow stack,
 * in a process that has other threads and is not dumpable (PR_SET_DUMPABLE), where
 * /proc does not say which call a thread waits in, and while a debugger is attached:
 * GDB takes a breakpoint that it did not set for a crash, and resumes the thread in
 * the middle of the instruction.
 */
enum ftrace_method {
	FTRACE_METHOD_AUTO,
	FTRACE_METHOD_STOP_MACHINE,
	FTRACE_METHOD_BREAKPOINT
};

/**
 * enum ftrace_writer - how text is written
 * @FTRACE_WRITER_AUTO: the first of the two that works; pages that are writable
 *	as they are need neither
 * @FTRACE_WRITER_PROC_MEM: through /proc/self/mem. No page is ever writable and
 *	executable. Cheap by the kilobyte, not by the location
 * @FTRACE_WRITER_MPROTECT: in pages that are made writable for the time of the
 *	change, and protected as before after it
 */
enum ftrace_writer {
	FTRACE_WRITER_AUTO,
	FTRACE_WRITER_PROC_MEM,
	FTRACE_WRITER_MPROTECT
};

/**
 * struct ftrace_patch_opts - options of ftrace_patch_text()
 * @size: sizeof(struct ftrace_patch_opts)
 * @method: an enum ftrace_method; in a stop window it does not matter
 * @timeout_ms: how long to wait for the other threads to stop, and then for NMI
 *	handlers that run, in milliseconds; or for SIGTRAP to be unblocked; 0: 5000
 * @writer: an enum ftrace_writer
 * @flags: 0
 *
 * The first version ended behind @timeout_ms; the fields behind it are 0 then.
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
 * @opts: options, or NULL for those of ftrace_set_patch_opts(), or the defaults
 *
 * A location of several instructions must not have a call among them, unless it is
 * the last one: where it returns to is not looked for.
 *
 * Every location is verified before the first is written. If one or more fail,
 * nothing is written, @error of each culprit says why, and the result is the
 * error of the first of them in the order of @patches. @error is 0 for all
 * others. Errors that concern no single location leave every @error at 0.
 *
 * The checks go in stages, and a stage that finds culprits is the last one:
 * the entries by themselves (-EINVAL), and whether the method can do them
 * (-EOPNOTSUPP), before any thread is stopped; what stands at the locations
 * (-EFAULT, -EACCES, -EINVAL); threads inside of them (-EBUSY); whether they can
 * be written (-EPERM).
 *
 * Returns 0 or
 *   -EFAULT     @patches is NULL with a @count; or (location) it cannot be read
 *   -EINVAL     (location) @len is not 1..8, the entry overlaps or repeats
 *               another one, or other bytes stand there than @old_code
 *   -EACCES     (location) not executable memory, or it belongs to this library
 *   -EPERM      (location) it cannot be written in the way asked for; or called
 *               in a stop window without ftrace_arch_code_modify_prepare()
 *   -EBUSY      (location) a thread stands inside of the old code; or somebody
 *               replaced the library's handler for SIGTRAP
 *   -EINVAL     @opts has a size below the first version's, an unknown method
 *               or writer, or @flags
 *   -E2BIG      @count above 1,000,000; @opts has a size beyond the known one
 *               and bytes other than 0 behind it, or a size beyond 4096
 *   -EOPNOTSUPP the method is not to be had here; or (location) it cannot do
 *               the old or the new code
 *   -ENOMEM     no memory for the batch
 *   -EDEADLK    called from a signal handler
 *   -ETIMEDOUT, -EBUSY, -EAGAIN, -ENOMEM, -EOPNOTSUPP, -EIO as above
 *
 * Context: thread, stop window.
 */
int ftrace_patch_text(struct ftrace_patch *patches, size_t count,
		      const struct ftrace_patch_opts *opts);

/**
 * ftrace_set_patch_opts - options of the calls that take none
 * @opts: copied; NULL: the defaults again
 *
 * From then on ftrace_patch_text() without options, and the calls of
 * ftrace/trace.h and ftrace/static_key.h, change text in this way. The calls for
 * a single location stop whatever the method, and take writer and timeout from
 * here; and so does ftrace/trace.h where it turns several nops into one.
 *
 * Returns 0 or
 *   -EINVAL, -E2BIG  @opts, as for ftrace_patch_text(); what was set before stays
 *   -EDEADLK  called from a signal handler
 *
 * Context: thread, stop window.
 */
int ftrace_set_patch_opts(const struct ftrace_patch_opts *opts);

/**
 * ftrace_arch_read_dyn_info - the protocol's two counters as text
 * @buf: receives "WAITS UPDATES", 0-terminated: how often the patcher had to
 *	wait for NMIs, and how often an NMI wrote for the patcher
 * @size: size of @buf in bytes; what does not fit is cut off
 *
 * Returns the length of the whole text without the 0, as snprintf() does, or
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
 * @stopped_threads: threads parked, summed over all stops
 * @last_stop_ns: length of the last stop, from the first park request to the
 *	release, in nanoseconds. A stop that makes no progress is given up and
 *	tried again; then it is the last attempt
 * @max_stop_ns: length of the longest one, given up or not
 * @nmi_wait_count: waits of the patcher for announced NMIs
 * @nmi_update_count: locations written by an NMI
 * @deferred_stops: stop requests that met a thread inside an announced NMI and
 *	took effect when it left
 * @masked_stops: stops that had to block the NMI signals to drain them
 * @breakpoint_hits: instructions emulated in place of a breakpoint
 * @gc_collections: garbage collections of the library's runtime; always 0
 * @managed_bytes: bytes that the library's runtime has allocated
 * @last_method: the enum ftrace_method of the last change; 0: none yet
 * @last_writer: the enum ftrace_writer of the last change; 0: none yet
 * @seized_threads: of @stopped_threads, those that were stopped by ptrace(2),
 *	because one takes no signal of the library's, or had better not (see above)
 *
 * The first version ended after @managed_bytes; versions without
 * @seized_threads are accepted as well.
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
};

/**
 * ftrace_get_stats - read the counters
 * @stats: receives them; @stats->size is set by the caller
 *
 * Returns 0 or
 *   -EFAULT   @stats is NULL
 *   -EINVAL   @size is below the first version's
 *   -E2BIG    @size is beyond the known one and bytes other than 0 stand there,
 *             or it is beyond 4096
 *   -EDEADLK  called from a signal handler
 *
 * Context: thread, stop window.
 */
int ftrace_get_stats(struct ftrace_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_PATCH_H */
