/* SPDX-License-Identifier: MIT */
/* graph_hijacked.c - TODO */
#define _GNU_SOURCE
#define KIND	   graph_hijacked
#define TRACED	   __attribute__((patchable_function_entry(5)))
#define NOT_TRACED
#define ENTER(function) (void)0
#define LEAVE	   (void)0

#include "graph_functions.h"
