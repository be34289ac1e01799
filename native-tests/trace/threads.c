/* SPDX-License-Identifier: MIT */
/*
 * threads.c - handlers by name while other threads call the functions: nobody is
 * in a handler that was taken away, nobody is left out, whoever comes, goes, forks
 * or is interrupted meanwhile.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "../ways.h"
#include "../traced_two.h"
#include "hold.h"

#define CALLERS 4

static int stop;

static void *caller(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(tg(1), 3);
	}
	return arg;
}

static pthread_t callers[CALLERS];

static void start_callers(void)
{
	for (int i = 0; i < CALLERS; i++)
		callers[i] = start(caller, NULL);
}

static void stop_callers(void)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CALLERS; i++)
		join(callers[i]);
}

/* Unregistering waits for a handler that runs. */
static int in_handler, go_on, returned;

static void waits(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_store_n(&in_handler, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
	CHECK(!__atomic_load_n(&returned, __ATOMIC_ACQUIRE));
	__atomic_store_n(&in_handler, 0, __ATOMIC_RELEASE);
}

static void *call_once(void *arg)
{
	CHECK_EQ(tf(1), 2);
	return arg;
}

static pid_t unregisterer;

static void *unregister(void *arg)
{
	__atomic_store_n(&unregisterer, gettid(), __ATOMIC_RELEASE);
	CHECK_EQ(ftrace_unregister_function(arg), 0);
	CHECK(!__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
	__atomic_store_n(&returned, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void check_grace(void (*meanwhile)(void))
{
	struct ftrace_ops ops = OPS(waits);
	pthread_t thread, other;
	unsigned char nop[5];

	memcpy(nop, (void *)tf, 5);
	trace(&ops, "tf");
	CHECK(memcmp(nop, (void *)tf, 5) != 0);
	thread = start(call_once, NULL);
	WAIT_FOR(__atomic_load_n(&in_handler, __ATOMIC_ACQUIRE));
	meanwhile();
	other = start(unregister, &ops);
	/* The call is gone from the text and it sleeps again and again: it waits. */
	WAIT_FOR(*(volatile unsigned char *)tf != 0xe8);
	for (int i = 0; i < 3; i++)
		WAIT_FOR(asleep(__atomic_load_n(&unregisterer, __ATOMIC_ACQUIRE)));
	CHECK(!__atomic_load_n(&returned, __ATOMIC_ACQUIRE));
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	join(thread);
	join(other);
	CHECK_EQ(returned, 1);
}

static void nothing(void)
{
}

static void grace(void)
{
	check_grace(nothing);
}

/*
 * The child of vfork() is the first to call a traced function on this thread: its
 * process has no other thread, but the memory is that of ours.
 */
static unsigned long in_vfork;

static void vfork_and_call(void)
{
	struct ftrace_ops ops = OPS(count_hit, .data = &in_vfork);
	int status;
	pid_t pid;

	trace(&ops, "tg");
	pid = vfork();
	if (pid == 0) {
		tg(1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(in_vfork, 1);
	tg(1);
	CHECK_EQ(in_vfork, 2);
}

static void vforks(void)
{
	check_grace(vfork_and_call);
}

/* Rounds: a handler's data says whether it may be called, and its function which it is for. */
struct round {
	unsigned long alive;
	unsigned long function;
	unsigned long hits;
};

static void checked(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	struct round *round = ops->data;

	(void)parent_ip, (void)regs;
	CHECK_EQ(__atomic_load_n(&round->alive, __ATOMIC_ACQUIRE), 1);
	CHECK_EQ(ip, round->function);
	__atomic_add_fetch(&round->hits, 1, __ATOMIC_RELAXED);
	CHECK_EQ(__atomic_load_n(&round->alive, __ATOMIC_ACQUIRE), 1);
}

static void rounds(void)
{
	static struct round data[2];
	static struct ftrace_ops ops[2];
	const unsigned long functions[] = {(unsigned long)tf, (unsigned long)tg};
	unsigned long count = 0;

	start_callers();
	for (int i = 0; i < 2; i++) {
		data[i].function = functions[i];
		ops[i] = (struct ftrace_ops)OPS(checked, .data = data + i);
		CHECK_EQ(filter(ops + i, i ? "tg" : "tf"), 0);
	}
	while (count < (by_stopping() ? 300 : 1500)) {
		int i = count++ % 2;

		__atomic_store_n(&data[i].alive, 1, __ATOMIC_RELEASE);
		CHECK_EQ(ftrace_register_function(ops + i), 0);
		if (count % 16 == 0) {
			unsigned long hits = data[i].hits;

			WAIT_FOR(__atomic_load_n(&data[i].hits, __ATOMIC_RELAXED) > hits);
		}
		CHECK_EQ(ftrace_unregister_function(ops + i), 0);
		__atomic_store_n(&data[i].alive, 0, __ATOMIC_RELEASE);
	}
	stop_callers();
	dprintf(1, "%lu rounds, %lu and %lu calls\n", count, data[0].hits, data[1].hits);
	CHECK(data[0].hits && data[1].hits);
	CHECK_EQ(stats().gc_collections, 0);
}

/* A handler that stays gets every call, whatever others come and go beside it. */
static __thread unsigned long mine;

static void count_mine(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	mine++;
}

static void *exact_caller(void *arg)
{
	unsigned long calls = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(mine, ++calls);
	}
	return arg;
}

static void exact(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_mine), second = OPS(count_hit, .data = &hits);
	uint64_t end = now_ns() + 3000000000ULL;

	trace(&ops, "tf");
	for (int i = 0; i < CALLERS; i++)
		callers[i] = start(exact_caller, NULL);
	while (now_ns() < end) {
		trace(&second, "t[fg]");
		untrace(&second);
	}
	/* On a busy machine nobody may have called between the two. */
	trace(&second, "t[fg]");
	WAIT_FOR(__atomic_load_n(&hits, __ATOMIC_RELAXED) > 0);
	untrace(&second);
	stop_callers();
	untrace(&ops);
}

/*
 * A thread is held up between the call at the site and the look at who is to be
 * called, for as long as it takes that its slot serves others.
 */
static void *late_caller(void *arg)
{
	CHECK_EQ(tg(1), 3); /* the thread is known */
	hold_begin();
	CHECK_EQ(tf(1), 2);
	return arg;
}

static void not_for_tf(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *regs)
{
	(void)parent_ip, (void)ops, (void)regs;
	CHECK_EQ(ip, (unsigned long)tg);
}

static void late_with(unsigned long flags, const char *stay)
{
	bool marked = false;
	int waited_for = 0;
	static unsigned long hits, stays;
	struct ftrace_ops other = OPS(not_for_tf, .flags = flags);
	struct ftrace_ops always = OPS(count_hit, .data = &stays, .flags = flags);

	for (hold_at = 1; hold_at < 100 && !marked; hold_at++) {
		struct ftrace_ops ops = OPS(count_hit, .data = &hits, .flags = flags);
		pthread_t thread, remover;
		bool given = false;

		held = let_go = 0;
		hits = stays = 0;
		trace(&always, stay);
		trace(&ops, "tf");
		thread = start(late_caller, NULL);
		WAIT_FOR(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
		remover = start(unregister, &ops);
		/* Once it is marked as being in a handler, this waits for it, and it not for us. */
		for (uint64_t end = now_ns() + 50000000ULL;
		     !__atomic_load_n(&returned, __ATOMIC_ACQUIRE) && now_ns() < end;)
			sched_yield();
		if (__atomic_load_n(&returned, __ATOMIC_ACQUIRE)) {
			for (int i = 0; i < 520; i++) {
				trace(&other, "tg");
				untrace(&other);
			}
			trace(&other, "tg");
			CHECK_EQ(hits, 0);
			waited_for++;
			given = true;
		}
		__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
		join(thread);
		join(remover);
		if (given)
			untrace(&other);
		else if (waited_for > 15)
			marked = true;
		CHECK_EQ(stays, strlen(stay) > 2 ? 2 : 1);
		untrace(&always);
		ftrace_free_filter(&ops);
		returned = 0;
	}
	dprintf(1, "%d steps, at %d of them its slot was given away\n", hold_at, waited_for);
	CHECK(waited_for > 15);
	CHECK(marked);
}

static void late(void)
{
	hold_init();
	late_with(0, "t[fg]");
	late_with(0, "tg"); /* there is no call at the function any more */
	late_with(FTRACE_OPS_FL_SAVE_REGS, "t[fg]");
}

/* NMIs: a bracketed handler calls a traced function, whatever it interrupts. */
static __thread int level;
static unsigned long at_level[2];

static void by_level(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	__atomic_add_fetch(at_level + level, 1, __ATOMIC_RELAXED);
	if (level == 0 && ops->data)
		CHECK_EQ(raise(SIGPROF), 0);
}

static __thread unsigned long nmis;

static void on_prof(int signo)
{
	int saved_errno = errno;

	(void)signo;
	ftrace_nmi_enter();
	level++;
	CHECK_EQ(tg(1), 3);
	nmis++;
	level--;
	ftrace_nmi_exit();
	errno = saved_errno;
}

static void *stormed_caller(void *arg)
{
	timer_t timer;

	(void)arg;
	timer = thread_timer(SIGPROF, 5000);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(tg(1), 3);
	}
	CHECK_EQ(timer_delete(timer), 0);
	return NULL;
}

static void nmi(void)
{
	struct ftrace_ops ops = OPS(by_level, .data = &ops), second = OPS(by_level);
	uint64_t end;

	CHECK_EQ(ftrace_nmi_add_signal(SIGPROF), 0);
	on_signal(SIGPROF, on_prof, 0);
	trace(&ops, "tf");
	trace(&second, "tg");
	/* In a handler, and yet traced: it is another level. */
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(nmis, 1);
	CHECK_EQ(at_level[0], 1);
	CHECK_EQ(at_level[1], 1);
	untrace(&ops);
	untrace(&second);

	for (int i = 0; i < CALLERS; i++)
		callers[i] = start(stormed_caller, NULL);
	end = now_ns() + 2000000000ULL;
	ops.data = NULL;
	while (now_ns() < end) {
		trace(&ops, "tf");
		trace(&second, "t[fg]");
		untrace(&ops);
		untrace(&second);
	}
	stop_callers();
	CHECK(at_level[0] > 1 && at_level[1] > 1);
}

/* Threads that come and go: more of them than there are records. */
static void *one_call(void *arg)
{
	CHECK_EQ(tf(1), 2);
	return arg;
}

static void churn(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	unsigned long threads = 70000;

	trace(&ops, "tf");
	for (unsigned long i = 0; i < threads; i++)
		join(start(one_call, NULL));
	CHECK_EQ(hits, threads);
	untrace(&ops);
}

/* A thread that ends inside of a handler keeps nobody waiting. */
static void ends(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	syscall(SYS_exit, 0);
}

static void ended(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(ends), second = OPS(count_hit, .data = &hits);
	pthread_t thread;

	trace(&ops, "tf");
	thread = start(one_call, NULL);
	WAIT_FOR(thread_count() <= 3);
	untrace(&ops);
	trace(&second, "tf");
	tf(1);
	CHECK_EQ(hits, 1);
	untrace(&second);
	(void)thread;
}

/* Forks while others register, unregister and call. */
static void *registers(void *arg)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		trace(&ops, "t[fg]");
		untrace(&ops);
	}
	return arg;
}

#define FORKS 40

static unsigned long in_child;

static void child(struct ftrace_ops *ops)
{
	unsigned long hits = 0;
	struct ftrace_ops second = OPS(count_hit, .data = &hits);

	alarm(20);
	in_child = 0;
	tf(1);
	CHECK_EQ(in_child, 1);
	trace(&second, "t[fg]");
	tf(1);
	tg(1);
	CHECK_EQ(hits, 2);
	CHECK_EQ(in_child, 2);
	untrace(&second);
	CHECK_EQ(ftrace_unregister_function(ops), 0);
	tf(1);
	CHECK_EQ(in_child, 2);
	CHECK_EQ(ftrace_register_function(ops), 0);
	tf(1);
	CHECK_EQ(in_child, 3);
	_exit(0);
}

static void wait_for_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void forks(void)
{
	static struct ftrace_ops ops = OPS(count_hit, .data = &in_child);
	pthread_t thread;

	trace(&ops, "tf");
	start_callers();
	thread = start(registers, NULL);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			child(&ops);
		wait_for_child(pid);
	}
	stop_callers();
	join(thread);
	untrace(&ops);
}

/* With the patch mutex, which somebody in the middle of a registration waits for. */
static pid_t registerer;

static void *register_once(void *arg)
{
	__atomic_store_n(&registerer, gettid(), __ATOMIC_RELEASE);
	trace(arg, "tf");
	return NULL;
}

static void forks_prepared(void)
{
	static struct ftrace_ops ops = OPS(count_hit, .data = &in_child);
	pthread_t thread;
	pid_t pid;

	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	thread = start(register_once, &ops);
	WAIT_FOR(__atomic_load_n(&registerer, __ATOMIC_ACQUIRE));
	for (int i = 0; i < 3; i++)
		WAIT_FOR(asleep(registerer));
	alarm(20);
	pid = fork();
	CHECK(pid >= 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	if (pid == 0) {
		CHECK_EQ(tf(1), 2);
		_exit(0);
	}
	wait_for_child(pid);
	join(thread);
	tf(1);
	CHECK_EQ(in_child, 1);
	untrace(&ops);
}

/* From a handler, with all that it is in the middle of. */
static void fork_now(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	pid_t *pid = ops->data;

	(void)ip, (void)parent_ip, (void)regs;
	*pid = fork();
	CHECK(*pid >= 0);
}

static void forks_inside(void)
{
	static struct ftrace_ops ops = OPS(count_hit, .data = &in_child);
	pid_t pid = -1;
	struct ftrace_ops forking = OPS(fork_now, .data = &pid), own = OPS(count_mine);

	trace(&own, "tf");
	trace(&ops, "tf");
	trace(&forking, "tg");
	for (int i = 0; i < CALLERS; i++)
		callers[i] = start(exact_caller, NULL);
	tg(1);
	if (pid == 0) {
		untrace(&forking);
		child(&ops);
	}
	wait_for_child(pid);
	stop_callers();
	untrace(&own);
	untrace(&forking);
	untrace(&ops);
}

/* Handlers that take the loader's lock while others change what is traced. */
static void resolves(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	Dl_info info;
	int saved_errno = errno;
	void *self = dlopen(NULL, RTLD_NOW);

	(void)parent_ip, (void)ops, (void)regs;
	CHECK(dladdr((void *)ip, &info));
	dlclose(self);
	errno = saved_errno;
}

static void loader(void)
{
	struct ftrace_ops ops = OPS(resolves);
	uint64_t end = now_ns() + 1000000000ULL;

	start_callers();
	while (now_ns() < end) {
		trace(&ops, "tf");
		untrace(&ops);
	}
	stop_callers();
}

/*
 * While the library may hold locks, signals are blocked whose handlers may leave: after it
 * has waited for its lock, too, and let them come meanwhile.
 */
static pid_t waiter;
static unsigned long listed;

static bool waits_for_lock(void)
{
	char path[64], text[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall",
		 __atomic_load_n(&waiter, __ATOMIC_ACQUIRE));
	read_proc(path, text);
	return atol(text) == SYS_futex;
}

static int is_blocked(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	CHECK(signal_mask() >> (SIGUSR1 - 1) & 1);
	__atomic_add_fetch(&listed, 1, __ATOMIC_RELAXED);
	return 1;
}

static void *lists(void *arg)
{
	sigset_t mine;

	/* It has inherited the mask of a call that is on. */
	sigemptyset(&mine);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
	__atomic_store_n(&waiter, gettid(), __ATOMIC_RELEASE);
	CHECK_EQ(ftrace_for_each_site(is_blocked, NULL, 0), 1);
	CHECK(!(signal_mask() >> (SIGUSR1 - 1) & 1));
	return arg;
}

static int let_wait(const struct ftrace_site *site, void *data)
{
	is_blocked(site, data);
	*(pthread_t *)data = start(lists, NULL);
	WAIT_FOR(__atomic_load_n(&waiter, __ATOMIC_ACQUIRE));
	WAIT_FOR(waits_for_lock());
	return 1;
}

static void on_usr1(int signo)
{
	(void)signo;
}

static void blocks_again(void)
{
	pthread_t thread;

	on_signal(SIGUSR1, on_usr1, 0);
	CHECK_EQ(ftrace_for_each_site(let_wait, &thread, 0), 1);
	join(thread);
	CHECK_EQ(listed, 2);
}

/* More brackets were left than the word has bits: the next traced call sees that. */
static void left(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);

	trace(&ops, "tf");
	/* Now and then it is looked whether there is an NMI: not again for a while. */
	ftrace_nmi_enter();
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	for (int i = 0; i < 64; i++)
		ftrace_nmi_enter();
	CHECK_EQ(ftrace_nmi_thread.saved, 0);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(ftrace_nmi_thread.saved, 1);
	CHECK_EQ(hits, 2);
	untrace(&ops);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"grace", grace},
		{"rounds", rounds},
		{"exact", exact},
		{"late", late},
		{"nmi", nmi},
		{"churn", churn},
		{"ended", ended},
		{"forks", forks},
		{"forks-inside", forks_inside},
		{"forks-prepared", forks_prepared},
		{"vforks", vforks},
		{"loader", loader},
		{"blocks-again", blocks_again},
		{"left", left},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
