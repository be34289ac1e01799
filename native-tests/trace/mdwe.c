/* SPDX-License-Identifier: MIT */
/*
 * mdwe.c - no memory that was writable becomes executable.
 *
 *   mdwe     PR_SET_MDWE, which is systemd's MemoryDenyWriteExecute: all can be traced
 *            and patched, and no page is ever both
 *   filter   the same by a filter, for systems without that
 *   refused  the system gives no memory that can be executed at all: -EPERM, at once
 *   files    as mdwe, and no descriptor is free: -EAGAIN, and later calls trace
 */
#include "../calls.h"
#include "../modes.h"
#include "../test.h"
#include "../traced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define REFUSE_EXEC_GAIN 1

unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .data = &hits);
static struct ftrace_ops regs_ops = OPS(count_hit, .data = &hits, .flags = FTRACE_OPS_FL_SAVE_REGS);
static FTRACE_DEFINE_STATIC_KEY_FALSE(key);

TRACED long traced_work(long value)
{
	return value + ftrace_static_branch_unlikely(&key);
}

static void check_perms(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], perms[5];

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		CHECK(sscanf(line, "%*s %4s", perms) == 1 && (perms[1] != 'w' || perms[2] != 'x'));
	fclose(maps);
}

/* A site in the middle of a function, which gets a stub of another kind. */
void count_hits(void);
extern char hits_site[];
__asm__(".text\ncount_hits: incq hits(%rip)\n ret\n"
	"call_hits_site: .globl call_hits_site\n"
	"hits_site: .byte 0x0f, 0x1f, 0x44, 0, 0\n ret\n");
void call_hits_site(void);

static void check_redzone(void)
{
	unsigned long site = (unsigned long)hits_site, function = (unsigned long)count_hits;

	hits = 0;
	CHECK_EQ(ftrace_make_call_redzone(site, function), 0);
	call_hits_site();
	CHECK_EQ(hits, 1);
	CHECK_EQ(ftrace_make_nop(site, function), 0);
}

static void check_tracing(void)
{
	check_redzone();
	for (int round = 0; round < 3; round++) {
		hits = 0;
		trace(&ops, "traced_*");
		CHECK_EQ(traced_work(1), 1);
		CHECK_EQ(hits, 1);
		trace(&regs_ops, "traced_work");
		check_perms();
		CHECK_EQ(traced_work(1), 1);
		CHECK_EQ(hits, 3);
		CHECK_EQ(ftrace_static_branch_enable(&key), 0);
		CHECK_EQ(traced_work(1), 2);
		CHECK_EQ(ftrace_static_branch_disable(&key), 0);
		untrace(&ops);
		untrace(&regs_ops);
		hits = 0;
		CHECK_EQ(traced_work(1), 1);
		CHECK_EQ(hits, 0);
	}
	check_perms();
}

static void deny(void)
{
	if (prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
		skip("the kernel does not support PR_SET_MDWE");
}

static void mdwe(void)
{
	deny();
	check_tracing();
}

/* mprotect() to executable, mmap() to writable and executable; what @exec says, mmap() to
 * executable. */
static void refuse(bool exec)
{
	const unsigned int both = PROT_WRITE | PROT_EXEC;
	const struct sock_filter filter_both[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_mprotect, 3),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		LOAD(nr),
		SKIP_UNLESS(SYS_mmap, 4),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, exec ? PROT_EXEC : both),
		SKIP_UNLESS(exec ? PROT_EXEC : both, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	add_filter(filter_both, sizeof(filter_both) / sizeof(*filter_both));
}

static void filtered(void)
{
	refuse(false);
	check_tracing();
}

static void refused(void)
{
	uint64_t begin = now_ns();

	refuse(true);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(ftrace_register_function(&ops), -EPERM);
		CHECK_EQ(ftrace_make_call_redzone((unsigned long)hits_site,
						  (unsigned long)count_hits),
			 -EPERM);
		CHECK_EQ(traced_work(1), 1);
		CHECK_EQ(hits, 0);
	}
	printf("%lu us\n", (unsigned long)(now_ns() - begin) / 1000);
	CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
	CHECK_EQ(ftrace_static_branch_enable(&key), 0);
	CHECK_EQ(traced_work(1), 2);
}

static void no_files(void)
{
	struct rlimit limit = {64, 64};
	int files[64], count = 0;

	deny();
	CHECK_EQ(find_site("traced_work").count, 1); /* reads the files */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((files[count] = open("/dev/null", O_RDONLY)) >= 0)
		count++;
	CHECK_EQ(ftrace_register_function(&ops), -EAGAIN);
	while (count)
		close(files[--count]);
	check_tracing();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"mdwe", mdwe},	     {"filter", filtered}, {"refused", refused},
		{"files", no_files}, {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
