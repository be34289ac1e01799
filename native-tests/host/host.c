/* SPDX-License-Identifier: MIT */
/*
 * host.c - what a host process may be or do while its threads are stopped.
 *
 * host destructors    calls from the destructors of thread keys, and from atexit()
 * host destructors-first  the same in threads that never called before
 * host no-descriptor  no file descriptor is free while threads are slow to stop
 * host sigwait        a real-time signal that all threads block and one waits for
 * host interrupted    the main thread has ended, threads come and go, and a
 *                     signal interrupts every wait of the patcher
 * host io-uring       the kernel has a thread of its own in the process
 * host add-chosen     FTRACE_STOP_SIGNAL=50 is set: 50 is no NMI, from the start
 */
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned char *function;
static atomic_bool finish;
static atomic_ulong rounds[2]; /* of threads that count */

/* In a window: nobody counts while the patcher does something else for a while. */
static int stand_still(void *data)
{
	unsigned long before[2] = {rounds[0], rounds[1]};
	uint64_t until = now_ns() + 200000;

	(void)data;
	while (now_ns() < until)
		;
	return rounds[0] == before[0] && rounds[1] == before[1] ? 47 : -1;
}

/* @threads others are there, and each of them is stopped. */
static void check_stops(int threads, int windows)
{
	uint64_t before = stats().stopped_threads;

	for (int i = 0; i < windows; i++)
		CHECK_EQ(ftrace_stop_machine(stand_still, NULL), 47);
	CHECK_EQ(stats().stopped_threads - before, (uint64_t)threads * windows);
	toggle_twice(function);
}

/*
 * destructors. They run in rounds, at most four, as long as one sets a key
 * again; in each round in the order of the keys. One key is older than the
 * library's own, one is younger.
 */

#define CROWD 32 /* threads at a time: more stacks than the C library keeps for later */

static pthread_key_t keys[2];
static atomic_int served;
static __thread struct visit {
	pthread_key_t key;
	int first, last, round;
} visits[2];

static void call_library(void)
{
	struct ftrace_stats now = {.size = sizeof(now)};
	int ret = ftrace_get_stats(&now);

	if (ret == 0) {
		CHECK_EQ(patch_within(function, 0), 0);
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		served++;
		return;
	}
	CHECK_EQ(ret, -EDEADLK);
	CHECK_EQ(set_value(function, VALUE_A, VALUE_B), -EDEADLK);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), -EDEADLK);
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), -EDEADLK);
	CHECK_EQ(ftrace_nmi_del_signal(SIGUSR1), -EDEADLK);
}

static void destructor(void *value)
{
	struct visit *visit = value;

	visit->round++;
	if (visit->round >= visit->first && visit->round <= visit->last)
		call_library();
	ftrace_nmi_enter();
	ftrace_nmi_exit();
	if (visit->round < visit->last)
		CHECK_EQ(pthread_setspecific(visit->key, visit), 0);
}

static void create_early_key(void)
{
	pthread_key_create(&keys[0], destructor);
}

/* Before the constructors of libraries. */
__attribute__((section(".preinit_array"),
	       used)) static void (*const early)(void) = create_early_key;

struct ending {
	bool called_before;
	unsigned int with_keys; /* a bit each */
	int first, last;	/* rounds with calls */
};

static atomic_int alive;
static atomic_bool may_end, witness_may_end;

static void *ends(void *arg)
{
	const struct ending *ending = arg;

	if (ending->called_before)
		call_library();
	for (int i = 0; i < 2; i++) {
		if (!(ending->with_keys >> i & 1))
			continue;
		visits[i] = (struct visit){keys[i], ending->first, ending->last, 0};
		CHECK_EQ(pthread_setspecific(keys[i], &visits[i]), 0);
	}
	alive++;
	WAIT_FOR(may_end);
	return NULL;
}

static void *outlives(void *arg)
{
	call_library();
	alive++;
	WAIT_FOR(witness_may_end);
	return arg;
}

/* What the library knows of threads must not lead to one whose memory is gone. */
static void check_ending(struct ending ending)
{
	pthread_t crowd[CROWD], witness;

	alive = 0;
	may_end = witness_may_end = false;
	witness = start(outlives, NULL);
	WAIT_FOR(alive == 1);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = start(ends, &ending);
	WAIT_FOR(alive == CROWD + 1);
	may_end = true;
	for (int i = 0; i < CROWD; i++)
		join(crowd[i]);
	check_stops(1, 1);
	witness_may_end = true;
	join(witness);
	check_stops(0, 1);
}

static void at_exit(void)
{
	int before = served;

	call_library();
	CHECK_EQ(served, before + 1);
}

static void check_destructors(bool called_before)
{
	CHECK_EQ(pthread_key_create(&keys[1], destructor), 0);
	CHECK_EQ(atexit(at_exit), 0);
	for (unsigned int with_keys = 1; with_keys < 4; with_keys++) {
		for (int first = 1; first <= PTHREAD_DESTRUCTOR_ITERATIONS; first++) {
			/* The last destructor of all: nothing could tell that the thread ends. */
			if (!called_before && with_keys == 2 &&
			    first == PTHREAD_DESTRUCTOR_ITERATIONS)
				continue;
			check_ending((struct ending){called_before, with_keys, first, first});
			check_ending((struct ending){called_before, with_keys, first,
						     PTHREAD_DESTRUCTOR_ITERATIONS});
		}
	}
	exit(0);
}

static void destructors(void)
{
	check_destructors(true);
}

static void destructors_first(void)
{
	check_destructors(false);
}

/*
 * no-descriptor. Nothing can be opened, so the library cannot find out about a
 * thread that does not stop. It must not take it for one that has ended.
 */

static atomic_int phase, blocked, unblocked;
enum { RUNNING, BLOCKING, WILLING };

static void *is_slow(void *arg)
{
	atomic_ulong *count = arg;
	sigset_t all;

	while (phase == RUNNING)
		++*count;
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
	blocked++;
	while (phase == BLOCKING)
		++*count;
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &all, NULL), 0);
	unblocked++;
	while (!finish)
		++*count;
	return NULL;
}

static void *without_descriptors(void *arg)
{
	struct rlimit old_limit, limit;
	pthread_t unknown;
	int ret;

	(void)arg;
	WAIT_FOR(rounds[0] && rounds[1]);
	check_stops(2, 10);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old_limit), 0);
	limit = old_limit;
	limit.rlim_cur = 0;

	phase = BLOCKING;
	WAIT_FOR(blocked == 2);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 3; i++) {
		ret = patch_within(function, 200);
		CHECK(ret == -EAGAIN || ret == -ETIMEDOUT);
		CHECK_EQ(call_function(function), VALUE_A);
	}
	phase = WILLING;
	WAIT_FOR(unblocked == 2);
	/* Those are known, so they can be stopped; the memory map cannot be read. */
	CHECK_EQ(patch_within(function, 0), -EAGAIN);
	CHECK_EQ(ftrace_stop_machine(stand_still, NULL), 47);
	phase = RUNNING;
	unknown = start(is_slow, &rounds[0]);
	CHECK_EQ(ftrace_stop_machine(stand_still, NULL), -EAGAIN);
	CHECK_EQ(patch_within(function, 0), -EAGAIN);

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old_limit), 0);
	check_stops(3, 100);
	phase = WILLING;
	finish = true;
	join(unknown);
	return NULL;
}

/* One of the slow threads is the main thread, which is special in other ways as well. */
static void no_descriptor(void)
{
	pthread_t threads[2];

	threads[0] = start(is_slow, &rounds[1]);
	threads[1] = start(without_descriptors, NULL);
	is_slow(&rounds[0]);
	join(threads[0]);
	join(threads[1]);
}

/* sigwait */

#define WAITED_FOR SIGRTMAX
#define SIGNALS	   100

static atomic_int received;

static void *waits_for_signals(void *arg)
{
	sigset_t set;
	siginfo_t info;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, WAITED_FOR);
	while (received < SIGNALS) {
		/* One of the calls that no handler lets the kernel restart. */
		if (sigwaitinfo(&set, &info) < 0) {
			CHECK_EQ(errno, EINTR);
			continue;
		}
		CHECK_EQ(info.si_signo, WAITED_FOR);
		CHECK_EQ(info.si_code, SI_QUEUE);
		CHECK_EQ(info.si_value.sival_int, received + 1);
		received++;
	}
	return NULL;
}

static void sigwait_host(void)
{
	struct sigaction action;
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, WAITED_FOR);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	thread = start(waits_for_signals, NULL);
	CHECK(find_stop_signal() != WAITED_FOR);
	for (int i = 1; i <= SIGNALS; i++) {
		union sigval value = {.sival_int = i};

		check_stops(1, 1);
		CHECK_EQ(sigqueue(getpid(), WAITED_FOR, value), 0);
		WAIT_FOR(received == i);
	}
	join(thread);
	CHECK_EQ(sigaction(WAITED_FOR, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	CHECK_EQ(signal_mask(), 1ull << (WAITED_FOR - 1));
}

/*
 * interrupted. What the library does when a wait has lasted some milliseconds
 * must not depend on a wait that lasts as long: these end after half of one.
 */

#define INTERRUPTS_PER_SECOND 2000
#define INTERRUPTED_WINDOWS   500

static pthread_t leader;
static atomic_ulong nmis;

static void nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	check_function(function);
	nmis++;
	ftrace_nmi_exit();
}

static void *short_life(void *arg)
{
	check_function(function);
	return arg;
}

static void *gives_birth(void *arg)
{
	(void)arg;
	while (!finish)
		join(start(short_life, NULL));
	return NULL;
}

static void *patches_interrupted(void *arg)
{
	timer_t timer = thread_timer(SIGUSR1, INTERRUPTS_PER_SECOND);
	pthread_t thread;

	(void)arg;
	/* Its entry in the list of threads stays, and never stops. */
	join(leader);
	CHECK_EQ(ftrace_stop_machine(stand_still, NULL), 47);
	thread = start(gives_birth, NULL);
	for (int i = 0; i < INTERRUPTED_WINDOWS / 2; i++)
		toggle_twice(function);
	WAIT_FOR(nmis > 0);
	CHECK_EQ(timer_delete(timer), 0);
	finish = true;
	join(thread);
	exit(0);
}

static void interrupted(void)
{
	on_signal(SIGUSR1, nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	leader = pthread_self();
	start(patches_interrupted, NULL);
	pthread_exit(NULL);
}

/* io-uring */

static void io_uring(void)
{
	uint64_t before;

	toggle_twice(function);
	before = thread_count();
	for (int i = 0; i < 20; i++) {
		struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL};
		int ring = syscall(SYS_io_uring_setup, 4, &params);

		if (ring < 0)
			skip("the kernel has no io_uring, or denies it");
		if (thread_count() == before)
			skip("the kernel creates no thread for io_uring");
		check_stops(0, 10);
		close(ring);
		check_stops(0, 1);
		/* The kernel's thread ends some time after. */
		WAIT_FOR(thread_count() == before);
		check_stops(0, 1);
	}
}

/* add-chosen */

#define CHOSEN 50

static void add_chosen(void)
{
	const char *chosen = getenv("FTRACE_STOP_SIGNAL");

	CHECK(chosen && atoi(chosen) == CHOSEN);
	CHECK_EQ(ftrace_nmi_add_signal(CHOSEN), -EINVAL);
	CHECK_EQ(ftrace_nmi_del_signal(CHOSEN), -EINVAL);
	CHECK_EQ(ftrace_nmi_add_signal(CHOSEN + 1), 0);
	CHECK_EQ(find_stop_signal(), CHOSEN);
	check_stops(0, 1);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"destructors", destructors},	  {"destructors-first", destructors_first},
		{"no-descriptor", no_descriptor}, {"sigwait", sigwait_host},
		{"interrupted", interrupted},	  {"io-uring", io_uring},
		{"add-chosen", add_chosen},	  {NULL, NULL}};

	function = new_function();
	return run_mode(modes, argc, argv);
}
