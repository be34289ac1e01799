/* SPDX-License-Identifier: MIT */
/*
 * ftrace/sites.h - which functions can be traced, and which are.
 */
#ifndef FTRACE_SITES_H
#define FTRACE_SITES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ftrace_site - a function that can be traced
 * @size: sizeof(struct ftrace_site); set by the library
 * @ip: where its nop is
 * @function: its address
 * @name: its name in the symbol table; "" if it has none
 * @object: path of the file that it comes from; "" for the program
 * @users: how many registered handlers it has
 * @display: its name for people: C++ demangled, otherwise the same as @name
 *
 * The symbol table is the object's; if it is stripped, that of its debug file,
 * /usr/lib/debug/.build-id/xx/yyyy.debug, which must have the same build id; or
 * else the dynamic one.
 *
 * Names are demangled by the C++ library of the process (__cxa_demangle() of
 * libstdc++ or libc++abi, whoever opened it and with whatever flags), and stay as
 * they are as long as there is none. So do names of more than 1,024 characters.
 *
 * Valid until the function that it was given to returns.
 */
struct ftrace_site {
	size_t size;
	unsigned long ip;
	unsigned long function;
	const char *name;
	const char *object;
	unsigned long users;
	const char *display;
};

/* Only functions that somebody traces. */
#define FTRACE_SITES_ENABLED 1U

/**
 * ftrace_for_each_site - list functions, by object and address
 * @fn: called for each; anything but 0 ends the list
 * @data: passed to @fn
 * @flags: FTRACE_SITES_*
 *
 * @fn must not call this header's functions or those of ftrace/trace.h, nor open or
 * close shared objects, nor wait for a thread that does; the handlers of traced
 * functions that it calls neither.
 *
 * What can be traced of an object is in its file, which is read once, at the first
 * look: if it is gone by then, or another file, or something that is no regular file,
 * has its name, the object has no functions. If it cannot be read for a reason that
 * passes, calls that need to know all objects return -EAGAIN or -ENOMEM, and the next
 * call tries again.
 *
 * Demangling takes some memory from malloc(), which is given back, about a
 * microsecond a C++ name, and stack: with libstdc++ up to 350 bytes for each
 * character of a name. On a thread that has not 400 for each, and 16 KB, such a name
 * stays as it is.
 *
 * Returns what @fn returned last, 0 if it was never called, or
 *   -EINVAL   @fn is NULL, or unknown flags
 *   -ENOMEM   no memory for the tables
 *   -EAGAIN   an object's file cannot be read at the moment, because no file can be
 *             opened; or as in ftrace/trace.h, in the child of a bare clone()
 *   -EDEADLK  called from a handler, of a signal or a traced function's
 *
 * Context: thread.
 * Source: available_filter_functions, enabled_functions in the kernel's tracefs.
 */
int ftrace_for_each_site(int (*fn)(const struct ftrace_site *site, void *data), void *data,
			 unsigned int flags);

/**
 * ftrace_update_sites - look for objects that were opened or closed
 *
 * Functions of new ones that match the filter of a registered handler are traced
 * from then on; every call of ftrace/trace.h does this too. If one function cannot be,
 * none of its object is, unless all handlers that want functions there have
 * FTRACE_OPS_FL_SKIP_FOREIGN; only this call returns that error. Branches of new ones on
 * static keys become as their keys are; every call of ftrace/static_key.h does this.
 *
 * Returns 0 or an error of ftrace_register_function(). With -EAGAIN and -ENOMEM it
 * has done what it could: the objects that could be read are traced.
 *
 * Context: thread.
 */
int ftrace_update_sites(void);

/**
 * ftrace_set_print - where to report what is not as it should be
 * @print: receives one line without an end of line, 0-terminated; NULL: nobody
 *
 * Called on the thread that makes the call that fails, before it returns, with the
 * loader's lock held: it must not wait for a thread that opens or closes objects.
 *
 * Returns 0 or
 *   -EDEADLK  called from a handler, of a signal or a traced function's
 *
 * Context: thread.
 */
int ftrace_set_print(void (*print)(const char *line));

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_SITES_H */
