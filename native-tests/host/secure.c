/* SPDX-License-Identifier: MIT */
/*
 * secure.c - who starts a program that has more rights than he has cannot tell the
 * library in it anything by the environment. The program starts itself, and a copy of
 * itself that has another group: the first takes the signal that FTRACE_STOP_SIGNAL
 * names, the second does not.
 */
#include "../stop.h"
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHOSEN	 50
#define NO_GROUP 65534

static const char no_place[] = "programs get no other rights here";

/* The signal that it takes. */
static int run(const char *path)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		execl(path, path, "signal", NULL);
		_exit(errno == EACCES ? TEST_SKIPPED : 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A group that is not the process's own, and that a file may be given. */
static gid_t other_group(void)
{
	gid_t groups[NGROUPS_MAX];
	int count = getgroups(NGROUPS_MAX, groups);

	if (geteuid() == 0)
		return NO_GROUP;
	for (int i = 0; i < count; i++)
		if (groups[i] != getegid())
			return groups[i];
	skip("needs root, or a second group");
}

static void copy_program(const char *path, gid_t group)
{
	static char bytes[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	long length;

	CHECK(from >= 0 && to >= 0);
	while ((length = read(from, bytes, sizeof(bytes))) > 0)
		CHECK_EQ(write(to, bytes, length), length);
	CHECK_EQ(length, 0);
	if (fchown(to, -1, group) != 0 || fchmod(to, S_ISGID | 0755) != 0) {
		unlink(path);
		skip(no_place);
	}
	close(to);
	close(from);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	gid_t group;
	int signo;

	(void)argv;
	if (argc == 2) {
		if (getegid() != getgid())
			CHECK(getauxval(AT_SECURE));
		return find_stop_signal() + (getauxval(AT_SECURE) ? 100 : 0);
	}

	CHECK_EQ(setenv("FTRACE_STOP_SIGNAL", "50", 1), 0);
	CHECK_EQ(run("/proc/self/exe"), CHOSEN);
	group = other_group();
	signo = readlink("/proc/self/exe", path, sizeof(path) - 32);
	CHECK(signo > 0);
	snprintf(path + signo, 32, ".secure.%d", getpid());
	copy_program(path, group);
	signo = run(path);
	unlink(path);
	if (signo == TEST_SKIPPED || signo < 100)
		skip(no_place);
	CHECK_EQ(signo - 100, 64);
	return 0;
}
