/* SPDX-License-Identifier: MIT */
/*
 * libunwind.c - the unwinder of nongnu.org walks out of a handler, through the
 * library's code, to the traced function and its callers, and finds there the
 * registers that these had. See unwind.cpp for GCC's.
 */
#include "../signals.h"
#include "../test.h"
#include "../traced.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define DEPTH 3

TRACED void traced_function(int depth);
void its_caller(int depth);
int outermost(int depth);

static unsigned long walks;

/* The frame is this function's, and goes on at @ip, if that is known. */
static void check_frame(unw_cursor_t *cursor, unsigned long ip, const char *expected)
{
	char name[64];
	unw_word_t at, offset;

	CHECK_EQ(unw_get_reg(cursor, UNW_REG_IP, &at), 0);
	CHECK(ip == 0 || at == ip);
	CHECK_EQ(unw_get_proc_name(cursor, name, sizeof(name), &offset), 0);
	if (strcmp(name, expected) != 0) {
		dprintf(2, "libunwind.c: %s, expected %s\n", name, expected);
		_exit(1);
	}
}

static void walk(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t at = 0, rbx, stack;
	int between = 0, depth;

	(void)ops, (void)regs;
	CHECK_EQ(unw_getcontext(&context), 0);
	CHECK_EQ(unw_init_local(&cursor, &context), 0);
	while (at != ip + 5) {
		CHECK(unw_step(&cursor) > 0);
		CHECK_EQ(unw_get_reg(&cursor, UNW_REG_IP, &at), 0);
		CHECK(++between < 8);
	}
	check_frame(&cursor, ip + 5, "traced_function");
	/* As deep as its caller says in a register that calls keep. */
	CHECK_EQ(unw_get_reg(&cursor, UNW_X86_64_RBX, &rbx), 0);
	depth = (int)rbx;
	CHECK(depth >= 0 && depth <= DEPTH);
	/* Its return address is the word after its own frame. */
	CHECK_EQ(unw_get_reg(&cursor, UNW_REG_SP, &stack), 0);
	CHECK_EQ(*(unsigned long *)stack, parent_ip);
	CHECK(unw_step(&cursor) > 0);
	check_frame(&cursor, parent_ip, "its_caller");
	for (int i = depth; i < DEPTH; i++) {
		CHECK(unw_step(&cursor) > 0);
		check_frame(&cursor, 0, "traced_function");
		CHECK(unw_step(&cursor) > 0);
		check_frame(&cursor, 0, "its_caller");
	}
	CHECK(unw_step(&cursor) > 0);
	check_frame(&cursor, 0, "outermost");
	CHECK(unw_step(&cursor) > 0);
	check_frame(&cursor, 0, "main");
	walks++;
}

void traced_function(int depth)
{
	if (depth > 0)
		its_caller(depth - 1);
	__asm__ __volatile__("" ::: "memory");
}

__attribute__((noipa)) void its_caller(int depth)
{
	register long kept __asm__("rbx") = depth;

	__asm__ __volatile__("" : "+r"(kept));
	traced_function(depth);
	__asm__ __volatile__("" : "+r"(kept) : : "memory");
}

__attribute__((noipa)) int outermost(int depth)
{
	its_caller(depth);
	__asm__ __volatile__("" ::: "memory");
	return depth;
}

static int from_signal;

static void on_signal_call(int signo)
{
	(void)signo;
	from_signal = 1;
	its_caller(0);
}

/* Out of a handler of a signal as well. */
static void walk_signal(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *regs)
{
	unw_context_t context;
	unw_cursor_t cursor;
	char name[64] = "";
	unw_word_t offset;
	bool signal_frame = false;

	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	CHECK_EQ(unw_getcontext(&context), 0);
	CHECK_EQ(unw_init_local(&cursor, &context), 0);
	while (strcmp(name, "main") != 0) {
		CHECK(unw_step(&cursor) > 0);
		signal_frame |= unw_is_signal_frame(&cursor) > 0;
		if (unw_get_proc_name(&cursor, name, sizeof(name), &offset) != 0)
			name[0] = '\0';
	}
	CHECK(signal_frame);
	walks++;
}

int main(void)
{
	for (unsigned long flags = 0; flags < 4; flags++) {
		struct ftrace_ops ops = OPS(walk, .flags = flags);
		struct ftrace_ops in_signal = OPS(walk_signal, .flags = flags);

		walks = 0;
		trace(&ops, "traced_function");
		for (int round = 0; round < 100; round++)
			CHECK_EQ(outermost(DEPTH), DEPTH);
		untrace(&ops);
		CHECK_EQ(walks, 100 * (DEPTH + 1));

		trace(&in_signal, "traced_function");
		on_signal(SIGUSR1, on_signal_call, 0);
		CHECK_EQ(raise(SIGUSR1), 0);
		untrace(&in_signal);
		CHECK_EQ(walks, 100 * (DEPTH + 1) + 1);
		CHECK(from_signal);
	}
	return 0;
}
