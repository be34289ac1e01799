/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the interface between trace_entry.S and C#.
 */
#include "native.h"

#include <stdbool.h>

unsigned long ftrace_trace_slots;
ftrace_func_t ftrace_trace_function;

void *ftrace_claim_tracer(struct ftrace_nmi_thread *thread)
{
	return native.claim_tracer(thread);
}

long ftrace_look_at_marks(struct ftrace_nmi_thread *thread, unsigned long frame)
{
	return native.look_at_marks(thread, frame);
}

void ftrace_leave_mark(struct ftrace_nmi_thread *thread, unsigned long mark)
{
	native.leave_mark(thread, mark);
}

/* Until C# has another one: a call before the constructor finds no function. */
unsigned long *no_site_data(struct ftrace_nmi_thread *thread, unsigned long ip)
{
	(void)thread, (void)ip;
	return NULL;
}

EXPORT unsigned long *ftrace_site_data(unsigned long ip)
{
	return native.site_data(&ftrace_nmi_thread, ip);
}

/*
 * Calls the handlers of @mask that are still registered. The loop is here and not in C#: a
 * call from there to here costs about as much as the handler.
 */
static inline __attribute__((always_inline)) void
call_each(unsigned long ip, unsigned long parent_ip, unsigned long mask, struct ftrace_regs *regs,
	  bool redirected)
{
	for (; mask; mask &= mask - 1) {
		const struct ops_entry *entry = &native.ops_table[__builtin_ctzl(mask)];
		struct ftrace_ops *ops = __atomic_load_n(&entry->ops, __ATOMIC_ACQUIRE);
		ftrace_func_t func;

		if (!ops)
			continue;
		func = redirected ? __atomic_load_n(&ftrace_trace_function, __ATOMIC_RELAXED) : ops->func;
		func(ip, parent_ip, ops, ops->flags & FTRACE_OPS_FL_SAVE_REGS ? regs : NULL);
	}
}

void call_ops(unsigned long ip, unsigned long parent_ip, unsigned long mask,
	      struct ftrace_regs *regs, int redirected)
{
	if (redirected)
		call_each(ip, parent_ip, mask, regs, true);
	else
		call_each(ip, parent_ip, mask, regs, false);
}

/* The handlers of ftrace/trace.h of a function whose exits are traced; all registers are saved. */
void call_others(unsigned long ip, unsigned long parent_ip, unsigned long mask,
		 struct ftrace_regs *regs)
{
	unsigned long redirected = __atomic_load_n(&ftrace_graph_sets.redirected, __ATOMIC_ACQUIRE);

	if (redirected < 2)
		call_ops(ip, parent_ip, mask, regs, redirected != 0);
}

/* The set of a slot, whose list is the argument. */
static inline unsigned long set_of(const struct ftrace_ops *list)
{
	return __atomic_load_n((unsigned long *)((char *)list - TraceSlot_List + TraceSlot_Mask),
			       __ATOMIC_RELAXED);
}

/* The handler of a set of ops. Any context; the thread is marked. */
void call_set(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *list,
	      struct ftrace_regs *regs)
{
	call_each(ip, parent_ip, set_of(list), regs, false);
}

/* The same, with ftrace_trace_function in place of each handler. */
void call_set_redirected(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *list,
			 struct ftrace_regs *regs)
{
	call_each(ip, parent_ip, set_of(list), regs, true);
}
