/* SPDX-License-Identifier: MIT */
/*
 * unavailable.c - exported functions of which there is nothing here yet, so that a program
 * that can do without them starts.
 *
 * None looks at its arguments. In the calling convention of this system the caller removes
 * them, so the definitions have none, and the headers are not included.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#define UNAVAILABLE(name)                                                                          \
	int name(void);                                                                            \
	int name(void)                                                                             \
	{                                                                                          \
		return -EOPNOTSUPP;                                                                \
	}

/* ftrace/nmi.h: there are no signals */
UNAVAILABLE(ftrace_nmi_add_signal)
UNAVAILABLE(ftrace_nmi_del_signal)
/* ftrace/patch.h */
UNAVAILABLE(ftrace_make_call_redzone)
/* ftrace/trace.h */
UNAVAILABLE(ftrace_register_function)
UNAVAILABLE(ftrace_unregister_function)
UNAVAILABLE(ftrace_set_filter)
UNAVAILABLE(ftrace_set_notrace)
UNAVAILABLE(ftrace_set_filter_ip)
UNAVAILABLE(ftrace_free_filter)
UNAVAILABLE(ftrace_update_ftrace_func)
/* ftrace/graph.h */
UNAVAILABLE(ftrace_register_graph)
UNAVAILABLE(ftrace_unregister_graph)
UNAVAILABLE(ftrace_graph_set_filter)
UNAVAILABLE(ftrace_graph_set_notrace)
/* ftrace/static_key.h */
UNAVAILABLE(ftrace_static_key_enable)
UNAVAILABLE(ftrace_static_key_disable)
UNAVAILABLE(ftrace_static_key_slow_inc)
UNAVAILABLE(ftrace_static_key_slow_dec)
UNAVAILABLE(ftrace_static_call_key_update)
/* ftrace/sites.h */
UNAVAILABLE(ftrace_for_each_site)
UNAVAILABLE(ftrace_update_sites)
UNAVAILABLE(ftrace_lookup)
/* ftrace/tracing.h */
UNAVAILABLE(ftrace_tracing_start)
UNAVAILABLE(ftrace_tracing_stop)
UNAVAILABLE(ftrace_snapshot)
UNAVAILABLE(ftrace_tracing_set_trigger)
UNAVAILABLE(ftrace_tracing_on)
UNAVAILABLE(ftrace_tracing_off)
UNAVAILABLE(ftrace_tracing_set_filter)
UNAVAILABLE(ftrace_tracing_set_notrace)
UNAVAILABLE(ftrace_tracing_set_depth)
UNAVAILABLE(ftrace_tracing_set_min_time)
UNAVAILABLE(ftrace_tracing_thread)
UNAVAILABLE(ftrace_tracing_get_status)
/* ftrace/agent.h */
UNAVAILABLE(ftrace_agent_start)

#define UNAVAILABLE_SIZE(name)                                                                     \
	intptr_t name(void);                                                                       \
	intptr_t name(void)                                                                        \
	{                                                                                          \
		return -EOPNOTSUPP;                                                                \
	}

/* ftrace/stack.h */
UNAVAILABLE_SIZE(ftrace_stack_size)
/* ftrace/graph.h: no return address was replaced */
UNAVAILABLE_SIZE(ftrace_graph_unwind_table)

uintptr_t ftrace_graph_ret_addr(uintptr_t addr);
uintptr_t ftrace_graph_ret_addr(uintptr_t addr)
{
	return addr;
}

/* What would be of no use without those above, and has no error to return. */
#define NOTHING(name)                                                                              \
	void name(void);                                                                           \
	void name(void)                                                                            \
	{                                                                                          \
	}

NOTHING(ftrace_stub)
NOTHING(ftrace_just_return)
NOTHING(ftrace_write_mark)
NOTHING(ftrace_write_printk)

uintptr_t *ftrace_site_data(uintptr_t ip);
uintptr_t *ftrace_site_data(uintptr_t ip)
{
	(void)ip;
	return NULL;
}
