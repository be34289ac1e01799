/* SPDX-License-Identifier: MIT */
/*
 * sites.h - locations to patch and threads that are there meanwhile, for all parts
 * of the bench that patch.
 */
#ifndef SITES_H
#define SITES_H

#include <stdbool.h>
#include <stddef.h>

#include <ftrace/patch.h>

/* In generated text: functions of 16 bytes that do nothing. */
#define GENERATED_SITES 100000

/* Each changes a nop into a call; toggle() turns them round. Exits if they cannot be had. */
struct ftrace_patch *generated_sites(void);

/* The entries of the functions in functions.c, FUNCTIONS of them. */
struct ftrace_patch *compiled_sites(void);

struct ftrace_patch_opts patch_opts(enum ftrace_method method, enum ftrace_writer writer);

/* Makes a change, checks it, and prepares the way back. Returns ns. */
double toggle(struct ftrace_patch *patches, int count, const struct ftrace_patch_opts *opts);

/* The check and the way back alone, after a change of one's own. */
void turn_round(struct ftrace_patch *patches, int count);

/* False, and rows are left out, where the system does not have the breakpoint method. */
bool have_breakpoints(struct ftrace_patch *patches);

enum helpers { IDLE_HELPERS, BUSY_HELPERS };

void start_helpers(enum helpers kind, int count);
void end_helpers(void);

#endif /* SITES_H */
