/* SPDX-License-Identifier: MIT */
/*
 * grace.c - who unregisters waits for handlers that run, in ordinary code and in nested
 * signal handlers declared as NMIs, however often it looks at them; and for no others.
 * Text is changed by breakpoints, so that threads are stopped for such looks only.
 *
 * grace handlers  unregistering returns when the last handler has ended
 * grace again     a thread ends one handler and begins another between two looks
 * grace over      a thread that has left its handler is not stopped for a look
 * grace ended     nor is one waited for that has ended in its handler, whatever the thread
 *                 before it does
 */
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "../ways.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOKS	4 /* stops: none of them may tell that the handler was left */
#define NESTING 5 /* more than have a mark of their own */

TRACED int tf(int x);
TRACED int tg(int x);
TRACED int th(int x);

TRACED int tf(int x)
{
	return x + 1;
}

TRACED int tg(int x)
{
	return x + 2;
}

TRACED int th(int x)
{
	return x + 3;
}

/* Ways to call a function: by the flags of its handler, in how many NMIs. */
static const struct calling {
	unsigned long flags;
	int nesting;
} callings[] = {
	{0, 0},
	{FTRACE_OPS_FL_SAVE_REGS, 0},
	{0, 1},
	{FTRACE_OPS_FL_SAVE_REGS, NESTING},
};

static const struct calling *calling;
static volatile int nested; /* raise() is said to call nothing here */
static void (*innermost)(void);

static void on_nmi(int signo)
{
	ftrace_nmi_enter();
	if (++nested < calling->nesting)
		CHECK_EQ(raise(signo), 0);
	else
		innermost();
	ftrace_nmi_exit();
}

static void *call(void *arg)
{
	CHECK_EQ(th(1), 4); /* the thread is known: its first call takes another way */
	nested = 0;
	if (calling->nesting)
		CHECK_EQ(raise(SIGUSR1), 0);
	else
		innermost();
	return arg;
}

/* The thread that unregisters. */
static atomic_int unregisterer;
static atomic_bool returned;

static void *unregister(void *arg)
{
	unregisterer = gettid();
	CHECK_EQ(ftrace_unregister_function(arg), 0);
	returned = true;
	return NULL;
}

static bool sleeps_a_little(pid_t tid)
{
	char path[64], text[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	read_proc(path, text);
	return atol(text) == SYS_nanosleep;
}

/* Until it waits for handlers, which is all that it still has to do; or has returned. */
static pthread_t start_unregister(struct ftrace_ops *ops)
{
	struct ftrace_ops other = OPS(count_hit);
	pthread_t thread;

	unregisterer = 0;
	returned = false;
	thread = start(unregister, ops);
	WAIT_FOR(*(volatile unsigned char *)tf != 0xe8);
	/* It has the lock that this takes until the text is changed. */
	CHECK_EQ(filter(&other, "tg"), 0);
	CHECK_EQ(ftrace_free_filter(&other), 0);
	WAIT_FOR(returned || sleeps_a_little(unregisterer));
	return thread;
}

static void in_each_way(void (*run)(void))
{
	static unsigned long known;
	static struct ftrace_ops always = OPS(count_hit, .data = &known);

	way.method = FTRACE_METHOD_BREAKPOINT;
	CHECK_EQ(ftrace_set_patch_opts(&way), 0);
	on_signal(SIGUSR1, on_nmi, SA_NODEFER);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	trace(&always, "th");
	for (size_t i = 0; i < sizeof(callings) / sizeof(*callings); i++) {
		calling = callings + i;
		run();
	}
}

/* handlers */

static atomic_bool inside, go_on;

static void waits(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	inside = true;
	WAIT_FOR(go_on);
	CHECK(!returned);
	inside = false;
}

static void call_tf(void)
{
	CHECK_EQ(tf(1), 2);
}

static void wait_for_handler(void)
{
	struct ftrace_ops ops = OPS(waits, .flags = calling->flags);
	pthread_t thread, other;
	uint64_t looks;

	go_on = false;
	innermost = call_tf;
	trace(&ops, "tf");
	thread = start(call, NULL);
	WAIT_FOR(inside);
	other = start_unregister(&ops);
	looks = stats().stops + LOOKS;
	WAIT_FOR(returned || stats().stops >= looks);
	CHECK(!returned);
	go_on = true;
	join(thread);
	join(other);
	CHECK(!inside);
}

static void handlers(void)
{
	in_each_way(wait_for_handler);
}

/* again */

static atomic_int entered, allowed;
static atomic_bool looks_away;

static void waits_in_turn(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  struct ftrace_regs *regs)
{
	int turn = ++entered;

	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	WAIT_FOR(allowed >= turn);
}

static void call_tg_twice(void)
{
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(tg(1), 3);
}

static void look_away(int signo)
{
	(void)signo;
	looks_away = true;
	WAIT_FOR(entered == 2);
}

static void begin_again(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	struct ftrace_ops busy = OPS(waits_in_turn, .flags = calling->flags);
	pthread_t thread, other;
	uint64_t looks;

	entered = allowed = 0;
	looks_away = false;
	innermost = call_tg_twice;
	trace(&ops, "tf");
	trace(&busy, "tg");
	thread = start(call, NULL);
	WAIT_FOR(entered == 1);
	other = start_unregister(&ops);
	CHECK(!returned);
	send_signal(unregisterer, SIGUSR2);
	WAIT_FOR(looks_away);
	allowed = 1;
	WAIT_FOR(entered == 2);
	/* It was in no handler in between, so in none from before. */
	looks = stats().stops + LOOKS;
	WAIT_FOR(returned || stats().stops >= looks);
	CHECK(returned);
	allowed = 2;
	join(thread);
	join(other);
	untrace(&busy);
	CHECK_EQ(hits, 0);
}

static void again(void)
{
	on_signal(SIGUSR2, look_away, 0);
	in_each_way(begin_again);
}

/* over */

static atomic_bool ended;

/* What the call leaves below the stack pointer stays as it is. */
static __attribute__((noipa)) void call_tg_and_spin(void)
{
	tg(1);
	ended = true;
	while (!go_on)
		__builtin_ia32_pause();
}

static void leave_handler(void)
{
	unsigned long hits[2] = {0};
	struct ftrace_ops ops = OPS(count_hit, .data = hits);
	struct ftrace_ops other = OPS(count_hit, .data = hits + 1, .flags = calling->flags);
	pthread_t thread;
	uint64_t stops;

	ended = go_on = false;
	innermost = call_tg_and_spin;
	trace(&ops, "tf");
	trace(&other, "tg");
	thread = start(call, NULL);
	WAIT_FOR(ended);
	stops = stats().stops;
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	CHECK_EQ(stats().stops, stops);
	go_on = true;
	join(thread);
	untrace(&other);
	CHECK_EQ(hits[1], 1);
}

static void over(void)
{
	in_each_way(leave_handler);
}

/* ended */

static atomic_bool first_known, second_known, first_nested;

static void call_once(void)
{
	CHECK_EQ(th(1), 4);
}

/* Its marks are in a record that the one of the other thread follows. */
static void *first(void *arg)
{
	call_once();
	first_known = true;
	WAIT_FOR(second_known);
	call(NULL);
	first_nested = true;
	WAIT_FOR(returned);
	return arg;
}

static void *second(void *arg)
{
	call_once();
	second_known = true;
	WAIT_FOR(first_nested);
	CHECK_EQ(tf(1), 2);
	return arg;
}

static void ends(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	syscall(SYS_exit, 0);
}

static void end_inside(void)
{
	struct ftrace_ops ops = OPS(ends);
	pthread_t thread;

	first_known = second_known = first_nested = returned = false;
	innermost = call_once;
	trace(&ops, "tf");
	thread = start(first, NULL);
	WAIT_FOR(first_known);
	start(second, NULL);
	WAIT_FOR(first_nested);
	WAIT_FOR(thread_count() <= 2);
	CHECK_EQ(ftrace_unregister_function(&ops), 0);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	returned = true;
	join(thread);
}

static void ended_inside(void)
{
	in_each_way(end_inside);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"handlers", handlers},
					    {"again", again},
					    {"over", over},
					    {"ended", ended_inside},
					    {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
