/* SPDX-License-Identifier: MIT */
/*
 * contexts.c - enter and exit in every place where they may be called: before
 * any other call, on an alternate signal stack, in a fresh thread, 63 levels
 * deep, without a partner.
 *
 * Compiled several times: with the inline gate; with FTRACE_NO_INLINE; and with
 * BY_DLSYM, where the program is not linked with the library but opens it.
 * What level a thread is on shows in the saved word where the header declares
 * it, and everywhere in whether the library takes the caller for an NMI.
 */
#define _GNU_SOURCE
#ifdef BY_DLSYM
#define FTRACE_NO_INLINE
#include <dlfcn.h>
#include <ftrace/ftrace.h>

static __typeof__(ftrace_nmi_enter) *nmi_enter;
static __typeof__(ftrace_nmi_exit) *nmi_exit;
static __typeof__(ftrace_nmi_add_signal) *nmi_add_signal;
static __typeof__(ftrace_arch_code_modify_prepare) *prepare;
static __typeof__(ftrace_arch_code_modify_post_process) *post_process;
static __typeof__(ftrace_patch_text) *patch_text;

#define ftrace_nmi_enter		     nmi_enter
#define ftrace_nmi_exit			     nmi_exit
#define ftrace_nmi_add_signal		     nmi_add_signal
#define ftrace_arch_code_modify_prepare	     prepare
#define ftrace_arch_code_modify_post_process post_process
#define ftrace_patch_text		     patch_text
#endif

#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define MOST_LEVELS 63

#ifdef FTRACE_NO_INLINE
#define CHECK_SAVED(word) ((void)(word))
#else
#define CHECK_SAVED(word) CHECK_EQ(ftrace_nmi_thread.saved, word)
#endif

static unsigned char *function;

static void check_in_nmi(bool expected)
{
	CHECK_EQ(ftrace_patch_text(NULL, 1, NULL), expected ? -EDEADLK : -EFAULT);
}

static void pair(bool open)
{
	ftrace_nmi_enter();
	CHECK_SAVED(2 | open);
	check_in_nmi(true);
	check_function(function);
	ftrace_nmi_exit();
	CHECK_SAVED(1);
	check_in_nmi(false);
}

static void levels(bool open)
{
	unsigned long saved = 1;

	for (int level = 0; level < MOST_LEVELS; level++) {
		ftrace_nmi_enter();
		saved = saved << 1 | open;
		CHECK_SAVED(saved);
		check_in_nmi(true);
	}
	for (int level = 0; level < MOST_LEVELS; level++) {
		CHECK_SAVED(saved);
		check_in_nmi(true);
		ftrace_nmi_exit();
		saved >>= 1;
	}
	CHECK_SAVED(1);
	check_in_nmi(false);
}

static void exits_alone(void)
{
	for (int i = 0; i < 100; i++)
		ftrace_nmi_exit();
	CHECK_SAVED(1);
	check_in_nmi(false);
}

static bool gate_is_open;
static atomic_int handled;

static void handler(int signo)
{
	stack_t stack;

	(void)signo;
	CHECK_EQ(sigaltstack(NULL, &stack), 0);
	CHECK(stack.ss_flags & SS_ONSTACK);
	pair(gate_is_open);
	levels(gate_is_open);
	handled++;
}

static void *everything(void *arg)
{
	stack_t stack = {.ss_size = 32768};

	/* The first call of a fresh thread. */
	pair(gate_is_open);
	levels(gate_is_open);
	exits_alone();

	stack.ss_sp = malloc(stack.ss_size);
	CHECK(stack.ss_sp);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	handled = 0;
	raise(SIGUSR1);
	CHECK_EQ(handled, 1);
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	free(stack.ss_sp);
	return arg;
}

static void *one_pair(void *arg)
{
	pair(gate_is_open);
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

/* Stops that hit a thread on an alternate stack, most of the time inside an NMI. */
static atomic_bool running, finish;

static void busy_handler(int signo)
{
	(void)signo;
	running = true;
	while (!finish) {
		ftrace_nmi_enter();
		check_function(function);
		ftrace_nmi_exit();
	}
}

static void *on_alternate_stack(void *arg)
{
	stack_t stack = {.ss_size = 32768};

	stack.ss_sp = malloc(stack.ss_size);
	CHECK(stack.ss_sp);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	raise(SIGUSR2);
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	free(stack.ss_sp);
	return arg;
}

static void patch_and_back(void)
{
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);

	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(call_function(function), VALUE_B);
	patch = value_patch(function, VALUE_B, VALUE_A);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(call_function(function), VALUE_A);
}

int main(void)
{
	pthread_t thread;

#ifdef BY_DLSYM
	void *library = dlopen(FTRACE_LIBRARY, RTLD_NOW);

	CHECK(library);
	CHECK((nmi_enter = dlsym(library, "ftrace_nmi_enter")));
	CHECK((nmi_exit = dlsym(library, "ftrace_nmi_exit")));
#endif
	/* Before any other call. */
	ftrace_nmi_enter();
	CHECK_SAVED(2);
	ftrace_nmi_exit();
	CHECK_SAVED(1);
	ftrace_nmi_exit();
	CHECK_SAVED(1);
#ifdef BY_DLSYM
	CHECK((nmi_add_signal = dlsym(library, "ftrace_nmi_add_signal")));
	CHECK((prepare = dlsym(library, "ftrace_arch_code_modify_prepare")));
	CHECK((post_process = dlsym(library, "ftrace_arch_code_modify_post_process")));
	CHECK((patch_text = dlsym(library, "ftrace_patch_text")));
#endif

	function = new_function();
	on_signal(SIGUSR1, handler, SA_ONSTACK);
	on_signal(SIGUSR2, busy_handler, SA_ONSTACK);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR2), 0);

	for (int round = 0; round < 4; round++) {
		gate_is_open = round % 2;
		if (gate_is_open)
			CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		everything(NULL);
		join(start(one_pair, NULL));
		join(start(everything, NULL));
		join(start(nothing, NULL));
		if (gate_is_open)
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		patch_and_back();
	}

	thread = start(on_alternate_stack, NULL);
	WAIT_FOR(running);
	for (int i = 0; i < 200; i++)
		patch_and_back();
	finish = true;
	join(thread);
	patch_and_back();
	return 0;
}
