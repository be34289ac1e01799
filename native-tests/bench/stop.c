/* SPDX-License-Identifier: MIT */
/*
 * stop.c - how long it takes to stop 1 to 64 threads, against a bare stop:
 * tgkill and futex in C, with the thread numbers known beforehand. Then threads that
 * block the library's signal, all or every other one, and are seized: against the stop of
 * those that do not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ftrace/patch.h>
#include <ftrace/trace.h>

#include "bench.h"

#define MAX_THREADS 64
#define BARE_SIGNAL (SIGRTMIN + 4)

enum kind { IDLE, BUSY };
static const char *const kind_names[] = {[IDLE] = "idle", [BUSY] = "busy"};

static struct thread {
	pthread_t pthread;
	pid_t tid;
	unsigned long turns; /* of its loop; stands still while the thread is parked */
} __attribute__((aligned(128))) threads[MAX_THREADS];
static int thread_count;
static enum kind kind;

enum way { BY_SIGNAL, HALF_SEIZED, SEIZED };
static const char *const way_names[] = {[BY_SIGNAL] = "stop call",
					[HALF_SEIZED] = "stop call, half of them seized",
					[SEIZED] = "stop call, seized"};
static const char *const still_names[] = {[BY_SIGNAL] = "standing still",
					  [HALF_SEIZED] = "standing still, half of them seized",
					  [SEIZED] = "standing still, seized"};
static enum way way;
static int spins; /* of the bare stop, before it sleeps */
static bool quit;
static int wakeup; /* an eventfd; idle threads wait for it */

static void *run_thread(void *arg)
{
	struct thread *self = arg;
	struct pollfd fd = {.fd = wakeup, .events = POLLIN};
	struct sched_param param = {0};

	/*
	 * Threads that are released would take the caller's CPU before it can read
	 * the clock; then the scheduler's time slice is what is measured. As batch
	 * threads they wait for the caller's slice to end.
	 */
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	if (way == SEIZED || (way == HALF_SEIZED && (self - threads) % 2)) {
		sigset_t most;

		sigfillset(&most);
		sigdelset(&most, BARE_SIGNAL);
		pthread_sigmask(SIG_SETMASK, &most, NULL);
	}
	__atomic_store_n(&self->tid, gettid(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&self->turns, self->turns + 1, __ATOMIC_RELEASE);
		/* poll() is never restarted, so an idle thread turns after each signal. */
		if (kind == IDLE)
			poll(&fd, 1, -1);
	}
	return NULL;
}

static void read_turns(unsigned long *turns)
{
	for (int i = 0; i < thread_count; i++)
		turns[i] = __atomic_load_n(&threads[i].turns, __ATOMIC_ACQUIRE);
}

/* Until every thread has left the last stop and gone on. */
static void settle(const unsigned long *before)
{
	uint64_t deadline = now_ns() + 30000000000ull;
	bool wakes =
		way != BY_SIGNAL && kind == IDLE; /* poll() goes on in those that were seized */
	eventfd_t value;

	if (wakes)
		eventfd_write(wakeup, 1);
	for (int i = 0; i < thread_count; i++) {
		while (__atomic_load_n(&threads[i].turns, __ATOMIC_ACQUIRE) == before[i]) {
			if (now_ns() > deadline)
				fail("a thread did not continue after a stop\n");
			/* Asking more often than the scheduler grants a turn would be paid for
			 * later. */
			usleep(20 * thread_count);
		}
	}
	if (wakes)
		eventfd_read(wakeup, &value);
}

static void start_threads(int count)
{
	static const unsigned long none[MAX_THREADS];

	memset(threads, 0, sizeof(threads));
	quit = false;
	wakeup = eventfd(0, EFD_NONBLOCK);
	if (wakeup < 0)
		fail("cannot create an eventfd\n");
	for (thread_count = 0; thread_count < count; thread_count++) {
		struct thread *thread = &threads[thread_count];

		if (pthread_create(&thread->pthread, NULL, run_thread, thread))
			fail("cannot create %d threads\n", count);
	}
	settle(none);
}

static void end_threads(void)
{
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	eventfd_write(wakeup, 1);
	for (int i = 0; i < thread_count; i++)
		pthread_join(threads[i].pthread, NULL);
	close(wakeup);
}

/*
 * The bare stop. Handlers count themselves in @parked; the last one sets
 * @all_parked for the patcher and all wait for the next @generation. A handler
 * reads the generation before it counts itself: the patcher cannot go on before.
 */
static uint32_t parked, all_parked, generation;

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void wait_while(uint32_t *word, uint32_t value)
{
	for (int i = 0; i < spins; i++) {
		if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
			return;
		cpu_relax();
	}
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		futex_wait(word, value);
}

static void bare_handler(int signo)
{
	int saved_errno = errno;
	uint32_t current = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);

	(void)signo;
	if (__atomic_add_fetch(&parked, 1, __ATOMIC_ACQ_REL) == (uint32_t)thread_count) {
		__atomic_store_n(&all_parked, 1, __ATOMIC_RELEASE);
		futex_wake(&all_parked, 1);
	}
	wait_while(&generation, current);
	errno = saved_errno;
}

static uint64_t bare_stop_ns; /* from the first signal to the release */

static int bare_stop_machine(int (*fn)(void *data), void *data)
{
	pid_t pid = getpid();
	uint64_t start = now_ns();
	int result;

	parked = 0;
	all_parked = 0;
	for (int i = 0; i < thread_count; i++) {
		if (syscall(SYS_tgkill, pid, threads[i].tid, BARE_SIGNAL))
			fail("tgkill: %s\n", strerror(errno));
	}
	wait_while(&all_parked, 0);
	result = fn(data);
	bare_stop_ns = now_ns() - start;
	__atomic_store_n(&generation, generation + 1, __ATOMIC_RELEASE);
	futex_wake(&generation, INT_MAX);
	return result;
}

static int do_nothing(void *data)
{
	(void)data;
	return 0;
}

/* Gives every thread a reason to run; 0 if none did. Called in a stop window. */
static int nobody_runs(void *data)
{
	unsigned long before[MAX_THREADS], after[MAX_THREADS];
	uint64_t until = now_ns() + 5000000;
	eventfd_t value;

	(void)data;
	read_turns(before);
	eventfd_write(wakeup, 1);
	while (now_ns() < until)
		cpu_relax();
	read_turns(after);
	eventfd_read(wakeup, &value);
	return memcmp(before, after, thread_count * sizeof(before[0])) != 0;
}

typedef int stop_fn(int (*fn)(void *data), void *data);

/* The time that the caller sees. */
static double stop(stop_fn *stop_machine, int (*fn)(void *data))
{
	unsigned long before[MAX_THREADS];
	uint64_t start, took;
	int result;

	read_turns(before);
	start = now_ns();
	result = stop_machine(fn, NULL);
	took = now_ns() - start;

	if (result > 0)
		fail("a thread ran while %d %s threads were stopped\n", thread_count,
		     kind_names[kind]);
	if (result < 0)
		fail("ftrace_stop_machine with %d %s threads: %s\n", thread_count, kind_names[kind],
		     strerror(-result));
	settle(before);
	return took;
}

static void add_stop_row(const char *what, const struct series *ours, const char *peer,
			 const struct series *bare, double target)
{
	char text[64];

	snprintf(text, sizeof(text), "%s, %s", what, kind_names[kind]);
	add_row(&(struct comparison){
		.section = "stop",
		.what = text,
		.unit = "ns",
		.n = thread_count,
		.axis = "threads",
		.ours = ours,
		.peer = peer,
		.peers = bare,
		.relation = AT_MOST,
		.target = target,
	});
}

static void measure(int count)
{
	/* Of the last two: the stop by signal, of as many threads. */
	static struct series call, bare_call, stopped, bare_stopped, signal_call, signal_stopped;
	struct ftrace_stats stats = {.size = sizeof(stats)};
	int rounds = quick ? 5 : 200;
	uint64_t deadline = now_ns() + (quick ? 150000000ull : 10000000000ull);
	uint64_t stopped_before;

	/* Spinning pays while every thread has a CPU; with more, it keeps others from parking. */
	spins = count < sysconf(_SC_NPROCESSORS_ONLN) ? 100 : 0;
	call.count = bare_call.count = stopped.count = bare_stopped.count = 0;
	start_threads(count);

	ftrace_get_stats(&stats);
	stopped_before = stats.stopped_threads;
	stop(ftrace_stop_machine, nobody_runs);
	ftrace_get_stats(&stats);
	if (stats.stopped_threads - stopped_before != (uint64_t)count)
		fail("%d threads should have been stopped, but %llu were\n", count,
		     (unsigned long long)(stats.stopped_threads - stopped_before));
	stop(bare_stop_machine, nobody_runs);

	/* Many busy threads take long to settle, so a clock ends the rounds. */
	for (int round = 0; round < rounds && (round < 3 || now_ns() < deadline); round++) {
		add_sample(&bare_call, stop(bare_stop_machine, do_nothing));
		add_sample(&bare_stopped, bare_stop_ns);
		add_sample(&call, stop(ftrace_stop_machine, do_nothing));
		ftrace_get_stats(&stats);
		add_sample(&stopped, stats.last_stop_ns);
	}

	if (way == BY_SIGNAL) {
		add_stop_row(way_names[way], &call, "bare tgkill + futex", &bare_call, 1.3);
		add_stop_row(still_names[way], &stopped, "bare tgkill + futex", &bare_stopped, 1.3);
		signal_call = call;
		signal_stopped = stopped;
	} else {
		add_stop_row(way_names[way], &call, "the stop by signal", &signal_call, 1.5);
		add_stop_row(still_names[way], &stopped, "the stop by signal", &signal_stopped,
			     1.5);
	}
	end_threads();
}

static void do_not_count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
}

/* A call of the library in a process with one thread that blocks the signal. */
static void measure_blocked(void)
{
	static struct series series;
	struct ftrace_ops ops = {.size = sizeof(ops), .func = do_not_count};

	kind = IDLE;
	way = SEIZED;
	start_threads(1);
	if (ftrace_set_filter(&ops, "bench_traced", 0, 1))
		fail("cannot set a filter\n");
	for (int round = 0, rounds = quick ? 5 : 100; round < rounds; round++) {
		uint64_t start = now_ns();

		if (ftrace_register_function(&ops))
			fail("cannot register a handler while a thread blocks the signal\n");
		add_sample(&series, (now_ns() - start) / 1e3);
		if (ftrace_unregister_function(&ops))
			fail("cannot unregister a handler\n");
	}
	ftrace_free_filter(&ops);
	end_threads();
	add_row(&(struct comparison){
		.section = "blocked signals",
		.what = "ftrace_register_function, one thread blocks all signals",
		.unit = "us",
		.ours = &series,
		.relation = WITHIN,
		.target = 2000,
	});
}

void bench_stop(void)
{
	struct sigaction action = {.sa_handler = bare_handler, .sa_flags = SA_RESTART};
	struct sigaction old;

	sigfillset(&action.sa_mask);
	sigaction(BARE_SIGNAL, &action, &old);
	for (kind = IDLE; kind <= BUSY; kind++) {
		for (int count = 1; count <= MAX_THREADS; count *= 2)
			for (way = BY_SIGNAL; way <= SEIZED; way++)
				if (count > 1 || way != HALF_SEIZED)
					measure(count);
	}
	measure_blocked();
	way = BY_SIGNAL;
	sigaction(BARE_SIGNAL, &old, NULL);
}
