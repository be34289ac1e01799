/* SPDX-License-Identifier: MIT */
/*
 * growth.c - nothing grows: not the memory of the library's runtime, not the
 * process, not its descriptors and threads; after changes with each method and
 * writer, threads that come and go, declared signals, and errors, each many times.
 *
 * growth [CHANGES]   default 100,000
 */
#include "../proc.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS	       1000
#define SITES	       2000
#define BATCHES	       50
#define REGISTRATIONS  100
#define ERRORS	       1000
#define MOST_GROWTH_KB 1024

static unsigned char *function;

/* Every error that needs no waiting. */
static void fail(void)
{
	struct ftrace_patch patch = value_patch(function, VALUE_B, VALUE_A), twice[2];
	struct ftrace_patch_opts opts = {.size = 1};
	struct ftrace_stats small = {.size = 1};
	unsigned long ip = (unsigned long)function;
	char buf[4];

	CHECK_EQ(ftrace_nmi_add_signal(SIGKILL), -EINVAL);
	CHECK_EQ(ftrace_nmi_del_signal(SIGUSR2), -ENOENT);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), -EPERM);
	CHECK_EQ(ftrace_stop_machine(NULL, NULL), -EINVAL);
	CHECK_EQ(ftrace_modify_code(ip, NULL, NULL), -EFAULT);
	CHECK_EQ(ftrace_modify_code(ip, patch.old_code, patch.new_code), -EINVAL);
	CHECK_EQ(ftrace_modify_code(1, patch.old_code, patch.new_code), -EFAULT);
	CHECK_EQ(ftrace_modify_code((unsigned long)&patch, patch.new_code, patch.new_code),
		 -EACCES);
	CHECK_EQ(ftrace_make_nop(ip, ip), -EINVAL);
	CHECK_EQ(ftrace_make_call(ip, ip), -EINVAL);
	CHECK_EQ(ftrace_make_call(ip, ~ip), -ERANGE);
	CHECK_EQ(ftrace_patch_text(NULL, 1, NULL), -EFAULT);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), -EINVAL);
	CHECK_EQ(ftrace_patch_text(&patch, 1000001, NULL), -E2BIG);
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -EINVAL);
	opts.size = SIZE_MAX;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -E2BIG);
	opts.size = sizeof(opts);
	opts.writer = -1;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -EINVAL);
	opts.writer = FTRACE_WRITER_AUTO;
	opts.method = FTRACE_METHOD_BREAKPOINT;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -EINVAL);
	patch.old_code[0] = 0xcc;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -EOPNOTSUPP);
	patch.old_code[0] = 0xb8;
	twice[0] = twice[1] = patch;
	CHECK_EQ(ftrace_patch_text(twice, 2, NULL), -EINVAL);
	CHECK_EQ(ftrace_arch_read_dyn_info(NULL, 1), -EFAULT);
	CHECK_EQ(ftrace_arch_read_dyn_info(buf, -1), -EINVAL);
	CHECK_EQ(ftrace_get_stats(NULL), -EFAULT);
	CHECK_EQ(ftrace_get_stats(&small), -EINVAL);
}

static void change_all(struct ftrace_patch patches[SITES])
{
	for (int back = 0; back < 2; back++) {
		CHECK_EQ(change(patches, SITES), 0);
		for (int i = 0; i < SITES; i++) {
			unsigned char new_code[8];

			memcpy(new_code, patches[i].new_code, 8);
			memcpy(patches[i].new_code, patches[i].old_code, 8);
			memcpy(patches[i].old_code, new_code, 8);
		}
	}
}

static void declare(void)
{
	for (int signo = 1; signo < 32; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP)
			continue;
		CHECK_EQ(ftrace_nmi_add_signal(signo), 0);
		CHECK_EQ(ftrace_nmi_add_signal(signo), -EEXIST);
		CHECK_EQ(ftrace_nmi_del_signal(signo), 0);
	}
}

static void *lives(void *arg)
{
	stats();
	CHECK_EQ(patch_within(function, 0), 0);
	return arg;
}

struct size {
	uint64_t managed, resident_kb, threads;
	int descriptors;
};

static struct size measure(void)
{
	struct ftrace_stats counters = stats();
	struct size now = {.managed = counters.managed_bytes};
	DIR *folder;

	CHECK_EQ(counters.gc_collections, 0);
	/* VmRSS in .../status is an estimate on many kernels. */
	now.resident_kb = proc_number("/proc/self/smaps_rollup", "\nRss:", 10);
	now.threads = thread_count();
	folder = opendir("/proc/self/fd");
	CHECK(folder);
	while (readdir(folder))
		now.descriptors++;
	closedir(folder);
	return now;
}

static void check_same(const struct size *before)
{
	struct size now;

	/* A thread that was joined may still be on its way out. */
	WAIT_FOR(thread_count() == before->threads);
	now = measure();
	CHECK_EQ(now.managed, before->managed);
	CHECK_EQ(now.descriptors, before->descriptors);
	CHECK_EQ(now.threads, before->threads);
	if (now.resident_kb > before->resident_kb + MOST_GROWTH_KB) {
		dprintf(2, "resident: %lu KB, then %lu KB\n", before->resident_kb, now.resident_kb);
		_exit(1);
	}
}

int main(int argc, char **argv)
{
	long changes = argc > 1 ? atol(argv[1]) : 100000;
	static struct ftrace_patch patches[SITES];
	unsigned char *text = text_map(SITES * 8);
	uint64_t threads = thread_count();
	struct size before;

	function = new_function();
	for (int i = 0; i < SITES; i++) {
		put_function(text + i * 8, VALUE_A);
		patches[i] = value_patch(text + i * 8, VALUE_A, VALUE_B);
	}
	text_seal(text, SITES * 8);
	/* The first call of each kind. */
	for (int i = 0; i < WAYS; i++) {
		set_way(i);
		toggle_twice(function);
		change_all(patches);
	}
	fail();
	declare();
	join(start(lives, NULL));
	measure();
	before = measure();
	before.threads = threads;

	for (int i = 0; i < WAYS; i++) {
		set_way(i);
		for (long n = 0; n < changes / WAYS; n++)
			CHECK_EQ(patch_within(function, 0), 0);
		for (int n = 0; n < BATCHES; n++)
			change_all(patches);
		check_same(&before);
	}
	for (int i = 0; i < THREADS; i++)
		join(start(lives, NULL));
	check_same(&before);
	for (int i = 0; i < REGISTRATIONS; i++)
		declare();
	check_same(&before);
	for (int i = 0; i < ERRORS; i++)
		fail();
	check_same(&before);
	toggle_twice(function);
	return 0;
}
