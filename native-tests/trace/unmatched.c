/* SPDX-License-Identifier: MIT */
/*
 * unmatched.c - what the print function is told of a pattern that matches nothing.
 *
 *   near     the pattern, how many functions there are, and the name that was meant
 *   scope    of objects by file name: there is none, or none that can be traced
 *   removed  an object whose file is gone is named
 *   chroot   without /proc the program cannot be read: that is another error
 *   denied   nor can it if its file may only be executed
 *   mangled  C++ names without a C++ library: what would help is said, and helps
 */
#define _GNU_SOURCE
#include "../modes.h"
#include "../stop.h"
#include "../test.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static struct ftrace_ops ops = OPS(count_hit);
static char lines[16][600];
static int count;

TRACED long parse_line(long value)
{
	return value + 1;
}

TRACED long decode_header(long value)
{
	return value + 2;
}

/* As a C++ compiler would have called it. */
TRACED long total(long value) __asm__("_ZN4shop5totalEl");

TRACED long total(long value)
{
	return value + 3;
}

static void print(const char *line)
{
	CHECK(count < 16);
	snprintf(lines[count++], sizeof(lines[0]), "%s", line);
}

/* How many lines the pattern gives, and that the first is about it. */
static int report_of(const char *pattern, int error)
{
	count = 0;
	CHECK_EQ(filter(&ops, pattern), error);
	CHECK(count > 0);
	return count;
}

static void near(void)
{
	static const struct {
		const char *pattern, *nearest;
	} cases[] = {
		{"parse_lin", "parse_line"},
		{"!parse_lines", "parse_line"},
		{"PARSE_LINE", "parse_line"},
		{"parse_lien", "parse_line"},
		{"prase_*", "parse_line"},
		{"*_haeder", "decode_header"},
		{"header", "decode_header"},
		{"*heade", "decode_header"},
		{"decode_headr:mod:program", "decode_header"},
		{"nobody_has_this", NULL},
		{"[xyz]*", NULL},
		{"?", NULL},
		{"q*", NULL},
	};
	char expected[100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ftrace_stats before = stats(), after;

		CHECK_EQ(report_of(cases[i].pattern, -ENOENT), 1);
		snprintf(expected, sizeof(expected), "matches %.5s",
			 cases[i].pattern + (*cases[i].pattern == '!'));
		CHECK(strstr(lines[0], expected));
		CHECK(strstr(lines[0], "known functions: "));
		snprintf(expected, sizeof(expected), "; the nearest name is %s",
			 cases[i].nearest ? cases[i].nearest : "");
		if (!strstr(lines[0], expected) != !cases[i].nearest) {
			dprintf(2, "%s: %s\n", cases[i].pattern, lines[0]);
			_exit(1);
		}
		after = stats();
		CHECK_EQ(after.managed_bytes, before.managed_bytes);
	}
	count = 0;
	CHECK_EQ(ftrace_set_notrace(&ops, "parse_lin", 0, 0), -ENOENT);
	CHECK(count == 1 && strstr(lines[0], "parse_line"));
	count = 0;
	CHECK_EQ(ftrace_set_filter_ip(&ops, 0x1234, 0, 0), -ENOENT);
	CHECK(count == 1 && strstr(lines[0], "no function is at 0x1234"));

	/* Names of any length, and one that does not fit a line. */
	for (int length = 1; length < 3000; length += length < 100 ? 1 : 97) {
		char name[3001];

		memset(name, 'x', length);
		name[length] = '\0';
		CHECK_EQ(report_of(name, -ENOENT), 1);
	}
	count = 0;
	CHECK_EQ(filter(&ops, "parse_line"), 0);
	CHECK_EQ(count, 0);
}

static void scope(void)
{
	CHECK_EQ(report_of("parse_line:mod:none*", -ENOENT), 2);
	CHECK(strstr(lines[0], "matches parse_line in none*; known functions: 0"));
	CHECK(strstr(lines[1], "no object has such a file name"));
	CHECK_EQ(report_of("parse_line:mod:libc.so*", -ENOENT), 2);
	CHECK(strstr(lines[1], "-fpatchable-function-entry=5"));
}

static char folder[64], path[96];

static void copy_here(const char *from, unsigned int mode)
{
	char command[1024];

	strcpy(folder, "/tmp/ftrace-unmatched-XXXXXX");
	CHECK(mkdtemp(folder));
	CHECK_EQ(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/copy", folder);
	snprintf(command, sizeof(command), "cp %s %s", from, path);
	CHECK_EQ(system(command), 0);
	CHECK_EQ(chmod(path, mode), 0);
}

static void remove_copy(void)
{
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(folder), 0);
}

static void removed(void)
{
	copy_here(PLUGIN, 0700);
	CHECK(dlopen(path, RTLD_NOW));
	remove_copy();
	CHECK_EQ(report_of("plug_answer", -ENOENT), 2);
	CHECK(strstr(lines[1], path) && strstr(lines[1], "removed? (errno 2)"));
	CHECK_EQ(report_of("plug_answer:mod:copy", -ENOENT), 2);
	CHECK(strstr(lines[0], "known functions: 0"));
	CHECK(strstr(lines[1], path));
	CHECK_EQ(report_of("plug_answer:mod:program", -ENOENT), 1);
}

static void no_proc(void)
{
	strcpy(folder, "/tmp/ftrace-unmatched-XXXXXX");
	CHECK(mkdtemp(folder));
	if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) {
		rmdir(folder);
		skip("chroot(2) needs root, or a user namespace");
	}
	CHECK_EQ(chdir(folder), 0);
	CHECK_EQ(rmdir(folder), 0);
	if (chroot(".") != 0)
		skip("chroot(2) is denied");
	report_of("parse_line", -EOPNOTSUPP);
	CHECK(strstr(lines[1], "cannot read program: /proc/self/exe cannot be opened"));
	CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
	report_of("parse_line:mod:lib*", -ENOENT);
}

/* The copy, which may only be executed. */
static void executed(void)
{
	if (access("/proc/self/exe", R_OK) == 0)
		skip("this user may read any file");
	report_of("parse_line", -EACCES);
	CHECK(strstr(lines[1], "cannot read program: its file may not be read"));
	CHECK(strstr(lines[1], "(errno 13)"));
	CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
}

static void denied(void)
{
	char own[512] = {0};
	Dl_info library;
	int status;
	pid_t pid;

	CHECK(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
	CHECK(dladdr((void *)ftrace_version, &library));
	copy_here(own, 0111);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
			skip("this root cannot become another user");
		if (access(library.dli_fname, R_OK) != 0)
			skip("another user may not read the library");
		execl(path, path, "executed", NULL);
		_exit(1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	remove_copy();
	CHECK(WIFEXITED(status));
	exit(WEXITSTATUS(status));
}

static void mangled(void)
{
	CHECK_EQ(report_of("shop::total", -ENOENT), 2);
	CHECK(strstr(lines[1], "ftrace: 1 of the known functions have C++ names"));
	CHECK(strstr(lines[1], "LD_PRELOAD=libstdc++.so.6"));
	CHECK_EQ(report_of("shop_total", -ENOENT), 1); /* no C++ name */
	count = 0;
	CHECK_EQ(filter(&ops, "_ZN4shop5total*"), 0);
	if (!dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL))
		skip("needs package libstdc++6");
	CHECK_EQ(filter(&ops, "shop::total"), 0);
	CHECK_EQ(count, 0);
	CHECK_EQ(report_of("shop::totl", -ENOENT), 1);
	CHECK(strstr(lines[0], "; the nearest name is shop::total(long)"));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"near", near},	     {"scope", scope},	 {"removed", removed},
		{"chroot", no_proc}, {"denied", denied}, {"executed", executed},
		{"mangled", mangled},
		{NULL, NULL},
	};

	CHECK_EQ(ftrace_set_print(print), 0);
	return run_mode(modes, argc, argv);
}
