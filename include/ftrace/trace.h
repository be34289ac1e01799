/* SPDX-License-Identifier: MIT */
/*
 * ftrace/trace.h - call a handler at the entry of functions, chosen by name, while
 * the program runs.
 *
 * Use this header to trace, count or replace functions. It cannot trace functions that
 * the compiler left no room in. For the exits of functions, use ftrace/graph.h.
 *
 * A function can be traced if the compiler left room for a call at its entry, with
 * -fpatchable-function-entry=5 (GCC, Clang; or any N,M with five bytes after the entry),
 * with -pg -mfentry -mrecord-mcount (GCC), or with -fxray-instrument (Clang; see
 * docs/guide.md). The library finds these functions in the program and in every shared
 * object; the object need not know of the library. A function that is not traced has a nop
 * there.
 *
 *	static void hit(uintptr_t ip, uintptr_t parent_ip,
 *			struct ftrace_ops *ops, struct ftrace_regs *regs);
 *	static struct ftrace_ops ops = { .size = sizeof(ops), .func = hit };
 *
 *	ftrace_set_filter(&ops, "parse_*", 0, 1);
 *	ftrace_register_function(&ops);
 *
 * A handler runs on the thread that calls the function, on that thread's stack, before
 * the function's first instruction. The call may be in ordinary code or in a signal
 * handler. A handler can be interrupted, and can run on many threads at once. Functions
 * that it calls are not traced; neither are those that this library calls to demangle
 * names. Functions called by a signal handler that interrupts a handler are traced only if
 * the signal handler has the bracket of ftrace_nmi_enter() (ftrace/nmi.h).
 *
 * A handler must preserve errno, and must not be left by longjmp(), by an exception, by
 * pthread_exit() or by cancellation. So a handler that calls a cancellation point
 * (pthreads(7)), such as write() or printf(), disables cancellation meanwhile if threads
 * of the program are cancelled (pthread_setcancelstate(3)); and threads that call traced
 * functions do not use asynchronous cancellation. If a handler is left in one of these
 * ways all the same, or the code that calls it is, the thread is no longer in it: its
 * further calls are traced, and neither ftrace_unregister_function() nor a stop waits for
 * it. But the C++ runtime ends the process (std::terminate()) if the traced function
 * destroys objects, catches exceptions or is noexcept: it knows of no call at the
 * function's first instruction.
 *
 * A signal handler of the program may interrupt a handler, or the code that calls it,
 * and leave by siglongjmp(). The next call of a traced function by this thread is then
 * traced again.
 *
 * A signal handler may also use setcontext() to leave a handler for another stack, and
 * the program may return to the handler later, on this thread or another. Calls on the
 * other stack are traced in the meantime. A thread can have up to four handlers that it
 * left in this way; ftrace_unregister_function() waits for them, and fails with
 * -ETIMEDOUT if one never ends. Such stacks must not lie within the stack of a thread,
 * and there must be a gap between the two. If the library cannot determine whether a
 * thread is still in a handler, for example because remains of its frame lie in a
 * variable that has not been written yet, the thread counts as being in it, and its calls
 * are not traced.
 *
 * Source: include/linux/ftrace.h and kernel/trace/ftrace.c of the kernel.
 */
#ifndef FTRACE_TRACE_H
#define FTRACE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ftrace_ops;

/**
 * struct ftrace_regs - the registers at a function's first instruction
 * @ip: the address where the function continues when the handler returns
 * @parent_ip: the return address to its caller; the stack pointer is &@parent_ip
 *
 * The function starts with the values that the handler leaves here. See
 * ftrace_regs_return() and ftrace_regs_redirect().
 */
struct ftrace_regs {
	uintptr_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uintptr_t rax, rcx, rdx, rsi, rdi;
	uintptr_t flags;
	uintptr_t reserved;
	uintptr_t ip;
	uintptr_t parent_ip;
};

/**
 * ftrace_func_t - a handler
 * @ip: address of the function's nop: its first instruction, or the one after endbr64
 * @parent_ip: the return address to the function's caller
 * @ops: the ops that was registered
 * @regs: the registers; NULL without FTRACE_OPS_FL_SAVE_REGS
 */
typedef void (*ftrace_func_t)(uintptr_t ip, uintptr_t parent_ip, struct ftrace_ops *ops,
			      struct ftrace_regs *regs);

/*
 * The handler does not change vector registers, for example because it was compiled
 * with -mgeneral-regs-only. The library then does not save them, and calls are faster.
 */
#define FTRACE_OPS_FL_NO_VECTORS 1UL

/*
 * The handler gets the registers, to read or to change.
 *
 * Source: the kernel's flag of this name.
 */
#define FTRACE_OPS_FL_SAVE_REGS 2UL

/*
 * Skip functions whose entry holds unexpected bytes, because another tool changed it, and
 * trace the others. Each skipped function is reported once, to the function that
 * ftrace_set_print() set: the bytes, who has probably written them, and what to do. Every
 * later call of ftrace_update_sites(), ftrace_for_each_site() or a function of this header
 * looks at it again, and traces it if the other tool has restored what was there. Until
 * then, looking at it stops no thread. Without this flag, one such function makes the call
 * fail, and nothing is changed.
 *
 * If another tool changes a function while it is traced, its handlers are called again as
 * soon as the tool has restored the call. Meanwhile no handler can be added there or
 * removed. With this flag, a handler that is added is called later, as above. For a
 * handler that is removed, see ftrace_unregister_function(). If the tool writes a nop
 * instead, the next call of ftrace_update_sites() writes the call again.
 */
#define FTRACE_OPS_FL_SKIP_FOREIGN 4UL

/*
 * Trace functions of objects that are opened later as soon as they are opened, before
 * their constructors run, with no call by the host: by dlopen(), and from glibc 2.35 on
 * by dlmopen(). ftrace_set_filter() and ftrace_set_notrace() then return 0 if the pattern
 * matches no function yet.
 *
 * While an ops with this flag is registered, the library has a thread, and the empty
 * function that the loader calls for debuggers (_dl_debug_state()) is a jump into the
 * library. A thread that opens or closes an object waits there until the library's thread
 * has looked at the object, mostly some 100 microseconds, and 50 milliseconds at most. If
 * it continues before that, the functions are traced a little later; @loader_timeouts in
 * struct ftrace_stats counts these cases. They can occur if the machine is loaded; while
 * another thread changes code, or any thread is between ftrace_arch_code_modify_prepare()
 * and post_process(); or if a thread cannot be stopped.
 *
 * Without this flag, and where the function of the loader is not as expected, for example
 * because a debugger has a breakpoint there (which is reported to the function that
 * ftrace_set_print() set), functions of new objects are traced from the next call of
 * ftrace_update_sites() or of any function of this header on. Even with the flag, this
 * also holds for objects with text relocations, for objects that the child of a fork
 * opens before its first call of the library, and for functions selected by C++ names if
 * only a dependency of the object can demangle them.
 *
 * The library's thread is called "ftrace". It blocks all signals, except faults and the
 * stop signal, and ends soon after the last such ops is unregistered. Until then, a process
 * whose other threads have all called pthread_exit() does not end, and takes no SIGTERM:
 * unregister, or end it with exit(). See docs/limits.md.
 */
#define FTRACE_OPS_FL_PENDING 8UL

/*
 * The handler changes where functions continue: @ip in struct ftrace_regs, as
 * ftrace_regs_redirect() and ftrace_regs_return() do. Two ops with this flag cannot have
 * the same function: to register the second, or to change a filter so that both select a
 * function, fails with -EBUSY and changes nothing. The flag needs
 * FTRACE_OPS_FL_SAVE_REGS, and a filter: "all functions" is not allowed.
 *
 * If patterns of two such ops match a function of an object that is opened later, the ops
 * that was registered first gets it; the call that finds the object reports the function,
 * and ftrace_update_sites() fails with -EBUSY. The other ops gets the function when its
 * filter is next set after the first is unregistered. The same holds for a function that
 * was skipped because another tool had changed its entry.
 *
 * Handlers may change @ip without this flag too. If several handlers of a function do,
 * the one that is called last wins; the order in which handlers are called is not defined.
 *
 * Source: the kernel's flag of this name.
 */
#define FTRACE_OPS_FL_IPMODIFY 16UL

/**
 * struct ftrace_ops - a handler and its options
 * @size: sizeof(struct ftrace_ops)
 * @func: the handler
 * @flags: FTRACE_OPS_FL_*
 * @data: for use by the host
 *
 * From registration until ftrace_unregister_function() has returned, the structure must
 * not move, and only @data may change.
 */
struct ftrace_ops {
	size_t size;
	ftrace_func_t func;
	uint64_t flags;
	void *data;
};

/**
 * ftrace_register_function - start calling a handler
 * @ops: the handler. Its filter selects functions; without a filter, all functions
 *
 * When this function has returned 0, every call of a selected function calls the handler,
 * on every thread. Functions of objects that are opened later are included as of the next
 * call of ftrace_update_sites() or of any function of this header; with
 * FTRACE_OPS_FL_PENDING at once.
 *
 * Returns 0 or
 *   -EINVAL   @ops is NULL or not aligned, has an unknown size or unknown flags, or
 *             has no function; or it has FTRACE_OPS_FL_IPMODIFY without
 *             FTRACE_OPS_FL_SAVE_REGS, or without a filter
 *   -EBUSY    @ops has FTRACE_OPS_FL_IPMODIFY, and so has another ops that selects one
 *             of the functions. It is reported to the function that ftrace_set_print()
 *             set
 *   -EEXIST   @ops is already registered
 *   -ENOENT   the last attempt to set a filter of @ops failed, and @ops has no other
 *             filter: it selects no function, rather than all. See ftrace_set_filter()
 *   -ENOSPC   64 ops are registered, or there are too many different sets of ops on
 *             functions
 *   -ERANGE   there is no free address space for code near an object
 *   -EPERM    the system provides no executable memory. (If it only forbids making
 *             writable memory executable, as PR_SET_MDWE and systemd's
 *             MemoryDenyWriteExecute do, the library writes code through
 *             /proc/self/mem)
 *   -EAGAIN   an object's file cannot be read now, because the process can open no
 *             file; nothing was changed. Or, permanently: this process is a child that
 *             was created without fork() (clone(), syscall(SYS_fork)) while another
 *             thread of its parent was in a call of this header or of
 *             ftrace/static_key.h; or fork() could not wait for the end of that call
 *             (see ftrace/ftrace.h)
 *   -EINVAL   the entry of a function holds unexpected bytes, which are reported to the
 *             function that ftrace_set_print() set; nothing was changed. Does not occur
 *             with FTRACE_OPS_FL_SKIP_FOREIGN
 *   -EDEADLK  called from a signal handler, from the handler of a traced function,
 *             inside a stop window, or after ftrace_arch_code_modify_prepare()
 *             (ftrace/patch.h)
 *   and the errors of ftrace_patch_text()
 *
 * Context: thread.
 * Source: register_ftrace_function() in kernel/trace/ftrace.c.
 */
int ftrace_register_function(struct ftrace_ops *ops);

/**
 * ftrace_unregister_function - stop calling a handler
 * @ops: the ops that was registered
 *
 * When this function has returned 0, the handler runs on no thread and will not be
 * called again. Its code and @ops can be freed. But threads may still be in a function
 * that the handler made them run with ftrace_regs_redirect(), or on their way to it. See
 * ftrace_check_stack() in ftrace/patch.h: when it has returned 0 for the text of that
 * function, its object can be closed.
 *
 * It waits at most 30 seconds until all handlers that run, not only that of @ops, have
 * ended. While it waits, it holds no lock: handlers may use the loader, and other threads
 * may make any call, open objects and fork. But the caller itself may hold a lock.
 * Constructors and destructors run with the loader's lock held, so a call from one times
 * out if a handler waits for that lock.
 *
 * If a thread seems to be in a handler for a long time, this function stops it now and
 * then, for some microseconds, to check whether it is.
 *
 * While this function waits, @ops is already unregistered. If another thread registers
 * @ops again in the meantime, @ops is registered when this function returns.
 *
 * Returns 0 or
 *   -EINVAL   as for ftrace_register_function()
 *   -ENOENT   @ops is not registered, or is already being unregistered
 *   -EDEADLK  as for ftrace_register_function(); @ops remains registered
 *   -ETIMEDOUT a thread has been in a handler for 30 seconds, or left one for another
 *             stack and has not returned to it for 5 seconds. The handler is no longer
 *             called, but may still run until a call of ftrace_update_sites() has
 *             returned 0
 *   -EINVAL   the entries of some functions hold unexpected bytes, which are reported to
 *             the function that ftrace_set_print() set. They are left as they are; the
 *             other functions were changed back. The handler is no longer called, even
 *             if the other tool restores the call. The next call of this header or of
 *             ftrace/sites.h after that removes the call
 *   and the errors of ftrace_patch_text(): some functions could not be changed back. The
 *   handler is no longer called, and later calls try again. But if the system has no
 *   membarrier(SYNC_CORE), and a thread could not be stopped either, the handler may
 *   still run until a call of ftrace_update_sites() has returned 0
 *
 * Context: thread.
 * Source: unregister_ftrace_function() in kernel/trace/ftrace.c.
 */
int ftrace_unregister_function(struct ftrace_ops *ops);

/**
 * ftrace_set_filter - select functions by name
 * @ops: registered or not
 * @pattern: see below
 * @len: length of @pattern in bytes; 0: @pattern is null-terminated
 * @reset: not 0: discard the patterns that were set before
 *
 * A pattern is the name of a function in the symbol table: any of its names, if several
 * symbols have its address (at most 64 symbols, and 4,096 bytes of names besides the one
 * that ftrace_for_each_site() shows). A version at the end of the name, as in foo@V1 or
 * foo@@V2, can be left out. The name of a function with the attribute target_clones
 * selects all its clones. The name of a function with the attribute ifunc selects what its
 * resolver has returned to the loader, if that is a function of the same object. Only the
 * object itself shows it, when the library first looks at it. If the object does not refer
 * to the function, or is still being opened (also with FTRACE_OPS_FL_PENDING), or if the
 * function is bound at its first call and was not called before, the name selects nothing:
 * use the names of the functions that the resolver returns.
 *
 * * matches any text, ? any character, [a-z] and [!a-z] a character of a set, and \ the
 * next character literally. A leading ! removes the functions that match from the
 * selection. ":mod:" and a second pattern at the end select only functions of objects
 * whose file name, without the directory, matches that pattern; "program" is the program
 * itself. If @pattern is NULL and @reset is not 0, all functions are selected.
 *
 * A pattern with "::" or "(" is a C++ or Rust name and is compared with the demangled name
 * (@display in struct ftrace_site):
 *
 *	Json::Reader::*			without "(": compared with the part before
 *					the parameters
 *	Json::Reader::parse(char*)	with "(": also compared with the whole name,
 *					and without const and the like at the end
 *	::parse				in no namespace, such as C functions
 *	(anonymous namespace)::parse, Json::Value::operator[], *::operator()
 *	shop::Cart::price		Rust: see below
 *
 * The demangled name of an instance of a function template begins with its return type.
 * The type is compared only if a pattern with "(" contains one. ABI tags ([abi:cxx11])
 * can be left out, and so can, before the parameters, the template arguments of the last
 * part of the name or all template arguments: Cart::each matches Cart<int>::each<long>. A
 * pattern that gives them selects only the functions that have them. noexcept at the end
 * is ignored: it is not part of the demangled name. [] and [abi: match themselves; other
 * brackets that are part of a name need a \.
 *
 * Names are also compared in one spelling. Anywhere in a name, these can be left out, or
 * written as people write them:
 *
 *	std::vector<int>		default arguments of the templates of the
 *	std::map<int, long>		standard library (allocator, less, hash,
 *	std::unique_ptr<C>		equal_to, char_traits, default_delete)
 *	std::array<int, 4>		the type of a number (4ul)
 *	std::string, std::wstring_view	strings and streams of char, wchar_t and so on
 *	std::filesystem::path		namespaces such as __cxx11 and __1
 *	const std::string &		const before its type, and spaces
 *
 * Default arguments of other templates must be written: a symbol does not tell them from
 * given ones.
 *
 * A full form selects one: if a pattern with "(", read literally and in that spelling, is
 * the whole name of a function (with or without its return type), it selects the functions
 * of that name only. C::f(int) then does not select C::f(int) const, and f(char*) does not
 * select f(char**). This is decided when the pattern is set, for all objects, and those
 * that are opened later. If there is no such function then, the pattern selects all that
 * match, except that in an object that has such a function, it selects no other there.
 *
 * In names of Rust functions the hash is left out (but may be written), and so can be:
 *
 *	shop::total			the arguments of shop::total::<u8>
 *	shop::Cart::each		all arguments of <shop::Cart<i64>>::each::<u8>
 *	shop::Cart::price		the trait of <shop::Cart as shop::Price>::price,
 *					or the place of an impl
 *	shop::total::{{closure}}	the number of a closure: {closure#0}
 *
 * <* as shop::Price>::price matches the function of all types. Symbols of the older kind
 * (rustc before 1.95, unless -C symbol-mangling-version=v0) have no generic arguments, or
 * only their names: Cart<T>.
 *
 * Each time that such a pattern is evaluated, it costs about a microsecond for each C++
 * or Rust function of the objects that it applies to whose symbol contains the longest
 * name of a namespace, class or function in the pattern; functions with another symbol
 * cost little. ftrace_for_each_site() says what else demangling needs. If no object of
 * the process has a C++ demangler, C++ patterns match no C++ function, and the report
 * says so.
 *
 * Patterns apply in the order in which they were set, and belong to @ops until
 * ftrace_free_filter(). If @ops is registered, the new selection takes effect at once.
 *
 * A filter that could not be set does not mean "all functions". After a failure, unless
 * earlier patterns of the filter remain, ftrace_register_function() fails with -ENOENT
 * until a pattern is set, the filter is reset with NULL, or ftrace_free_filter() is
 * called. Exceptions are an invalid @ops and -EDEADLK, which is not remembered. An @ops
 * that is registered keeps its selection.
 *
 * Returns 0 or
 *   -EINVAL   @ops is not valid, as for ftrace_register_function(); or the pattern is
 *             empty or malformed
 *   -ENOENT   the pattern matches no function; nothing was changed. This is reported
 *             to the function that ftrace_set_print() set. Does not occur with
 *             FTRACE_OPS_FL_PENDING, except for ftrace_set_filter_ip()
 *   -EACCES   the pattern matches no function, but the program's own file may not be
 *             read, so its functions are not known; nothing was changed
 *   -EOPNOTSUPP the same, because /proc/self/exe cannot be opened: /proc is not mounted,
 *             or the process has changed its root
 *   -E2BIG    the patterns take more than 3,000 bytes
 *   -EINVAL, -EBUSY  @ops is registered, and has FTRACE_OPS_FL_IPMODIFY: as for
 *             ftrace_register_function(); the filter is as before
 *   -EDEADLK and the other errors of ftrace_register_function()
 *
 * Context: thread.
 * Source: ftrace_set_filter() in kernel/trace/ftrace.c.
 */
int ftrace_set_filter(struct ftrace_ops *ops, const char *pattern, size_t len, int reset);

/**
 * ftrace_set_notrace - exclude functions by name
 * @ops: registered or not
 * @pattern: as for ftrace_set_filter(); NULL with @reset: no function is excluded
 * @len: length of @pattern in bytes; 0: @pattern is null-terminated
 * @reset: not 0: discard the patterns that were set before
 *
 * Works like ftrace_set_filter(). Functions that match are not traced, even if the
 * filter selects them.
 *
 * Returns the same as ftrace_set_filter().
 *
 * Context: thread.
 * Source: ftrace_set_notrace() in kernel/trace/ftrace.c.
 */
int ftrace_set_notrace(struct ftrace_ops *ops, const char *pattern, size_t len, int reset);

/**
 * ftrace_set_filter_ip - select one function by address
 * @ops: registered or not
 * @ip: address of the function's first instruction or of its nop
 * @remove: not 0: remove the function from the selection
 * @reset: not 0: discard the patterns that were set before
 *
 * Returns the same as ftrace_set_filter().
 *
 * Context: thread.
 * Source: ftrace_set_filter_ip() in kernel/trace/ftrace.c.
 */
int ftrace_set_filter_ip(struct ftrace_ops *ops, uintptr_t ip, int remove, int reset);

/**
 * ftrace_free_filter - free the patterns of an ops that is not registered
 * @ops: the ops
 *
 * Call it before the memory of an @ops for which a filter was set, or could not be set,
 * is used for anything else.
 *
 * Returns 0 or
 *   -EINVAL   @ops is not valid, as for ftrace_register_function()
 *   -EBUSY    @ops is registered
 *   -EDEADLK  as for ftrace_register_function()
 *
 * Context: thread.
 * Source: ftrace_free_filter() in kernel/trace/ftrace.c.
 */
int ftrace_free_filter(struct ftrace_ops *ops);

/**
 * ftrace_update_ftrace_func - call one function instead of every handler
 * @func: the function; ftrace_stub: call nothing; NULL: call the handlers again
 *
 * When this function has returned 0, every traced call calls @func instead of each
 * handler, once for each handler, with the same arguments. The library treats @func as a
 * handler. @func may pass the arguments on to @ops->func. Use it to do work that all
 * handlers share, to measure handlers, or to delay them. With ftrace_stub no function is
 * called: all tracing pauses, even that of handlers that are registered later. The change
 * writes four locations in the library's own text, however many functions are traced. The
 * handlers of ftrace/graph.h are not concerned.
 *
 * When this function has returned 0, the functions that were called before run on no
 * thread: it waits for all handlers that run, as ftrace_unregister_function() does. @func
 * may change vector registers: they are saved for it, even if a handler has
 * FTRACE_OPS_FL_NO_VECTORS.
 *
 * Returns 0 or
 *   -EDEADLK  as for ftrace_register_function(); or called from @func
 *   -ETIMEDOUT as for ftrace_unregister_function(). The change was made, but the
 *             functions that were called before may still run until a call of
 *             ftrace_update_sites() has returned 0
 *   and the errors of ftrace_patch_text(). Nothing was changed, with two exceptions. If
 *             the system has no membarrier(SYNC_CORE), and a thread could not be stopped
 *             to check that it has left its handler, the change was made, and the
 *             functions that were called before may still run until a call of
 *             ftrace_update_sites() has returned 0. After -EIO either may be called
 *
 * Context: thread. A child of fork() inherits @func.
 * Source: ftrace_update_ftrace_func() in arch/x86/kernel/ftrace.c.
 */
int ftrace_update_ftrace_func(ftrace_func_t func);

/**
 * ftrace_stub - a handler that does nothing
 * @ip: address of the function's nop
 * @parent_ip: the return address to the function's caller
 * @ops: the ops that was registered
 * @regs: the registers, or NULL
 *
 * Pass it to ftrace_update_ftrace_func() to pause all tracing.
 *
 * Context: any.
 * Source: ftrace_stub() in the kernel's arch/x86/kernel/ftrace_64.S.
 */
void ftrace_stub(uintptr_t ip, uintptr_t parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs);

/**
 * ftrace_just_return - code that returns immediately
 *
 * ftrace_regs_return() makes a function continue here.
 *
 * Context: any.
 */
void ftrace_just_return(void);

/**
 * ftrace_regs_return - return a value instead of running the function
 * @regs: the registers that the handler got
 * @value: the return value, in rax
 *
 * The handler needs FTRACE_OPS_FL_SAVE_REGS. If two handlers of a function change where
 * it continues, see FTRACE_OPS_FL_IPMODIFY.
 *
 * Context: handler of a traced function.
 */
static inline void ftrace_regs_return(struct ftrace_regs *regs, uintptr_t value)
{
	regs->rax = value;
	regs->ip = (uintptr_t)ftrace_just_return;
}

/**
 * ftrace_regs_redirect - run another function instead of this one
 * @regs: the registers that the handler got
 * @function: the address of a function that takes the same arguments
 *
 * Calls that @function makes are traced as always, so it must not call this one by its
 * name: see ftrace_original(). To take the replacement back, unregister the handler.
 * Before you close the object that @function is in, call ftrace_check_stack().
 *
 * The handler needs FTRACE_OPS_FL_SAVE_REGS. If two handlers of a function change where
 * it continues, see FTRACE_OPS_FL_IPMODIFY.
 *
 * Context: handler of a traced function.
 */
static inline void ftrace_regs_redirect(struct ftrace_regs *regs, uintptr_t function)
{
	regs->ip = function;
}

/**
 * ftrace_original - the function without its call of the handlers
 * @ip: what the handler got
 *
 * For a function that ftrace_regs_redirect() runs instead, and that needs the original:
 *
 *	static long (*original)(long);
 *
 *	static long fixed(long x) { return original(x) - x; }
 *
 *	static void redirect(uintptr_t ip, ...)
 *	{
 *		original = (long (*)(long))ftrace_original(ip);
 *		ftrace_regs_redirect(regs, (uintptr_t)fixed);
 *	}
 *
 * A call of the function itself would call the handlers again, and end in fixed() again.
 * The handler runs before fixed(), so fixed() always finds the result set. The result is
 * right whatever the compiler left at the entry. It stays valid while the object is open,
 * even if the function is no longer traced. The @ip of struct ftrace_site can be passed
 * too, but only one that was shown while the function was traced.
 *
 * A call of the result calls no handler, of any ops: all handlers of the function were
 * called once, when it was called. Calls that the original makes, also of itself, are
 * traced as always.
 *
 * Returns the address of the function's first instruction after the site.
 *
 * Context: any.
 */
static inline void *ftrace_original(uintptr_t ip)
{
	return (void *)(ip + 5); /* FTRACE_INSN_SIZE */
}

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_TRACE_H */
