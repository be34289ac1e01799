/* SPDX-License-Identifier: MIT */
/*
 * static_key.h - what static_key.c and its plug-in have in common: every kind of
 * branch on a key of each type, as a mask.
 */
#ifndef STATIC_KEY_H
#define STATIC_KEY_H

#include <ftrace/ftrace.h>

/* The program's keys, for the plug-in. */
extern struct ftrace_static_key_true exported_true;
extern struct ftrace_static_key_false exported_false;

/* Bits of a mask: likely and unlikely branch that found the key on. */
#define LIKELY	 1u
#define UNLIKELY 2u
#define BOTH	 (LIKELY | UNLIKELY)

#define BRANCHES(key)                                                                              \
	((ftrace_static_branch_likely(key) ? LIKELY : 0u) |                                        \
	 (ftrace_static_branch_unlikely(key) ? UNLIKELY : 0u))

/* The plug-in's functions. */
struct plugin {
	unsigned int (*follows_true)(void);
	unsigned int (*follows_false)(void);
	unsigned int (*own)(void);
	int (*set_own)(int on);
	int (*count_imported)(void);
	int (*inc_imported)(void);
	int (*dec_imported)(void);
};

#endif /* STATIC_KEY_H */
