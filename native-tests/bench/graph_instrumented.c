/* SPDX-License-Identifier: MIT */
/*
 * graph_instrumented.c - functions compiled with -finstrument-functions, and what they call: a
 * shared object, because the bench has other functions of these names.
 */
#define _GNU_SOURCE
#define KIND graph_instrumented
#define TRACED
#define NOT_TRACED	__attribute__((no_instrument_function))
#define ENTER(function) (void)0
#define LEAVE		(void)0

#include "graph_functions.h"

NOT_TRACED void __cyg_profile_func_enter(void *function, void *caller);
NOT_TRACED void __cyg_profile_func_exit(void *function, void *caller);

__attribute__((noipa)) void __cyg_profile_func_enter(void *function, void *caller)
{
	(void)function, (void)caller;
	graph_counted++;
}

__attribute__((noipa)) void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)function, (void)caller;
	graph_counted++;
}
