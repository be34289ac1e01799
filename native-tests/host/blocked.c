/* SPDX-License-Identifier: MIT */
/*
 * blocked.c - processes that leave the library no signal to stop a thread with. Functions are
 * traced and not traced again all the same, and the process notices nothing: no signal of the
 * library's arrives anywhere, each of its own does, no handler of its own is gone.
 *
 * blocked blocked           a thread that blocks every signal, beside one that does not
 * blocked sigwait           all threads block every signal, one takes them with sigwaitinfo()
 * blocked signalfd          the same with a signalfd
 * blocked no-signal         a handler on every real-time signal, as Go's runtime has
 * blocked taking-signals    the same, and the handlers come while the first stop is on
 * blocked pid-namespace     the process is in another pid namespace than its /proc
 * blocked two-copies        the library a second time, in another namespace of the loader
 * blocked two-copies-file   the library a second time, a copy of the file
 */
#include "../copy.h"
#include "../modes.h"
#include "../stop.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "../traced_two.h"

#include <dlfcn.h>
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
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	   20
#define ONE_SECOND 1000000000ULL

static atomic_bool finish;
static sigset_t all;

static void block_all(void)
{
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
}

/* What is called on which thread. */
static __thread int place;
static atomic_ulong calls[2];

static void count_by_place(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			   struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	calls[place]++;
}

static void *busy(void *arg)
{
	place = (int)(long)arg;
	while (!finish)
		CHECK_EQ(tf(1), 2);
	return NULL;
}

static void *blocks_all(void *arg)
{
	block_all();
	place = (int)(long)arg;
	while (!finish) {
		usleep(1000);
		CHECK_EQ(tf(1), 2);
	}
	return NULL;
}

static void print(const char *line)
{
	dprintf(2, "%s\n", line);
}

/* The handler is called on the threads of @places, and then no more. */
static void check_rounds(int places, int rounds)
{
	struct ftrace_ops ops = OPS(count_by_place);

	CHECK_EQ(ftrace_set_print(print), 0);
	CHECK_EQ(filter(&ops, "tf"), 0);
	for (int i = 0; i < rounds; i++) {
		unsigned long before[2] = {calls[0], calls[1]};
		struct ftrace_patch_opts opts = {.size = sizeof(opts)};

		opts.method = i % 2 ? FTRACE_METHOD_STOP_MACHINE : FTRACE_METHOD_AUTO;
		CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		for (int j = 0; j < places; j++)
			WAIT_FOR(calls[j] > before[j]);
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
		before[0] = calls[0];
		before[1] = calls[1];
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(calls[0], before[0]);
		CHECK_EQ(calls[1], before[1]);
	}
}

/* A thread stands still no longer than it takes to stop the others: not until a time-out. */
static void check_length(void)
{
	uint64_t longest = stats().max_stop_ns;

	dprintf(1, "longest stop: %lu us\n", longest / 1000);
	CHECK(longest < ONE_SECOND);
}

static void blocked(void)
{
	pthread_t threads[2] = {start(busy, (void *)0L), start(blocks_all, (void *)1L)};

	check_rounds(2, ROUNDS);
	check_length();
	finish = true;
	join(threads[0]);
	join(threads[1]);
}

/* Who takes the signals of the process. */
static atomic_int taken, strangers;
static bool by_descriptor;

static void *taker(void *arg)
{
	int file = by_descriptor ? signalfd(-1, &all, SFD_CLOEXEC) : -1;

	for (;;) {
		struct signalfd_siginfo read_info;
		siginfo_t info;
		int signo;

		if (by_descriptor) {
			CHECK_EQ(read(file, &read_info, sizeof(read_info)), sizeof(read_info));
			signo = (int)read_info.ssi_signo;
		} else {
			signo = sigwaitinfo(&all, &info);
		}
		if (signo == SIGTERM)
			return arg;
		if (signo == SIGUSR1) {
			taken++;
		} else {
			if (signo > 0)
				dprintf(2, "signal %d, which nobody has sent\n", signo);
			else
				dprintf(2, "interrupted (errno %d), by no signal of its own\n",
					errno);
			strangers++;
		}
	}
}

static void check_taker(void)
{
	struct ftrace_patch_opts opts = {
		.size = sizeof(opts), .method = FTRACE_METHOD_BREAKPOINT, .timeout_ms = 200};
	struct ftrace_ops ops = OPS(count_by_place);
	pthread_t threads[2];
	int error;

	block_all();
	threads[0] = start(taker, NULL);
	threads[1] = start(busy, (void *)0L);
	for (int i = 0; i < ROUNDS; i++) {
		check_rounds(1, 2);
		CHECK_EQ(kill(getpid(), SIGUSR1), 0);
		WAIT_FOR(taken == i + 1);
		CHECK_EQ(strangers, 0);
	}
	check_length();
	/* Who asks for breakpoints gets an error, or what was asked for: not a trap where it is
	 * blocked. */
	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	CHECK_EQ(filter(&ops, "tg"), 0);
	error = ftrace_register_function(&ops);
	CHECK(error == 0 || error == -ETIMEDOUT || error == -EOPNOTSUPP);
	CHECK_EQ(tg(1), 3);
	if (!error)
		ftrace_unregister_function(&ops);
	CHECK_EQ(strangers, 0);
	finish = true;
	join(threads[1]);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	join(threads[0]);
}

static void by_sigwait(void)
{
	check_taker();
}

static void by_signalfd(void)
{
	by_descriptor = true;
	check_taker();
}

/* Handlers of the host's that must stay, and see nothing. */
static void on_real_time(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)info, (void)context;
	strangers++;
}

static void no_signal(void)
{
	struct sigaction action = {.sa_sigaction = on_real_time,
				   .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	pthread_t threads[2];

	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
		CHECK_EQ(sigaction(signo, &action, NULL), 0);
	threads[0] = start(busy, (void *)0L);
	threads[1] = start(busy, (void *)1L);
	check_rounds(2, ROUNDS);
	check_length();
	CHECK_EQ(strangers, 0);
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++) {
		struct sigaction found;

		CHECK_EQ(sigaction(signo, NULL, &found), 0);
		CHECK(found.sa_sigaction == on_real_time);
	}
	finish = true;
	join(threads[0]);
	join(threads[1]);
}

/*
 * The host takes the signals when the library has chosen one, and has sent it perhaps: as Go's
 * runtime does when a tool was there before it. Each process has one first stop.
 */
#define PROCESSES  40
#define DELAY_STEP 5000 /* nanoseconds */

static atomic_int ready;
static uint64_t delay;

static void *takes_all(void *arg)
{
	struct sigaction action = {.sa_sigaction = on_real_time,
				   .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	uint64_t begin;

	ready++;
	while (ready < 2)
		;
	for (begin = now_ns(); now_ns() - begin < delay;)
		;
	for (int signo = SIGRTMAX; signo >= SIGRTMIN; signo--)
		CHECK_EQ(sigaction(signo, &action, NULL), 0);
	return arg;
}

static void child_of_taking_signals(void)
{
	pthread_t threads[4];
	uint64_t begin;

	threads[0] = start(busy, (void *)0L);
	threads[1] = start(busy, (void *)1L);
	threads[2] = start(busy, (void *)1L);
	threads[3] = start(takes_all, NULL);
	ready++;
	while (ready < 2)
		;
	begin = now_ns();
	check_rounds(2, 4);
	/* The time-out of a stop is 5 seconds. */
	CHECK(now_ns() - begin < 4 * ONE_SECOND);
	finish = true;
	for (int i = 0; i < 4; i++)
		join(threads[i]);
	_exit(0);
}

static void taking_signals(void)
{
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			delay = (uint64_t)i * DELAY_STEP;
			child_of_taking_signals();
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
}

/* Thread ids of /proc/self/task are not those of gettid(): an answer at once. */
static char reason[256];

static void keep(const char *line)
{
	snprintf(reason, sizeof(reason), "%s", line);
}

static void *pauses(void *arg)
{
	while (!finish)
		pause();
	return arg;
}

static void in_namespace(void)
{
	struct ftrace_ops ops = OPS(count_by_place);
	uint64_t begin = now_ns();
	int error;

	CHECK_EQ(getpid(), 1);
	start(pauses, NULL);
	CHECK_EQ(ftrace_set_print(keep), 0);
	error = ftrace_stop_machine(do_nothing, NULL);
	CHECK(error == 0 || error == -EOPNOTSUPP);
	CHECK(error == 0 || reason[0]);
	CHECK_EQ(filter(&ops, "tf"), 0);
	CHECK_EQ(ftrace_register_function(&ops), error);
	CHECK_EQ(tf(1), 2);
	CHECK_EQ(calls[0], error ? 0 : 1);
	/* Two calls: not by the 5 seconds of a stop that fails. */
	CHECK(now_ns() - begin < 4 * ONE_SECOND);
	dprintf(1, "%d%s%s\n", error, error ? ": " : "", reason);
	_exit(0);
}

static void pid_namespace(void)
{
	uint64_t deadline = now_ns() + TEST_WAIT_SECONDS * ONE_SECOND;
	int status = 0;
	pid_t child;

	if (unshare(CLONE_NEWPID))
		skip(errno == EPERM ? "no pid namespaces without root" : strerror(errno));
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "blocked", "in-namespace", NULL);
		_exit(126);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ns() > deadline) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			dprintf(2, "it did not end in %d s\n", TEST_WAIT_SECONDS);
			break;
		}
		usleep(1000);
	}
	CHECK_EQ(status, 0);
}

/* One after the other. */
static int (*patch_by_other)(struct ftrace_patch *patches, size_t count,
			     const struct ftrace_patch_opts *opts);
static atomic_ulong changes;

static void *other_copy(void *arg)
{
	static const unsigned char gcc_nops[5] = {0x90, 0x90, 0x90, 0x90, 0x90};
	static const unsigned char nop[5] = {0x0f, 0x1f, 0x44, 0, 0};
	struct ftrace_patch_opts opts = {.size = sizeof(opts),
					 .method = FTRACE_METHOD_STOP_MACHINE};

	while (!finish || changes % 2) {
		struct ftrace_patch patch = {.ip = (unsigned long)tg, .len = 5};

		memcpy(patch.old_code, changes % 2 ? nop : gcc_nops, 5);
		memcpy(patch.new_code, changes % 2 ? gcc_nops : nop, 5);
		CHECK_EQ(patch_by_other(&patch, 1, &opts), 0);
		changes++;
	}
	return arg;
}

static void *calls_both(void *arg)
{
	place = (int)(long)arg;
	while (!finish) {
		CHECK_EQ(tf(1), 2);
		CHECK_EQ(tg(1), 3);
	}
	return NULL;
}

static void check_copies(void *copy)
{
	pthread_t threads[3];

	CHECK(copy);
	patch_by_other =
		(int (*)(struct ftrace_patch *, size_t, const struct ftrace_patch_opts *))dlsym(
			copy, "ftrace_patch_text");
	CHECK(patch_by_other && patch_by_other != ftrace_patch_text);
	threads[0] = start(calls_both, (void *)0L);
	threads[1] = start(calls_both, (void *)1L);
	threads[2] = start(other_copy, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned long before = changes;

		check_rounds(2, 2);
		WAIT_FOR(changes > before);
	}
	check_length();
	finish = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
}

static void two_copies(void)
{
	check_copies(dlmopen(LM_ID_NEWLM, FTRACE_LIBRARY, RTLD_NOW));
}

static void two_copies_file(void)
{
	check_copies(open_copy(FTRACE_LIBRARY));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"blocked", blocked},
		{"sigwait", by_sigwait},
		{"signalfd", by_signalfd},
		{"no-signal", no_signal},
		{"taking-signals", taking_signals},
		{"pid-namespace", pid_namespace},
		{"in-namespace", in_namespace},
		{"two-copies", two_copies},
		{"two-copies-file", two_copies_file},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
