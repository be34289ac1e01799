/* SPDX-License-Identifier: MIT */
/*
 * deadlk.c - the library called from signal handlers: -EDEADLK, never a crash,
 * never a wait for itself.
 *
 * From an NMI, announced or not, every call is refused. From any other handler
 * a call is refused if the handler interrupted the library. That is made
 * certain by a signal that comes pending while a stop blocks it, so that it is
 * delivered in the middle of the library; and then left to a timer.
 *
 * deadlk [METHOD]
 */
#include "../signals.h"
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
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned char *function, *handlers_function;

struct results {
	int add, del, prepare, post_process, stop, modify, nop, call, redzone, patch, dyn_info,
		stats, agent;
};

static int ran;

static int must_not_run(void *data)
{
	(void)data;
	ran++;
	return 0;
}

static void call_everything(struct results *results)
{
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);
	struct ftrace_stats stats = {.size = sizeof(stats)};
	unsigned long ip = (unsigned long)function;
	char buf[64];

	results->add = ftrace_nmi_add_signal(SIGPROF);
	results->del = ftrace_nmi_del_signal(SIGUSR1);
	results->prepare = ftrace_arch_code_modify_prepare();
	results->post_process = ftrace_arch_code_modify_post_process();
	results->stop = ftrace_stop_machine(must_not_run, NULL);
	results->modify = ftrace_modify_code(ip, patch.old_code, patch.new_code);
	results->nop = ftrace_make_nop(ip, ip);
	results->call = ftrace_make_call(ip, ip);
	results->redzone = ftrace_make_call_redzone(ip, ip);
	results->patch = ftrace_patch_text(&patch, 1, NULL);
	results->dyn_info = ftrace_arch_read_dyn_info(buf, sizeof(buf));
	results->stats = ftrace_get_stats(&stats);
	results->agent = ftrace_agent_start(-1);
}

static void check_refused(const struct results *results)
{
	CHECK_EQ(results->prepare, -EDEADLK);
	CHECK_EQ(results->post_process, -EDEADLK);
	CHECK_EQ(results->stop, -EDEADLK);
	CHECK_EQ(results->modify, -EDEADLK);
	CHECK_EQ(results->nop, -EDEADLK);
	CHECK_EQ(results->call, -EDEADLK);
	CHECK_EQ(results->redzone, -EDEADLK);
	CHECK_EQ(results->patch, -EDEADLK);
	CHECK_EQ(results->dyn_info, -EDEADLK);
	CHECK_EQ(results->stats, -EDEADLK);
	CHECK_EQ(results->agent, -EDEADLK);
	CHECK_EQ(ran, 0);
	CHECK_EQ(call_function(function), VALUE_A);
}

static struct results results;
static atomic_int handled;

static void nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	errno = 4711;
	call_everything(&results);
	CHECK_EQ(errno, 4711);
	ftrace_nmi_exit();
	handled++;
}

static void *raise_nmi(void *arg)
{
	raise(SIGUSR1);
	return arg;
}

static int raise_in_window(void *data)
{
	(void)data;
	return syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
}

static void from_nmis(void)
{
	for (int announced = 0; announced < 2; announced++) {
		if (announced)
			CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		handled = 0;
		raise_nmi(NULL);
		check_refused(&results);
		memset(&results, 0, sizeof(results));
		join(start(raise_nmi, NULL));
		check_refused(&results);
		memset(&results, 0, sizeof(results));
		CHECK_EQ(ftrace_stop_machine(raise_in_window, NULL), 0);
		check_refused(&results);
		CHECK_EQ(handled, 3);
		if (announced)
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	}
	toggle_twice(function);
}

static void undeclared(int signo)
{
	(void)signo;
	call_everything(&results);
	handled++;
}

static int pend_in_window(void *data)
{
	(void)data;
	/* Not declared, hence blocked, and delivered when the window closes: in the library. */
	syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
	return handled;
}

static void from_interruptions(void)
{
	for (int i = 0; i < 100; i++) {
		memset(&results, 0, sizeof(results));
		handled = 0;
		CHECK_EQ(ftrace_stop_machine(pend_in_window, NULL), 0);
		CHECK_EQ(handled, 1);
		check_refused(&results);
		CHECK_EQ(results.add, -EDEADLK);
		CHECK_EQ(results.del, -EDEADLK);
	}
	toggle_twice(function);
}

static atomic_ulong refused, served;

static void timer(int signo)
{
	static uint32_t value = VALUE_A;
	struct ftrace_stats stats = {.size = sizeof(stats)};
	struct ftrace_patch patch;
	char buf[64];
	int ret = ftrace_get_stats(&stats);

	(void)signo;
	/* The handler interrupted the same place for all of its calls. */
	CHECK(ret == 0 || ret == -EDEADLK);
	if (ret) {
		CHECK_EQ(ftrace_arch_read_dyn_info(buf, sizeof(buf)), ret);
		CHECK_EQ(ftrace_arch_code_modify_prepare(), ret);
		CHECK_EQ(ftrace_arch_code_modify_post_process(), ret);
		CHECK_EQ(set_value(handlers_function, VALUE_A, VALUE_B), ret);
		refused++;
		return;
	}
	/* Seldom: a handler that takes longer than the period leaves no time for main. */
	if (served++ % 8)
		return;
	patch = value_patch(handlers_function, value, VALUE_A + VALUE_B - value);
	CHECK_EQ(change(&patch, 1), 0);
	value = VALUE_A + VALUE_B - value;
	CHECK_EQ(call_function(handlers_function), value);
}

static atomic_bool finish;

static void *runs(void *arg)
{
	while (!finish)
		check_function(arg);
	return NULL;
}

static void from_timers(void)
{
	pthread_t thread = start(runs, function);
	timer_t id;

	on_signal(SIGALRM, timer, 0);
	/* One that certainly interrupts nothing. */
	raise(SIGALRM);
	CHECK_EQ(served, 1);
	id = thread_timer(SIGALRM, 10000);
	for (int i = 0; i < 3000; i++) {
		toggle_twice(function);
		stats();
	}
	CHECK_EQ(timer_delete(id), 0);
	finish = true;
	join(thread);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		CHECK(take_way(argv[1]));
	function = new_function();
	handlers_function = new_function();
	on_signal(SIGUSR1, nmi, 0);
	on_signal(SIGUSR2, undeclared, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	from_nmis();
	from_interruptions();
	from_timers();
	toggle_twice(function);
	return 0;
}
