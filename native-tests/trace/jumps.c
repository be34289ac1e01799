/* SPDX-License-Identifier: MIT */
/*
 * jumps.c - signal handlers of the program that leave by siglongjmp(), or go on on
 * another stack, whatever they interrupt: a traced call at each of its instructions,
 * a handler of one, a bracketed handler, a call of the library. The thread is traced
 * again, its calls are executed, and nobody waits for it for ever; but for a handler that is
 * still there everybody does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../traced.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

#define NO_VECS FTRACE_OPS_FL_NO_VECTORS
#define REGS	FTRACE_OPS_FL_SAVE_REGS
#define STACK	65536
#define SOON_NS 10000000000ULL /* for what takes milliseconds */

TRACED int tf(int x);

TRACED int tf(int x)
{
	return x + 1;
}

static __attribute__((noipa)) int tf_deeper(void)
{
	volatile char room[512];
	int value;

	memset((void *)room, 0, sizeof(room));
	value = tf(1);
	room[0] = value;
	return value;
}

static unsigned long hits;
static struct ftrace_ops counting = OPS(count_hit, .data = &hits);

/* Each call is traced, from wherever on the stack it comes. */
static void check_traced(void)
{
	unsigned long before = hits;

	CHECK_EQ(tf(1), 2);
	CHECK_EQ(tf_deeper(), 2);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits, before + 3);
}

/* Another thread takes a handler away, and puts it back; in time. */
static int unregistered;
static uint64_t took;

static void *unregister_and_back(void *arg)
{
	uint64_t began = now_ns();

	unregistered = ftrace_unregister_function(arg);
	took = now_ns() - began;
	CHECK_EQ(ftrace_register_function(arg), 0);
	return NULL;
}

static void check_unregister(struct ftrace_ops *ops)
{
	join(start(unregister_and_back, ops));
	CHECK_EQ(unregistered, 0);
	CHECK(took < SOON_NS);
}

/* The same while this thread is where it is. */
static int gone;

static void *unregister(void *arg)
{
	unregistered = ftrace_unregister_function(arg);
	__atomic_store_n(&gone, 1, __ATOMIC_RELEASE);
	return NULL;
}

static bool is_gone(void)
{
	return __atomic_load_n(&gone, __ATOMIC_ACQUIRE);
}

/* Nobody may say that a handler runs no more while it does. Many looks at the thread later. */
static void check_waits(void)
{
	for (uint64_t end = now_ns() + 120000000ULL; now_ns() < end;) {
		CHECK(!is_gone());
		sched_yield();
	}
}

static sigjmp_buf out;

static void leave(int signo)
{
	(void)signo;
	siglongjmp(out, 1);
}

/* At the nth instruction of a traced call. */
static int step, leave_at;

static bool step_and_leave(void)
{
	if (++step == leave_at)
		siglongjmp(out, 1);
	return step > 0;
}

static __attribute__((noipa)) void step_call(bool deeper)
{
	CHECK_EQ(raise(SIGUSR1), 0);
	if (deeper)
		tf_deeper();
	else
		tf(1);
	step = -1000000;
}

static void leave_everywhere(struct ftrace_ops *ops, int each)
{
	volatile bool done = false;
	volatile int n = 1;

	trace(ops, "tf");
	step_from(SIGUSR1, step_and_leave);
	for (; !done; n++) {
		unsigned long before;

		step = 0;
		leave_at = n;
		if (sigsetjmp(out, 1) == 0) {
			step_call(n % 2);
			done = true;
		}
		/* Now and then nobody has come to a call since. */
		if (n % each == 0)
			check_unregister(ops);
		before = hits;
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(hits, before + 1);
		CHECK_EQ(tf_deeper(), 2);
		CHECK_EQ(hits, before + 2);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK(n < 5000);
	}
	CHECK(n > 60);
	dprintf(1, "%d instructions\n", n);
	check_unregister(ops);
	untrace(ops);
}

static void called(void)
{
	struct ftrace_ops kinds[] = {OPS(count_hit, .data = &hits),
				     OPS(count_hit, .data = &hits, .flags = NO_VECS),
				     OPS(count_hit, .data = &hits, .flags = REGS),
				     OPS(count_hit, .data = &hits, .flags = REGS | NO_VECS)};

	for (int i = 0; i < 4; i++)
		leave_everywhere(kinds + i, 10);
}

/* A thread leaves a handler, and then goes nowhere near a traced function. */
static int in_handler, go_on;

static void stays(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
	if (__atomic_load_n(&go_on, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&in_handler, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
}

static __attribute__((noipa)) void sit(void)
{
	WAIT_FOR(is_gone());
}

static __attribute__((noipa)) void sit_deeper(void)
{
	volatile char room[1024];

	memset((void *)room, 1, sizeof(room));
	WAIT_FOR(is_gone());
	CHECK_EQ(room[5], 1);
}

static __attribute__((noipa)) void sit_asleep(void)
{
	while (!is_gone())
		usleep(100000);
}

static __attribute__((noipa)) int call_deep(int depth)
{
	volatile char room[128];

	room[0] = depth;
	return depth ? call_deep(depth - 1) + room[0] - depth : tf(1);
}

static void (*volatile sit_down)(void);
static volatile int depth_of_call;

static void *leaves_and_sits(void *arg)
{
	hits = 0;
	if (sigsetjmp(out, 1) == 0)
		call_deep(depth_of_call);
	/* Out of the handler: it is not marked as being in one. */
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	sit_down();
	CHECK_EQ(ftrace_register_function(arg), 0);
	check_traced();
	check_unregister(arg);
	check_traced();
	return NULL;
}

static void handled(void)
{
	static void (*const places[])(void) = {sit, sit_deeper, sit_asleep};
	static const unsigned long flags[] = {0, NO_VECS, REGS};

	on_signal(SIGUSR2, leave, 0);
	for (int i = 0; i < 3 * 3 * 3; i++) {
		struct ftrace_ops ops = OPS(stays, .flags = flags[i / 9]);
		uint64_t began;
		pthread_t thread;

		sit_down = places[i % 3];
		depth_of_call = i / 3 % 3 * 20;
		in_handler = go_on = gone = 0;
		trace(&ops, "tf");
		thread = start(leaves_and_sits, &ops);
		WAIT_FOR(__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
		CHECK_EQ(pthread_kill(thread, SIGUSR2), 0);
		WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
		began = now_ns();
		unregister(&ops);
		CHECK_EQ(unregistered, 0);
		CHECK(now_ns() - began < SOON_NS);
		join(thread);
		untrace(&ops);
	}
}

/* A handler that is interrupted, with another stack for the signal handler: it is there still. */
static struct ftrace_ops *waited_for;
static bool leaves;

static void on_other_stack(int signo)
{
	unsigned long before = hits;
	pthread_t thread;

	(void)signo;
	/* What it calls is called on top of a trace handler. */
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(tf_deeper(), 2);
	CHECK_EQ(hits, before);
	CHECK_EQ(ftrace_update_sites(), -EDEADLK);
	gone = 0;
	thread = start(unregister, waited_for);
	CHECK_EQ(pthread_detach(thread), 0);
	check_waits();
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits, before);
	if (leaves)
		siglongjmp(out, 1);
}

static void raises(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	hits++;
	if (go_on)
		return;
	go_on = 1;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(!is_gone());
}

static void *with_other_stack(void *arg)
{
	char inside[STACK];
	struct ftrace_ops *ops = arg;
	stack_t stack = {.ss_size = STACK}, none = {.ss_flags = SS_DISABLE};
	char *outside =
		mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(outside != MAP_FAILED);
	for (int i = 0; i < 16; i++) {
		stack.ss_sp = i % 2 ? inside : outside;
		stack.ss_flags = i & 2 ? (int)SS_AUTODISARM : 0;
		leaves = i & 4;
		ops->flags = i & 8 ? REGS : 0;
		CHECK_EQ(sigaltstack(&stack, NULL), 0);
		trace(ops, "tf");
		waited_for = ops;
		go_on = gone = 0;
		if (sigsetjmp(out, 1) == 0)
			tf(1);
		WAIT_FOR(is_gone());
		CHECK_EQ(unregistered, 0);
		CHECK_EQ(ftrace_register_function(ops), 0);
		check_traced();
		check_unregister(ops);
		untrace(ops);
		CHECK_EQ(sigaltstack(&none, NULL), 0);
	}
	CHECK_EQ(munmap(outside, STACK), 0);
	return NULL;
}

static void altstack(void)
{
	struct ftrace_ops ops = OPS(raises);

	on_signal(SIGUSR1, on_other_stack, SA_ONSTACK);
	with_other_stack(&ops);
	join(start(with_other_stack, &ops));
}

/*
 * Signal handlers that go on on another stack in the middle of a trace handler: for
 * a while, for good, and to have another thread go on where it was.
 */
static ucontext_t here, there;

static void to_other(int signo)
{
	(void)signo;
	CHECK_EQ(swapcontext(&there, &here), 0);
}

static void calls_once(void)
{
	CHECK_EQ(tf(1), 2);
}

static char *new_stack(void)
{
	char *stack = mmap(NULL, STACK + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stack != MAP_FAILED);
	CHECK_EQ(mprotect(stack + 4096, STACK, PROT_READ | PROT_WRITE), 0);
	return stack;
}

static void prepare_context(char *stack, void (*fn)(void))
{
	CHECK_EQ(getcontext(&there), 0);
	there.uc_stack.ss_sp = stack + 4096;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &here;
	makecontext(&there, fn, 0);
}

static void *resume(void *arg)
{
	CHECK_EQ(swapcontext(&here, &there), 0);
	return arg;
}

enum { BACK, OTHER_THREAD, FOR_GOOD, WAYS_ON };

static void *on_other_context(void *arg)
{
	struct ftrace_ops *ops = arg;

	for (int way = 0; way < WAYS_ON * 2 - 1; way++) {
		char *stack = new_stack();
		pthread_t thread;

		ops->flags = way / WAYS_ON ? REGS : 0;
		trace(ops, "tf");
		hits = go_on = gone = 0;
		prepare_context(stack, calls_once);
		CHECK_EQ(swapcontext(&here, &there), 0);
		CHECK_EQ(hits, 1);
		check_traced();
		CHECK_EQ(ftrace_update_sites(), 0);
		check_traced();
		thread = start(unregister, ops);
		check_waits();
		switch (way % WAYS_ON) {
		case BACK:
			resume(NULL);
			break;
		case OTHER_THREAD:
			join(start(resume, NULL));
			break;
		case FOR_GOOD:
			WAIT_FOR(is_gone());
			CHECK_EQ(unregistered, -ETIMEDOUT);
			CHECK_EQ(munmap(stack, STACK + 8192), 0);
			unregistered = ftrace_update_sites();
			break;
		}
		join(thread);
		CHECK_EQ(unregistered, 0);
		CHECK_EQ(ftrace_register_function(ops), 0);
		check_traced();
		check_unregister(ops);
		check_traced();
		untrace(ops);
		if (way % WAYS_ON != FOR_GOOD)
			CHECK_EQ(munmap(stack, STACK + 8192), 0);
	}
	return NULL;
}

/* The other way round: the thread's own stack is what the signal handler goes away from. */
static struct ftrace_ops *contexts_ops;
static pthread_t contexts_thread;

static void calls_traced(void)
{
	check_traced();
	contexts_thread = start(unregister, contexts_ops);
	check_waits();
	CHECK_EQ(setcontext(&there), 0);
}

static void to_new(int signo)
{
	static ucontext_t new;
	char *stack = new_stack();

	(void)signo;
	CHECK_EQ(getcontext(&new), 0);
	new.uc_stack.ss_sp = stack + 4096;
	new.uc_stack.ss_size = STACK;
	makecontext(&new, calls_traced, 0);
	CHECK_EQ(swapcontext(&there, &new), 0);
	CHECK(!is_gone());
}

static void *from_own_stack(void *arg)
{
	for (int i = 0; i < 4; i++) {
		contexts_ops = arg;
		contexts_ops->flags = i % 2 ? REGS : 0;
		go_on = gone = 0;
		trace(arg, "tf");
		CHECK_EQ(tf(1), 2);
		join(contexts_thread);
		CHECK_EQ(unregistered, 0);
		CHECK_EQ(ftrace_register_function(arg), 0);
		check_traced();
		check_unregister(arg);
		untrace(arg);
	}
	return NULL;
}

static void contexts(void)
{
	struct ftrace_ops ops = OPS(raises);

	on_signal(SIGUSR1, to_other, SA_NODEFER);
	on_other_context(&ops);
	join(start(on_other_context, &ops));
	on_signal(SIGUSR1, to_new, SA_NODEFER);
	from_own_stack(&ops);
	join(start(from_own_stack, &ops));
}

/* Brackets that are never closed. */
static unsigned char *function;
static volatile int bracket_calls;
static volatile bool in_nmi;

static void bracketed(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	if (bracket_calls)
		CHECK_EQ(tf(1), 2);
	if (in_nmi) {
		__atomic_store_n(&in_handler, 1, __ATOMIC_RELEASE);
		WAIT_FOR(false);
	}
	CHECK_EQ(raise(SIGUSR2), 0);
}

static void leave_brackets(int count)
{
	for (volatile int i = 0; i < count; i++)
		if (sigsetjmp(out, 1) == 0)
			CHECK_EQ(raise(SIGUSR1), 0);
}

static void check_calls(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};

	CHECK_EQ(ftrace_get_stats(&stats), 0);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	toggle_twice(function);
}

static void *leaves_brackets(void *arg)
{
	static const int counts[] = {1, 2, 62, 63, 64, 65, 1000};

	for (size_t i = 0; i < 2 * sizeof(counts) / sizeof(*counts); i++) {
		bracket_calls = i % 2;
		leave_brackets(counts[i / 2]);
		check_calls();
		check_traced();
		check_unregister(&counting);
	}
	/* Traced calls alone put it right, in time. */
	leave_brackets(3);
	for (int i = 0; i < 3000; i++)
		check_traced();
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	return arg;
}

/* Announced, and the thread does nothing more: others modify code all the same. */
static int patched;

static void *leaves_announced(void *arg)
{
	volatile int i = 0;

	for (; i < 3; i++) {
		if (sigsetjmp(out, 1) == 0) {
			in_nmi = true;
			CHECK_EQ(raise(SIGUSR1), 0);
		}
		CHECK_EQ(ftrace_nmi_thread.saved & 3, 3);
		in_nmi = false;
	}
	CHECK_EQ(ftrace_nmi_thread.saved, 15);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&patched, __ATOMIC_ACQUIRE));
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	check_calls();
	check_traced();
	return arg;
}

static void announced(void)
{
	pthread_t thread;

	for (int round = 0; round < 5; round++) {
		uint64_t began;

		go_on = patched = in_handler = 0;
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		thread = start(leaves_announced, NULL);
		while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE)) {
			if (__atomic_exchange_n(&in_handler, 0, __ATOMIC_ACQ_REL))
				CHECK_EQ(pthread_kill(thread, SIGUSR2), 0);
			sched_yield();
		}
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		began = now_ns();
		toggle_twice(function);
		CHECK(now_ns() - began < SOON_NS);
		__atomic_store_n(&patched, 1, __ATOMIC_RELEASE);
		join(thread);
	}
}

static void brackets(void)
{
	function = new_function();
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	on_signal(SIGUSR1, bracketed, SA_NODEFER);
	on_signal(SIGUSR2, leave, 0);
	trace(&counting, "tf");
	leaves_brackets(NULL);
	join(start(leaves_brackets, NULL));
	announced();
	untrace(&counting);
}

/* Within a bracketed handler over a handler that it came to. */
static sigjmp_buf out_of_probe;

static void leave_probe(int signo)
{
	(void)signo;
	siglongjmp(out_of_probe, 1);
}

static void probe(int signo)
{
	unsigned long before = hits;

	(void)signo;
	ftrace_nmi_enter();
	go_on = 0;
	if (sigsetjmp(out_of_probe, 1) == 0)
		tf(1);
	CHECK_EQ(go_on, 1);
	CHECK_EQ(hits, before + 1);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits, before + 2);
	ftrace_nmi_exit();
}

static void in_brackets(void)
{
	struct ftrace_ops ops = OPS(raises);

	on_signal(SIGUSR1, leave_probe, 0);
	on_signal(SIGUSR2, probe, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR2), 0);
	trace(&ops, "tf");
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(raise(SIGUSR2), 0);
		check_traced();
	}
	check_unregister(&ops);
	untrace(&ops);
}

/* Calls of the library: at the end of a window, while it waits for a handler, and wherever. */
static int pend_in_window(void *data)
{
	/* Blocked until the window is closed, and then in the library. */
	CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2), 0);
	return *(int *)data;
}

static void *any_call(void *arg)
{
	struct ftrace_ops ops = OPS(count_hit, .data = arg);

	toggle_twice(function);
	trace(&ops, "tf");
	untrace(&ops);
	return NULL;
}

static void leave_window(void)
{
	unsigned long ignored;
	int zero = 0;

	for (volatile int i = 0; i < 100; i++) {
		if (sigsetjmp(out, 1) == 0) {
			ftrace_stop_machine(pend_in_window, &zero);
			CHECK(!"left");
		}
		check_calls();
		any_call(&ignored);
		join(start(any_call, &ignored));
	}
}

static pid_t waiting;

static void *leave_wait(void *arg)
{
	__atomic_store_n(&waiting, gettid(), __ATOMIC_RELEASE);
	if (sigsetjmp(out, 1) == 0) {
		ftrace_unregister_function(arg);
		CHECK(!"left");
	}
	toggle_twice(function);
	/* The other one is in the handler still. */
	CHECK_EQ(ftrace_register_function(arg), 0);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	check_traced();
	check_unregister(arg);
	return NULL;
}

static void *call_once(void *arg)
{
	calls_once();
	return arg;
}

static void leave_waits(void)
{
	struct ftrace_ops ops = OPS(stays);
	pthread_t in, waiter;

	for (int i = 0; i < 10; i++) {
		in_handler = go_on = waiting = 0;
		trace(&ops, "tf");
		in = start(call_once, NULL);
		WAIT_FOR(__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
		waiter = start(leave_wait, &ops);
		WAIT_FOR(__atomic_load_n(&waiting, __ATOMIC_ACQUIRE));
		WAIT_FOR(*(volatile unsigned char *)tf != 0xe8);
		for (int j = 0; j < 3; j++)
			WAIT_FOR(asleep(waiting));
		CHECK_EQ(pthread_kill(waiter, SIGUSR2), 0);
		join(waiter);
		join(in);
		untrace(&ops);
	}
}

/* A handler with a timer, that leaves wherever it comes. */
static volatile bool armed;
static volatile unsigned long left;

static void leave_if_armed(int signo)
{
	(void)signo;
	if (armed) {
		armed = false;
		siglongjmp(out, 1);
	}
}

static void *leave_anywhere(void *arg)
{
	struct ftrace_ops ops = OPS(count_hit, .data = arg);
	uint64_t end = now_ns() + 3000000000ULL;
	timer_t timer = thread_timer(SIGALRM, 2000);

	while (now_ns() < end || left < 300) {
		if (sigsetjmp(out, 1)) {
			left++;
		} else {
			armed = true;
			for (;;) {
				ftrace_set_filter(&ops, "tf", 0, 1);
				ftrace_register_function(&ops);
				tf(1);
				set_value(function, VALUE_A, VALUE_A);
				ftrace_unregister_function(&ops);
			}
		}
		CHECK_EQ(call_function(function), VALUE_A);
		CHECK_EQ(ftrace_set_filter(&ops, "tf", 0, 1), 0);
		ftrace_unregister_function(&ops);
	}
	CHECK_EQ(timer_delete(timer), 0);
	check_calls();
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	return NULL;
}

static void calls(void)
{
	unsigned long ignored = 0;

	function = new_function();
	on_signal(SIGUSR2, leave, 0);
	leave_window();
	leave_waits();
	on_signal(SIGALRM, leave_if_armed, 0);
	join(start(leave_anywhere, &ignored));
	dprintf(1, "left %lu calls\n", left);
	any_call(&ignored);
	check_calls();
	CHECK_EQ(stats().gc_collections, 0);
}

/*
 * A thread that may be in a handler for all that can be seen: the rest of it is in
 * a frame that nobody has written to. It is waited for, but not for ever.
 */
static __attribute__((noipa)) void sit_above_rest(void)
{
	volatile char room[65536];

	__asm__ __volatile__("" ::"r"(room));
	WAIT_FOR(is_gone());
}

static void *leaves_and_sits_above(void *arg)
{
	hits = 0;
	if (sigsetjmp(out, 1) == 0)
		call_deep(300);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	sit_above_rest();
	check_traced();
	return arg;
}

static void doubt(void)
{
	struct ftrace_ops ops = OPS(stays);
	pthread_t thread;
	uint64_t began;

	on_signal(SIGUSR2, leave, 0);
	trace(&ops, "tf");
	thread = start(leaves_and_sits_above, NULL);
	WAIT_FOR(__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
	CHECK_EQ(pthread_kill(thread, SIGUSR2), 0);
	WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
	CHECK_EQ(ftrace_register_function(&counting), 0);
	began = now_ns();
	unregister(&ops);
	CHECK_EQ(unregistered, -ETIMEDOUT);
	CHECK(now_ns() - began >= 30000000000ULL);
	join(thread);
	CHECK_EQ(ftrace_update_sites(), 0);
	check_unregister(&counting);
	untrace(&counting);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"called", called},	{"handled", handled},	{"altstack", altstack},
		{"contexts", contexts}, {"brackets", brackets}, {"in-brackets", in_brackets},
		{"calls", calls},	{"doubt", doubt},	{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
