/* SPDX-License-Identifier: MIT */
/*
 * ftrace/ftrace.h - everything: live code patching that is safe against
 * signal handlers.
 */
#ifndef FTRACE_FTRACE_H
#define FTRACE_FTRACE_H

#include <ftrace/version.h>
#include <ftrace/nmi.h>
#include <ftrace/patch.h>
#include <ftrace/sites.h>
#include <ftrace/stack.h>
#include <ftrace/static_key.h>
#include <ftrace/trace.h>

#endif /* FTRACE_FTRACE_H */
