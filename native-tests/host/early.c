/* SPDX-License-Identifier: MIT */
/*
 * early.c - calls from before the library's constructor: -EAGAIN, each of them. The
 * bracket, the version and the texts of errors are there at any time.
 */
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int called;
static struct ftrace_static_key key;
static struct ftrace_static_call_key call_key;

static int no_site(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	return 0;
}

static void handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
}

static void print(const char *line)
{
	(void)line;
}

static void check_all(int expected)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = handler};
	struct ftrace_stats now = {.size = sizeof(now)};
	unsigned char code[5] = {0};
	unsigned long ip = (unsigned long)check_all;
	struct ftrace_patch patch = {.ip = ip, .len = 5};
	char text[64];

	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), expected);
	CHECK_EQ(ftrace_nmi_del_signal(SIGUSR1), expected);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), expected);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), expected);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), expected);
	CHECK_EQ(ftrace_modify_code(ip, code, code), expected);
	CHECK_EQ(ftrace_make_nop(ip, ip), expected);
	CHECK_EQ(ftrace_make_call(ip, ip), expected);
	CHECK_EQ(ftrace_make_call_redzone(ip, ip), expected);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), expected);
	CHECK_EQ(ftrace_set_patch_opts(NULL), expected);
	CHECK_EQ(ftrace_arch_read_dyn_info(text, sizeof(text)), expected);
	CHECK_EQ(ftrace_get_stats(&now), expected);
	CHECK_EQ(ftrace_register_function(&ops), expected);
	CHECK_EQ(ftrace_unregister_function(&ops), expected);
	CHECK_EQ(ftrace_set_filter(&ops, "*", 0, 1), expected);
	CHECK_EQ(ftrace_set_notrace(&ops, "*", 0, 1), expected);
	CHECK_EQ(ftrace_set_filter_ip(&ops, ip, 0, 0), expected);
	CHECK_EQ(ftrace_free_filter(&ops), expected);
	CHECK_EQ(ftrace_update_ftrace_func(ftrace_stub), expected);
	CHECK_EQ(ftrace_for_each_site(no_site, NULL, 0), expected);
	CHECK_EQ(ftrace_update_sites(), expected);
	CHECK_EQ(ftrace_set_print(print), expected);
	CHECK_EQ(ftrace_static_key_enable(&key), expected);
	CHECK_EQ(ftrace_static_key_disable(&key), expected);
	CHECK_EQ(ftrace_static_key_slow_inc(&key), expected);
	CHECK_EQ(ftrace_static_key_slow_dec(&key), expected);
	CHECK_EQ(ftrace_static_call_key_update(&call_key, ip), expected);
}

static void on_usr1(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	called++;
	CHECK(strstr(ftrace_strerror(-EDEADLK), "signal handler"));
	CHECK_EQ(ftrace_update_sites(), -EDEADLK);
	ftrace_nmi_exit();
}

static void early(void)
{
	errno = 4711;
	check_all(-EAGAIN);
	CHECK_EQ(errno, 4711);
	on_signal(SIGUSR1, on_usr1, 0);
	raise(SIGUSR1);
	ftrace_nmi_enter();
	ftrace_nmi_exit();
	CHECK(ftrace_version()[0]);
	CHECK(strstr(ftrace_strerror(-EAGAIN), "not ready"));
}

__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = early;

int main(void)
{
	unsigned char *function = new_function();
	pid_t pid;
	int status;

	CHECK_EQ(called, 1);
	toggle_twice(function);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	raise(SIGUSR1);
	CHECK_EQ(called, 2);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		toggle_twice(function);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	return 0;
}
