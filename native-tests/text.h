/* SPDX-License-Identifier: MIT */
/*
 * text.h - text whose execution tells whether it is torn. A function of six bytes,
 * mov $value,%eax; ret, whose value is patched. Every byte of the two values differs,
 * so half a change is neither of them.
 */
#ifndef TEXT_H
#define TEXT_H

#include "test.h"
#include "ways.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define FUNCTION_SIZE 6
#define VALUE_A	      0x11111111u
#define VALUE_B	      0x22222222u

static inline unsigned char *text_map(size_t size)
{
	unsigned char *text =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(text != MAP_FAILED);
	memset(text, 0xcc, size);
	return text;
}

static inline void text_seal(unsigned char *text, size_t size)
{
	CHECK_EQ(mprotect(text, size, PROT_READ | PROT_EXEC), 0);
}

static inline void put_value(unsigned char *code, uint32_t value)
{
	code[0] = 0xb8;
	memcpy(code + 1, &value, 4);
}

static inline void put_function(unsigned char *function, uint32_t value)
{
	put_value(function, value);
	function[5] = 0xc3;
}

/* One page with one function that returns VALUE_A. */
static inline unsigned char *new_function(void)
{
	unsigned char *text = text_map(4096);

	put_function(text, VALUE_A);
	text_seal(text, 4096);
	return text;
}

static inline uint32_t call_function(const unsigned char *function)
{
	return ((uint32_t(*)(void))(uintptr_t)function)();
}

static inline void check_function(const unsigned char *function)
{
	uint32_t value = call_function(function);

	if (value != VALUE_A && value != VALUE_B) {
		dprintf(2, "torn execution: %#x\n", value);
		_exit(1);
	}
}

static inline struct ftrace_patch value_patch(unsigned char *function, uint32_t from, uint32_t to)
{
	struct ftrace_patch patch = {.ip = (unsigned long)function, .len = 5};

	put_value(patch.old_code, from);
	put_value(patch.new_code, to);
	return patch;
}

static inline int set_value(unsigned char *function, uint32_t from, uint32_t to)
{
	struct ftrace_patch patch = value_patch(function, from, to);

	return change(&patch, 1);
}

/* A patch that writes what is there: nothing but its result matters. */
static inline int patch_within(unsigned char *function, unsigned int timeout_ms)
{
	struct ftrace_patch_opts opts = way;
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_A);

	opts.timeout_ms = timeout_ms;
	return ftrace_patch_text(&patch, 1, &opts);
}

/* In an order that @seed decides. */
static inline void shuffle(struct ftrace_patch *patches, size_t count, uint64_t *seed)
{
	for (size_t i = count - 1; i > 0; i--) {
		struct ftrace_patch swap = patches[i];
		size_t with;

		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		with = (*seed >> 33) % (i + 1);
		patches[i] = patches[with];
		patches[with] = swap;
	}
}

/* From one value to the other and back. */
static inline void toggle_twice(unsigned char *function)
{
	CHECK_EQ(set_value(function, VALUE_A, VALUE_B), 0);
	CHECK_EQ(call_function(function), VALUE_B);
	CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	CHECK_EQ(call_function(function), VALUE_A);
}

#endif /* TEXT_H */
