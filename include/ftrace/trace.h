/* SPDX-License-Identifier: MIT */
/*
 * ftrace/trace.h - call a handler at the entry of functions, by name, while the
 * program runs.
 *
 * Functions are those that the compiler left room in: -fpatchable-function-entry=5
 * (GCC, Clang; any N,M with five bytes behind the entry), or -pg -mfentry
 * -mrecord-mcount (GCC). They are found in the program and in every shared object,
 * without help from it. A function that nobody traces has a nop there.
 *
 *	static void hit(unsigned long ip, unsigned long parent_ip,
 *			struct ftrace_ops *ops, struct ftrace_regs *regs);
 *	static struct ftrace_ops ops = { .size = sizeof(ops), .func = hit };
 *
 *	ftrace_set_filter(&ops, "parse_*", 0, 1);
 *	ftrace_register_function(&ops);
 *
 * A handler runs on the thread that called the function, in its place and on its
 * stack, in ordinary code and in signal handlers alike. It may be interrupted and
 * may run on many threads at once. A traced function that it calls itself is not
 * traced, nor is one that this library calls to demangle names. It must leave errno
 * as it is, and must not leave by longjmp() or an exception.
 *
 * A signal handler of the program's that interrupts it, or what leads to it, may leave
 * by siglongjmp(): the thread's next call of a traced function is traced again. It may
 * also go on on another stack by setcontext(), and come back, on this thread or
 * another: calls on the other stack are traced meanwhile, up to four handlers are
 * waited for that were left so, and a handler that never ends is in the
 * way of who unregisters (-ETIMEDOUT). Such stacks must not lie within a thread's own
 * stack, nor border on it without a gap. Where it cannot be told whether a thread is in
 * a handler, as while the rest of one lies in a variable that has not been written to,
 * it counts as being in it, and its calls are not traced.
 *
 * Source: include/linux/ftrace.h and kernel/trace/ftrace.c of the kernel.
 */
#ifndef FTRACE_TRACE_H
#define FTRACE_TRACE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ftrace_ops;

/**
 * struct ftrace_regs - the registers at a function's first instruction
 * @ip: where the function goes on when the handler returns
 * @parent_ip: where its caller goes on; the stack pointer is &@parent_ip
 *
 * What a handler writes here the function finds. See ftrace_regs_return() and
 * ftrace_regs_redirect().
 */
struct ftrace_regs {
	unsigned long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	unsigned long rax, rcx, rdx, rsi, rdi;
	unsigned long flags;
	unsigned long reserved;
	unsigned long ip;
	unsigned long parent_ip;
};

/**
 * ftrace_func_t - a handler
 * @ip: where the function's nop is: its first instruction, or behind its endbr64
 * @parent_ip: where the function's caller goes on
 * @ops: what was registered
 * @regs: the registers; NULL without FTRACE_OPS_FL_SAVE_REGS
 */
typedef void (*ftrace_func_t)(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			      struct ftrace_regs *regs);

/*
 * The handler leaves the vector registers alone, as code does that was compiled
 * with -mgeneral-regs-only: they need not be saved for it.
 */
#define FTRACE_OPS_FL_NO_VECTORS 1UL

/* The handler gets the registers, to read or to change. Source: the kernel's, of this name. */
#define FTRACE_OPS_FL_SAVE_REGS 2UL

/*
 * Functions at whose entry other bytes stand than should, because another tool changed
 * them, are left out; the others are traced. Each is reported, once, to the function
 * of ftrace_set_print(), and is tried again when the filter is set the next time.
 * Without this flag one such function lets the call fail, and nothing is changed.
 */
#define FTRACE_OPS_FL_SKIP_FOREIGN 4UL

/**
 * struct ftrace_ops - a handler and what it is for
 * @size: sizeof(struct ftrace_ops)
 * @func: the handler
 * @flags: FTRACE_OPS_FL_*
 * @data: the host's own
 *
 * Stays where it is, unchanged but for @data, from registration until
 * ftrace_unregister_function() has returned.
 */
struct ftrace_ops {
	size_t size;
	ftrace_func_t func;
	unsigned long flags;
	void *data;
};

/**
 * ftrace_register_function - begin to call a handler
 * @ops: the handler; its filter says for which functions, without one for all
 *
 * When it returns 0, every call of such a function calls the handler, on every
 * thread. Functions of objects that are opened later join when the next call
 * of this header, or ftrace_update_sites(), finds them.
 *
 * Returns 0 or
 *   -EINVAL   @ops is NULL or not aligned, its size is not known, it has no
 *             function or unknown flags
 *   -EEXIST   it is registered
 *   -ENOSPC   64 are registered, or the filters differ in too many ways
 *   -ERANGE   there is no room for code within reach of an object
 *   -EPERM    the system gives no memory for it that can be executed. Where only what
 *             was writable may not become executable (PR_SET_MDWE, systemd's
 *             MemoryDenyWriteExecute), code is written through /proc/self/mem
 *   -EAGAIN   an object's file cannot be read at the moment, because no file can be
 *             opened; nothing was changed. Or, for good: this process is a child that
 *             was made without fork() (clone(), syscall(SYS_fork)) while another thread
 *             of its parent was in a call of this header or of ftrace/static_key.h
 *   -EINVAL   other bytes stand at a function than should (reported to
 *             ftrace_set_print()'s function); nothing was changed. Not with
 *             FTRACE_OPS_FL_SKIP_FOREIGN
 *   -EDEADLK  called from a handler, of a signal or of this kind, or inside a
 *             stop window
 *   and those of ftrace_patch_text()
 *
 * Context: thread.
 * Source: register_ftrace_function() in kernel/trace/ftrace.c.
 */
int ftrace_register_function(struct ftrace_ops *ops);

/**
 * ftrace_unregister_function - stop to call a handler
 * @ops: what was registered
 *
 * When it returns 0, the handler runs nowhere any more and will not be called: it,
 * and @ops, may go. It waits for handlers that run, of any kind, for 30 seconds at
 * most, and with no lock held: they may use the loader, and meanwhile other threads
 * may call whatever they like, objects are opened and processes forked. But the caller may
 * have a lock: from a constructor or destructor, which run with the
 * loader's, it waits in vain for a handler that waits for that.
 *
 * While it waits, threads that seem to be in a handler for long are stopped now and
 * then, for some microseconds, to see whether they are.
 *
 * While it waits @ops is not registered any more. Another thread that registers it then
 * does so: it is registered when this returns.
 *
 * Returns 0 or
 *   -EINVAL   as for ftrace_register_function()
 *   -ENOENT   it is not registered, or not any more
 *   -EDEADLK  called from a handler, or inside a stop window; it stays registered
 *   -ETIMEDOUT a thread has been in a handler for 30 seconds, or has left one for
 *             another stack and has not come back for 5. The handler is not called
 *             any more, but may still run: until ftrace_update_sites() has returned 0
 *   and those of ftrace_patch_text(): some functions could not be changed back;
 *   the handler is not called all the same. But where the system has no
 *   membarrier(SYNC_CORE), and a thread could not be stopped either, it may
 *   still run: until ftrace_update_sites() has returned 0
 *
 * Context: thread.
 * Source: unregister_ftrace_function() in kernel/trace/ftrace.c.
 */
int ftrace_unregister_function(struct ftrace_ops *ops);

/**
 * ftrace_set_filter - choose functions by name
 * @ops: registered or not
 * @pattern: see below
 * @len: length of @pattern in bytes; 0: it ends with a 0
 * @reset: not 0: forget the patterns so far
 *
 * A pattern is a function's name as in the symbol table, with * for any text, ?
 * for any character, [a-z] and [!a-z] for one of a set, \ for the next character
 * itself. A leading ! takes the functions out again that it matches. ":mod:" and a
 * pattern behind it restricts it to objects whose file name (without its folder)
 * matches, "program" standing for the program itself. @pattern NULL with @reset:
 * all functions.
 *
 * With "::" or "(" in it, a pattern is a C++ name, compared with the demangled one
 * (struct ftrace_site's display):
 *
 *	Json::Reader::*			without "(": with what stands in front of
 *					the parameters
 *	Json::Reader::parse(char*)	with "(": also with all of it, const and
 *					the like behind the parameters included
 *	::parse				in no namespace, as C functions are
 *	(anonymous namespace)::parse, Json::Value::operator[], *::operator()
 *
 * The result, which the names of function templates' instances begin with, counts
 * only where a pattern with "(" has it. [] stands for itself; other brackets that
 * do need a \, as in parse\[abi:cxx11]. Such a pattern costs about a microsecond
 * for each C++ function of the objects that it is about, each time that it is
 * asked, and what is said of demangling at ftrace_for_each_site().
 *
 * The patterns count in the order in which they were set; they stay with @ops until
 * ftrace_free_filter(). A handler that is registered changes over at once.
 *
 * Returns 0 or
 *   -EINVAL   @ops as above; the pattern is empty or has an error
 *   -ENOENT   it matches no function; nothing was changed
 *   -E2BIG    the patterns take more than 3,000 bytes
 *   -EDEADLK and those of ftrace_register_function()
 *
 * Context: thread.
 * Source: ftrace_set_filter() in kernel/trace/ftrace.c.
 */
int ftrace_set_filter(struct ftrace_ops *ops, const char *pattern, size_t len, int reset);

/**
 * ftrace_set_notrace - leave functions out by name
 *
 * As ftrace_set_filter(); what matches is not traced whatever the filter says.
 *
 * Context: thread.
 * Source: ftrace_set_notrace() in kernel/trace/ftrace.c.
 */
int ftrace_set_notrace(struct ftrace_ops *ops, const char *pattern, size_t len, int reset);

/**
 * ftrace_set_filter_ip - choose one function by address
 * @ops: registered or not
 * @ip: an address in the function, of its first instruction or its nop
 * @remove: not 0: take it out
 * @reset: not 0: forget the patterns so far
 *
 * Returns as ftrace_set_filter().
 *
 * Context: thread.
 * Source: ftrace_set_filter_ip() in kernel/trace/ftrace.c.
 */
int ftrace_set_filter_ip(struct ftrace_ops *ops, unsigned long ip, int remove, int reset);

/**
 * ftrace_free_filter - forget an ops that is not registered, with its patterns
 * @ops: what patterns were set for
 *
 * Returns 0 or
 *   -EINVAL   as above
 *   -EBUSY    it is registered
 *   -EDEADLK  as above
 *
 * Context: thread.
 * Source: ftrace_free_filter() in kernel/trace/ftrace.c.
 */
int ftrace_free_filter(struct ftrace_ops *ops);

/**
 * ftrace_update_ftrace_func - call one function in place of every handler
 * @func: the function; ftrace_stub: none; NULL: each handler again
 *
 * When it returns 0, every traced call calls @func where it would have called a
 * handler: once for each, with the same arguments, marked as being in a handler.
 * @func may call @ops->func with them, or not: for what all handlers share, to
 * measure them, to have them wait. With ftrace_stub nothing is called: tracing pauses
 * everywhere, whatever is registered meanwhile, and only this library's text is
 * changed, at four places, for as many functions as there are.
 *
 * What was called before then runs nowhere any more: it waits for handlers that
 * run, of any kind, as ftrace_unregister_function() does. @func may be any code:
 * the vector registers are saved for it, FTRACE_OPS_FL_NO_VECTORS or not.
 *
 * Returns 0 or
 *   -EDEADLK  as for ftrace_register_function(), and from @func
 *   -ETIMEDOUT as for ftrace_unregister_function(): it was changed, but what was
 *             called before may still run: until ftrace_update_sites() has
 *             returned 0
 *   and those of ftrace_patch_text(): nothing was changed. But where the system
 *             has no membarrier(SYNC_CORE), and a thread could not be stopped to
 *             see that it has ended, it was, and what was called before may
 *             still run: until ftrace_update_sites() has returned 0. And after
 *             -EIO either may be called
 *
 * Context: thread. The child of a fork keeps @func.
 * Source: ftrace_update_ftrace_func() in arch/x86/kernel/ftrace.c.
 */
int ftrace_update_ftrace_func(ftrace_func_t func);

/* A handler that does nothing. */
void ftrace_stub(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs);

/* The address of code that returns at once. */
void ftrace_just_return(void);

/**
 * ftrace_regs_return - the function does not run, and returns a value
 * @regs: the handler's
 * @value: what its caller gets, in rax
 */
static inline void ftrace_regs_return(struct ftrace_regs *regs, unsigned long value)
{
	regs->rax = value;
	regs->ip = (unsigned long)ftrace_just_return;
}

/**
 * ftrace_regs_redirect - another function runs in place of this one
 * @regs: the handler's
 * @function: its address; takes the same arguments
 */
static inline void ftrace_regs_redirect(struct ftrace_regs *regs, unsigned long function)
{
	regs->ip = function;
}

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_TRACE_H */
