/* SPDX-License-Identifier: MIT */
/*
 * fork-calls.c - fork() at every stage of a change: before and after each
 * system call that the patcher makes for it. In the child every location holds
 * its whole old or its whole new code and the pages are protected as before; it
 * changes them with every method and writer, and the parent does not see that.
 *
 * fork-calls other METHOD WRITER   another thread forks
 * fork-calls own METHOD WRITER     the patcher does, in a handler; both go on
 */
#include "../calls.h"
#include "../proc.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define SITES	      40
#define STRIDE	      1000 /* several pages */
#define ROUNDS	      6
#define MOST_FILES    12
#define CHILD_SECONDS 60
#define VALUE_CHILD   0x44444444u

static unsigned char *text;
static struct ftrace_patch patches[SITES];
static bool own, is_child;
static bool between; /* a descriptor is open, but the library does not know it, or vice versa */
static atomic_int go, gone;
static atomic_bool finish;
static unsigned long forks;
static int files; /* opened and closed in this change, /proc/self/mem not counted */

static unsigned char *site(int i)
{
	return text + i * STRIDE;
}

/* No descriptor is left over from the parent's change. */
static void check_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	CHECK(folder);
	while ((entry = readdir(folder))) {
		char target[256] = "";

		if (readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1) > 0 &&
		    strstr(target, "/mem")) {
			dprintf(2, "descriptor %s: %s\n", entry->d_name, target);
			_exit(1);
		}
	}
	closedir(folder);
}

static void check_protection(void)
{
	char perms[5];

	for (int i = 0; i < SITES; i++) {
		page_perms((unsigned long)site(i), perms);
		CHECK_EQ(strcmp(perms, "r-xp"), 0);
	}
}

static void child(void)
{
	uint32_t values[SITES];
	bool started = false;

	check_protection();
	if (!between)
		check_descriptors();
	for (int i = 0; i < SITES; i++) {
		CHECK_EQ(*site(i), 0xb8);
		values[i] = call_function(site(i));
		CHECK(values[i] == VALUE_A || values[i] == VALUE_B);
	}
	for (int i = 0; i < WAYS; i++) {
		set_way(i);
		for (int back = 0; back < 2; back++) {
			for (int n = 0; n < SITES; n++)
				patches[n] = value_patch(site(n), back ? VALUE_CHILD : values[n],
							 back ? values[n] : VALUE_CHILD);
			CHECK_EQ(change(patches, SITES), 0);
			for (int n = 0; n < SITES; n++)
				CHECK_EQ(call_function(site(n)), back ? values[n] : VALUE_CHILD);
		}
		check_protection();
		/* A thread would have the filter, and ends with every signal blocked. */
		if (!started && !own)
			join(start((void *(*)(void *))(uintptr_t)call_function, site(0)));
		started = true;
	}
	/* The parent is to meet this, if it were its own text. */
	for (int n = 0; n < SITES; n++)
		patches[n] = value_patch(site(n), values[n], VALUE_CHILD);
	CHECK_EQ(change(patches, SITES), 0);
	_exit(0);
}

static void fork_once(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		if (!own)
			child();
		/* In the middle of the call, which goes on first. */
		is_child = true;
		return;
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status) {
		dprintf(2, "fork %lu: the child ended with %#x\n", forks, status);
		_exit(1);
	}
	forks++;
}

static void *forks_when_asked(void *arg)
{
	(void)arg;
	for (int round = 1;; round++) {
		WAIT_FOR(go == round || finish);
		if (finish)
			return NULL;
		fork_once();
		gone = round;
	}
}

static long fork_at(long number, bool done)
{
	static bool forking;

	between = number == (done ? SYS_openat : SYS_close);
	/* The fork itself makes such calls in the child. */
	if (forking)
		return 0;
	/* A thread that forks whenever it is looked at is looked at for a long time. */
	if ((number == SYS_openat && !strstr((char *)call_regs[REG_RSI], "/mem")) ||
	    number == SYS_close) {
		if (files++ >= MOST_FILES)
			return 0;
	}
	if (own) {
		/* Before that the child reads on in files of the parent, and waits for its threads.
		 */
		if (number == SYS_openat || number == SYS_close || number == SYS_munmap)
			return 0;
		forking = true;
		fork_once();
		forking = is_child;
	} else {
		go++;
		WAIT_FOR(gone == go);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct ftrace_patch_opts opts;
	pthread_t forker;
	int ret;

	CHECK_EQ(argc, 4);
	own = strcmp(argv[1], "own") == 0;
	CHECK(take_way(argv[2]) && take_way(argv[3]));
	opts = way;
	/* What the children do is done while the change waits. */
	opts.timeout_ms = TEST_WAIT_SECONDS * 1000;
	text = text_map(SITES * STRIDE + 4096);
	for (int i = 0; i < SITES; i++)
		put_function(site(i), VALUE_A);
	text_seal(text, SITES * STRIDE + 4096);
	forker = start(forks_when_asked, NULL);
	watch_calls(fork_at);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t from = round % 2 ? VALUE_B : VALUE_A, to = VALUE_A + VALUE_B - from;

		for (int i = 0; i < SITES; i++)
			patches[i] = value_patch(site(i), from, to);
		files = 0;
		ret = change_watched(patches, SITES, &opts);
		if (is_child) {
			CHECK_EQ(ret, 0);
			for (int i = 0; i < SITES; i++)
				CHECK_EQ(call_function(site(i)), to);
			child();
		}
		CHECK_EQ(ret, 0);
		check_protection();
		for (int i = 0; i < SITES; i++)
			CHECK_EQ(call_function(site(i)), to);
	}
	printf("%lu forks\n", forks);
	finish = true;
	join(forker);
	return 0;
}
