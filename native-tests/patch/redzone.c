/* SPDX-License-Identifier: MIT */
/*
 * redzone.c - calls patched into the middle of a function that keeps variables below the
 * stack pointer, by ftrace_make_call_redzone(). Of ftrace_make_call(), the control, the
 * return address overwrites a variable.
 *
 * redzone called   the function counts and returns what it should, whatever is done to the site
 * redzone load     while threads run it, and handlers declared as NMIs interrupt them
 * redzone steps    at every instruction of a call: registers, flags, red zone, what an
 *                  unwinder finds; a thread that stands there while the site changes
 * redzone check    ftrace_check_stack() finds a thread at each instruction, for both functions
 * redzone many     more sites than there can be
 * redzone gdb      a call, for gdb.sh
 */
#include "../modes.h"
#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unwind.h>

#define RED_ZONE 128
#define TOGGLES	 50
#define THREADS	 2
#define NMI_HZ	 1000
#define MOST	 2048 /* pairs of site and function */

extern char site[];
unsigned long counted, counted_other;

/* Below the stack pointer: a function that calls no other has a red zone. */
__attribute__((noipa)) long leaf(long a, long b)
{
	volatile long x = a, y = b;

	__asm__ __volatile__(".globl site\nsite: .byte 0x0f, 0x1f, 0x44, 0, 0" ::: "memory");
	return x * 1000 + y;
}

/* They preserve the flags, too. */
#define COUNTER(name, counter)                                                                     \
	__asm__(".text\n.globl " name "\n.type " name ", @function\n" name ":\n"                   \
		"	.cfi_startproc\n"                                                                \
		"	pushfq\n	.cfi_adjust_cfa_offset 8\n"                                             \
		"	lock incq " counter "(%rip)\n"                                             \
		"	popfq\n	.cfi_adjust_cfa_offset -8\n"                                             \
		"	ret\n	.cfi_endproc\n"                                                            \
		".size " name ", . - " name "\n")
COUNTER("count", "counted");
COUNTER("count_other", "counted_other");
void count(void);
void count_other(void);

static const unsigned long at = (unsigned long)site;

static unsigned long read_counter(void)
{
	return __atomic_load_n(&counted, __ATOMIC_RELAXED);
}

static int to_call(void)
{
	return ftrace_make_call_redzone(at, (unsigned long)count);
}

static int to_nop(void)
{
	return ftrace_make_nop(at, (unsigned long)count);
}

/* Of this call, how many were counted. */
static unsigned long call_leaf(void)
{
	unsigned long before = counted;

	CHECK_EQ(leaf(1, 2), 1002);
	return counted - before;
}

/* called */

static void in_child(void)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(call_leaf(), 1);
		CHECK_EQ(to_nop(), 0);
		CHECK_EQ(call_leaf(), 0);
		CHECK_EQ(to_call(), 0);
		CHECK_EQ(call_leaf(), 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* Several nops: a thread may be between two of them. */
static void several_nops(void)
{
	static const unsigned char nops[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0xc3};
	unsigned char *text = text_map(4096);
	int expected = by_stopping() ? 0 : -EOPNOTSUPP;

	memcpy(text, nops, sizeof(nops));
	text_seal(text, 4096);
	CHECK_EQ(ftrace_make_call_redzone((unsigned long)text, (unsigned long)count), expected);
	CHECK_EQ(memcmp(text, nops, 5) == 0, expected != 0);
	counted = 0;
	((void (*)(void))(uintptr_t)text)();
	CHECK_EQ(counted, expected == 0);
}

static void called(void)
{
	struct ftrace_patch patch = {.ip = at, .len = 5};
	unsigned char jump[5];
	long wrong;

	CHECK_EQ(call_leaf(), 0);
	CHECK_EQ(ftrace_make_call(at, (unsigned long)count), 0);
	wrong = leaf(1, 2);
	CHECK(wrong != 1002);
	CHECK_EQ(counted, 1);
	/* That is a call, which it is not taken for. */
	CHECK_EQ(to_call(), -EINVAL);
	CHECK_EQ(to_nop(), 0);

	CHECK_EQ(to_call(), 0);
	memcpy(jump, site, 5);
	CHECK_EQ(jump[0], 0xe9);
	CHECK_EQ(call_leaf(), 1);
	in_child();
	/* A change to another function goes through the nop. */
	CHECK_EQ(to_call(), -EINVAL);
	CHECK_EQ(ftrace_make_call_redzone(at, (unsigned long)count_other), -EINVAL);
	CHECK_EQ(ftrace_make_call(at, (unsigned long)count), -EINVAL);
	CHECK_EQ(ftrace_make_nop(at, (unsigned long)count_other), -EINVAL);
	CHECK_EQ(call_leaf(), 1);
	CHECK_EQ(to_nop(), 0);
	CHECK_EQ(call_leaf(), 0);
	CHECK_EQ(to_nop(), -EINVAL);
	CHECK_EQ(ftrace_make_call_redzone(at, (unsigned long)count_other), 0);
	CHECK_EQ(to_nop(), -EINVAL);
	CHECK_EQ(call_leaf(), 0);
	CHECK_EQ(counted_other, 1);
	CHECK_EQ(ftrace_make_nop(at, (unsigned long)count_other), 0);

	/* The stub is there again; and whoever has the bytes may write them. */
	CHECK_EQ(to_call(), 0);
	CHECK_EQ(memcmp(site, jump, 5), 0);
	CHECK_EQ(to_nop(), 0);
	memcpy(patch.old_code, site, 5);
	memcpy(patch.new_code, jump, 5);
	CHECK_EQ(change(&patch, 1), 0);
	CHECK_EQ(call_leaf(), 1);
	CHECK_EQ(to_nop(), 0);
	/* A site that calls the function directly is no other. */
	CHECK_EQ(ftrace_make_call(at, (unsigned long)count), 0);
	CHECK_EQ(to_nop(), 0);
	CHECK_EQ(call_leaf(), 0);
	several_nops();
}

/* load */

static atomic_bool finish;
static atomic_ulong wrong_results, calls, in_nmis;

static void run_leaf(long a, long b)
{
	if (leaf(a, b) != a * 1000 + b)
		wrong_results++;
	calls++;
}

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	run_leaf(3, 4);
	in_nmis++;
	ftrace_nmi_exit();
}

static void *run(void *arg)
{
	timer_t timer = thread_timer(SIGUSR1, NMI_HZ);

	for (long i = 0; !finish; i++)
		run_leaf(i, 5);
	CHECK_EQ(timer_delete(timer), 0);
	return arg;
}

/* Every thread runs what is there now, and NMIs do. */
static void let_them_run(void)
{
	unsigned long before = calls, nmis = in_nmis;

	WAIT_FOR(calls > before + 2 * THREADS && in_nmis > nmis);
}

static void load(void)
{
	pthread_t threads[THREADS];

	on_signal(SIGUSR1, on_nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(run, NULL);
	for (int i = 0; i < TOGGLES; i++) {
		unsigned long before;

		CHECK_EQ(to_call(), 0);
		CHECK_EQ(stats().last_method, way.method);
		before = read_counter();
		let_them_run();
		CHECK(read_counter() > before);
		CHECK_EQ(to_nop(), 0);
		CHECK_EQ(stats().last_method, way.method);
		/* Not even one that was in the stub calls much later. */
		let_them_run();
	}
	CHECK_EQ(wrong_results, 0);
	/* The control. */
	CHECK_EQ(ftrace_make_call(at, (unsigned long)count), 0);
	WAIT_FOR(wrong_results > 0);
	CHECK_EQ(to_nop(), 0);
	finish = true;
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
}

/* steps */

static unsigned long library;
static int step, wanted_step;
static bool inside;
static greg_t before_site[NGREG];
static char zone_before[RED_ZONE];
static atomic_bool in_place, go_on;

static bool in_library(unsigned long ip)
{
	Dl_info info;

	return dladdr((void *)ip, &info) && (unsigned long)info.dli_fbase == library;
}

static bool in_counter(unsigned long ip)
{
	return ip >= (unsigned long)count && ip < (unsigned long)count_other;
}

struct walk {
	unsigned long ip, back;
	int frames; /* from where the thread stands */
	bool done;
};

static _Unwind_Reason_Code see_frame(struct _Unwind_Context *context, void *arg)
{
	unsigned long ip = _Unwind_GetIP(context);
	struct walk *walk = arg;

	if (walk->frames == 0 && ip != walk->ip)
		return _URC_NO_REASON;
	walk->frames++;
	if (walk->back) {
		CHECK_EQ(ip, walk->back);
		walk->done = true;
		return _URC_NORMAL_STOP;
	}
	if (ip == at + 5 || ip == at) {
		/* As it was at the site. */
		CHECK_EQ(_Unwind_GetCFA(context), before_site[REG_RSP]);
		CHECK_EQ(_Unwind_GetGR(context, 3), before_site[REG_RBX]);
		CHECK_EQ(_Unwind_GetGR(context, 6), before_site[REG_RBP]);
		memcpy(&walk->back, (void *)before_site[REG_RSP], sizeof(walk->back));
		return _URC_NO_REASON;
	}
	CHECK(in_library(ip) || in_counter(ip));
	return _URC_NO_REASON;
}

static void check_unwinding(unsigned long ip)
{
	struct walk walk = {.ip = ip};

	_Unwind_Backtrace(see_frame, &walk);
	if (!walk.done)
		dprintf(2, "step %d: no way out of %#lx\n", step, ip);
	CHECK(walk.done);
	CHECK_EQ(walk.frames, in_counter(ip) ? 4 : ip == at ? 2 : 3);
}

static void check_same(const greg_t *regs)
{
	for (int i = 0; i < NGREG; i++) {
		if (i <= REG_RSP || i == REG_EFL)
			CHECK_EQ(regs[i], before_site[i]);
	}
	CHECK_EQ(memcmp((char *)regs[REG_RSP] - RED_ZONE, zone_before, RED_ZONE), 0);
}

static void on_trap(int signo, siginfo_t *info, void *data)
{
	greg_t *regs = ((ucontext_t *)data)->uc_mcontext.gregs;
	unsigned long ip = regs[REG_RIP];
	sigset_t trap;

	(void)signo, (void)info;
	if (ip == at) {
		inside = true;
		memcpy(before_site, regs, sizeof(before_site));
		memcpy(zone_before, (char *)regs[REG_RSP] - RED_ZONE, RED_ZONE);
	}
	if (ip == at + 5 && inside) {
		check_same(regs);
		inside = false;
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	}
	if (!inside)
		return;
	/* The stub near the site is one instruction, of no object. */
	if (ip == at || in_library(ip) || in_counter(ip))
		check_unwinding(ip);
	if (step++ != wanted_step)
		return;
	/* A breakpoint waits until no thread blocks it. */
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &trap, NULL), 0);
	in_place = true;
	WAIT_FOR(go_on);
}

static void *step_through(void *arg)
{
	unsigned long *count_of_this = arg, before = counted;

	step = 0;
	__asm__ __volatile__("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
	CHECK_EQ(leaf(1, 2), 1002);
	*count_of_this = counted - before;
	in_place = true;
	return NULL;
}

static unsigned long count_of_this;

/* Before its n-th instruction from the site on. */
static pthread_t start_standing(int n)
{
	pthread_t thread;

	wanted_step = n;
	in_place = go_on = false;
	thread = start(step_through, &count_of_this);
	WAIT_FOR(in_place);
	return thread;
}

/* Returns how many it executed. */
static int stand_at(int n, int changes)
{
	pthread_t thread = start_standing(n);

	for (int i = 0; i < changes; i++)
		CHECK_EQ(i % 2 ? to_call() : to_nop(), 0);
	go_on = true;
	join(thread);
	/* Where it went at the site it went on. */
	CHECK_EQ(count_of_this, n > 0 || changes % 2 == 0);
	if (changes % 2)
		CHECK_EQ(to_call(), 0);
	return step;
}

static void begin_steps(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	Dl_info info;

	CHECK(dladdr((void *)ftrace_version, &info));
	library = (unsigned long)info.dli_fbase;
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	CHECK_EQ(to_call(), 0);
}

static void steps(void)
{
	int all;

	begin_steps();
	all = stand_at(1, 0);
	/* The jump, the stub's, and four more; the function's four. */
	CHECK_EQ(all, 10);
	for (int n = 0; n < all; n++) {
		for (int changes = 1; changes <= 2; changes++)
			stand_at(n, changes);
	}
	CHECK_EQ(to_nop(), 0);
	CHECK_EQ(call_leaf(), 0);
}

/* check */

/* The way to what is there now: no address in it is on the stack before the call. */
static bool is_used(unsigned long begin, unsigned long end)
{
	int result = ftrace_check_stack(begin, end, 0);

	CHECK(result == 0 || result == -EBUSY);
	return result != 0;
}

static void check(void)
{
	unsigned long function = (unsigned long)count, other = (unsigned long)count_other;
	pthread_t thread;
	int all;

	begin_steps();
	all = stand_at(1, 0);
	for (int n = 1; n < all; n++) {
		thread = start_standing(n);
		/* It has jumped: the nop does not keep it from the call. */
		CHECK_EQ(to_nop(), 0);
		CHECK(is_used(function, other));
		CHECK(is_used(at, at + 6));
		CHECK(!is_used(other, other + 1));
		go_on = true;
		join(thread);
		CHECK(!is_used(function, other));
		CHECK_EQ(to_call(), 0);
	}
}

/* many */

static void many(void)
{
	unsigned char *text = text_map(16384);
	unsigned long last = (unsigned long)text + 8 * (MOST - 1);

	for (size_t i = 0; i < 16384; i += 8)
		memcpy(text + i, (unsigned char[]){0x0f, 0x1f, 0x44, 0, 0, 0xc3}, 6);
	text_seal(text, 16384);
	for (size_t i = 0; i < MOST; i++) {
		unsigned long ip = (unsigned long)text + 8 * i, before = counted;

		CHECK_EQ(ftrace_make_call_redzone(ip, (unsigned long)count), 0);
		((void (*)(void))ip)();
		CHECK_EQ(counted, before + 1);
	}
	CHECK_EQ(to_call(), -ENOSPC);
	CHECK_EQ(call_leaf(), 0);
	/* Those that there are work as before. */
	CHECK_EQ(ftrace_make_nop(last, (unsigned long)count), 0);
	CHECK_EQ(ftrace_make_call_redzone(last, (unsigned long)count_other), -ENOSPC);
	CHECK_EQ(ftrace_make_call_redzone(last, (unsigned long)count), 0);
	((void (*)(void))last)();
	CHECK_EQ(counted, MOST + 1);
}

/* gdb */

static void for_gdb(void)
{
	CHECK_EQ(to_call(), 0);
	CHECK_EQ(call_leaf(), 1);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"called", called}, {"load", load},   {"steps", steps}, {"check", check},
		{"many", many},	    {"gdb", for_gdb}, {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
