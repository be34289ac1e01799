/* SPDX-License-Identifier: MIT */
/*
 * keeper.c - the recorder's thread: it does everything that takes time or system calls, so
 * that threads which record do nothing of it. What it does is in lib/Record/Keeper.cs.
 *
 * There is one while a recording runs. It sleeps on recorder.asked, for at most as long as
 * its last work has said, and works when it was asked or the time is over.
 *
 * The child of a fork gets its own keeper from the handler of pthread_atfork(3). It sleeps until
 * the child's first event, which waits for it, for a short time: then it begins the child's recording.
 *
 *	child				keeper
 *	fork(): Forked			sleeps on recorder.asked
 *	first event: Asked, wake	opens the file
 *	sleeps on state, 1 s		None, wake
 */
#include "record_env.h"
#include "recorder.h"

#include <errno.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <gnu/libc-version.h>
#include <sys/prctl.h>
#include <linux/futex.h>

#define STACK_SIZE (256 * 1024)
#define FIRST_WAIT_NS 1000000L
#define START_NS   1000000000L
#define LONGEST_US 100000000 /* until it is asked */
#define CHILD_NS   1000000000L
#define FIRST_ROUNDS 2

struct record_fork ftrace_record_fork;

static unsigned int running; /* 1: there is a keeper, or one is being created; a futex */
static unsigned int wanted;
static int process;

int thread_keeper_work(void);

void *__real_calloc(size_t count, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

static void wait_on(const unsigned int *word, unsigned int value, long ns)
{
	struct timespec time = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};

	raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, (long)&time, 0, 0);
}

static void wake(unsigned int *word)
{
	raw_syscall(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

/* Any context; the trampoline has saved general registers only. */
__attribute__((target("general-regs-only"))) void keeper_ask(void)
{
	__atomic_add_fetch(&ftrace_recorder.asked, 1, __ATOMIC_SEQ_CST);
	wake(&ftrace_recorder.asked);
}

/* Begins the recording of this child, if it was asked. Returns as thread_keeper_work(). */
static int serve_child(void)
{
	unsigned int *state = &ftrace_record_fork.state;
	char path[PATH_MAX];

	if (__atomic_load_n(state, __ATOMIC_SEQ_CST) == RecordFork_Forked && !ftrace_record_fork.at_once)
		return LONGEST_US;
	if (record_child_name(ftrace_record_fork.base, path, sizeof(path)) == 0)
		ftrace_record_child(path);
	__atomic_store_n(state, RecordFork_None, __ATOMIC_SEQ_CST);
	wake(state);
	if (ftrace_recorder.active)
		__atomic_add_fetch((unsigned long *)(ftrace_recorder.header + TraceFile_Lost),
				   ftrace_record_fork.lost, __ATOMIC_RELAXED);
	return 0;
}

/*
 * An event in a child whose recording has not begun. Any context; as keeper_ask().
 * The keeper may need what this thread has, a lock of the loader's: so it waits for some time only, and once; it
 * takes a millisecond, if nothing is in the way.
 */
__attribute__((target("general-regs-only"))) void keeper_await_child(unsigned int units)
{
	unsigned int *state = &ftrace_record_fork.state, now = RecordFork_Forked, asked = RecordFork_Asked;
	long deadline = now_ns() + CHILD_NS, left;

	if (ftrace_nmi_thread.attached & LibraryCall_Inside)
		deadline = 0; /* it has a lock of the library's */

	if (__atomic_compare_exchange_n(state, &now, RecordFork_Asked, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		keeper_ask();
	while ((now = __atomic_load_n(state, __ATOMIC_SEQ_CST)) == RecordFork_Asked) {
		left = deadline - now_ns();
		if (left <= 0)
			__atomic_compare_exchange_n(state, &asked, RecordFork_Late, 0, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
		else
			wait_on(state, RecordFork_Asked, left);
	}
	if (now == RecordFork_Late)
		__atomic_add_fetch(&ftrace_record_fork.lost, units, __ATOMIC_RELAXED);
}

static void set_late_handler(void);

static void *keeper_main(void *arg)
{
	(void)arg;
	raw_syscall(SYS_prctl, PR_SET_NAME, (long)"ftrace-keeper", 0, 0, 0, 0);
	for (int round = 0; __atomic_load_n(&wanted, __ATOMIC_SEQ_CST); round++) {
		if (round == FIRST_ROUNDS)
			set_late_handler();
		unsigned int asked = __atomic_load_n(&ftrace_recorder.asked, __ATOMIC_SEQ_CST);
		/* Microseconds until it is to work again; or an error: the runtime cannot be entered yet. */
		int pause = __atomic_load_n(&ftrace_record_fork.state, __ATOMIC_SEQ_CST) ? serve_child() :
											   entry_agent(thread_keeper_work);

		if (__atomic_load_n(&wanted, __ATOMIC_SEQ_CST))
			wait_on(&ftrace_recorder.asked, asked,
				pause < 0 ? FIRST_WAIT_NS : pause * 1000L);
	}
	__atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);
	wake(&running);
	return NULL;
}

/* In the child of a fork, however it was created: there is no keeper. */
void keeper_after_fork(void)
{
	running = 0;
	wanted = 0;
}

static unsigned long signal_mask;
static int allocates; /* a thread can be created in the handler of a fork */
static int has_late_handler;

/*
 * Creating a thread allocates memory. An allocator that is not the C library's has handlers of
 * pthread_atfork() too, which may run after ours: its locks may still be held.
 */
static int can_allocate(void)
{
	Dl_info allocator, library;

	return dladdr((void *)__real_calloc, &allocator) &&
	       dladdr((void *)gnu_get_libc_version, &library) && allocator.dli_fbase == library.dli_fbase;
}

static int create(void)
{
	unsigned long saved_mask;
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	process = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	error = pthread_attr_init(&attr);
	if (error)
		return -error;
	running = 1;
	wanted = 1;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&signal_mask, (long)&saved_mask, 8, 0, 0);
	error = __real_pthread_create(&thread, &attr, keeper_main, NULL);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved_mask, 0, 8, 0, 0);
	pthread_attr_destroy(&attr);
	if (error)
		running = wanted = 0;
	return -error;
}

/* It takes no signals but those that are not in @mask, which it inherits. Returns 0 or -errno. */
int keeper_start(unsigned long mask)
{
	signal_mask = mask;
	allocates = can_allocate();
	return create();
}

static void create_in_child(void)
{
	if (ftrace_record_fork.state != RecordFork_None && !running && create() != 0)
		ftrace_record_fork.state = RecordFork_None;
}

/* In the child of a fork(3), at its end; not if it was called in the middle of something of the library's. */
void keeper_fork_child(void)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;

	if (thread->busy || thread->saved != 1 || (!allocates && !has_late_handler))
		ftrace_record_fork.state = RecordFork_None;
	else if (allocates)
		create_in_child();
}

/* The keeper has run for a while: handlers of forks that are set now run after those of the allocator. */
static void set_late_handler(void)
{
	if (!allocates && !has_late_handler)
		has_late_handler = pthread_atfork(NULL, NULL, create_in_child) == 0;
}

/* Ends the keeper, and waits for it. Called with no lock that it takes. */
void keeper_end(void)
{
	if (process != raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0))
		return; /* the child of a fork has none */
	__atomic_store_n(&wanted, 0, __ATOMIC_SEQ_CST);
	keeper_ask();
	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST))
		wait_on(&running, 1, START_NS);
}
