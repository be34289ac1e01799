/* SPDX-License-Identifier: MIT */
/*
 * static_key.c - branches on static keys.
 *
 * static_key table       every branch on every key in every state; before the
 *                        first change nothing was patched
 * static_key count       who turns on, off, counts up and down
 * static_key errors      a failure leaves the key and all of its branches alone
 * static_key plugin      objects that are opened, closed and opened again
 * static_key breakpoint  changes under threads and timers, by this method
 * static_key stop        the same by the other one
 *
 * The last two: two threads and their 10 kHz timers evaluate all branches all
 * the time. While nothing changes, which the main thread tells by an even phase,
 * all of them must be as the key is.
 */
#include "../modes.h"
#include "../test.h"
#include "../text.h"
#include "interrupted.h"
#include "refused.h"
#include "static_key.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ftrace_static_key_true exported_true = {{1, 0, NULL}};
FTRACE_DEFINE_STATIC_KEY_FALSE(exported_false);
static FTRACE_DEFINE_STATIC_KEY_TRUE(key_true);
static FTRACE_DEFINE_STATIC_KEY_FALSE(key_false);

/* As the assembler wrote it; the linker names the ends. */
struct entry {
	int code, target, key;
};
extern const struct entry __start_ftrace_jump_table[], __stop_ftrace_jump_table[];

static __attribute__((noinline)) unsigned int on_true(void)
{
	return BRANCHES(&key_true);
}

static __attribute__((noinline)) unsigned int on_false(void)
{
	return BRANCHES(&key_false);
}

static __attribute__((noinline)) unsigned int on_exported(void)
{
	return BRANCHES(&exported_true) | BRANCHES(&exported_false) << 2;
}

static unsigned char *address(const int *field)
{
	return (unsigned char *)field + *field;
}

static struct ftrace_static_key *key_of(const struct entry *entry)
{
	return (struct ftrace_static_key *)((unsigned long)address(&entry->key) & ~1ul);
}

/* What has to stand at a branch of a key that is on or off. */
static void expected_code(const struct entry *entry, bool on, unsigned char code[5])
{
	static const unsigned char nop[5] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	bool likely = (unsigned long)address(&entry->key) & 1;
	int distance = address(&entry->target) - (address(&entry->code) + 5);

	memcpy(code, nop, 5);
	if (on != likely) {
		code[0] = 0xe9;
		memcpy(code + 1, &distance, 4);
	}
}

/* All branches of the program on a key are as they have to be. Returns how many. */
static int check_code(struct ftrace_static_key *key, bool on)
{
	int count = 0;

	for (const struct entry *entry = __start_ftrace_jump_table;
	     entry < __stop_ftrace_jump_table; entry++) {
		unsigned char code[5];

		if (key_of(entry) != key)
			continue;
		expected_code(entry, on, code);
		CHECK_EQ(memcmp(address(&entry->code), code, 5), 0);
		count++;
	}
	return count;
}

/* table */

static void check_true(bool on)
{
	CHECK_EQ(on_true(), on ? BOTH : 0);
	CHECK_EQ(check_code(&key_true.key, on), 2);
	CHECK_EQ(ftrace_static_key_enabled(&key_true), on);
}

static void check_false(bool on)
{
	CHECK_EQ(on_false(), on ? BOTH : 0);
	CHECK_EQ(check_code(&key_false.key, on), 2);
	CHECK_EQ(ftrace_static_key_enabled(&key_false), on);
}

static void table(void)
{
	check_true(true);
	check_false(false);
	CHECK_EQ(on_exported(), BOTH);
	CHECK_EQ(stats().patches, 0);
	for (int i = 0; i < 16; i++) {
		bool want_true = i & 1, want_false = i & 2;

		CHECK_EQ(want_true ? ftrace_static_branch_enable(&key_true)
				   : ftrace_static_branch_disable(&key_true),
			 0);
		check_true(want_true);
		CHECK_EQ(want_false ? ftrace_static_branch_enable(&key_false)
				    : ftrace_static_branch_disable(&key_false),
			 0);
		check_true(want_true);
		check_false(want_false);
		CHECK_EQ(on_exported(), BOTH);
	}
	/* Off, on, off ...: the first key 16 times, the other 8 times, both its branches. */
	CHECK_EQ(stats().patches, 2 * (16 + 7));
}

/* count */

static void count(void)
{
	uint64_t patches;

	CHECK_EQ(ftrace_static_branch_dec(&key_false), -EINVAL);
	CHECK_EQ(ftrace_static_branch_disable(&key_false), 0);
	check_false(false);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(ftrace_static_branch_inc(&key_false), 0);
		patches = stats().patches;
		for (int i = 2; i < 10; i++) {
			CHECK_EQ(ftrace_static_branch_inc(&key_false), 0);
			CHECK_EQ(ftrace_static_branch_count(&key_false), i);
			check_false(true);
		}
		CHECK_EQ(ftrace_static_branch_enable(&key_false), 0);
		CHECK_EQ(ftrace_static_branch_count(&key_false), 9);
		CHECK_EQ(ftrace_static_branch_disable(&key_false), -EBUSY);
		CHECK_EQ(ftrace_static_branch_count(&key_false), 9);
		for (int i = 8; i > 0; i--) {
			CHECK_EQ(ftrace_static_branch_dec(&key_false), 0);
			CHECK_EQ(ftrace_static_branch_count(&key_false), i);
			check_false(true);
		}
		CHECK_EQ(stats().patches, patches);
		CHECK_EQ(ftrace_static_branch_dec(&key_false), 0);
		check_false(false);
		CHECK_EQ(stats().patches, patches + 2);
		CHECK_EQ(ftrace_static_branch_dec(&key_false), -EINVAL);
	}

	/* A true key begins at 1. */
	CHECK_EQ(ftrace_static_branch_inc(&key_true), 0);
	CHECK_EQ(ftrace_static_branch_count(&key_true), 2);
	CHECK_EQ(ftrace_static_branch_dec(&key_true), 0);
	CHECK_EQ(ftrace_static_branch_dec(&key_true), 0);
	check_true(false);

	key_true.key.enabled = INT_MAX;
	CHECK_EQ(ftrace_static_branch_inc(&key_true), -EOVERFLOW);
	CHECK_EQ(ftrace_static_branch_count(&key_true), INT_MAX);
	check_code(&key_true.key, false);
}

/* errors */

static int (*const calls[])(struct ftrace_static_key *) = {
	ftrace_static_key_enable, ftrace_static_key_disable, ftrace_static_key_slow_inc,
	ftrace_static_key_slow_dec};

static void refused(int error)
{
	for (int i = 0; i < 4; i++) {
		errno = 4711;
		CHECK_EQ(calls[i](&key_false.key), error);
		CHECK_EQ(errno, 4711);
		CHECK_EQ(ftrace_static_branch_count(&key_false), 0);
	}
}

static char reported[512];

static void note_report(const char *line)
{
	strncpy(reported, line, sizeof(reported) - 1);
}

static void errors(void)
{
	static _Alignas(8) char space[32];
	struct ftrace_patch patch = {.len = 5};
	const struct entry *damaged = NULL;

	for (int i = 0; i < 4; i++) {
		CHECK_EQ(calls[i](NULL), -EINVAL);
		for (int off = 1; off < 8; off++)
			CHECK_EQ(calls[i]((struct ftrace_static_key *)(space + off)), -EINVAL);
	}
	check_refused(refused);
	check_false(false);

	/* Somebody else writes to the last branch; the others must not change. */
	for (const struct entry *entry = __start_ftrace_jump_table;
	     entry < __stop_ftrace_jump_table; entry++)
		if (key_of(entry) == &key_false.key)
			damaged = entry;
	CHECK(damaged);
	patch.ip = (unsigned long)address(&damaged->code);
	memcpy(patch.old_code, address(&damaged->code), 5);
	memcpy(patch.new_code, "\x66\x66\x66\x66\x90", 5);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(ftrace_set_print(note_report), 0);
	CHECK_EQ(ftrace_static_branch_enable(&key_false), -EINVAL);
	CHECK(strstr(reported, "66 66 66 66 90"));
	CHECK_EQ(ftrace_static_branch_inc(&key_false), -EINVAL);
	CHECK_EQ(ftrace_static_branch_count(&key_false), 0);
	CHECK_EQ(memcmp(address(&damaged->code), patch.new_code, 5), 0);
	/* Another key does not mind. */
	CHECK_EQ(ftrace_static_branch_disable(&key_true), 0);
	check_true(false);

	memcpy(patch.new_code, patch.old_code, 5);
	memcpy(patch.old_code, address(&damaged->code), 5);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	check_false(false);
	CHECK_EQ(ftrace_static_branch_inc(&key_false), 0);
	check_false(true);

	/* No branch at all. */
	static FTRACE_DEFINE_STATIC_KEY_FALSE(unused);
	CHECK_EQ(ftrace_static_branch_enable(&unused), 0);
	CHECK_EQ(ftrace_static_branch_count(&unused), 1);
	CHECK_EQ(stats().gc_collections, 0);
}

/* plugin */

static void *open_plugin(const char *path, struct plugin *plugin)
{
	void *object = dlopen(path, RTLD_NOW);
	void *symbol;

	if (!object) {
		dprintf(2, "%s\n", dlerror());
		_exit(1);
	}
	symbol = dlsym(object, "plugin");
	CHECK(symbol);
	memcpy(plugin, symbol, sizeof(*plugin));
	return object;
}

/* Its file is gone before the library has seen it: then it does not know the branches. */
static void without_file(void)
{
	char path[] = "/tmp/static_key.XXXXXX", buffer[4096];
	int from = open(STATIC_KEY_PLUGIN, O_RDONLY | O_CLOEXEC), to = mkostemp(path, O_CLOEXEC);
	struct plugin in;
	ssize_t length;
	void *object;

	CHECK(from >= 0 && to >= 0);
	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		CHECK_EQ(write(to, buffer, length), length);
	close(from);
	close(to);
	object = open_plugin(path, &in);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(in.set_own(1), -ENOENT);
	CHECK_EQ(in.own(), 0);
	CHECK_EQ(ftrace_static_branch_disable(&key_true), 0);
	check_true(false);
	CHECK_EQ(dlclose(object), 0);
}

static void plugin(void)
{
	struct plugin in;
	void *object;

	without_file();
	for (int round = 0; round < 10; round++) {
		bool before = round & 1;

		/* It comes with the keys as they are, or otherwise, and is found. */
		CHECK_EQ(ftrace_static_key_enabled(&exported_false), false);
		if (before)
			CHECK_EQ(ftrace_static_branch_enable(&exported_false), 0);
		object = open_plugin(STATIC_KEY_PLUGIN, &in);
		CHECK_EQ(in.own(), 0);
		CHECK_EQ(in.follows_true(), BOTH);
		if (round & 2)
			CHECK_EQ(ftrace_update_sites(), 0);
		else
			CHECK_EQ(ftrace_static_branch_enable(&key_true), 0);
		CHECK_EQ(in.follows_false(), before ? BOTH : 0);
		CHECK_EQ(in.count_imported(), before);

		/* Its own. */
		CHECK_EQ(in.set_own(1), 0);
		CHECK_EQ(in.own(), BOTH);
		if (round & 4)
			CHECK_EQ(in.set_own(0), 0);
		CHECK_EQ(in.own(), round & 4 ? 0 : BOTH);

		/* The program's, by either side. */
		CHECK_EQ(in.inc_imported(), 0);
		CHECK_EQ(in.follows_false(), BOTH);
		CHECK_EQ(on_exported(), BOTH | BOTH << 2);
		CHECK_EQ(ftrace_static_branch_count(&exported_false), before + 1);
		CHECK_EQ(in.dec_imported(), 0);
		CHECK_EQ(ftrace_static_branch_disable(&exported_false), 0);
		CHECK_EQ(in.follows_false(), 0);
		CHECK_EQ(on_exported(), BOTH);
		CHECK_EQ(ftrace_static_branch_disable(&exported_true), 0);
		CHECK_EQ(in.follows_true(), 0);
		CHECK_EQ(ftrace_static_branch_enable(&exported_true), 0);
		CHECK_EQ(in.follows_true(), BOTH);

		/* It goes with its branches. */
		CHECK_EQ(dlclose(object), 0);
		CHECK(!dlopen(STATIC_KEY_PLUGIN, RTLD_NOW | RTLD_NOLOAD));
		CHECK_EQ(ftrace_static_branch_enable(&exported_false), 0);
		CHECK_EQ(ftrace_static_branch_disable(&exported_false), 0);
		CHECK_EQ(on_exported(), BOTH);
	}
	CHECK_EQ(stats().gc_collections, 0);
}

/* breakpoint, stop */

static atomic_bool is_on;

static void evaluate(void)
{
	unsigned int before = phase, mask;
	bool on = is_on;

	mask = on_false() | (on_true() ^ BOTH) << 2;
	if (nothing_changed_since(before))
		CHECK_EQ(mask, on ? BOTH | BOTH << 2 : 0);
}

static void storm(int method)
{
	unsigned long ticked;

	interrupted_start(evaluate);
	ticked = ticks[0] + ticks[1];
	for (int i = 0; i < 1000 || ticks[0] + ticks[1] < ticked + 1000; i++) {
		bool on = !is_on;

		phase++;
		CHECK_EQ(on ? ftrace_static_branch_enable(&key_false)
			    : ftrace_static_branch_disable(&key_false),
			 0);
		CHECK_EQ(stats().last_method, method);
		CHECK_EQ(on ? ftrace_static_branch_disable(&key_true)
			    : ftrace_static_branch_enable(&key_true),
			 0);
		CHECK_EQ(stats().last_method, method);
		is_on = on;
		phase++;
		interrupted_compare(i);
	}
	interrupted_stop();
}

static void by_breakpoint(void)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = FTRACE_METHOD_BREAKPOINT};
	unsigned char *function = new_function();
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);

	if (ftrace_patch_text(&patch, 1, &opts) == -EOPNOTSUPP)
		skip("the breakpoint method is not available");
	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	storm(FTRACE_METHOD_BREAKPOINT);
}

static void by_stop(void)
{
	storm(FTRACE_METHOD_STOP_MACHINE);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"table", table},
					    {"count", count},
					    {"errors", errors},
					    {"plugin", plugin},
					    {"breakpoint", by_breakpoint},
					    {"stop", by_stop},
					    {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
