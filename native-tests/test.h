/* SPDX-License-Identifier: MIT */
/*
 * test.h - what the tests share: checks, bounded waits, threads, signals, and
 * a piece of text whose execution tells whether it is torn.
 *
 * A failed check prints where, what was expected and what came, and ends the
 * process with 1. It uses no lock of stdio, so it may be used in handlers and
 * while other threads are parked.
 */
#ifndef TEST_H
#define TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <ftrace/ftrace.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TEST_SKIPPED	  77 /* SKIP_RETURN_CODE in CMakeLists.txt */
#define TEST_WAIT_SECONDS 60

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(actual, expected)                                                                 \
	do {                                                                                       \
		long actual_ = (long)(actual), expected_ = (long)(expected);                       \
		if (actual_ != expected_) {                                                        \
			dprintf(2, "%s:%d: %s: expected %ld (%#lx), got %ld (%#lx)\n", __FILE__,   \
				__LINE__, #actual, expected_, expected_, actual_, actual_);        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Other threads or the kernel make it true; how soon does not matter. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		uint64_t deadline_ = now_ns() + TEST_WAIT_SECONDS * 1000000000ULL;                 \
		while (!(condition)) {                                                             \
			if (now_ns() > deadline_) {                                                \
				dprintf(2, "%s:%d: waited %d s in vain for %s\n", __FILE__,        \
					__LINE__, TEST_WAIT_SECONDS, #condition);                  \
				_exit(1);                                                          \
			}                                                                          \
			sched_yield();                                                             \
		}                                                                                  \
	} while (0)

static inline _Noreturn void skip(const char *why)
{
	dprintf(2, "skipped: %s\n", why);
	_exit(TEST_SKIPPED);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Threads. */

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

static inline void join(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static inline void send_signal(pid_t tid, int signo)
{
	CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, signo), 0);
}

/* Signals. */

static inline void on_signal(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags | SA_RESTART};

	CHECK_EQ(sigaction(signo, &action, NULL), 0);
}

/* A timer that sends @signo to the calling thread. */
static inline timer_t thread_timer(int signo, unsigned int hz)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signo};
	struct itimerspec period = {{0, 1000000000 / hz}, {0, 1000000000 / hz}};
	timer_t timer;

	event.sigev_notify_thread_id = gettid();
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &period, NULL), 0);
	return timer;
}

/* glibc's sigprocmask() hides the signals it keeps for itself. */
static inline uint64_t signal_mask(void)
{
	uint64_t mask;

	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)), 0);
	return mask;
}

/*
 * For the stop signal, which the calling thread blocks. It does not get it if the stop sees
 * that: then it is stopped by ptrace(2), in here, and goes on when that is over; or, in an
 * announced NMI, with a note in its words.
 */
static atomic_bool stop_is_over;

static inline bool stop_is_noted(void)
{
#ifdef FTRACE_NMI_INLINE_H
	return *(volatile unsigned long *)&ftrace_nmi_thread.reserved[0] != 0;
#else
	return false;
#endif
}

static inline void wait_until_pending(int signo)
{
	uint64_t pending;

	do {
		CHECK_EQ(syscall(SYS_rt_sigpending, &pending, sizeof(pending)), 0);
		sched_yield();
	} while (!(pending >> (signo - 1) & 1) && !stop_is_over && !stop_is_noted());
}

/* The same, and then it comes, here. */
static inline void let_in(int signo)
{
	sigset_t set;

	wait_until_pending(signo);
	sigemptyset(&set);
	sigaddset(&set, signo);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

/* Files of /proc. Usable in handlers and while others are parked. */

#define PROC_SIZE 4096

static inline void read_proc(const char *path, char text[PROC_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long length;

	CHECK(fd >= 0);
	length = read(fd, text, PROC_SIZE - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = '\0';
}

/* The number in @base that follows @key, as "SigBlk:" in .../status. */
static inline uint64_t proc_number(const char *path, const char *key, int base)
{
	char text[PROC_SIZE], *at;

	read_proc(path, text);
	at = strstr(text, key);
	CHECK(at);
	return strtoull(at + strlen(key), NULL, base);
}

/* Another thread of the process blocks a signal. */
static inline bool blocks(pid_t tid, int signo)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	return proc_number(path, "\nSigBlk:", 16) >> (signo - 1) & 1;
}

static inline uint64_t thread_count(void)
{
	return proc_number("/proc/self/status", "\nThreads:", 10);
}

/* Another thread of the process sleeps, in the kernel. */
static inline bool asleep(pid_t tid)
{
	char path[64], stat[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	read_proc(path, stat);
	return strstr(stat, ") S ");
}

/*
 * Single steps. A thread that receives @signo executes one instruction at a time,
 * and each_step() in front of each, until that returns false.
 */
#define TRAP_FLAG 0x100

static bool (*each_step)(void);

static inline void on_step(int signo, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
	int saved_errno = errno;

	(void)signo, (void)info;
	*flags = each_step() ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
	errno = saved_errno;
}

static inline void step_from(int signo, bool (*step)(void))
{
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_RESTART};

	each_step = step;
	CHECK_EQ(sigaction(signo, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
}

static inline int do_nothing(void *data)
{
	(void)data;
	return 0;
}

/*
 * Which signal stops threads: the one that lost its default disposition with
 * the first stop. Call it before any other stop.
 */
static inline int find_stop_signal(void)
{
	bool was_default[65] = {false};
	struct sigaction action;
	int signo;

	for (signo = SIGRTMIN; signo <= 64; signo++) {
		CHECK_EQ(sigaction(signo, NULL, &action), 0);
		was_default[signo] = action.sa_handler == SIG_DFL;
	}
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
	for (signo = 64; signo >= SIGRTMIN; signo--) {
		CHECK_EQ(sigaction(signo, NULL, &action), 0);
		if (was_default[signo] && action.sa_handler != SIG_DFL)
			return signo;
	}
	CHECK(!"a stop signal");
	return 0;
}

/*
 * Who has parked in a stop is taken to do so in the next one, without a look at what it
 * blocks; that of a new thread is looked at. So a thread that blocks the signal after this is sent it.
 */
static inline void gain_trust(void)
{
	CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
}

static inline struct ftrace_stats stats(void)
{
	struct ftrace_stats now = {.size = sizeof(now)};

	CHECK_EQ(ftrace_get_stats(&now), 0);
	return now;
}

/*
 * Text. A function of six bytes, mov $value,%eax; ret, whose value is patched.
 * Every byte of the two values differs, so half a change is neither of them.
 */

#define FUNCTION_SIZE 6
#define VALUE_A	      0x11111111u
#define VALUE_B	      0x22222222u

static inline unsigned char *text_map(size_t size)
{
	unsigned char *text =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(text != MAP_FAILED);
	memset(text, 0xcc, size);
	return text;
}

static inline void text_seal(unsigned char *text, size_t size)
{
	CHECK_EQ(mprotect(text, size, PROT_READ | PROT_EXEC), 0);
}

static inline void put_value(unsigned char *code, uint32_t value)
{
	code[0] = 0xb8;
	memcpy(code + 1, &value, 4);
}

static inline void put_function(unsigned char *function, uint32_t value)
{
	put_value(function, value);
	function[5] = 0xc3;
}

/* One page with one function that returns VALUE_A. */
static inline unsigned char *new_function(void)
{
	unsigned char *text = text_map(4096);

	put_function(text, VALUE_A);
	text_seal(text, 4096);
	return text;
}

static inline uint32_t call_function(const unsigned char *function)
{
	return ((uint32_t(*)(void))(uintptr_t)function)();
}

static inline void check_function(const unsigned char *function)
{
	uint32_t value = call_function(function);

	if (value != VALUE_A && value != VALUE_B) {
		dprintf(2, "torn execution: %#x\n", value);
		_exit(1);
	}
}

static inline struct ftrace_patch value_patch(unsigned char *function, uint32_t from, uint32_t to)
{
	struct ftrace_patch patch = {.ip = (unsigned long)function, .len = 5};

	put_value(patch.old_code, from);
	put_value(patch.new_code, to);
	return patch;
}

/* How text is changed by what follows. Most tests are about the stop. */
static struct ftrace_patch_opts way = {.size = sizeof(way), .method = FTRACE_METHOD_STOP_MACHINE};

/* An argument of a test that runs in several ways. */
static inline bool take_way(const char *word)
{
	static const char *const methods[] = {"auto", "stop", "breakpoint"};
	static const char *const writers[] = {NULL, "proc-mem", "mprotect"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(word, methods[i]) == 0)
			way.method = i;
		else if (writers[i] && strcmp(word, writers[i]) == 0)
			way.writer = i;
		else
			continue;
		return true;
	}
	return false;
}

/* All four of them. */
#define WAYS 4

static inline void set_way(int number)
{
	way.method = number / 2 ? FTRACE_METHOD_BREAKPOINT : FTRACE_METHOD_STOP_MACHINE;
	way.writer = number % 2 ? FTRACE_WRITER_MPROTECT : FTRACE_WRITER_PROC_MEM;
}

static inline bool by_stopping(void)
{
	return way.method == FTRACE_METHOD_STOP_MACHINE;
}

static inline int change(struct ftrace_patch *patches, size_t count)
{
	return ftrace_patch_text(patches, count, &way);
}

static inline int set_value(unsigned char *function, uint32_t from, uint32_t to)
{
	struct ftrace_patch patch = value_patch(function, from, to);

	return change(&patch, 1);
}

/* A patch that writes what is there: nothing but its result matters. */
static inline int patch_within(unsigned char *function, unsigned int timeout_ms)
{
	struct ftrace_patch_opts opts = way;
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_A);

	opts.timeout_ms = timeout_ms;
	return ftrace_patch_text(&patch, 1, &opts);
}

/* From one value to the other and back. */
static inline void toggle_twice(unsigned char *function)
{
	CHECK_EQ(set_value(function, VALUE_A, VALUE_B), 0);
	CHECK_EQ(call_function(function), VALUE_B);
	CHECK_EQ(set_value(function, VALUE_B, VALUE_A), 0);
	CHECK_EQ(call_function(function), VALUE_A);
}

/* The protection of a page as /proc/self/maps prints it; "" if nothing is mapped there. */
static inline void page_perms(unsigned long address, char perms[5])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512], found[5];

	CHECK(maps);
	perms[0] = '\0';
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, found) == 3 && from <= address &&
		    address < to) {
			memcpy(perms, found, sizeof(found));
			break;
		}
	}
	fclose(maps);
}

/*
 * Files with several tests: the first argument names one, the second is the method
 * of the calls that take no options.
 */

struct mode {
	const char *name;
	void (*run)(void);
};

static inline int run_mode(const struct mode *modes, int argc, char **argv)
{
	CHECK(argc == 2 || argc == 3);
#ifndef FTRACE_LIBRARY /* linked with it */
	if (argc == 3) {
		CHECK(take_way(argv[2]));
		CHECK_EQ(ftrace_set_patch_opts(&way), 0);
	}
#endif
	while (modes->name && strcmp(argv[1], modes->name) != 0)
		modes++;
	CHECK(modes->name);
	modes->run();
	return 0;
}

#endif /* TEST_H */
