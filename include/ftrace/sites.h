/* SPDX-License-Identifier: MIT */
/*
 * ftrace/sites.h - list the functions that can be traced, and those that are; find the
 * function at an address.
 *
 * Use this header to show users what they can trace, to find out why a pattern
 * matches nothing, to name addresses, to count calls, and to see the reports of the
 * library. To trace functions you do not need it: ftrace_set_filter() (ftrace/trace.h)
 * takes names.
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
#include <stdint.h>

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
 * @display: its readable name: the demangled name in C++ and Rust, otherwise the same as
 *	@name
 * @data: the word that ftrace_site_data() has found for it; NULL if no handler has asked for
 *	it. Version 1.0 had no such field: compare @size
 *
 * The library reads the symbol table of the object. If the object is stripped, it
 * reads that of the debug file, /usr/lib/debug/.build-id/xx/yyyy.debug, which must have
 * the same build id. Without a debug file it reads the dynamic symbol table.
 *
 * The C++ library of the process demangles C++ names (__cxa_demangle() of libstdc++ or
 * libc++abi, no matter which object loaded it, and with which flags; one that is linked
 * statically must be exported). While there is no C++ library, they are not demangled.
 * Names of more than 1,024 characters never are. The library itself demangles Rust names
 * of up to 4,000 characters, of both kinds (_ZN...17h...E and _R...), without hashes and
 * numbers of crates.
 *
 * The structure and its strings are valid until the function that received them returns;
 * @data as long as the object is loaded.
 */
struct ftrace_site {
	size_t size;
	uintptr_t ip;
	uintptr_t function;
	const char *name;
	const char *object;
	uint64_t users;
	const char *display;
	uintptr_t *data;
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
 * the name is not demangled. A Rust name needs 32 KB of stack, and no malloc().
 *
 * Returns the last result of @fn, 0 if @fn was never called, or
 *   -EINVAL   @fn is NULL, or @flags has unknown bits
 *   -ENOMEM   no memory for the tables
 *   -EAGAIN   an object's file cannot be read now, because the process can open no
 *             file; or, as in ftrace/trace.h, this is the child of a bare clone()
 *   -EDEADLK  called from a signal handler, from the handler of a traced function,
 *             inside a stop window, or after ftrace_arch_code_modify_prepare()
 *             (ftrace/patch.h)
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
 * functions there have FTRACE_OPS_FL_SKIP_FOREIGN; only this call returns that error. The
 * next call tries again.
 *
 * Functions that another tool had changed (FTRACE_OPS_FL_SKIP_FOREIGN) are looked at
 * again, as by every call of ftrace/trace.h. Only this call also looks at every function
 * that is traced, and writes the call again if another tool has put a nop there.
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
 * ftrace_site_data - find the host's word of a function, in a handler
 * @ip: the argument of the handler
 *
 * Each function that can be traced has a word for the host, such as a counter or a
 * pointer. It is 0 at first, and the library never uses it. In a handler:
 *
 *	uintptr_t *calls = ftrace_site_data(ip);
 *
 *	if (calls)
 *		__atomic_add_fetch(calls, 1, __ATOMIC_RELAXED);
 *
 * It takes no lock and a few nanoseconds, and changes no vector register. If functions of
 * many objects can be traced, each of these objects adds about a nanosecond. A word uses
 * memory from the first call for its function on. To read the words, take @data from
 * ftrace_for_each_site().
 *
 * The word stays where it is as long as the object of the function is loaded. If the
 * object is closed while a handler runs, the words that this handler has found stay valid
 * until it returns. If the object is opened again, its words are 0. The child of fork()
 * has a copy of the words.
 *
 * Returns the word, or NULL: no function that can be traced has this @ip; or the calling
 * thread is not in the handler of a traced function.
 *
 * Context: handler of a traced function, in any context: also if the call of the function
 * is in a signal handler, an NMI or a stop window.
 */
uintptr_t *ftrace_site_data(uintptr_t ip);

/**
 * struct ftrace_symbol - what is at an address
 * @size: sizeof(struct ftrace_symbol); set by the caller
 * @name: the name of the function in the symbol table; NULL if none is known
 * @display: its readable name, as in struct ftrace_site; NULL if @name is
 * @object: path of the object's file; "" for the program
 * @base: where the object is loaded: the address minus @base is the one that nm(1) and
 *	addr2line(1) use for the object's file
 * @function: address of the function; 0 if none is known
 * @length: its length in bytes; 0 if @function is
 * @offset: the address minus @function; if @name is NULL, the address minus @base
 * @site: the @ip that the handler of the function gets, as in struct ftrace_site; 0 if
 *	the function cannot be traced
 *
 * A function is known by its symbol, in the symbol table, in that of the debug file (see
 * struct ftrace_site), or in the dynamic one. Without a symbol, for example in a stripped
 * object, @function and @length come from the unwinder's table, and @name is NULL; so the
 * PLT may be one function. Between functions all three are 0 or NULL.
 *
 * If several symbols contain the address, @name is the one that begins last; of those that
 * begin there, a global one. A part that the compiler moved away from its function
 * (parse.cold) is a function of its own, which cannot be traced.
 *
 * The code that the library makes for traced calls, and for ftrace_make_call_redzone(),
 * is in no object: its @name is "ftrace_trampoline", and its @object "__builtin__ftrace",
 * as in the kernel. Some of this code is in the library itself: it has the same @name, and
 * its @object is the path of the library.
 */
struct ftrace_symbol {
	size_t size;
	const char *name;
	const char *display;
	const char *object;
	uintptr_t base;
	uintptr_t function;
	uint64_t length;
	uint64_t offset;
	uintptr_t site;
};

/**
 * ftrace_lookup - find the function at an address
 * @ip: an address in the text of the program or of a shared object
 * @symbol: receives the result; after an error it is unchanged
 * @buf: memory for the strings of @symbol; NULL: they are not wanted, and are NULL
 * @len: size of @buf in bytes; 0 if @buf is NULL
 *
 *	struct ftrace_symbol symbol = { .size = sizeof(symbol) };
 *	char buf[8192];
 *
 *	if (ftrace_lookup(ip, &symbol, buf, sizeof(buf)) == 0)
 *		printf("%s+0x%lx\n", symbol.name ? symbol.display : symbol.object,
 *		       symbol.offset);
 *
 * The strings are in @buf, and valid as long as @buf is. Other bytes of @buf may change,
 * even after an error.
 *
 * Nothing is prepared or kept: each call opens the object's file, and reads its symbol
 * table in pieces. This takes some tens of microseconds, and about 6 ns for each symbol of
 * the object, but no memory that grows with their number. To name many functions that are
 * traced, use ftrace_for_each_site().
 *
 * It finds what dladdr(3) finds, and also functions without a dynamic symbol. If the
 * object's file cannot be read, or belongs to another object by now, only dynamic symbols
 * and the unwinder's table are used; @site is then 0 unless the library has read the file
 * before.
 *
 * Returns 0 or
 *   -EINVAL   @symbol is NULL or not aligned, or its @size is too small; @buf is NULL
 *             and @len is not 0
 *   -E2BIG    @size is more than 4,096, or bytes that this version does not know are not 0
 *   -ENOENT   @ip is in the text of no object: it is unmapped, is data, or is code that
 *             the program has generated
 *   -ENAMETOOLONG  the strings do not fit in @buf
 *   -ENOMEM   no memory
 *   -EAGAIN   as for ftrace_for_each_site()
 *   -EDEADLK  called from a signal handler, from the handler of a traced function,
 *             inside a stop window, or after ftrace_arch_code_modify_prepare()
 *             (ftrace/patch.h)
 *
 * Context: thread.
 * Source: kallsyms_lookup() in kernel/kallsyms.c, ftrace_location() in
 * kernel/trace/ftrace.c.
 */
int ftrace_lookup(uintptr_t ip, struct ftrace_symbol *symbol, char *buf, size_t len);

/**
 * ftrace_set_print - set the function that receives reports
 * @print: receives one line, null-terminated, without a newline; NULL: no function
 *
 * The library reports which thread cannot be stopped and why; locations that hold
 * unexpected bytes, and who has probably written them; functions that two ops with
 * FTRACE_OPS_FL_IPMODIFY select; threads that are in the text that ftrace_check_stack()
 * is asked about; what is wrong with an ops that is not valid; and patterns that match no
 * function: how many functions there are, the nearest name, and which objects could not be
 * read and why. It calls @print on the thread whose call fails, before that call returns, in
 * most cases with the loader's lock held; what
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
