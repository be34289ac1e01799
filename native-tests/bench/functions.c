/* SPDX-License-Identifier: MIT */
/*
 * functions.c - 20,000 functions of some 50 bytes. Compiled twice: with a nop at
 * each entry for the library, with sleds for XRay. Not optimized, which takes a
 * compiler seven times as long: all that matters is how far apart the entries are.
 */
#include "functions.h"

#define DEFINE(n)                                                                                  \
	unsigned int function_##n(unsigned int x, unsigned int *counters)                          \
	{                                                                                          \
		counters[n % 16] += x;                                                             \
		return x * n;                                                                      \
	}

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
EACH_FUNCTION(DEFINE)
