/* SPDX-License-Identifier: MIT */
/*
 * busy.c - the stop signal belongs to somebody else: threads are seized. Where
 * ptrace(2) is refused, or FTRACE_STOP_SIGNAL asks for what cannot be had: -EBUSY,
 * and nothing is touched.
 *
 * busy replaced     our handler was replaced
 * busy foreign      a signal of that number that is not ours has its default action
 * busy full         no real-time signal is free, then one is
 * busy none         FTRACE_STOP_SIGNAL=none: no signal is taken
 * busy declared     the highest signal is an NMI: the next one is taken
 * busy chosen       FTRACE_STOP_SIGNAL names a free signal
 * busy taken        FTRACE_STOP_SIGNAL names one that has a handler
 * busy ignored      FTRACE_STOP_SIGNAL names one that is ignored
 * busy unusable     FTRACE_STOP_SIGNAL is no real-time signal
 */
#include "../calls.h"
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHOSEN 50

static unsigned char *function;
static atomic_bool finish;
static atomic_int host_signals;

static void host_handler(int signo)
{
	(void)signo;
	host_signals++;
}

static void *runs(void *arg)
{
	while (!finish)
		check_function(arg);
	return NULL;
}

static int ran;

static int note(void *data)
{
	(void)data;
	ran++;
	return 0;
}

static void expect_busy(void)
{
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);
	unsigned long ip = (unsigned long)function;
	uint64_t mask = signal_mask();
	char before[5], after[5];

	page_perms(ip, before);
	ran = 0;
	errno = 4711;
	CHECK_EQ(ftrace_stop_machine(note, NULL), -EBUSY);
	CHECK_EQ(change(&patch, 1), -EBUSY);
	CHECK_EQ(patch.error, 0);
	CHECK_EQ(ftrace_modify_code(ip, patch.old_code, patch.new_code), -EBUSY);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_stop_machine(note, NULL), -EBUSY);
	CHECK_EQ(change(&patch, 1), -EBUSY);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	CHECK_EQ(errno, 4711);
	CHECK_EQ(ran, 0);
	CHECK_EQ(call_function(function), VALUE_A);
	CHECK_EQ(host_signals, 0);
	CHECK_EQ(signal_mask(), mask);
	page_perms(ip, after);
	CHECK_EQ(strcmp(before, after), 0);
}

static void expect_seized(void)
{
	uint64_t seized = stats().seized_threads;

	toggle_twice(function);
	CHECK_EQ(stats().seized_threads - seized, 2);
	CHECK_EQ(host_signals, 0);
}

static bool is_default(int signo)
{
	struct sigaction action;

	CHECK_EQ(sigaction(signo, NULL, &action), 0);
	return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

static void replaced(void)
{
	static void (*const others[])(int) = {host_handler, SIG_DFL, SIG_IGN};
	int signo = find_stop_signal();
	struct sigaction ours;

	CHECK_EQ(sigaction(signo, NULL, &ours), 0);
	for (int i = 0; i < 6; i++) {
		struct sigaction other = {.sa_handler = others[i % 3]}, found;

		toggle_twice(function);
		CHECK_EQ(sigaction(signo, &other, NULL), 0);
		if (i == 3)
			forbid_call(SYS_ptrace, EPERM);
		if (i < 3)
			expect_seized();
		else
			expect_busy();
		CHECK_EQ(sigaction(signo, NULL, &found), 0);
		CHECK(found.sa_handler == others[i % 3]);
		CHECK_EQ(sigaction(signo, &ours, NULL), 0);
		toggle_twice(function);
	}
}

static void foreign(void)
{
	int signo = find_stop_signal();

	for (int how = 0; how < 3; how++) {
		pid_t child = fork();
		int status;

		CHECK(child >= 0);
		if (child == 0) {
			union sigval value = {.sival_int = 1};

			toggle_twice(function);
			if (how == 0)
				kill(getpid(), signo);
			else if (how == 1)
				raise(signo);
			else
				sigqueue(getpid(), signo, value);
			_exit(2);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), signo);
	}
	toggle_twice(function);
}

static void full(void)
{
	for (int signo = SIGRTMIN; signo <= 64; signo++)
		if (is_default(signo))
			on_signal(signo, host_handler, 0);
	expect_seized();
	forbid_call(SYS_ptrace, EPERM);
	expect_busy();
	CHECK(signal(CHOSEN, SIG_DFL) != SIG_ERR);
	toggle_twice(function);
	CHECK(!is_default(CHOSEN));
}

static void declared(void)
{
	CHECK_EQ(ftrace_nmi_add_signal(64), 0);
	CHECK_EQ(find_stop_signal(), 63);
	CHECK(is_default(64));
	CHECK_EQ(ftrace_nmi_add_signal(63), -EINVAL);
	CHECK_EQ(ftrace_nmi_del_signal(64), 0);
	toggle_twice(function);
}

static void chosen(void)
{
	CHECK_EQ(find_stop_signal(), CHOSEN);
	toggle_twice(function);
	for (int signo = SIGRTMIN + 1; signo <= 64; signo++)
		CHECK_EQ(is_default(signo), signo != CHOSEN);
	CHECK_EQ(ftrace_nmi_add_signal(CHOSEN), -EINVAL);
}

static void taken(void)
{
	on_signal(CHOSEN, host_handler, 0);
	expect_busy();
	CHECK_EQ(raise(CHOSEN), 0);
	CHECK_EQ(host_signals, 1);
}

static void ignored(void)
{
	CHECK(signal(CHOSEN, SIG_IGN) != SIG_ERR);
	expect_busy();
	CHECK_EQ(raise(CHOSEN), 0);
}

static void unusable(void)
{
	expect_busy();
	for (int signo = SIGRTMIN + 1; signo <= 64; signo++)
		CHECK(is_default(signo));
}

static void none(void)
{
	expect_seized();
	for (int signo = SIGRTMIN + 1; signo <= 64; signo++)
		CHECK(is_default(signo));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
		const char *values[12];
	} modes[] = {
		{"replaced", replaced, {NULL}},
		{"foreign", foreign, {NULL}},
		{"full", full, {NULL}},
		{"none", none, {"none"}},
		{"declared", declared, {NULL}},
		{"chosen", chosen, {"50"}},
		{"taken", taken, {"50"}},
		{"ignored", ignored, {"50"}},
		{"unusable",
		 unusable,
		 {"", "0", "-1", "x", "50x", "9", "12", "32", "33", "65", "4294967346"}},
	};
	size_t mode = 0;
	pthread_t thread;

	CHECK(argc >= 2);
	while (mode < sizeof(modes) / sizeof(*modes) && strcmp(argv[1], modes[mode].name) != 0)
		mode++;
	CHECK(mode < sizeof(modes) / sizeof(*modes));

	/* The library reads the variable when it is loaded: set it and start again. */
	if (argc == 2) {
		for (int i = 0; i == 0 || modes[mode].values[i]; i++) {
			pid_t child = fork();
			int status;

			CHECK(child >= 0);
			if (child == 0) {
				if (modes[mode].values[i])
					setenv("FTRACE_STOP_SIGNAL", modes[mode].values[i], 1);
				else
					unsetenv("FTRACE_STOP_SIGNAL");
				execl("/proc/self/exe", argv[0], argv[1], "again", NULL);
				_exit(1);
			}
			CHECK_EQ(waitpid(child, &status, 0), child);
			if (status != 0) {
				dprintf(2, "FTRACE_STOP_SIGNAL=%s: status %#x\n",
					modes[mode].values[i] ? modes[mode].values[i] : "(unset)",
					status);
				return 1;
			}
		}
		return 0;
	}

	function = new_function();
	thread = start(runs, function);
	modes[mode].run();
	finish = true;
	join(thread);
	return 0;
}
