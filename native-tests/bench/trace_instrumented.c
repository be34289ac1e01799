/* SPDX-License-Identifier: MIT */
/*
 * trace_instrumented.c - the small function, compiled with -finstrument-functions.
 */
#include "trace_calls.h"

SMALL_FUNCTION(instrumented, (void)0)
