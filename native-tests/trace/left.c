/* SPDX-License-Identifier: MIT */
/*
 * left.c - handlers that are left by what ends a thread, and by exceptions, although
 * ftrace/trace.h says that they must not be. The thread's mark goes: its calls are traced,
 * and who unregisters does not wait for it, nor does who stops threads.
 *
 * left deferred      cancellation acts at a cancellation point of the handler
 * left asynchronous  cancellation acts somewhere in the handler
 * left exit          the handler calls pthread_exit()
 * left exception     the handler throws, and a caller of the traced function catches
 * left quiet         the same, and the thread makes no traced call any more
 * left each          asynchronous cancellation, at each instruction of a traced call
 * left anywhere      the same at any of many, and of a thread's first one
 * left calls         the same in calls of the library
 * left waiting       the same in one that waits for a handler
 * left terminated    where the traced function has objects to destroy, the C++ runtime ends the
 *                    process: it knows of no call at the function's first instruction
 */
#include "../modes.h"
#include "../stop.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "hold.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROUNDS	   100
#define EXIT_VALUE ((void *)4711)

TRACED int tf(int x);
TRACED int tg(int x);

TRACED int tf(int x)
{
	return x + 1;
}

TRACED int tg(int x)
{
	return x + 2;
}

/* left_cxx.cpp. The first two call tf(). */
void call_with_object(void);
int call_and_catch(void);
void throw_value(void);
int with_object(int x);
void object_destroyed(void);

static atomic_bool inside, go_on, returned;
static atomic_int rounds;
static unsigned long hits;
static int destroyed, cleaned, caught;
static enum way_out { DEFERRED, ASYNCHRONOUS, EXIT, EXCEPTION, QUIET } way_out;

/* They run while the thread leaves the handler, and are traced. */
void object_destroyed(void)
{
	CHECK_EQ(tg(1), 3);
	destroyed++;
}

static void clean(void *arg)
{
	(void)arg;
	CHECK_EQ(tg(1), 3);
	cleaned++;
}

static void leave(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	inside = true;
	if (way_out == ASYNCHRONOUS) {
		for (;;)
			__asm__ __volatile__("pause");
	}
	WAIT_FOR(go_on);
	if (way_out == DEFERRED)
		pthread_testcancel();
	else if (way_out == EXIT)
		pthread_exit(EXIT_VALUE);
	else
		throw_value();
	CHECK(!"left");
}

static void *run(void *arg)
{
	CHECK_EQ(tg(1), 3);
	if (way_out == ASYNCHRONOUS)
		CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
	pthread_cleanup_push(clean, NULL);
	if (way_out < EXCEPTION) {
		call_with_object();
		CHECK(!"left");
	}
	caught = call_and_catch();
	if (way_out == QUIET)
		WAIT_FOR(returned);
	pthread_cleanup_pop(1);
	return arg;
}

static void *unregister(void *arg)
{
	CHECK_EQ(ftrace_unregister_function(arg), 0);
	returned = true;
	return NULL;
}

static bool is_traced(void)
{
	return *(volatile unsigned char *)tf == 0xe8;
}

static void join_cancelled(pthread_t thread)
{
	void *value;

	CHECK_EQ(pthread_join(thread, &value), 0);
	CHECK(value == PTHREAD_CANCELED);
}

/* Nothing is left behind: others are stopped, and traced. */
static void check_usable(void)
{
	unsigned long now = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &now);

	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	trace(&ops, "tf");
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(now, 1);
	untrace(&ops);
}

static void leave_once(unsigned long flags)
{
	struct ftrace_ops ops = OPS(leave, .flags = flags);
	pthread_t thread, other;

	inside = go_on = returned = false;
	destroyed = cleaned = caught = hits = 0;
	trace(&ops, "tf");
	thread = start(run, NULL);
	WAIT_FOR(inside);
	other = start(unregister, &ops);
	WAIT_FOR(!is_traced());
	CHECK(!returned);
	if (way_out <= ASYNCHRONOUS)
		CHECK_EQ(pthread_cancel(thread), 0);
	go_on = true;
	if (way_out <= ASYNCHRONOUS) {
		join_cancelled(thread);
	} else {
		void *value;

		CHECK_EQ(pthread_join(thread, &value), 0);
		CHECK(value == (way_out == EXIT ? EXIT_VALUE : NULL));
	}
	join(other);
	CHECK_EQ(destroyed, 1);
	CHECK_EQ(cleaned, 1);
	CHECK_EQ(caught, way_out >= EXCEPTION);
	/* At first, in the destructor, and in the cleanup handler. */
	CHECK_EQ(hits, 3);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	check_usable();
}

static void leave_by(enum way_out way)
{
	static struct ftrace_ops always = OPS(count_hit, .data = &hits);

	way_out = way;
	trace(&always, "tg");
	leave_once(0);
	leave_once(FTRACE_OPS_FL_NO_VECTORS);
	leave_once(FTRACE_OPS_FL_SAVE_REGS);
	untrace(&always);
}

static void deferred(void)
{
	leave_by(DEFERRED);
}

static void asynchronous(void)
{
	leave_by(ASYNCHRONOUS);
}

static void exits(void)
{
	leave_by(EXIT);
}

static void exception(void)
{
	leave_by(EXCEPTION);
}

static void quiet(void)
{
	leave_by(QUIET);
}

static atomic_bool called;

/* No objects here: the C++ runtime would look for a call at this instruction. */
static void *call_held(void *arg)
{
	CHECK_EQ(tf(1), 2); /* the thread is known: its first call takes another way */
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
	hold_begin();
	tf(1);
	called = true;
	WAIT_FOR(held);
	return arg;
}

/* False if the call was over before the instruction came. */
static bool cancel_at(int instruction, unsigned long flags)
{
	struct ftrace_ops ops = OPS(count_hit, .flags = flags, .data = &hits);
	pthread_t thread;
	bool over;

	hold_at = instruction;
	held = let_go = 0;
	called = false;
	trace(&ops, "tf");
	thread = start(call_held, NULL);
	WAIT_FOR(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
	over = called;
	if (over) {
		__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
		join(thread);
	} else {
		CHECK_EQ(pthread_cancel(thread), 0);
		join_cancelled(thread);
	}
	untrace(&ops);
	check_usable();
	return !over;
}

static void each(void)
{
	hold_init();
	for (unsigned long flags = 0; flags < 4; flags++) {
		int instruction = 0;

		while (cancel_at(instruction, flags))
			instruction++;
		CHECK(instruction > 40); /* what saves and restores registers, at least */
	}
}

/* Each round begins with a thread's first call, which takes another way. */
static void *call_forever(void *arg)
{
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
	for (;; rounds++)
		tf(1);
	return arg;
}

static void anywhere(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ftrace_ops ops = OPS(count_hit, .flags = round % 4, .data = &hits);
		pthread_t thread;

		rounds = 0;
		trace(&ops, "tf");
		thread = start(call_forever, NULL);
		WAIT_FOR(rounds >= round % 8);
		CHECK_EQ(pthread_cancel(thread), 0);
		join_cancelled(thread);
		untrace(&ops);
	}
	check_usable();
}

static void *register_forever(void *arg)
{
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
	for (;; rounds++) {
		ftrace_register_function(arg);
		ftrace_unregister_function(arg);
	}
	return NULL;
}

static void calls(void)
{
	static struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	for (int round = 0; round < ROUNDS; round++) {
		pthread_t thread;

		rounds = 0;
		thread = start(register_forever, &ops);
		WAIT_FOR(rounds >= round % 8);
		CHECK_EQ(pthread_cancel(thread), 0);
		join_cancelled(thread);
		check_usable();
	}
}

static void stay(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	inside = true;
	WAIT_FOR(go_on);
}

static void *call_once(void *arg)
{
	CHECK_EQ(tf(1), 2);
	return arg;
}

static void *unregister_forever(void *arg)
{
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
	ftrace_unregister_function(arg);
	CHECK(!"left");
	return NULL;
}

static void waiting(void)
{
	struct ftrace_ops ops = OPS(stay);
	pthread_t thread, other;

	inside = go_on = false;
	trace(&ops, "tf");
	thread = start(call_once, NULL);
	WAIT_FOR(inside);
	other = start(unregister_forever, &ops);
	WAIT_FOR(!is_traced());
	CHECK_EQ(pthread_cancel(other), 0);
	join_cancelled(other);
	/* It has taken effect, and its result is lost. */
	CHECK_EQ(ftrace_unregister_function(&ops), -ENOENT);
	go_on = true;
	join(thread);
	CHECK_EQ(ftrace_update_sites(), 0);
	check_usable();
}

static void throws(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	throw_value();
}

static void terminated(void)
{
	struct ftrace_ops ops = OPS(throws);
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};

		CHECK_EQ(setrlimit(RLIMIT_CORE, &none), 0);
		close(STDERR_FILENO); /* what the runtime says there is no news */
		trace(&ops, "*with_object*");
		with_object(1);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"deferred", deferred}, {"asynchronous", asynchronous},
		{"exit", exits},	{"exception", exception},
		{"quiet", quiet},	{"each", each},
		{"anywhere", anywhere}, {"calls", calls},
		{"waiting", waiting},	{"terminated", terminated},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
