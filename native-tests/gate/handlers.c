/* SPDX-License-Identifier: MIT */
/*
 * handlers.c - handlers at their limits.
 *
 * handlers fault   the patcher had to block the NMI signals, some of which are
 *                  faults: a fault of its own still reaches its handler
 * handlers waits   an NMI handler that waits for a thread that is parked, which
 *                  it must not: the patch gives up with nothing written
 * handlers long    the same for one that runs longer than the patcher waits
 */
#include "../modes.h"
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
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define NMI	SIGUSR1
#define WITNESS SIGUSR2 /* declared, but never sent */

static unsigned char *function;
static atomic_int nmi_tid, patcher_tid;
static atomic_bool finish;
static atomic_int entered, left;
static atomic_ulong rounds;

static void *runs(void *arg)
{
	(void)arg;
	nmi_tid = gettid();
	while (!finish)
		check_function(function);
	return NULL;
}

/* fault */

static void until_drained(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	entered++;
	WAIT_FOR(blocks(patcher_tid, WITNESS));
	ftrace_nmi_exit();
}

static int faults[65];

/* Each of the faults below is an instruction of two bytes, or a trap after its instruction. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)info;
	ftrace_nmi_enter();
	check_function(function);
	faults[signo]++;
	if (signo != SIGTRAP)
		interrupted->uc_mcontext.gregs[REG_RIP] += 2;
	ftrace_nmi_exit();
}

static int faults_in_window(void *data)
{
	unsigned char from[5], to[5];
	int ret;

	(void)data;
	put_value(from, VALUE_A);
	put_value(to, VALUE_B);
	send_signal(nmi_tid, NMI);
	while (entered == 0)
		;
	ret = ftrace_modify_code((unsigned long)function, from, to);
	CHECK(blocks(patcher_tid, WITNESS));
	__asm__ __volatile__("movb (%0), %%cl" ::"a"(8l) : "rcx");
	__asm__ __volatile__("ud2");
	__asm__ __volatile__("int3");
	return ret;
}

static void fault(void)
{
	static const int signals[] = {SIGSEGV, SIGILL, SIGTRAP};
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	pthread_t thread = start(runs, NULL);

	patcher_tid = gettid();
	on_signal(NMI, until_drained, 0);
	CHECK_EQ(ftrace_nmi_add_signal(NMI), 0);
	CHECK_EQ(ftrace_nmi_add_signal(WITNESS), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
	WAIT_FOR(nmi_tid);
	for (int declared = 0; declared < 2; declared++) {
		uint64_t masked = stats().masked_stops;

		for (int i = 0; declared && i < 3; i++)
			CHECK_EQ(ftrace_nmi_add_signal(signals[i]), 0);
		entered = 0;
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		CHECK_EQ(ftrace_stop_machine(faults_in_window, NULL), 0);
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		CHECK_EQ(stats().masked_stops, masked + 1);
		CHECK_EQ(call_function(function), VALUE_B);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(faults[signals[i]], declared + 1);
		CHECK(!blocks(patcher_tid, WITNESS));
		CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	}
	finish = true;
	join(thread);
}

/* waits, long */

static atomic_bool asked, answered, may_answer;

static void waits_for_answer(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	asked = true;
	entered++;
	WAIT_FOR(answered);
	check_function(function);
	left++;
	ftrace_nmi_exit();
}

static void *answers(void *arg)
{
	(void)arg;
	while (!finish) {
		check_function(function);
		rounds++;
		if (asked && may_answer)
			answered = true;
	}
	return NULL;
}

static void times_out(void)
{
	struct ftrace_patch_opts opts = {
		.size = sizeof(opts), .method = FTRACE_METHOD_STOP_MACHINE, .timeout_ms = 200};
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);

	for (int i = 0; i < 2; i++) {
		patch.error = 4711;
		CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), -ETIMEDOUT);
		CHECK_EQ(patch.error, 0);
		CHECK_EQ(call_function(function), VALUE_A);
	}
}

static int waits_in_window(void *data)
{
	(void)data;
	send_signal(nmi_tid, NMI);
	while (entered == 0)
		;
	times_out();
	return 47;
}

static void waits(void)
{
	/* All are parked before the handler starts: who is to answer cannot. */
	may_answer = true;
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_stop_machine(waits_in_window, NULL), 47);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
}

static void is_long(void)
{
	/* Announced, because the gate is open before it enters. */
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	send_signal(nmi_tid, NMI);
	WAIT_FOR(entered == 1);
	times_out();
	may_answer = true;
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
}

static void with_threads(void (*run)(void))
{
	char before[5], after[5];
	pthread_t threads[2];
	unsigned long round;

	on_signal(NMI, waits_for_answer, 0);
	CHECK_EQ(ftrace_nmi_add_signal(NMI), 0);
	threads[0] = start(runs, NULL);
	threads[1] = start(answers, NULL);
	WAIT_FOR(nmi_tid && rounds > 0);
	page_perms((unsigned long)function, before);
	run();

	/* The NMI has been let go: all go on. */
	WAIT_FOR(left == 1);
	round = rounds;
	WAIT_FOR(rounds > round + 1000);
	page_perms((unsigned long)function, after);
	CHECK_EQ(strcmp(before, after), 0);
	for (int i = 0; i < 100; i++)
		toggle_twice(function);
	finish = true;
	join(threads[0]);
	join(threads[1]);
}

static void run_waits(void)
{
	with_threads(waits);
}

static void run_long(void)
{
	with_threads(is_long);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"fault", fault}, {"waits", run_waits}, {"long", run_long}, {NULL, NULL}};

	function = new_function();
	return run_mode(modes, argc, argv);
}
