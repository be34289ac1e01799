/* SPDX-License-Identifier: MIT */
/*
 * ftrace/graph.h - call handlers at the entry and at the exit of functions, chosen by
 * name, while the program runs.
 *
 * Use this header to measure how long calls take, to see who calls whom, or to see or
 * change results. To see entries only, ftrace/trace.h costs less.
 *
 * Functions that can be traced, and patterns, are as in ftrace/trace.h. This prints how
 * long each call of parse() takes:
 *
 *	static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
 *			 struct ftrace_regs *regs)
 *	{
 *		call->data = (void *)now();
 *		return 1;
 *	}
 *
 *	static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
 *			  struct ftrace_regs *regs)
 *	{
 *		int saved = errno;
 *
 *		printf("%lu ns\n", now() - (uintptr_t)call->data);
 *		errno = saved;
 *	}
 *
 *	static struct ftrace_graph_ops ops = {
 *		.size = sizeof(ops), .entryfunc = enter, .retfunc = leave,
 *	};
 *
 *	ftrace_graph_set_filter(&ops, "parse", 0, 1);
 *	ftrace_register_graph(&ops);
 *
 * Handlers cannot call ftrace_lookup(). To print names, collect them before: see
 * ftrace_for_each_site() in ftrace/sites.h, and the example in docs/guide.md.
 *
 * How an exit is seen: the entry of the function is a jump to the library. The library
 * keeps the return address, and calls the function from a block of code of its own. The
 * function returns to the block, as the processor predicts, and the block to the caller.
 * Stack unwinders find the way through the blocks by ordinary unwind information: C++
 * exceptions, cancellation, backtrace(3) and debuggers work, and show the block as a frame
 * called ftrace_graph_blocks. docs/graph.md has the list of unwinders. Stacks may be
 * switched, and calls may return in any order and on any thread.
 *
 * The process has 61,425 blocks. A traced call has one from its entry to its exit. A thread
 * takes blocks 15 at a time, and keeps them until it ends, so at most 4,095 threads at a
 * time have any. A call that gets no block is not traced: neither handler is called, and
 * @graph_overruns in struct ftrace_stats counts it. A thread takes at most 16 times as many
 * as are left for others, which is 57,825 if it is the only one.
 *
 * A call that is left by an exception, longjmp(3) or the like has no exit of its own.
 * Handlers see it, with FTRACE_GRAPH_UNWOUND, before the next event of the thread: the entry
 * or exit of a traced call. If there is none before the thread ends or the ops is
 * unregistered, they never see it. If the function that caught the exception calls one that
 * is not traced, and that one makes the next traced call, the call that was left seems to
 * be around it: then handlers see its end later, and @depth is too large until then.
 *
 * Functions that return twice are not traced by this header, whatever the filter:
 * setjmp(), sigsetjmp(), vfork(), getcontext() and savectx(), with up to two underscores
 * before the name. Programs that copy parts of stacks away and back (greenlet) must not use
 * this header: a copied frame would return through a block that another call has by then.
 * Nor must programs that switch to stacks which lie within the stack of a thread (a local
 * array), or directly below it, without a guard page.
 *
 * If traced calls of an object's functions never return, the object can be closed
 * (dlclose(3)), as without tracing. They are reported as calls that were left; @ip is then an
 * address in an object that is gone. Calls of functions of other objects return.
 *
 * In a traced function __builtin_return_address(0), like the word on the stack, is an
 * address in a block. ftrace_graph_ret_addr() gives the true one. @parent_ip is always the
 * true one here. In handlers of ftrace/trace.h it may be in a block if their function was
 * called at the end of a function traced by this header, in place of its return (a tail
 * call).
 *
 * The rules for handlers are those of ftrace/trace.h. ftrace_update_ftrace_func() does not
 * replace handlers of this header.
 *
 * Source: struct fgraph_ops in include/linux/ftrace.h and kernel/trace/fgraph.c of the
 * kernel. The kernel replaces return addresses on the stack, which costs two mispredicted
 * branches a call.
 */
#ifndef FTRACE_GRAPH_H
#define FTRACE_GRAPH_H

#include <ftrace/trace.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ftrace_graph_ops;

/*
 * The function has not returned itself: its last action was a call of another traced
 * function, which returns in its place (a tail call). There is no result.
 */
#define FTRACE_GRAPH_TAIL 1U

/* The call was left by an exception, longjmp(3) or the like, some time ago. There is no result. */
#define FTRACE_GRAPH_UNWOUND 2U

/**
 * struct ftrace_graph_call - one traced call, from its entry to its exit
 * @ip: address of the function's nop, as for ftrace_func_t
 * @parent_ip: the return address to the function's caller
 * @depth: how many calls that are traced by this header it is nested in, on its stack. On a
 *         stack that the thread was switched to (swapcontext(3)), calls on the stack that
 *         it came from may be counted too
 * @flags: at the exit: FTRACE_GRAPH_*, how the call ended; 0: the function has returned
 * @data: the host's, one for each ops: NULL at the entry; at the exit what the entry left
 *
 * Valid until the handler returns.
 */
struct ftrace_graph_call {
	uintptr_t ip;
	uintptr_t parent_ip;
	unsigned int depth;
	unsigned int flags;
	void *data;
};

/**
 * ftrace_graph_entry_t - a handler at the entry of a function
 * @call: the call
 * @ops: the ops that was registered
 * @regs: the registers, as for ftrace_func_t; NULL without FTRACE_OPS_FL_SAVE_REGS
 *
 * Returns 0 if the exit of this call is not wanted, else another value.
 */
typedef int (*ftrace_graph_entry_t)(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs);

/**
 * ftrace_graph_return_t - a handler at the exit of a function
 * @call: the call
 * @ops: the ops that was registered
 * @regs: the registers when the function has returned: the result is in @rax and @rdx, and may
 *        be changed. @ip is the function's, @parent_ip where it returns to; changing these two
 *        has no effect. Floating-point results are kept, and not shown. (A long double is in
 *        one or two of the eight x87 registers: a handler may use the others, but not reset
 *        them with fninit or emms.) NULL without FTRACE_OPS_FL_SAVE_REGS, and if @flags of
 *        @call is not 0
 */
typedef void (*ftrace_graph_return_t)(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				      struct ftrace_regs *regs);

/**
 * struct ftrace_graph_ops - a pair of handlers and its options
 * @size: sizeof(struct ftrace_graph_ops)
 * @entryfunc: called at entries; NULL: every exit is wanted
 * @retfunc: called at exits; NULL: no exit is wanted. One of the two must be set
 * @flags: FTRACE_OPS_FL_NO_VECTORS (for both handlers), FTRACE_OPS_FL_SAVE_REGS,
 *         FTRACE_OPS_FL_SKIP_FOREIGN, FTRACE_OPS_FL_PENDING
 * @data: for use by the host
 * @max_depth: trace only calls whose @depth is lower; 0: all. The kernel's max_graph_depth
 *
 * From registration until ftrace_unregister_graph() has returned, the structure must not
 * move, and only @data may change.
 */
struct ftrace_graph_ops {
	size_t size;
	ftrace_graph_entry_t entryfunc;
	ftrace_graph_return_t retfunc;
	uint64_t flags;
	void *data;
	unsigned int max_depth;
};

/**
 * ftrace_register_graph - start calling a pair of handlers
 * @ops: the handlers. Its filter selects functions; without a filter, all functions
 *
 * When this function has returned 0, every call of a selected function calls @entryfunc, on
 * every thread; and @retfunc at its end, if @entryfunc wanted that. @retfunc is never called
 * for a call whose @entryfunc was not. Several ops, of this header and of ftrace/trace.h, can
 * have the same function; each has its own @data for each call.
 *
 * Returns 0 or
 *   -EINVAL   @ops is NULL or not aligned, has an unknown size or unknown flags, or has
 *             neither function
 *   -ENOSPC   6 ops of this header are registered, or 64 of both headers. A recording
 *             (ftrace/tracing.h) counts as one, and so does each of its triggers
 *   -EOPNOTSUPP the thread has a shadow stack (CET), which exits were never tested with
 *   and the errors of ftrace_register_function()
 *
 * Context: thread.
 * Source: register_ftrace_graph() in kernel/trace/fgraph.c.
 */
int ftrace_register_graph(struct ftrace_graph_ops *ops);

/**
 * ftrace_unregister_graph - stop calling a pair of handlers
 * @ops: the ops that was registered
 *
 * When this function has returned 0, neither handler runs on any thread, and neither will be
 * called again. Calls that are under way return normally, however long they take.
 *
 * Returns 0 or the errors of ftrace_unregister_function().
 *
 * Context: thread.
 * Source: unregister_ftrace_graph() in kernel/trace/fgraph.c.
 */
int ftrace_unregister_graph(struct ftrace_graph_ops *ops);

/**
 * ftrace_graph_set_filter - select functions by name
 * @ops: registered or not
 * @pattern: as for ftrace_set_filter()
 * @len: length of @pattern in bytes; 0: @pattern is null-terminated
 * @reset: not 0: discard the patterns that were set before
 *
 * As ftrace_set_filter(), for an ops of ftrace/graph.h. To free the patterns of an ops that
 * is not registered any more, reset both filters: @pattern NULL, @reset 1.
 *
 * Returns the same as ftrace_set_filter().
 *
 * Context: thread.
 */
int ftrace_graph_set_filter(struct ftrace_graph_ops *ops, const char *pattern, size_t len,
			    int reset);

/**
 * ftrace_graph_set_notrace - exclude functions by name
 * @ops: registered or not
 * @pattern: as for ftrace_set_notrace()
 * @len: length of @pattern in bytes; 0: @pattern is null-terminated
 * @reset: not 0: discard the patterns that were set before
 *
 * As ftrace_set_notrace(), for an ops of ftrace/graph.h.
 *
 * Returns the same as ftrace_set_filter().
 *
 * Context: thread.
 */
int ftrace_graph_set_notrace(struct ftrace_graph_ops *ops, const char *pattern, size_t len,
			     int reset);

/**
 * ftrace_graph_ret_addr - the true return address
 * @addr: a return address as found on a stack
 *
 * Returns the return address that the library keeps for this call, if @addr is in one of its
 * blocks; else @addr. The call must not have returned.
 *
 * Context: any.
 * Source: ftrace_graph_ret_addr() in kernel/trace/fgraph.c.
 */
uintptr_t ftrace_graph_ret_addr(uintptr_t addr);

/**
 * ftrace_graph_unwind_table - what nongnu libunwind needs to know about the blocks
 * @start_ip: set to the address of the first block
 * @end_ip: set to the address after the last one
 * @table: set to the address of the table, which is also what its entries are relative to
 *
 * Other unwinders need only the unwind information in the library's file. For this one it
 * does not suffice if callers have no frame pointers (docs/graph.md). A program that calls
 * unw_step() registers the table once, in ordinary code, when it starts:
 *
 *	static unw_dyn_info_t info = {.format = UNW_INFO_FORMAT_REMOTE_TABLE};
 *
 *	info.u.rti.table_len = ftrace_graph_unwind_table(&info.start_ip, &info.end_ip,
 *							 &info.u.rti.table_data);
 *	info.u.rti.segbase = info.u.rti.table_data;
 *	_U_dyn_register(&info);
 *
 * Returns the length of the table, in words of 8 bytes, or
 *   -EFAULT   an argument is NULL
 *
 * Context: any.
 */
intptr_t ftrace_graph_unwind_table(uintptr_t *start_ip, uintptr_t *end_ip,
				   uintptr_t *table);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_GRAPH_H */
