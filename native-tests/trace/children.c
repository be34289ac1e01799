/* SPDX-License-Identifier: MIT */
/*
 * children.c - children that come while another thread is where fork() does not wait
 * for it: they go on, and what they can do is what they are told.
 *
 *   callback      a thread is in a callback of dl_iterate_phdr(), so the child's loader
 *                 is locked for good
 *   opening       a thread is before, or after, one of the system calls of dlopen()
 *   closing       the same of dlclose(): an object may be listed, and its memory gone
 *   storm         a thread opens and closes an object all the time
 *   own           fork() in the thread's own callback
 *   bare          made by the system call, without fork()'s handlers
 *   bare-*        the same, while another thread is in a callback, in a call that
 *                 changes what is traced, or anywhere in its first call or its end
 *   shared        a process that has the parent's memory itself
 *   locks         what a thread in a call waits for is a lock that the one that forks has,
 *                 as that of an allocator, and so does another one in its first call
 *   handler       fork() in the handler of a traced function
 *   prepared      fork() by a thread that others wait for
 *
 * A child that hangs is ended by its alarm, which fails the test.
 */
#include "../attach.h"
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../traced.h"
#include "../ways.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CHILD_SECONDS
#define CHILD_SECONDS 60
#endif

static unsigned char *function;
static unsigned long hits;
static atomic_int inside, leave, main_tid;

TRACED long child_work(long value)
{
	return value + 1;
}

static pid_t bare_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static pid_t (*make_child)(void) = fork;

static void *asks(void *arg)
{
	*(int *)arg = ftrace_set_patch_opts(NULL);
	return arg;
}

/* Traces, lists, patches; twice, so that what the first one did is there. */
static void work_in_child(void)
{
	for (int round = 0; round < 2; round++) {
		struct ftrace_ops ops = OPS(count_hit, .data = &hits);
		unsigned long before = hits;

		CHECK_EQ(find_site("child_work").count, 1);
		trace(&ops, "child_*");
		child_work(1);
		CHECK_EQ(hits, before + 1);
		untrace(&ops);
		child_work(1);
		CHECK_EQ(hits, before + 1);
		toggle_twice(function);
	}
}

/* A bare child's new threads may find the runtime's lock taken for good: then they are told so. */
static void work_with_threads(void)
{
	int result;

	work_in_child();
	join(start(asks, &result));
	CHECK(result == 0 || result == -EAGAIN);
	work_in_child();
}

static void check_child(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void in_child(void (*work)(void))
{
	pid_t pid = make_child();

	if (pid == 0) {
		alarm(CHILD_SECONDS);
		work();
		_exit(0);
	}
	check_child(pid);
}

/* callback */

static int stays_inside(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)info, (void)size, (void)data;
	inside = 1;
	WAIT_FOR(leave);
	return 1;
}

static void *iterates(void *arg)
{
	dl_iterate_phdr(stays_inside, NULL);
	return arg;
}

static void callback(void)
{
	pthread_t thread = start(iterates, NULL);

	WAIT_FOR(inside);
	in_child(work_in_child);
	leave = 1;
	join(thread);
	in_child(work_in_child);
	work_in_child();
}

/* own */

static int forks_inside(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)info, (void)size;
	*(pid_t *)data = make_child();
	if (*(pid_t *)data == 0) {
		alarm(CHILD_SECONDS);
		work_in_child();
	}
	return 1;
}

static void own(void)
{
	pid_t pid;

	dl_iterate_phdr(forks_inside, &pid);
	if (pid == 0) {
		work_in_child();
		_exit(0);
	}
	check_child(pid);
	work_in_child();
}

/* opening, closing */

static long call_no, wanted_call;
static atomic_int done, forks_there;
static bool closes;

static long fork_here(long number, bool behind)
{
	(void)number, (void)behind;
	if (++call_no == wanted_call) {
		go = round_no;
		/* It may want a lock that this thread has. */
		WAIT_FOR(forked == round_no || asleep(main_tid));
		forks_there += forked == round_no;
	}
	return 0;
}

static void *opens_and_closes(void *arg)
{
	void *plugin;

	watch_calls(fork_here);
	watching = !closes;
	plugin = dlopen(PLUGIN, RTLD_NOW);
	watching = false;
	CHECK(plugin);
	CHECK_EQ(ftrace_update_sites(), 0);
	watching = closes;
	dlclose(plugin);
	watching = false;
	CHECK(!dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD));
	done = round_no;
	/* Its end would make such calls too, with the signal blocked. */
	for (;;)
		pause();
	return arg;
}

/* One round for each call. */
static void at_each_call(void)
{
	main_tid = gettid();
	for (;;) {
		pid_t pid;

		round_no++;
		wanted_call++;
		call_no = 0;
		start(opens_and_closes, NULL);
		WAIT_FOR(go == round_no || done == round_no);
		if (go != round_no)
			break;
		pid = make_child();
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			work_in_child();
			_exit(0);
		}
		forked = round_no;
		check_child(pid);
		WAIT_FOR(done == round_no);
	}
	printf("%ld places, a fork at %d\n", wanted_call - 1, forks_there);
	CHECK(forks_there >= 2); /* before munmap(), and after it */
	work_in_child();
}

static void opening(void)
{
	at_each_call();
}

static void closing(void)
{
	closes = true;
	at_each_call();
}

/* storm */

static atomic_bool finish;

static void *opens(void *arg)
{
	while (!finish) {
		void *plugin = dlopen(PLUGIN, RTLD_NOW);

		CHECK(plugin);
		dlclose(plugin);
	}
	return arg;
}

static void storm(void)
{
	pthread_t thread;

	CHECK_EQ(ftrace_update_sites(), 0);
	thread = start(opens, NULL);
	for (int i = 0; i < 300; i++)
		in_child(work_in_child);
	finish = true;
	join(thread);
}

/* bare */

static void again(void)
{
	work_with_threads();
	make_child = fork;
	in_child(work_with_threads);
	make_child = bare_fork;
	in_child(work_with_threads);
}

static void bare(void)
{
	make_child = bare_fork;
	in_child(again);
	work_in_child();
}

static void bare_callback(void)
{
	make_child = bare_fork;
	callback();
}

/* bare-tracing */

static int stays_listing(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	inside = 1;
	WAIT_FOR(leave);
	return 1;
}

static void *lists(void *arg)
{
	CHECK_EQ(ftrace_for_each_site(stays_listing, NULL, 0), 1);
	return arg;
}

static int torn_asks; /* what new threads of the child are told */

static void work_torn(void)
{
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	int result;

	for (int round = 0; round < 2; round++) {
		CHECK_EQ(ftrace_register_function(&ops), -EAGAIN);
		CHECK_EQ(filter(&ops, "*"), -EAGAIN);
		CHECK_EQ(ftrace_update_sites(), -EAGAIN);
		toggle_twice(function);
		child_work(1);
		CHECK_EQ(hits, 0);
	}
	join(start(asks, &result));
	CHECK_EQ(result, torn_asks);
	make_child = fork;
	if (!leave) {
		leave = 1;
		in_child(work_torn);
	}
}

static void bare_tracing(void)
{
	pthread_t thread = start(lists, NULL);

	make_child = bare_fork;
	WAIT_FOR(inside);
	in_child(work_torn);
	leave = 1;
	join(thread);
	in_child(work_in_child);
	work_in_child();
}

/* bare-attach: as fork/fork-attach.c, in single steps */

static int wanted_lost;

static void work_lost(void)
{
	int result;

	/* This thread has called before. */
	toggle_twice(function);
	join(start(asks, &result));
	CHECK(result == 0 || result == -EAGAIN);
	if (result != 0)
		_exit(2);
	work_with_threads();
}

static bool goes_on(void)
{
	return forked == round_no;
}

static void *attaches_in_steps(void *arg)
{
	int result;

	attach_begin();
	asks(&result);
	CHECK_EQ(result, 0);
	return arg;
}

static void bare_attach(void)
{
	make_child = bare_fork;
	attach_init(goes_on);
	do {
		pthread_t thread;
		int status;
		pid_t pid;

		attach_next_round();
		thread = start(attaches_in_steps, NULL);
		WAIT_FOR(go == round_no || pthread_tryjoin_np(thread, NULL) == 0);
		if (go != round_no)
			break;
		pid = make_child();
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			work_lost();
			_exit(0);
		}
		forked = round_no;
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(status == 0 || status == 2 << 8);
		wanted_lost += status != 0;
		join(thread);
	} while (true);
	printf("%d places, %d with the lock taken\n", round_no - 1, wanted_lost);
	CHECK(round_no > 10 && wanted_lost > 0);
	work_with_threads();
}

/* shared */

static int shares(void *arg)
{
	struct ftrace_ops ops = OPS(count_hit, .data = &hits);
	struct ftrace_stats now = {.size = sizeof(now)};
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);

	(void)arg;
	CHECK_EQ(ftrace_register_function(&ops), -EOPNOTSUPP);
	CHECK_EQ(ftrace_update_sites(), -EOPNOTSUPP);
	CHECK_EQ(ftrace_patch_text(&patch, 1, &way), -EOPNOTSUPP);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), -EOPNOTSUPP);
	CHECK_EQ(ftrace_get_stats(&now), -EOPNOTSUPP);
	ftrace_nmi_enter();
	ftrace_nmi_exit();
	_exit(0);
}

static void shared(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = vfork();

	if (pid == 0)
		shares(NULL);
	check_child(pid);
	work_with_threads();
	/* It goes on beside us, with the words of this thread, which waits so long. */
	pid = clone(shares, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	check_child(pid);
	work_with_threads();
}

/* locks */

static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool locks, attaching;
static __thread bool attaches;

static void wait_for_lock(void)
{
	CHECK_EQ(pthread_mutex_lock(&host_lock), 0);
	CHECK_EQ(pthread_mutex_unlock(&host_lock), 0);
}

/* The library calls it in a thread's first call. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	int (*next)(pthread_t, pthread_attr_t *) = dlsym(RTLD_NEXT, "pthread_getattr_np");

	if (attaches) {
		attaching = true;
		wait_for_lock();
	}
	return next(thread, attr);
}

static int wants_lock(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	inside = 1;
	wait_for_lock();
	return 1;
}

static void *lists_with_lock(void *arg)
{
	WAIT_FOR(locks);
	CHECK_EQ(ftrace_for_each_site(wants_lock, NULL, 0), 1);
	return arg;
}

static void *asks_with_lock(void *arg)
{
	WAIT_FOR(inside); /* that thread's first call is over */
	attaches = true;
	return asks(arg);
}

/* Younger than the library's, so it runs before that one. */
static void take_lock(void)
{
	CHECK_EQ(pthread_mutex_lock(&host_lock), 0);
	if (leave)
		return;
	locks = true;
	WAIT_FOR(inside && attaching);
}

static void release_lock(void)
{
	leave = 1;
	CHECK_EQ(pthread_mutex_unlock(&host_lock), 0);
}

static void with_locks(void)
{
	pthread_t lister, asker;
	int result;

	CHECK_EQ(pthread_atfork(take_lock, release_lock, release_lock), 0);
	lister = start(lists_with_lock, NULL);
	asker = start(asks_with_lock, &result);
	torn_asks = -EAGAIN;
	in_child(work_torn);
	join(lister);
	join(asker);
	CHECK_EQ(result, 0);
	in_child(work_in_child);
	work_in_child();
}

/* handler */

static void fork_now(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)regs;
	main_tid = gettid();
	*(pid_t *)ops->data = fork();
}

static int lists_until_asleep(const struct ftrace_site *site, void *data)
{
	(void)site, (void)data;
	inside = 1;
	WAIT_FOR(main_tid && asleep(main_tid));
	done = 1;
	return 1;
}

static void *lists_meanwhile(void *arg)
{
	CHECK_EQ(ftrace_for_each_site(lists_until_asleep, NULL, 0), 1);
	return arg;
}

static void handler(void)
{
	pid_t pid = -1;
	struct ftrace_ops forking = OPS(fork_now, .data = &pid);
	pthread_t thread;

	trace(&forking, "child_*");
	thread = start(lists_meanwhile, NULL);
	WAIT_FOR(inside);
	child_work(1);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		CHECK(done); /* it has waited for the other call */
		untrace(&forking);
		work_in_child();
		_exit(0);
	}
	check_child(pid);
	join(thread);
	untrace(&forking);
	work_in_child();
}

/* prepared */

static void fork_prepared(void)
{
	pthread_t thread = start(lists, NULL);
	pid_t pid;

	WAIT_FOR(inside);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	pid = fork();
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		work_torn();
		_exit(0);
	}
	check_child(pid);
	leave = 1;
	join(thread);
	in_child(work_in_child);
	work_in_child();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"callback", callback},
		{"opening", opening},
		{"closing", closing},
		{"storm", storm},
		{"own", own},
		{"bare", bare},
		{"bare-callback", bare_callback},
		{"bare-tracing", bare_tracing},
		{"bare-attach", bare_attach},
		{"shared", shared},
		{"locks", with_locks},
		{"handler", handler},
		{"prepared", fork_prepared},
		{NULL, NULL},
	};

	function = new_function();
	toggle_twice(function);
	return run_mode(modes, argc, argv);
}
