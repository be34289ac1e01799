/* SPDX-License-Identifier: MIT */
/*
 * test.h - what the tests of the DLL have in common: checks, and functions with a site.
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <ftrace/ftrace.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CHECK_EQUAL(value, expected)                                                               \
	do {                                                                                       \
		long long value_ = (value), expected_ = (expected);                                \
                                                                                                   \
		if (value_ != expected_) {                                                         \
			printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #value, value_, \
			       expected_);                                                         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* int name(int x): a 5-byte nop, or what takes its place; returns x + 1 */
#define FUNCTION(name)                                                                             \
	int name(int x);                                                                           \
	__asm__(".text\n"                                                                          \
		".p2align 4\n" #name ":\n"                                                         \
		"	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"                                      \
		"	leal 1(%rcx), %eax\n"                                                      \
		"	ret\n")

/* What the nop can be replaced by a call of: counts, and changes no register. */
extern volatile long long counter;
void count(void);
#define COUNTER                                                                                    \
	volatile long long counter;                                                                \
	__asm__(".text\n"                                                                          \
		".p2align 4\n"                                                                     \
		"count:\n"                                                                         \
		"	lock incq counter(%rip)\n"                                                 \
		"	ret\n")

static const unsigned char nop5[5] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

static inline uintptr_t address_of(const void *function)
{
	return (uintptr_t)function;
}

static inline struct ftrace_stats stats(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};

	CHECK_EQUAL(ftrace_get_stats(&stats), 0);
	return stats;
}

static inline unsigned long protection_of(const void *address)
{
	MEMORY_BASIC_INFORMATION pages;

	CHECK(VirtualQuery(address, &pages, sizeof(pages)) == sizeof(pages));
	return pages.Protect;
}

#endif /* TEST_H */
