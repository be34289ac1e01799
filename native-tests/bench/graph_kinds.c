/* SPDX-License-Identifier: MIT */
/*
 * graph_kinds.c - the functions of the part "graph": not to be traced, traced by the library, by
 * the peer that replaces return addresses, and some that call the handlers themselves.
 */
#define _GNU_SOURCE
#include "graph_handlers.h"

#define NOT_TRACED
#define PATCHABLE __attribute__((patchable_function_entry(5)))

#define KIND graph_plain
#define TRACED
#define ENTER(function) (void)0
#define LEAVE		(void)0
#include "graph_functions.h"

/* What two readings of the clock cost. */
#define KIND graph_clock
#define TRACED
#define ENTER(function) (void)__builtin_ia32_rdtsc()
#define LEAVE		(void)__builtin_ia32_rdtsc()
#include "graph_functions.h"

#define KIND		graph_traced
#define TRACED		PATCHABLE
#define ENTER(function) (void)0
#define LEAVE		(void)0
#include "graph_functions.h"

#define KIND		graph_hijacked
#define TRACED		PATCHABLE
#define ENTER(function) (void)0
#define LEAVE		(void)0
#include "graph_functions.h"

/* Calls through pointers, and with all that the library tells the handlers. */
static ftrace_graph_entry_t volatile entry_by_hand = graph_count_entry;
static ftrace_graph_return_t volatile return_by_hand = graph_count_return;

#define KIND graph_by_hand
#define TRACED
#define ENTER(function)                                                                            \
	struct ftrace_graph_call call = {.ip = (unsigned long)function,                            \
					 .parent_ip = (unsigned long)__builtin_return_address(0)}; \
	int wanted = entry_by_hand(&call, NULL, NULL)
#define LEAVE                                                                                      \
	do {                                                                                       \
		if (wanted)                                                                        \
			return_by_hand(&call, NULL, NULL);                                         \
	} while (0)
#include "graph_functions.h"
