/* SPDX-License-Identifier: MIT */
/*
 * ftrace/sites.h - list the functions that can be traced, and those that are.
 *
 * Use this header to show users what they can trace, to find out why a pattern
 * matches nothing, and to see the reports of the library. To trace functions you do
 * not need it: ftrace_set_filter() (ftrace/trace.h) takes names.
 *
 *	static int show(const struct ftrace_site *site, void *data)
 *	{
 *		puts(site->display);
 *		return 0;
 *	}
 *
 *	ftrace_for_each_site(show, NULL, 0);
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
 * @ip: address of the nop at the entry of the function
 * @function: address of the function
 * @name: its name in the symbol table; "" if it has none
 * @object: path of the file that it comes from; "" for the program
 * @users: how many registered handlers it has
 * @display: its readable name: the demangled name in C++, otherwise the same as @name
 *
 * The library reads the symbol table of the object. If the object is stripped, it
 * reads that of the debug file, /usr/lib/debug/.build-id/xx/yyyy.debug, which must have
 * the same build id. Without a debug file it reads the dynamic symbol table.
 *
 * The C++ library of the process demangles the names (__cxa_demangle() of libstdc++ or
 * libc++abi, no matter which object loaded it, and with which flags). While there is
 * no C++ library, names are not demangled. Names of more than 1,024 characters never are.
 *
 * The structure and its strings are valid until the function that received them returns.
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

/* List only functions that are traced. */
#define FTRACE_SITES_ENABLED 1U

/**
 * ftrace_for_each_site - list functions, in order of object and address
 * @fn: called for each function; a result other than 0 ends the list
 * @data: passed to @fn
 * @flags: FTRACE_SITES_*
 *
 * @fn must not call the functions of this header or of ftrace/trace.h, must not open or
 * close shared objects, and must not wait for a thread that does any of this. If @fn
 * calls traced functions, the same holds for their handlers.
 *
 * The list of functions comes from the object's file, which the library reads once, when
 * it first sees the object. If the file is gone by then, or if its name now belongs to
 * another file or to something other than a regular file, the object has no functions. If
 * a temporary condition prevents reading, calls that need to know all objects fail with
 * -EAGAIN or -ENOMEM, and the next call tries again.
 *
 * To demangle a C++ name takes about a microsecond, some memory from malloc(), which
 * is freed again, and stack: with libstdc++ up to 350 bytes for each character of the
 * name. If the thread does not have 400 bytes of stack for each character, plus 16 KB,
 * the name is not demangled.
 *
 * Returns the last result of @fn, 0 if @fn was never called, or
 *   -EINVAL   @fn is NULL, or @flags has unknown bits
 *   -ENOMEM   no memory for the tables
 *   -EAGAIN   an object's file cannot be read now, because the process can open no
 *             file; or, as in ftrace/trace.h, this is the child of a bare clone()
 *   -EDEADLK  called from a signal handler, or from the handler of a traced function
 *
 * Context: thread.
 * Source: available_filter_functions, enabled_functions in the kernel's tracefs.
 */
int ftrace_for_each_site(int (*fn)(const struct ftrace_site *site, void *data), void *data,
			 unsigned int flags);

/**
 * ftrace_update_sites - find objects that were opened or closed
 *
 * From then on, functions of new objects are traced if they match the filter of a
 * registered handler. Every call of ftrace/trace.h does the same. If one function of an
 * object cannot be traced, no function of that object is, unless all handlers that match
 * functions there have FTRACE_OPS_FL_SKIP_FOREIGN; only this call returns that error.
 *
 * Branches of new objects are changed to match the static keys that they depend on. Every
 * call of ftrace/static_key.h does the same.
 *
 * Returns 0 or an error of ftrace_register_function(). After -EAGAIN and -ENOMEM the
 * objects that could be read are traced.
 *
 * Context: thread.
 */
int ftrace_update_sites(void);

/**
 * ftrace_set_print - set the function that receives reports
 * @print: receives one line, null-terminated, without a newline; NULL: no function
 *
 * The library reports which thread cannot be stopped and why, locations that hold
 * unexpected bytes, and patterns that match no function: how many functions there are,
 * the nearest name, and which objects could not be read and why. It calls @print on the
 * thread whose call fails, before that call returns, with the loader's lock held; what
 * concerns an object that is being opened, with FTRACE_OPS_FL_PENDING, on a thread of its
 * own. @print must not wait for a thread that opens or closes objects.
 *
 * Returns 0 or
 *   -EDEADLK  called from a signal handler, or from the handler of a traced function
 *
 * Context: thread.
 */
int ftrace_set_print(void (*print)(const char *line));

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_SITES_H */
