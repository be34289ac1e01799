/* SPDX-License-Identifier: MIT */
/*
 * timeout.c - a thread that blocks every signal, where ptrace(2) is refused:
 * -ETIMEDOUT, not before the given time, nothing changed, nobody parked
 * meanwhile, and the host is told which thread it was. When the thread unblocks
 * its signals, all is well.
 */
#include "../calls.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TIMEOUT_MS 200

static unsigned char *function;
static atomic_bool blocked, unblock, unblocked, finish;
static atomic_ulong stubborn_rounds, willing_rounds;

static void *stubborn(void *arg)
{
	uint64_t mask, none = 0;
	sigset_t all;

	(void)arg;
	CHECK_EQ(prctl(PR_SET_NAME, "stubborn"), 0);
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	mask = signal_mask();
	blocked = true;
	while (!unblock) {
		check_function(function);
		stubborn_rounds++;
	}
	CHECK_EQ(signal_mask(), mask);
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)), 0);
	unblocked = true;
	while (!finish)
		check_function(function);
	CHECK_EQ(signal_mask(), 0);
	return NULL;
}

static void *willing(void *arg)
{
	uint64_t mask = signal_mask();

	(void)arg;
	while (!finish) {
		check_function(function);
		willing_rounds++;
	}
	CHECK_EQ(signal_mask(), mask);
	return NULL;
}

static char printed[500];

static void print(const char *line)
{
	snprintf(printed, sizeof(printed), "%s", line);
}

static int ran;

static int note(void *data)
{
	(void)data;
	ran = 1;
	return 0;
}

static void times_out(bool prepared)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts),
					 .method = FTRACE_METHOD_STOP_MACHINE,
					 .timeout_ms = TIMEOUT_MS};
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);
	unsigned long willing_before, stubborn_before;
	struct ftrace_stats stats_before = stats();
	uint64_t start, took, mask = signal_mask();
	char before[5], after[5];

	if (prepared)
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	page_perms((unsigned long)function, before);
	patch.error = 4711;
	errno = 4712;
	start = now_ns();
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -ETIMEDOUT);
	took = now_ns() - start;
	CHECK_EQ(errno, 4712);
	CHECK_EQ(stats().stops, stats_before.stops);
	CHECK_EQ(stats().last_stop_ns, stats_before.last_stop_ns); /* nobody was asked */
	CHECK(strstr(printed, "(stubborn)") && strstr(printed, "ptrace"));
	CHECK(took >= TIMEOUT_MS * 1000000ull);
	CHECK_EQ(patch.error, 0);
	CHECK_EQ(call_function(function), VALUE_A);
	page_perms((unsigned long)function, after);
	CHECK_EQ(strcmp(before, after), 0);
	CHECK_EQ(signal_mask(), mask);
	if (prepared)
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);

	/* Who did stop goes on. */
	willing_before = willing_rounds;
	stubborn_before = stubborn_rounds;
	WAIT_FOR(willing_rounds > willing_before + 1000);
	WAIT_FOR(stubborn_rounds > stubborn_before + 1000);
}

int main(void)
{
	pthread_t threads[2];
	uint64_t start_ns;

	forbid_call(SYS_ptrace, EPERM);
	CHECK_EQ(ftrace_set_print(print), 0);
	function = new_function();
	toggle_twice(function);
	threads[0] = start(stubborn, NULL);
	threads[1] = start(willing, NULL);
	WAIT_FOR(blocked);

	times_out(false);
	times_out(true);
	times_out(false);

	/* Without options it is five seconds. */
	start_ns = now_ns();
	CHECK_EQ(ftrace_stop_machine(note, NULL), -ETIMEDOUT);
	CHECK(now_ns() - start_ns >= 5000000000ull);
	CHECK_EQ(ran, 0);

	unblock = true;
	WAIT_FOR(unblocked);
	for (int i = 0; i < 100; i++)
		toggle_twice(function);
	CHECK_EQ(ftrace_stop_machine(note, NULL), 0);
	CHECK_EQ(ran, 1);
	finish = true;
	join(threads[0]);
	join(threads[1]);
	return 0;
}
