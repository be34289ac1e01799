/* SPDX-License-Identifier: MIT */
/* graph_plain.c - TODO */
#define _GNU_SOURCE
#define KIND	   graph_plain
#define TRACED	   
#define NOT_TRACED
#define ENTER(function) (void)0
#define LEAVE	   (void)0

#include "graph_functions.h"
