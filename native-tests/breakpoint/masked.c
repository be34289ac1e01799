/* SPDX-License-Identifier: MIT */
/*
 * masked.c - threads that block every signal, and wait in calls that replace their
 * mask by one which does not: /proc shows that one. As soon as such a thread goes
 * on, a breakpoint would end the process.
 *
 * masked CALL    a thread that waits in this call; when a breakpoint stands, it is
 *                woken up and executes the site
 * masked handler one in a handler that has interrupted such a call, while it is
 *                looked at
 * masked woken   one that is woken up, but gets no core
 * masked starved one that gets its core in between two looks, and not while it is
 *                looked at
 * masked own     threads in the same calls, which keep SIGTRAP unblocked, or whose
 *                calls replace nothing: breakpoints
 * masked secret  /proc does not say which call a thread waits in
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#endif

#define TIMEOUT_MS 100
#define WAKE	   SIGUSR1

static const struct ftrace_patch_opts by_breakpoint = {.size = sizeof(by_breakpoint),
						       .method = FTRACE_METHOD_BREAKPOINT,
						       .timeout_ms = TIMEOUT_MS};
static const struct ftrace_patch_opts by_default = {.size = sizeof(by_default),
						    .timeout_ms = TIMEOUT_MS};

/* What a waiting call is given; the mask leaves everything unblocked. */
static uint64_t none, everything = ~0ul, without_trap = ~(1ul << (SIGTRAP - 1));
static uint64_t *mask; /* of the wait; NULL: replaces nothing */
static int event = -1, epoll = -1, ring = -1;
static aio_context_t aio;

struct mask_argument {
	uint64_t *mask;
	size_t size;
};

/* Each returns when the thread is woken up by wake(), at the latest after @seconds. */

static long by_ppoll(long seconds)
{
	struct pollfd poll = {.fd = event, .events = POLLIN};
	struct timespec time = {seconds, 0};

	return syscall(SYS_ppoll, &poll, 1, &time, mask, 8);
}

static long by_pselect(long seconds)
{
	struct mask_argument argument = {mask, 8};
	struct timespec time = {seconds, 0};
	fd_set files;

	FD_ZERO(&files);
	FD_SET(event, &files);
	return syscall(SYS_pselect6, event + 1, &files, NULL, NULL, &time, &argument);
}

static long by_epoll_pwait(long seconds)
{
	struct epoll_event found;

	return syscall(SYS_epoll_pwait, epoll, &found, 1, (int)seconds * 1000, mask, 8);
}

static long by_epoll_pwait2(long seconds)
{
	struct timespec time = {seconds, 0};
	struct epoll_event found;

	return syscall(SYS_epoll_pwait2, epoll, &found, 1, &time, mask, 8);
}

/* Takes the signals that it waits for out of the mask. */
static long by_sigtimedwait(long seconds)
{
	struct timespec time = {seconds, 0};

	return syscall(SYS_rt_sigtimedwait, mask == &none ? &everything : &without_trap, NULL,
		       &time, 8);
}

static long by_sigsuspend(long seconds)
{
	(void)seconds;
	return syscall(SYS_rt_sigsuspend, mask, 8);
}

static long by_io_pgetevents(long seconds)
{
	struct mask_argument argument = {mask, 8};
	struct timespec time = {seconds, 0};
	struct io_event found;

	return syscall(SYS_io_pgetevents, aio, 1, 1, &found, &time, &argument);
}

static long by_io_uring(long seconds)
{
	(void)seconds;
	return syscall(SYS_io_uring_enter, ring, 0, 1, 1 /* IORING_ENTER_GETEVENTS */, mask, 8);
}

static long by_io_uring_timeout(long seconds)
{
	int64_t time[2] = {seconds, 0};
	struct {
		uint64_t *mask;
		uint32_t size, pad;
		int64_t *time;
	} argument = {mask, 8, 0, time};

	return syscall(SYS_io_uring_enter, ring, 0, 1, 1 | 8 /* IORING_ENTER_EXT_ARG */, &argument,
		       sizeof(argument));
}

static const struct call {
	const char *name;
	long (*wait)(long seconds);
	bool by_signal; /* it takes one to end it */
} calls[] = {
	{"ppoll", by_ppoll, false},
	{"pselect", by_pselect, false},
	{"epoll_pwait", by_epoll_pwait, false},
	{"epoll_pwait2", by_epoll_pwait2, false},
	{"sigtimedwait", by_sigtimedwait, true},
	{"sigsuspend", by_sigsuspend, true},
	{"io_pgetevents", by_io_pgetevents, true},
	{"io_uring", by_io_uring, true},
	{"io_uring_timeout", by_io_uring_timeout, true},
};

#define CALLS (sizeof(calls) / sizeof(*calls))

static const struct call *call;
static unsigned char *site;
static atomic_int waiter;
static atomic_ulong turns;
static atomic_bool finish;
static uint64_t own_mask;

static void set_mask(uint64_t signals)
{
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &signals, NULL, 8), 0);
}

static void wake(void)
{
	uint64_t one = 1;

	if (call->by_signal)
		send_signal(waiter, WAKE);
	else
		CHECK_EQ(write(event, &one, 8), 8);
}

static void *waits(void *arg)
{
	uint64_t count;

	(void)arg;
	set_mask(own_mask);
	waiter = gettid();
	while (!finish) {
		call->wait(2 * TEST_WAIT_SECONDS);
		if (!call->by_signal)
			CHECK_EQ(read(event, &count, 8), 8);
		check_function(site);
		turns++;
	}
	return NULL;
}

static void turn(void)
{
	unsigned long before = turns;

	wake();
	WAIT_FOR(turns > before);
}

static pthread_t start_waiter(void)
{
	pthread_t thread;

	waiter = 0;
	finish = false;
	thread = start(waits, NULL);
	WAIT_FOR(waiter && asleep(waiter));
	return thread;
}

static void end_waiter(pthread_t thread)
{
	finish = true;
	wake();
	join(thread);
}

static long turn_at_breakpoint(long number, bool done)
{
	(void)number, (void)done;
	if (*site == 0xcc)
		turn();
	return 0;
}

static void nothing(int signo)
{
	(void)signo;
}

static void prepare(void)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	char params[120] = {0};

	site = new_function();
	on_signal(WAKE, nothing, 0);
	event = eventfd(0, EFD_CLOEXEC);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(event >= 0 && epoll >= 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted), 0);
	syscall(SYS_io_setup, 1, &aio);
	ring = syscall(SYS_io_uring_setup, 4, params);
}

/* The system may know the call, or forbid it. */
static bool is_possible(void)
{
	if (call->wait == by_io_uring || call->wait == by_io_uring_timeout)
		return ring >= 0;
	if (call->wait == by_io_pgetevents)
		return aio != 0;
	return call->wait != by_epoll_pwait2 ||
	       syscall(SYS_epoll_pwait2, -1, NULL, 0, NULL, NULL, 8) != -1 || errno != ENOSYS;
}

static void times_out(void)
{
	struct ftrace_patch patch = value_patch(site, VALUE_A, VALUE_B);
	uint64_t from = now_ns();

	CHECK_EQ(change_watched(&patch, 1, &by_breakpoint), -ETIMEDOUT);
	CHECK(now_ns() - from >= TIMEOUT_MS * 1000000ul);
	CHECK_EQ(patch.error, 0);
	CHECK_EQ(call_function(site), VALUE_A);
	CHECK_EQ(stats().breakpoint_hits, 0);
}

/* The default method: it stops the thread, or says that it cannot. */
static void change_by_default(void)
{
	struct ftrace_patch patch = value_patch(site, VALUE_A, VALUE_A);
	int result = change_watched(&patch, 1, &by_default);

	CHECK(result == 0 || result == -ETIMEDOUT);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQ(stats().breakpoint_hits, 0);
}

static void hides(void)
{
	pthread_t thread;

	prepare();
	if (!is_possible())
		skip("the kernel does not have this system call, or denies it");
	own_mask = ~0ul;
	mask = &none;
	thread = start_waiter();
	watch_calls(turn_at_breakpoint);
	for (int i = 0; i < 5; i++) {
		/* It sleeps again, or is about to. */
		change_by_default();
		turn();
		times_out();
		turn();
	}
	end_waiter(thread);
	/* Nobody is left that could block SIGTRAP. */
	CHECK_EQ(ftrace_patch_text(&(struct ftrace_patch){0}, 0, &by_breakpoint), 0);
	way.method = FTRACE_METHOD_BREAKPOINT;
	toggle_twice(site);
}

/*
 * handler: it runs while the mask and the call are read, with the mask of the call,
 * and is over when they were read. Nothing but its own signal is blocked then.
 */

#define MOST_HANDLERS 8

static atomic_bool in_handler, leave;

static void stays(int signo)
{
	(void)signo;
	in_handler = true;
	while (!leave)
		;
	in_handler = false;
}

static bool opens(const char *file, long number)
{
	return number == SYS_openat && strstr((char *)call_regs[REG_RSI], file);
}

static long stay_in_handler(long number, bool done)
{
	static bool call_is_read;
	static int handlers;

	if (*site == 0xcc) {
		leave = true; /* it was taken for unblocked */
	} else if (opens("/status", number) && done && leave && handlers < MOST_HANDLERS) {
		/* It comes on top of the call. */
		WAIT_FOR(asleep(waiter));
		handlers++;
		leave = false;
		send_signal(waiter, WAKE);
		WAIT_FOR(in_handler);
	} else if (opens("/syscall", number)) {
		call_is_read = true;
	} else if (number == SYS_close && done && call_is_read) {
		call_is_read = false;
		leave = true;
		WAIT_FOR(!in_handler);
	}
	return turn_at_breakpoint(number, done);
}

static void handler(void)
{
	pthread_t thread;

	call = &calls[5];
	prepare();
	leave = true;
	on_signal(WAKE, stays, 0);
	own_mask = ~0ul;
	mask = &none;
	thread = start_waiter();
	watch_calls(stay_in_handler);
	times_out();
	end_waiter(thread);
}

/* woken: it has the least share there is of a core on which another thread spins. */

static void *spins(void *arg)
{
	(void)arg;
	while (!finish)
		;
	return NULL;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		skip("needs two CPUs");
}

static long wake_at_list(long number, bool done)
{
	static int looks;

	turn_at_breakpoint(number, done);
	/* Before a look at it. */
	if (opens("/status", number) && !done && looks++ % 4 == 0) {
		uint64_t one = 1;

		CHECK_EQ(write(event, &one, 8), 8);
	}
	return 0;
}

/* The waiter and @spin share a core, which the waiter gets if the other does not want it. */
static pthread_t start_idle_waiter(void *(*spin)(void *), pthread_t *spinner)
{
	const struct sched_param param = {0};
	pthread_t thread;

	call = &calls[0];
	prepare();
	own_mask = ~0ul;
	mask = &none;
	pin(1);
	*spinner = start(spin, NULL);
	CHECK_EQ(sched_setscheduler(0, SCHED_IDLE, &param), 0);
	thread = start(waits, NULL);
	pin(0);
	return thread;
}

static void woken(void)
{
	pthread_t spinner, thread = start_idle_waiter(spins, &spinner);

	WAIT_FOR(waiter && asleep(waiter));
	watch_calls(wake_at_list);
	for (int i = 0; i < 5; i++)
		times_out();
	finish = true;
	wake();
	join(thread);
	join(spinner);
}

/*
 * starved: it sleeps in the call at each look's beginning, is woken up, and waits for
 * its core until the look is over.
 */

static atomic_bool busy, is_busy;

static void *spins_when_busy(void *arg)
{
	while (!finish) {
		is_busy = busy;
		if (!busy)
			sched_yield();
	}
	return arg;
}

static long starve(long number, bool done)
{
	static unsigned long before;
	static bool call_is_read;

	if (*site == 0xcc) {
		busy = false;
	} else if (opens("/status", number) && !done && !busy) {
		WAIT_FOR(asleep(waiter));
		busy = true;
		WAIT_FOR(is_busy);
		before = turns;
		wake();
	} else if (opens("/syscall", number)) {
		call_is_read = true;
	} else if (number == SYS_close && done && call_is_read) {
		call_is_read = false;
		busy = false;
		WAIT_FOR(turns > before && asleep(waiter));
	}
	return turn_at_breakpoint(number, done);
}

static void starved(void)
{
	const struct sched_param param = {0};
	pthread_t spinner, thread = start_idle_waiter(spins_when_busy, &spinner);

	CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &param), 0);
	WAIT_FOR(waiter && asleep(waiter));
	watch_calls(starve);
	for (int i = 0; i < 5; i++) {
		times_out();
		busy = false;
	}
	end_waiter(thread);
	join(spinner);
}

/* own */

static void breakpoints_with(uint64_t *wait_mask, uint64_t thread_mask)
{
	for (size_t i = 0; i < CALLS; i++) {
		struct ftrace_patch patch;
		pthread_t thread;

		call = &calls[i];
		/* sigsuspend always replaces it; and by what, is not looked for. */
		if (!is_possible() || call->wait == by_sigsuspend)
			continue;
		own_mask = thread_mask;
		mask = wait_mask;
		thread = start_waiter();
		for (int n = 0; n < 20; n++) {
			patch = value_patch(site, n % 2 ? VALUE_B : VALUE_A,
					    n % 2 ? VALUE_A : VALUE_B);
			if (ftrace_patch_text(&patch, 1, &by_breakpoint) != 0) {
				dprintf(2, "%s: change %d failed\n", call->name, n);
				_exit(1);
			}
			turn();
		}
		end_waiter(thread);
	}
}

static void own(void)
{
	prepare();
	/* What the thread waits for has SIGTRAP in it only with a mask: see by_sigtimedwait(). */
	breakpoints_with(NULL, 0);
	breakpoints_with(NULL, without_trap & ~(1ul << (WAKE - 1)));
}

/* secret */

static void secret(void)
{
	struct ftrace_patch patch;
	char path[64];

	call = &calls[0];
	prepare();
	if (getuid() == 0)
		CHECK_EQ(setresuid(65534, 65534, 65534), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
	start_waiter();
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", waiter);
	if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
		skip("/proc shows the system call of a process that is not dumpable");
	patch = value_patch(site, VALUE_A, VALUE_B);
	CHECK_EQ(ftrace_patch_text(&patch, 1, &by_breakpoint), -EOPNOTSUPP);
	CHECK_EQ(patch.error, 0);
	CHECK_EQ(call_function(site), VALUE_A);
	CHECK_EQ(ftrace_patch_text(&patch, 1, &by_default), 0);
	CHECK_EQ(call_function(site), VALUE_B);
}

int main(int argc, char **argv)
{
	CHECK_EQ(argc, 2);
	for (size_t i = 0; i < CALLS; i++) {
		if (strcmp(argv[1], calls[i].name) == 0) {
			call = &calls[i];
			hides();
			return 0;
		}
	}
	return run_mode((const struct mode[]){{"handler", handler},
					      {"woken", woken},
					      {"starved", starved},
					      {"own", own},
					      {"secret", secret},
					      {NULL, NULL}},
			argc, argv);
}
