/* SPDX-License-Identifier: MIT */
/*
 * native.h - the part of the DLL that has to be C:
 *
 *	gate.c		the gate
 *	entry.c		the exported functions: entry into C#
 *	traps.c		the handler of breakpoint exceptions
 *	unavailable.c	exported functions of which there is nothing yet
 *	strerror.c	what errors mean
 *	crt.cpp		what Microsoft's C++ runtime library would bring
 *
 * Everything else is C#. Include this file first.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stddef.h>
#include <stdint.h>

/* The bodies under other names: clang takes two functions whose symbols have one name for the same. */
#define ftrace_nmi_enter inline_nmi_enter
#define ftrace_nmi_exit	 inline_nmi_exit
#include <ftrace/nmi-inline.h>
#undef ftrace_nmi_enter
#undef ftrace_nmi_exit

/* struct ftrace_nmi_thread: the thread is in a call of the library. lib/Protocol/NmiThread.cs */
#define busy reserved[1]

/* Shared with C#: lib/Windows/NativeTable.cs, member by member. */
extern struct native {
	/* for C# */
	struct ftrace_nmi_thread *(*thread)(void);
	void (*sync_core)(void);
	int (*run)(int (*fn)(void *), void *data);
	uintptr_t *modifying_code;
	void *state;
	void (*print)(const char *line);
	int (*watch_traps)(void);
	const char *image_start;
	const char *image_end;
	uintptr_t tls_index; /* of this module, in the array that a thread's TEB points to */
	uintptr_t tls_offset; /* of ftrace_nmi_thread in that block */
	void *system[32]; /* the libraries that this one calls */
	/* from C#, data plane */
	void (*enter_slow)(struct ftrace_nmi_thread *thread);
	void (*exit_slow)(struct ftrace_nmi_thread *thread);
	int (*on_trap)(uintptr_t ip, void *context);
} native;

/* traps.c */
int watch_traps(void);

/* gate.c */
struct ftrace_nmi_thread *current_thread(void);
uintptr_t tls_offset(void);

/* crt.cpp, as the linker expects it */
extern unsigned int _tls_index;

#endif /* NATIVE_H */
