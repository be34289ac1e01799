/* SPDX-License-Identifier: MIT */
/*
 * processes.c - processes that are made, and end, in calls whose exits are traced; and functions
 * that return twice, which are left alone.
 *
 * processes vforked  vfork() and exec in a traced function, both traced
 * processes forked   the child returns through calls that were entered in the parent
 * processes beside   the same, 300 times, beside threads that make traced calls
 * processes spawned  posix_spawn() in a traced function
 * processes ended    exit() in traced functions, whose handlers make traced calls
 * processes twice    the program's own setjmp() and vfork(), with all functions selected
 */
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TRACED int pf_down(int n);
TRACED int pf_leaf(int n);
TRACED int pf_vfork(int n);
TRACED void pf_exec(const char *path);
TRACED int pf_vfork_exec(int n);
TRACED pid_t pf_fork(int n);
TRACED pid_t pf_spawn(int n);
TRACED void pf_exit(int n);

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

static int status_of(pid_t child)
{
	int status;

	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TRACED int pf_leaf(int n)
{
	return n + 1;
}

TRACED int pf_down(int n)
{
	int result;

	if (n == 0)
		return 0;
	result = pf_down(n - 1);
	KEEP;
	return result + 1;
}

TRACED int pf_vfork(int n)
{
	pid_t child;
	int result;

	if (n != 0) {
		result = pf_vfork(n - 1);
		KEEP;
		return result;
	}
	child = vfork();
	if (child == 0) {
		pf_leaf(3);
		_exit(11);
	}
	return status_of(child);
}

TRACED void pf_exec(const char *path)
{
	execl(path, path, (char *)NULL);
	_exit(9);
}

TRACED int pf_vfork_exec(int n)
{
	pid_t child;
	int result;

	if (n != 0) {
		result = pf_vfork_exec(n - 1);
		KEEP;
		return result;
	}
	child = vfork();
	if (child == 0)
		pf_exec("/bin/true");
	return status_of(child);
}

TRACED pid_t pf_fork(int n)
{
	pid_t child;

	if (n == 0)
		return fork();
	child = pf_fork(n - 1);
	KEEP;
	return child;
}

TRACED pid_t pf_spawn(int n)
{
	char *const argv[] = {"true", NULL};
	pid_t child;

	if (n == 0) {
		CHECK_EQ(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ), 0);
		return child;
	}
	child = pf_spawn(n - 1);
	KEEP;
	return child;
}

TRACED void pf_exit(int n)
{
	if (n == 0)
		exit(33);
	pf_exit(n - 1);
	KEEP;
}

/* The child of vfork() is traced as this thread. Its pf_exec() does not return. */
static void vforked(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		graph(&pairs, "pf_*");
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(pf_vfork(i), 11);
			CHECK_EQ(pf_vfork_exec(i), 0);
			CHECK_EQ(open_calls.count, 0);
		}
		CHECK_EQ(entries, 20 * 21 + 20 + 20);
		CHECK_EQ(RETURNED, 20 * 21 + 20);
		CHECK_EQ(UNWOUND, 20);
		ungraph(&pairs);
	}
}

/* With 7, if all is as it should be in the child. */
static _Noreturn void end_child(void)
{
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(pf_down(50), 50);
	CHECK_EQ(open_calls.count, 0);
	ungraph(&pairs);
	CHECK_EQ(pf_down(5), 5);
	graph(&pairs, "pf_*");
	CHECK_EQ(pf_down(5), 5);
	CHECK_EQ(open_calls.count, 0);
	_exit(7);
}

static void fork_once(int depth)
{
	pid_t child = pf_fork(depth);

	if (child == 0)
		end_child();
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(status_of(child), 7);
}

static void *fork_in_thread(void *arg)
{
	fork_once(20);
	return arg;
}

static void forked(void)
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		graph(&pairs, "pf_*");
		fork_once(0);
		fork_once(40);
		join(start(fork_in_thread, NULL));
		ungraph(&pairs);
	}
}

static bool done;

static void *call_down(void *arg)
{
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		CHECK_EQ(pf_down(25), 25);
	return arg;
}

static void beside(void)
{
	pthread_t threads[2];

	graph(&pairs, "pf_*");
	for (int i = 0; i < 2; i++)
		threads[i] = start(call_down, NULL);
	for (int i = 0; i < 300; i++) {
		pid_t child = pf_fork(9);

		if (child == 0) {
			alarm(TEST_WAIT_SECONDS);
			CHECK_EQ(open_calls.count, 0);
			CHECK_EQ(pf_down(50), 50);
			_exit(7);
		}
		CHECK_EQ(status_of(child), 7);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		join(threads[i]);
	ungraph(&pairs);
}

static void spawned(void)
{
	graph(&pairs, "pf_*");
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(status_of(pf_spawn(i)), 0);
		CHECK_EQ(open_calls.count, 0);
	}
	CHECK_EQ(entries, 210);
	ungraph(&pairs);
}

static void at_exit(void)
{
	CHECK_EQ(pf_down(5), 5);
	CHECK_EQ(open_calls.count, 21);
	CHECK_EQ(entries, 21 + 6);
}

static void ended(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(atexit(at_exit), 0);
		graph(&pairs, "pf_*");
		pf_exit(20);
	}
	CHECK_EQ(status_of(child), 33);
}

/* They return twice, to where they are called. With room for a call at the entry. */
int own_setjmp(jmp_buf buffer) __asm__("setjmp") __attribute__((returns_twice));
pid_t own_vfork(void) __asm__("vfork") __attribute__((returns_twice));

__asm__(".pushsection .text\n"
	".type setjmp, @function\n"
	"setjmp:\n"
	"1:	nop; nop; nop; nop; nop\n"
	"	jmp _setjmp@PLT\n"
	".size setjmp, . - setjmp\n"
	".type vfork, @function\n"
	"vfork:\n"
	"2:	nop; nop; nop; nop; nop\n"
	"	pop %rdi\n"
	"	mov $58, %eax\n"
	"	syscall\n"
	"	push %rdi\n"
	"	ret\n"
	".size vfork, . - vfork\n"
	".popsection\n"
	".pushsection __patchable_function_entries, \"aw\", @progbits\n"
	"	.balign 8\n"
	"	.quad 1b, 2b\n"
	".popsection\n");

static jmp_buf buffer;

static __attribute__((noipa)) void overwrite_stack(int n)
{
	volatile char room[256];

	memset((void *)room, n, sizeof(room));
	if (n)
		overwrite_stack(n - 1);
}

static __attribute__((noipa)) int set_and_jump(void)
{
	volatile int jumps = 0;

	if (own_setjmp(buffer) != 0)
		jumps++;
	overwrite_stack(5);
	if (jumps < 3) {
		pf_leaf(jumps);
		longjmp(buffer, 1);
	}
	return jumps;
}

static __attribute__((noipa)) int own_child(void)
{
	pid_t child = own_vfork();

	if (child == 0) {
		overwrite_stack(5);
		_exit(12);
	}
	return status_of(child);
}

static void twice(void)
{
	struct ftrace_ops ops;
	unsigned long hits = 0;

	/* They can be traced, by the other header. */
	ops = (struct ftrace_ops)OPS(count_hit, .data = &hits);
	trace(&ops, "vfork:mod:program");
	CHECK_EQ(filter(&ops, "setjmp:mod:program"), 0);
	CHECK_EQ(set_and_jump(), 3);
	CHECK_EQ(own_child(), 12);
	CHECK_EQ(hits, 2);
	CHECK_EQ(ftrace_graph_set_filter(&pairs, "*:mod:program", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&pairs), 0);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(set_and_jump(), 3);
		CHECK_EQ(own_child(), 12);
	}
	CHECK_EQ(entries, 30); /* of pf_leaf() */
	CHECK_EQ(open_calls.count, 0);
	ungraph(&pairs);
	CHECK_EQ(hits, 22);
	untrace(&ops);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"vforked", vforked}, {"forked", forked}, {"beside", beside}, {"spawned", spawned},
		{"ended", ended},     {"twice", twice},	  {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
