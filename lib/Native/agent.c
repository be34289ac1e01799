/* SPDX-License-Identifier: MIT */
/*
 * agent.c - objects are traced while they are being opened: the hook in the loader, and the
 * thread that it asks.
 *
 * The loader calls an empty function, r_brk, whenever its lists of objects have changed,
 * before it relocates new objects and calls their constructors. While an ops with
 * FTRACE_OPS_FL_PENDING is registered, that function is a jump to ftrace_loader_hook()
 * (loader_hook.S), which calls loader_changed(). lib/Trace/LoaderHook.cs writes the jump.
 *
 *	opening thread			agent
 *	asked + 1, wake			sleeps on asked
 *	sleep on done, 50 ms		looks at the objects, patches
 *	done: go on			done = asked, wake
 *
 * The opening thread holds the loader's lock, perhaps others of the host's, and may be any
 * thread, with any stack: it does not enter the runtime, calls nothing of the C library,
 * changes general registers only, and does not wait for longer than that. If the agent
 * is late, this is counted, and it traces the object as soon as it can.
 *
 * Who may run against whom: the words of struct agent are changed by any thread; only one
 * agent runs at a time, except for the moment in which one ends.
 */
#pragma GCC target("general-regs-only") /* for what the hook calls */
#include "native.h"
#include "loader.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <linux/futex.h>

#define LONGEST_WAIT_NS	 50000000L
#define LONGEST_START_NS 1000000000L
#define LONGEST_FORK_NS	 1000000000L
#define RETRY_NS	 200000L
#define LATE_RETRY_NS	 10000000L
#define MOST_TRIES	 7 /* within a second, if each fails at once */
#define STACK_SIZE	 (1024 * 1024) /* demangling takes up to 400 KB */

static struct {
	unsigned int run;   /* odd while an agent is wanted; another number for each */
	unsigned int ready; /* the one that can be asked, or has failed to start */
	unsigned int asked; /* how often the agent was asked to look */
	unsigned int done;  /* what asked was before the last look that is over */
	unsigned int looks; /* agents that are looking, and may hold the loader's lock */
	unsigned int forks; /* threads that fork: the agent must not begin to look */
	int process;
} agent;

unsigned long loader_timeouts;

int thread_agent_look(void);
int thread_agent_look_again(void);
int thread_agent_reclaim(void);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

static unsigned int read_word(const unsigned int *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void wake(unsigned int *word)
{
	raw_syscall(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

static void sleep_on(const unsigned int *word, unsigned int value, long ns)
{
	struct timespec time = {.tv_nsec = ns};

	if (ns >= 1000000000L)
		time = (struct timespec){.tv_sec = 1};
	raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, ns ? (long)&time : 0, 0, 0);
}

static int current_process(void)
{
	return raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

int agent_is_running(void)
{
	return read_word(&agent.run) & 1;
}

/*
 * Called by the hook. In a child that was created by a bare system call there is no agent,
 * although the words say so. A thread that is in a call of the library (which has called a
 * function of the host's that opens an object) is who the agent waits for.
 */
__attribute__((used)) void loader_changed(void)
{
	unsigned int run = read_word(&agent.run), asked, done;
	long deadline, left;

	if (!(run & 1) || agent.process != current_process() || !loader_is_consistent())
		return;
	deadline = now_ns() + LONGEST_WAIT_NS;
	if (ftrace_nmi_thread.attached & LibraryCall_Inside)
		deadline = 0;
	asked = __atomic_add_fetch(&agent.asked, 1, __ATOMIC_SEQ_CST);
	wake(&agent.asked);
	while (done = read_word(&agent.done), (int)(done - asked) < 0) {
		if (read_word(&agent.run) != run)
			return;
		left = deadline - now_ns();
		if (left <= 0) {
			__atomic_add_fetch(&loader_timeouts, 1, __ATOMIC_RELAXED);
			return;
		}
		sleep_on(&agent.done, done, left);
	}
}

/*
 * Between the two the agent may hold the loader's lock. A child that is made then would
 * have it locked for good.
 */
static void begin_look(void)
{
	unsigned int forks;

	for (;;) {
		__atomic_add_fetch(&agent.looks, 1, __ATOMIC_SEQ_CST);
		forks = read_word(&agent.forks);
		if (!forks)
			return;
		__atomic_sub_fetch(&agent.looks, 1, __ATOMIC_SEQ_CST);
		wake(&agent.looks);
		sleep_on(&agent.forks, forks, 0);
	}
}

static void end_look(void)
{
	__atomic_sub_fetch(&agent.looks, 1, __ATOMIC_SEQ_CST);
	if (read_word(&agent.forks))
		wake(&agent.looks);
}

#define IN_USE 1 /* what it needs, perhaps by the thread that waits for the agent */

static int look(int (*fn)(void))
{
	int error;

	begin_look();
	error = entry_agent(fn);
	end_look();
	return error;
}

static void note_done(unsigned int asked)
{
	unsigned int done = read_word(&agent.done);

	while ((int)(done - asked) < 0 &&
	       !__atomic_compare_exchange_n(&agent.done, &done, asked, 0, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	wake(&agent.done);
}

/*
 * Looks until nothing is in the way, which may take long: the host may have prepared to
 * change code. After another error (a thread does not stop) nobody waits any more, but it
 * tries again a few times, more and more rarely, and does not report it again.
 */
static void serve(unsigned int run, unsigned int asked)
{
	long deadline = now_ns() + LONGEST_WAIT_NS, pause = RETRY_NS;
	int error, tries = 0;

	while (error = look(thread_agent_look), error == IN_USE && read_word(&agent.run) == run)
		sleep_on(&agent.run, run, now_ns() < deadline ? RETRY_NS : LATE_RETRY_NS);
	if (error != 0)
		__atomic_add_fetch(&loader_timeouts, 1, __ATOMIC_RELAXED);
	note_done(asked);
	while (error != 0 && tries++ < MOST_TRIES && read_word(&agent.asked) == asked) {
		sleep_on(&agent.asked, asked, pause);
		pause *= 4;
		error = look(thread_agent_look_again);
	}
}

static int do_nothing(void)
{
	return 0;
}

/* Both words change: a thread that is about to sleep on one of them does not. */
static void end_run(unsigned int run)
{
	if (__atomic_compare_exchange_n(&agent.run, &run, run + 1, 0, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		note_done(__atomic_add_fetch(&agent.asked, 1, __ATOMIC_SEQ_CST));
		wake(&agent.asked);
	}
}

static void *agent_main(void *arg)
{
	unsigned int run = (unsigned long)arg;

	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace", 0, 0, 0, 0);
	/* The runtime attaches the thread, which it could not do as long as an object is opened. */
	if (entry_agent(do_nothing) != 0)
		end_run(run);
	__atomic_store_n(&agent.ready, run, __ATOMIC_SEQ_CST);
	wake(&agent.ready);
	for (;;) {
		/* In this order: asked changes after run, and then it does not sleep. */
		unsigned int asked = read_word(&agent.asked);

		if (read_word(&agent.run) != run)
			break;
		if (asked == read_word(&agent.done)) {
			sleep_on(&agent.asked, asked, 0);
			continue;
		}
		serve(run, asked);
		entry_agent(thread_agent_reclaim);
	}
	return NULL;
}

/*
 * Starts the agent, unless there is one. It takes no signals but those that are not in
 * @mask, which it inherits. Returns 0 or -errno.
 */
int agent_start(unsigned long mask)
{
	unsigned int run = read_word(&agent.run), before;
	unsigned long saved_mask;
	pthread_attr_t attr;
	pthread_t thread;
	long deadline;
	int error;

	if (run & 1 || !__atomic_compare_exchange_n(&agent.run, &run, run + 1, 0, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
		return 0;
	agent.process = current_process();
	/* It looks at once: the hook may have been there before it. */
	__atomic_add_fetch(&agent.asked, 1, __ATOMIC_SEQ_CST);
	error = pthread_attr_init(&attr);
	if (error == 0) {
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&saved_mask, 8, 0,
			    0);
		error = __real_pthread_create(&thread, &attr, agent_main,
					      (void *)(unsigned long)(run + 1));
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
		pthread_attr_destroy(&attr);
	}
	if (error) {
		end_run(run + 1);
		return -error;
	}
	deadline = now_ns() + LONGEST_START_NS;
	while (before = read_word(&agent.ready), before != run + 1 && now_ns() < deadline)
		sleep_on(&agent.ready, before, LONGEST_WAIT_NS);
	return read_word(&agent.run) == run + 1 ? 0 : -EAGAIN;
}

/* Lets the agent look, and does not wait for it. */
void agent_ask(void)
{
	__atomic_add_fetch(&agent.asked, 1, __ATOMIC_SEQ_CST);
	wake(&agent.asked);
}

/* Ends the agent. It may run for a moment longer. */
void agent_end(void)
{
	unsigned int run = read_word(&agent.run);

	if (run & 1)
		end_run(run);
}

/*
 * Waits until the agent does not look. Not for ever: the thread may be in a callback of
 * dl_iterate_phdr(), and the agent wait for it.
 */
void agent_fork_prepare(void)
{
	long deadline = now_ns() + LONGEST_FORK_NS;
	unsigned int looks;

	__atomic_add_fetch(&agent.forks, 1, __ATOMIC_SEQ_CST);
	while (looks = read_word(&agent.looks), looks && now_ns() < deadline)
		sleep_on(&agent.looks, looks, LONGEST_WAIT_NS);
}

void agent_fork_parent(void)
{
	if (__atomic_sub_fetch(&agent.forks, 1, __ATOMIC_SEQ_CST) == 0)
		wake(&agent.forks);
}

/* In the child of a fork, however it was created: there is no agent. */
void agent_after_fork(void)
{
	agent.run += agent.run & 1;
	agent.done = agent.asked;
	agent.looks = 0;
	agent.forks = 0;
}
