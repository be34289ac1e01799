/* SPDX-License-Identifier: MIT */
/*
 * traced.h - what the tests of ftrace/trace.h share.
 */
#ifndef TRACED_H
#define TRACED_H

#include "test.h"

#include <string.h>
#include <sys/mman.h>

/*
 * The compiler's list of entries, for functions in assembler. GCC 10 does not say which text its
 * list is of, and the linker takes no mixture.
 */
#if defined(__clang__) || __GNUC__ >= 11
#define ENTRIES_SECTION "__patchable_function_entries, \"awo\", @progbits, .text"
#else
#define ENTRIES_SECTION "__patchable_function_entries, \"aw\", @progbits"
#endif

#define TRACED __attribute__((noipa, patchable_function_entry(5)))

#define OPS(handler, ...)                                                                          \
	{                                                                                          \
		.size = sizeof(struct ftrace_ops), .func = handler, __VA_ARGS__                    \
	}

/* A handler that counts in what @data points to. */
static inline void count_hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)regs;
	__atomic_add_fetch((unsigned long *)ops->data, 1, __ATOMIC_RELAXED);
}

static inline int filter(struct ftrace_ops *ops, const char *pattern)
{
	return ftrace_set_filter(ops, pattern, 0, 0);
}

/* From nothing to a handler on the functions that match. */
static inline void trace(struct ftrace_ops *ops, const char *pattern)
{
	CHECK_EQ(ftrace_set_filter(ops, pattern, 0, 1), 0);
	CHECK_EQ(ftrace_register_function(ops), 0);
}

static inline void untrace(struct ftrace_ops *ops)
{
	CHECK_EQ(ftrace_unregister_function(ops), 0);
	CHECK_EQ(ftrace_free_filter(ops), 0);
}

struct find {
	const char *name;
	unsigned long ip, users;
	int count;
};

static inline int find_step(const struct ftrace_site *site, void *data)
{
	struct find *find = (struct find *)data;

	CHECK_EQ(site->size, sizeof(*site));
	if (strcmp(site->name, find->name) == 0) {
		find->count++;
		find->ip = site->ip;
		find->users = site->users;
	}
	return 0;
}

static inline struct find find_site(const char *name)
{
	struct find find = {.name = name};

	CHECK_EQ(ftrace_for_each_site(find_step, &find, 0), 0);
	return find;
}

/* Five bytes at a function's entry, as another tool would write them. */
static inline void overwrite(unsigned long ip, const unsigned char *code)
{
	unsigned long page = ip & ~4095UL;

	CHECK_EQ(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	memcpy((void *)ip, code, 5);
	CHECK_EQ(mprotect((void *)page, 8192, PROT_READ | PROT_EXEC), 0);
}

#endif /* TRACED_H */
