/* SPDX-License-Identifier: MIT */
/*
 * func.c - one function in place of every handler: what it gets, what it may do, and
 * that nobody is in it, or comes to it, once another has taken its place.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../modes.h"
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "../traced_two.h"
#include "hold.h"

#define CALLERS	    4
#define NMI_HZ	    5000
#define MIN_NMIS    6000
#define MIN_CHANGES 100
#define NO_VECS	    FTRACE_OPS_FL_NO_VECTORS
#define REGISTER    FTRACE_OPS_FL_SAVE_REGS

static void update(ftrace_func_t func)
{
	CHECK_EQ(ftrace_update_ftrace_func(func), 0);
}

/* What the function was called with. */
#define MAX_SEEN 16

static struct seen {
	unsigned long ip, parent_ip;
	struct ftrace_ops *ops;
	struct ftrace_regs *regs;
	unsigned long rdi;
} seen[MAX_SEEN];
static int seen_count;

static void see(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	CHECK(seen_count < MAX_SEEN);
	seen[seen_count++] =
		(struct seen){ip, parent_ip, ops, regs, regs ? regs->rdi & 0xffffffff : 0};
}

static void see_and_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	see(ip, parent_ip, ops, regs);
	ops->func(ip, parent_ip, ops, regs);
}

static __attribute__((noipa)) int call_tf(void)
{
	int value = tf(1);

	__asm__ __volatile__("" ::: "memory");
	return value;
}

#define MANY 4

/* Every set of ops with every set of flags; each is called once, as its handler would be. */
static void arguments(void)
{
	static struct ftrace_ops ops[MANY];
	unsigned long hits[MANY], nop = find_site("tf").ip;

	for (int set = 1; set < 1 << MANY; set++) {
		int count = __builtin_popcount(set);

		for (int i = 0; i < MANY; i++) {
			ops[i] = (struct ftrace_ops)OPS(count_hit, .data = hits + i, .flags = i);
			if (set >> i & 1)
				trace(&ops[i], "tf");
		}
		for (int calls = 0; calls < 2; calls++) {
			memset(hits, 0, sizeof(hits));
			seen_count = 0;
			update(calls ? see_and_call : see);
			CHECK_EQ(call_tf(), 2);
			CHECK_EQ(seen_count, count);
			for (int i = 0, at = 0; i < MANY; i++) {
				bool on = set >> i & 1;
				struct seen *one = seen + at;

				CHECK_EQ(hits[i], on && calls);
				if (!on)
					continue;
				while (one->ops != ops + i)
					CHECK(++one < seen + seen_count);
				CHECK_EQ(one->ip, nop);
				CHECK(one->parent_ip > (unsigned long)call_tf &&
				      one->parent_ip < (unsigned long)call_tf + 64);
				CHECK_EQ(!one->regs, !(ops[i].flags & REGISTER));
				if (one->regs)
					CHECK_EQ(one->rdi, 1);
			}
			/* The first call of a thread, and one in an NMI, take other ways. */
			seen_count = 0;
			ftrace_nmi_enter();
			call_tf();
			ftrace_nmi_exit();
			CHECK_EQ(seen_count, count);
		}
		update(NULL);
		memset(hits, 0, sizeof(hits));
		seen_count = 0;
		CHECK_EQ(call_tf(), 2);
		CHECK_EQ(seen_count, 0);
		for (int i = 0; i < MANY; i++) {
			CHECK_EQ(hits[i], set >> i & 1);
			if (set >> i & 1)
				untrace(&ops[i]);
		}
	}
}

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops;
	ftrace_regs_return(regs, 4711);
}

/* The registers are the function's to change, as they are a handler's. */
static void registers(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits, .flags = REGISTER);

	trace(&ops, "tf");
	update(redirect);
	CHECK_EQ(tf(1), 4711);
	update(NULL);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits, 1);
	untrace(&ops);
}

/* Whatever is registered meanwhile: nothing is called, until it is. */
static void pauses(void)
{
	unsigned long hits[2] = {0};
	struct ftrace_ops ops[] = {OPS(count_hit, .data = hits),
				   OPS(count_hit, .data = hits + 1, .flags = NO_VECS)};
	uint64_t patches;

	update(ftrace_stub);
	patches = stats().patches;
	update(ftrace_stub);
	CHECK_EQ(stats().patches, patches);
	trace(&ops[0], "tf");
	CHECK_EQ(tf(1), 2);
	trace(&ops[1], "t[fg]");
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(tg(1), 3);
	ftrace_stub(0, 0, NULL, NULL);
	CHECK_EQ(hits[0] + hits[1], 0);
	update(NULL);
	/* Four places, whatever is traced. */
	CHECK(stats().patches >= patches + 4);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(hits[0], 1);
	CHECK_EQ(hits[1], 2);
	update(ftrace_stub);
	untrace(&ops[1]);
	CHECK_EQ(tf(1), 2);
	update(see_and_call);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(hits[0], 2);
	CHECK_EQ(seen_count, 1);
	untrace(&ops[0]);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(seen_count, 1);
	/* It is there for those that come later, too. */
	trace(&ops[0], "tf");
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(seen_count, 2);
	untrace(&ops[0]);
	update(NULL);
}

static int depth, calls_of_function;

static void calls_traced(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	calls_of_function++;
	CHECK_EQ(depth++, 0);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(tg(1), 3);
	errno = 4711;
	CHECK_EQ(ftrace_update_ftrace_func(NULL), -EDEADLK);
	CHECK_EQ(ftrace_unregister_function(ops), -EDEADLK);
	CHECK_EQ(errno, 4711);
	depth--;
}

static int in_window(void *data)
{
	CHECK_EQ(ftrace_update_ftrace_func(data), -EDEADLK);
	return 0;
}

static void recursion(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits), second = ops;

	trace(&ops, "t[fg]");
	update(calls_traced);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(calls_of_function, 1);
	trace(&second, "tf");
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(calls_of_function, 3);
	CHECK_EQ(ftrace_stop_machine(in_window, NULL), 0);
	ftrace_nmi_enter();
	CHECK_EQ(ftrace_update_ftrace_func(NULL), -EDEADLK);
	ftrace_nmi_exit();
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(ftrace_update_ftrace_func(NULL), -EDEADLK);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	/* It stayed. */
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(calls_of_function, 4);
	CHECK_EQ(hits, 0);
	update(NULL);
	untrace(&ops);
	untrace(&second);
}

/* The child keeps the function, and can change it; the parent's stays. */
static void forks(void)
{
	unsigned long hits = 0;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	int status;
	pid_t pid;

	trace(&ops, "tf");
	update(see);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(20);
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(seen_count, 1);
		update(NULL);
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(seen_count, 1);
		CHECK_EQ(hits, 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(seen_count, 1);
	CHECK_EQ(hits, 0);
	update(NULL);
	untrace(&ops);
}

/*
 * Changes at a high rate. Who may be called is said by a flag; each call of each
 * thread, and of the NMIs on it, has to be counted once by whoever it was.
 */
enum { DIRECT, FIRST, SECOND, WAYS_TO_CALL };

#define HANDLERS 2 /* on tf; the second one on tg as well */

static unsigned long alive[WAYS_TO_CALL], dead_calls;
static __thread int level;
static __thread unsigned long counted[2][WAYS_TO_CALL];

static void count_as(int way)
{
	unsigned long before = __atomic_load_n(&alive[way], __ATOMIC_ACQUIRE);

	counted[level][way]++;
	if (counted[level][way] % 256 == 0)
		sched_yield();
	if (!before || !__atomic_load_n(&alive[way], __ATOMIC_ACQUIRE))
		__atomic_add_fetch(&dead_calls, 1, __ATOMIC_RELAXED);
}

#define COUNTS(name, way)                                                                          \
	static void name(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,        \
			 struct ftrace_regs *regs)                                                 \
	{                                                                                          \
		(void)ip, (void)parent_ip, (void)ops, (void)regs;                                  \
		count_as(way);                                                                     \
	}

COUNTS(direct, DIRECT)
COUNTS(first, FIRST)
COUNTS(second, SECOND)

static void calls_once(void)
{
	unsigned long *mine = counted[level], before = mine[0] + mine[1] + mine[2];

	CHECK_EQ(tf(1), 2);
	CHECK_EQ(mine[0] + mine[1] + mine[2], before + HANDLERS);
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(mine[0] + mine[1] + mine[2], before + HANDLERS + 1);
}

static unsigned long total_nmis, total[WAYS_TO_CALL];
static int stop;

static void on_prof(int signo)
{
	int saved_errno = errno;

	(void)signo;
	ftrace_nmi_enter();
	level = 1;
	calls_once();
	__atomic_add_fetch(&total_nmis, 1, __ATOMIC_RELAXED);
	level = 0;
	ftrace_nmi_exit();
	errno = saved_errno;
}

static void *caller(void *arg)
{
	timer_t timer = thread_timer(SIGPROF, NMI_HZ);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		calls_once();
	CHECK_EQ(timer_delete(timer), 0);
	for (int i = 0; i < WAYS_TO_CALL; i++)
		__atomic_add_fetch(&total[i], counted[0][i] + counted[1][i], __ATOMIC_RELAXED);
	return arg;
}

/* @early: the control says too soon that the one before is called no more. */
static void change_often(bool early)
{
	static const ftrace_func_t functions[] = {NULL, first, second};
	struct ftrace_ops ops = OPS(direct), general = OPS(direct, .flags = REGISTER);
	uint64_t end = now_ns() + 3000000000ULL;
	pthread_t callers[CALLERS];
	unsigned long changes = 0;
	int now = DIRECT;

	CHECK_EQ(ftrace_nmi_add_signal(SIGPROF), 0);
	on_signal(SIGPROF, on_prof, 0);
	alive[DIRECT] = 1;
	trace(&ops, "t[fg]");
	trace(&general, "tf");
	for (int i = 0; i < CALLERS; i++)
		callers[i] = start(caller, NULL);
	/* Not fewer NMIs than 2,000 for each second, on whatever machine. */
	while ((now_ns() < end || __atomic_load_n(&total_nmis, __ATOMIC_RELAXED) < MIN_NMIS ||
		changes < MIN_CHANGES) &&
	       !(early && __atomic_load_n(&dead_calls, __ATOMIC_RELAXED))) {
		int next = (now + 1 + changes / 3 % 2) % WAYS_TO_CALL;

		__atomic_store_n(&alive[next], 1, __ATOMIC_RELEASE);
		if (early)
			__atomic_store_n(&alive[now], 0, __ATOMIC_RELEASE);
		update(functions[next]);
		__atomic_store_n(&alive[now], 0, __ATOMIC_RELEASE);
		now = next;
		/* Some of them last, so that those who come do. */
		if (changes++ % 8 == 0)
			usleep(200);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CALLERS; i++)
		join(callers[i]);
	dprintf(1,
		"%lu changes, %lu NMIs, %lu direct calls, %lu and %lu of the functions, %lu late\n",
		changes, total_nmis, total[0], total[1], total[2], dead_calls);
	update(NULL);
	untrace(&ops);
	untrace(&general);
	if (early) {
		CHECK(dead_calls > 0);
		return;
	}
	CHECK_EQ(dead_calls, 0);
	CHECK(total[0] && total[1] && total[2]);
	CHECK_EQ(stats().gc_collections, 0);
}

static void rate(void)
{
	change_often(false);
	CHECK_EQ(stats().last_method, way.method);
}

static void control(void)
{
	change_often(true);
}

/*
 * A thread is held up at each instruction of a traced call in turn, until the
 * function was changed, or for a while, if that waits for the thread.
 */
static int changed;
static bool ran_through;

static void *held_caller(void *arg)
{
	sigset_t hold_signal;

	sigemptyset(&hold_signal);
	sigaddset(&hold_signal, SIGUSR2);
	CHECK_EQ(tg(1), 3); /* the thread is known */
	memset(counted, 0, sizeof(counted));
	hold_begin();
	CHECK_EQ(tf(1), 2);
	ran_through = !__atomic_load_n(&held, __ATOMIC_ACQUIRE);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &hold_signal, NULL), 0);
	memcpy(arg, counted[0], sizeof(counted[0]));
	return NULL;
}

static void *change_once(void *func)
{
	update((ftrace_func_t)func);
	__atomic_store_n(&changed, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void held_up(void)
{
	static const struct {
		ftrace_func_t from, to;
		int old, new; /* who is called; -1: nobody */
	} ways[] = {
		{NULL, first, DIRECT, FIRST},	 {first, NULL, FIRST, DIRECT},
		{first, second, FIRST, SECOND},	 {first, ftrace_stub, FIRST, -1},
		{NULL, ftrace_stub, DIRECT, -1}, {ftrace_stub, first, -1, FIRST},
	};
	struct ftrace_ops ops[] = {OPS(direct, .flags = NO_VECS), OPS(direct, .flags = REGISTER)};

	hold_init();
	for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		int old = ways[w].old, new = ways[w].new, waited = 0, free = 0;

		trace(&ops[w % 2], "t[fg]");
		ran_through = false;
		for (hold_at = 1; !ran_through; hold_at++) {
			unsigned long by[WAYS_TO_CALL];
			pthread_t thread, changer;
			bool given;

			CHECK(hold_at < 500);
			update(ways[w].from);
			alive[DIRECT] = alive[FIRST] = alive[SECOND] = 1;
			held = let_go = changed = 0;
			thread = start(held_caller, by);
			WAIT_FOR(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
			changer = start(change_once, (void *)ways[w].to);
			for (uint64_t end = now_ns() + 8000000ULL;
			     !__atomic_load_n(&changed, __ATOMIC_ACQUIRE) && now_ns() < end;)
				sched_yield();
			given = __atomic_load_n(&changed, __ATOMIC_ACQUIRE);
			if (given && old >= 0)
				__atomic_store_n(&alive[old], 0, __ATOMIC_RELEASE);
			__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
			join(thread);
			join(changer);
			/* Once, by the one or the other. */
			CHECK_EQ(by[DIRECT] + by[FIRST] + by[SECOND] <= 1, 1);
			if (old >= 0 && new >= 0)
				CHECK_EQ(by[old] + by[new], 1);
			CHECK_EQ(dead_calls, 0);
			waited += !given;
			free += given;
		}
		dprintf(1, "way %zu: at %d steps it waited, at %d not\n", w, waited, free);
		CHECK(waited > 5);
		CHECK(free > 10);
		update(NULL);
		untrace(&ops[w % 2]);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"arguments", arguments}, {"registers", registers}, {"pauses", pauses},
		{"recursion", recursion}, {"forks", forks},	    {"rate", rate},
		{"control", control},	  {"held-up", held_up},	    {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
