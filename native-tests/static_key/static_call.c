/* SPDX-License-Identifier: MIT */
/*
 * static_call.c - calls whose function is changed by patching them.
 *
 * static_call update  functions, none, and those of each type of result
 * static_call errors  a failure leaves the call as it was
 * static_call storm   updates while two threads and their timers call: they get
 *                     what some function returns, and between two updates what the
 *                     present one does
 */
#include "../modes.h"
#include "../signals.h"
#include "../test.h"
#include "interrupted.h"
#include "refused.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static unsigned long value(unsigned long a, double b)
{
	return a + (unsigned long)b;
}

static unsigned long twice(unsigned long a, double b)
{
	return 2 * a + (unsigned long)b;
}

static unsigned long none(unsigned long a, double b)
{
	(void)a, (void)b;
	return 0;
}

struct pair {
	unsigned long first, second;
};

static struct pair swap(unsigned long a, unsigned long b)
{
	return (struct pair){b, a};
}

static double half(double a)
{
	return a / 2;
}

static int noted;

static void note(int number)
{
	noted = number;
}

FTRACE_DECLARE_STATIC_CALL(number, value);
FTRACE_DEFINE_STATIC_CALL(number, value);
FTRACE_DEFINE_STATIC_CALL_NULL(pairs, swap);
FTRACE_DEFINE_STATIC_CALL_NULL(floating, double(double));
FTRACE_DEFINE_STATIC_CALL_NULL(nothing, note);

static void update(void)
{
	CHECK_EQ(ftrace_static_call(number)(40, 2.0), 42);
	CHECK_EQ(ftrace_static_call(pairs)(1, 2).first, 0);
	CHECK_EQ(ftrace_static_call(pairs)(1, 2).second, 0);
	CHECK(ftrace_static_call(floating)(5) == 0);
	ftrace_static_call(nothing)(1);
	CHECK_EQ(noted, 0);
	CHECK_EQ(stats().patches, 0);

	for (int i = 1; i < 10; i++) {
		CHECK_EQ(ftrace_static_call_update(number, twice), 0);
		CHECK_EQ(ftrace_static_call(number)(40, 2.0), 82);
		CHECK_EQ(ftrace_static_call_update(number, NULL), 0);
		CHECK_EQ(ftrace_static_call(number)(40, 2.0), 0);
		CHECK_EQ(ftrace_static_call_update(number, NULL), 0);
		CHECK_EQ(ftrace_static_call(number)(40, 2.0), 0);
		CHECK_EQ(ftrace_static_call_update(number, value), 0);
		CHECK_EQ(ftrace_static_call(number)(40, 2.0), 42);

		CHECK_EQ(ftrace_static_call_update(pairs, swap), 0);
		CHECK_EQ(ftrace_static_call(pairs)(1, 2).first, 2);
		CHECK_EQ(ftrace_static_call(pairs)(1, 2).second, 1);
		CHECK_EQ(ftrace_static_call_update(pairs, NULL), 0);
		CHECK_EQ(ftrace_static_call(pairs)(1, 2).second, 0);

		CHECK_EQ(ftrace_static_call_update(floating, half), 0);
		CHECK(ftrace_static_call(floating)(5) == 2.5);
		CHECK_EQ(ftrace_static_call_update(floating, NULL), 0);
		CHECK(ftrace_static_call(floating)(5) == 0);

		CHECK_EQ(ftrace_static_call_update(nothing, note), 0);
		ftrace_static_call(nothing)(i);
		CHECK_EQ(noted, i);
		CHECK_EQ(ftrace_static_call_update(nothing, NULL), 0);
		ftrace_static_call(nothing)(-1);
		CHECK_EQ(noted, i);
	}
	CHECK_EQ(stats().gc_collections, 0);
}

/* errors */

static void refused(int error)
{
	errno = 4711;
	CHECK_EQ(ftrace_static_call_update(number, twice), error);
	CHECK_EQ(errno, 4711);
	CHECK_EQ(ftrace_static_call(number)(40, 2.0), 42);
}

static void errors(void)
{
	struct ftrace_static_call_key *key = &ftrace_call_key_number, empty = {NULL, 0, 0};
	unsigned long trampoline = (unsigned long)key->trampoline;
	unsigned char *code = (unsigned char *)trampoline;
	struct ftrace_patch patch = {.ip = trampoline, .len = 5};

	CHECK_EQ(ftrace_static_call_key_update(NULL, 0), -EINVAL);
	CHECK_EQ(ftrace_static_call_key_update(&empty, 0), -EINVAL);
	for (int off = 1; off < 8; off++)
		CHECK_EQ(ftrace_static_call_key_update((void *)((char *)key + off), 0), -EINVAL);
	CHECK_EQ(ftrace_static_call_key_update(key, trampoline + 5 + (1ul << 31)), -ERANGE);
	CHECK_EQ(ftrace_static_call_key_update(key, trampoline + 4 - (1ul << 31)), -ERANGE);
	CHECK_EQ(ftrace_static_call(number)(40, 2.0), 42);
	check_refused(refused);

	/* Before the first update, and after one, others' changes are found. */
	for (int round = 0; round < 2; round++) {
		memcpy(patch.old_code, code, 5);
		memcpy(patch.new_code, code, 5);
		memcpy(patch.new_code + 1, &(int){3}, 4);
		CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
		CHECK_EQ(ftrace_static_call_update(number, twice), -EINVAL);
		CHECK_EQ(memcmp(code, patch.new_code, 5), 0);
		memcpy(patch.new_code, patch.old_code, 5);
		memcpy(patch.old_code, code, 5);
		CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
		CHECK_EQ(ftrace_static_call_update(number, twice), 0);
		CHECK_EQ(ftrace_static_call_update(number, value), 0);
		CHECK_EQ(ftrace_static_call(number)(40, 2.0), 42);
	}
}

/* storm */

static atomic_ulong present = 42;

static void call(void)
{
	unsigned int before = phase;
	unsigned long expected = present, result = ftrace_static_call(number)(40, 2.0);

	CHECK(result == 0 || result == 42 || result == 82);
	if (nothing_changed_since(before))
		CHECK_EQ(result, expected);
}

static void storm(void)
{
	static unsigned long (*const functions[])(unsigned long, double) = {value, twice, NULL,
									    none};
	static const unsigned long results[] = {42, 82, 0, 0};

	interrupted_start(call);
	for (int i = 1; i < 3000; i++) {
		phase++;
		CHECK_EQ(ftrace_static_call_update(number, functions[i % 4]), 0);
		present = results[i % 4];
		phase++;
		interrupted_compare(i);
	}
	interrupted_stop();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"update", update}, {"errors", errors}, {"storm", storm}, {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
