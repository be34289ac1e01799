/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the interface between trace_entry.S and C#.
 */
#include "native.h"

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

void call_ops(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
	      struct ftrace_regs *regs, int redirected)
{
	ftrace_func_t func =
		redirected ? __atomic_load_n(&ftrace_trace_function, __ATOMIC_RELAXED) : ops->func;

	func(ip, parent_ip, ops, ops->flags & FTRACE_OPS_FL_SAVE_REGS ? regs : NULL);
}
