/* SPDX-License-Identifier: MIT */
/*
 * seized.c - threads that block every signal, and are stopped by ptrace(2).
 *
 * seized waits      in each system call that the kernel does not restart by itself:
 *                   the call goes on, and no EINTR is seen; but one that is about a
 *                   signal of the host's is. Control: a process that stops the thread
 *                   in the same way, and restarts nothing
 * seized states     a stopped process, a thread in vfork(), ends, a debugger
 * seized dumpable   a process that is not dumpable is refused, and stays so
 * seized exec       a new program begins in a thread, at each step of a stop, and is
 *                   not ended by our signal. Control: one by sigqueue()
 * seized forged     signals that others send in the library's name
 * seized copied     the library's own signal again: as it was, and with another sender
 * seized handled    a thread is interrupted all the time while it is seized
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned char *function;
static atomic_int tid;
static atomic_bool finish;
static sigset_t all;

static void block_all(void)
{
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
}

/* waits */

#define STOPS 5

static int sockets[2], listener, epoll, semaphores;
static aio_context_t aio;

static long in_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 60000);
}

static long in_epoll_pwait(void)
{
	struct epoll_event event;

	return epoll_pwait(epoll, &event, 1, 60000, &all);
}

static long in_sigtimedwait(void)
{
	const struct timespec minute = {60, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &minute) == SIGUSR2 ? 1 : -1;
}

static long in_semtimedop(void)
{
	const struct timespec minute = {60, 0};
	struct sembuf down = {0, -1, 0};

	return semtimedop(semaphores, &down, 1, &minute) == 0 ? 1 : -1;
}

static long in_io_getevents(void)
{
	struct timespec minute = {60, 0};
	struct io_event event;

	return syscall(SYS_io_getevents, aio, 1, 1, &event, &minute);
}

static long in_recv(void)
{
	char byte;

	return recv(sockets[0], &byte, 1, 0);
}

static long in_read(void)
{
	char byte;

	return read(sockets[0], &byte, 1);
}

static long in_accept(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return -1;
	close(fd);
	return 1;
}

/* Those that the kernel restarts. */
static long in_poll(void)
{
	struct pollfd file = {sockets[0], POLLIN, 0};

	return poll(&file, 1, 60000);
}

static long in_ppoll(void)
{
	struct pollfd file = {sockets[0], POLLIN, 0};
	const struct timespec minute = {60, 0};

	return ppoll(&file, 1, &minute, &all);
}

static void wake_socket(void)
{
	CHECK_EQ(write(sockets[1], "x", 1), 1);
}

static void drain_socket(void)
{
	char byte;

	recv(sockets[0], &byte, 1, MSG_DONTWAIT);
}

static void wake_signal(void)
{
	send_signal(tid, SIGUSR2);
}

static void wake_semaphore(void)
{
	struct sembuf up = {0, 1, 0};

	CHECK_EQ(semop(semaphores, &up, 1), 0);
}

static void wake_accept(void)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(getsockname(listener, (struct sockaddr *)&name, &size), 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&name, size), 0);
	close(fd);
}

/* An event that is there at once. */
static void wake_aio(void)
{
	static char byte;
	static struct iocb block, *blocks = &block;
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	block = (struct iocb){.aio_lio_opcode = IOCB_CMD_PREAD,
			      .aio_fildes = file,
			      .aio_buf = (uintptr_t)&byte,
			      .aio_nbytes = 1};
	CHECK_EQ(syscall(SYS_io_submit, aio, 1, &blocks), 1);
	close(file);
}

static const struct wait_call {
	const char *name;
	long (*call)(void);
	void (*wake)(void);
	bool restarts; /* by the kernel */
} wait_calls[] = {
	{"epoll_wait", in_epoll_wait, wake_socket, false},
	{"epoll_pwait", in_epoll_pwait, wake_socket, false},
	{"sigtimedwait", in_sigtimedwait, wake_signal, false},
	{"semtimedop", in_semtimedop, wake_semaphore, false},
	{"io_getevents", in_io_getevents, wake_aio, false},
	{"recv with SO_RCVTIMEO", in_recv, wake_socket, false},
	{"read with SO_RCVTIMEO", in_read, wake_socket, false},
	{"accept with SO_RCVTIMEO", in_accept, wake_accept, false},
	{"poll", in_poll, wake_socket, true},
	{"ppoll", in_ppoll, wake_socket, true},
};

static const struct wait_call *waiting;
static atomic_long wait_result, wait_errno;
static atomic_bool returned;

static void *waits_blocked(void *arg)
{
	block_all();
	tid = gettid();
	errno = 0;
	wait_result = waiting->call();
	wait_errno = errno;
	returned = true;
	WAIT_FOR(finish);
	return arg;
}

static void wait_until_asleep(void)
{
	int times = 0;

	/* It may sleep for another reason before: the call is the last thing that it does. */
	WAIT_FOR(tid != 0);
	WAIT_FOR(returned || (asleep(tid) && ++times > 20));
}

/* As the library does it, but that the call is not restarted: by a process of our own. */
static void interrupt_only(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_SEIZE, tid, 0, 0) != 0)
			_exit(1);
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		waitpid(tid, &status, __WALL);
		ptrace(PTRACE_DETACH, tid, 0, 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (status != 0)
		skip("ptrace(2) is denied");
}

static void waits(void)
{
	const struct timeval minute = {60, 0};
	struct sockaddr_un_buffer {
		sa_family_t family;
	} name = {AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN};

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0); /* an abstract one */
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute)), 0);
	CHECK_EQ(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute)), 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[0], &event), 0);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	CHECK(semaphores >= 0);
	if (syscall(SYS_io_setup, 1, &aio) != 0)
		dprintf(1, "no io_setup here\n");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);

	for (size_t i = 0; i < 2 * sizeof(wait_calls) / sizeof(*wait_calls); i++) {
		bool control = i % 2;
		uint64_t seized = stats().seized_threads;
		pthread_t thread;

		waiting = &wait_calls[i / 2];
		if (waiting->call == in_io_getevents && !aio)
			continue;
		tid = 0;
		returned = finish = false;
		thread = start(waits_blocked, NULL);
		wait_until_asleep();
		for (int n = 0; n < STOPS && !(control && returned); n++) {
			CHECK(control || !returned);
			if (control)
				interrupt_only();
			else
				CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
			wait_until_asleep();
		}
		if (control && !waiting->restarts) {
			WAIT_FOR(returned);
		} else {
			CHECK(!returned);
			waiting->wake();
			WAIT_FOR(returned);
		}
		if (control && !waiting->restarts) {
			CHECK_EQ(wait_result, -1);
			CHECK_EQ(wait_errno, EINTR);
		} else {
			if (wait_result != 1)
				dprintf(2, "%s: %ld, errno %ld\n", waiting->name, wait_result,
					wait_errno);
			CHECK_EQ(wait_result, 1);
		}
		if (!control)
			CHECK_EQ(stats().seized_threads - seized, STOPS);
		drain_socket();
		finish = true;
		join(thread);
	}
	semctl(semaphores, 0, IPC_RMID);
}

/* states */

static void *spins_blocked(void *arg)
{
	block_all();
	tid = gettid();
	while (!finish)
		check_function(function);
	return arg;
}

static int stop_within(unsigned int timeout_ms)
{
	return patch_within(function, timeout_ms);
}

static pthread_t start_spinning(void)
{
	pthread_t thread;

	tid = 0;
	finish = false;
	thread = start(spins_blocked, NULL);
	WAIT_FOR(tid != 0);
	return thread;
}

static int vfork_pipe[2];

static void *vforks(void *arg)
{
	pid_t child;

	block_all();
	tid = gettid();
	child = vfork();
	if (child == 0) {
		char byte;

		/* Of this memory; nothing but the system call. */
		while (read(vfork_pipe[0], &byte, 1) < 0)
			;
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	return arg;
}

static char state_of(pid_t id)
{
	char path[64], stat[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	read_proc(path, stat);
	return strrchr(stat, ')')[2];
}

static void *ends(void *arg)
{
	block_all();
	return arg;
}

static void *begins(void *arg)
{
	while (!finish)
		join(start(ends, arg));
	return NULL;
}

static void states(void)
{
	pthread_t thread = start_spinning();
	uint64_t stopped;
	pid_t child;
	int status;

	/* SIGSTOP and SIGCONT, by a child, all the time. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 200; i++) {
			kill(getppid(), i % 2 ? SIGCONT : SIGSTOP);
			usleep(1000);
		}
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	do
		CHECK_EQ(stop_within(0), 0);
	while (waitpid(child, &status, WNOHANG) == 0);
	finish = true;
	join(thread);

	/* Threads that block all and end. */
	finish = false;
	thread = start(begins, NULL);
	for (int i = 0; i < 200; i++)
		toggle_twice(function);
	finish = true;
	join(thread);

	/* Who waits in vfork() cannot be stopped in any way: an error, and the others stand
	 * still only for the first attempt. */
	CHECK_EQ(pipe(vfork_pipe), 0);
	tid = 0;
	thread = start(vforks, NULL);
	WAIT_FOR(tid != 0);
	WAIT_FOR(state_of(tid) == 'D');
	stopped = stats().max_stop_ns;
	CHECK_EQ(stop_within(300), -ETIMEDOUT);
	CHECK(stats().max_stop_ns < 250000000 || stats().max_stop_ns == stopped);
	CHECK_EQ(write(vfork_pipe[1], "x", 1), 1);
	join(thread);
	toggle_twice(function);

	/* Somebody else traces the thread. */
	thread = start_spinning();
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	CHECK_EQ(pipe(vfork_pipe), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte = ptrace(PTRACE_SEIZE, tid, 0, 0) == 0 ? 'y' : 'n';

		CHECK_EQ(write(vfork_pipe[1], &byte, 1), 1);
		pause();
	} else {
		char byte;

		CHECK_EQ(read(vfork_pipe[0], &byte, 1), 1);
		if (byte == 'y') {
			stopped = stats().last_stop_ns;
			CHECK_EQ(stop_within(100), -ETIMEDOUT);
			CHECK_EQ(stats().last_stop_ns, stopped); /* nobody was asked */
		}
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
	}
	toggle_twice(function);
	finish = true;
	join(thread);
}

static void dumpable(void)
{
	pthread_t thread = start_spinning();

	if (setgid(65534) != 0 || setuid(65534) != 0)
		skip("needs root");
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(stop_within(100), -ETIMEDOUT);
	CHECK_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	finish = true;
	join(thread);
	toggle_twice(function);
}

/* exec */

static int stop_signal;

static void *execs(void *arg)
{
	static char *const args[] = {"true", NULL};

	if (arg)
		block_all();
	execv("/bin/true", args);
	_exit(126);
}

static void *stops(void *arg)
{
	for (;;)
		ftrace_stop_machine(do_nothing, NULL);
	return arg;
}

/* Pending at the exec; the new program has the default action for it, and unblocks it. */
static int exec_with_pending(int code)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		siginfo_t info = {.si_signo = stop_signal, .si_code = code};

		info.si_pid = getpid();
		block_all();
		CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), stop_signal, &info), 0);
		execl("/proc/self/exe", "seized", "unblock", NULL);
		_exit(126);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

static void exec_in(bool leader, bool blocked)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		start(spins_blocked, NULL);
		if (leader) {
			start(stops, NULL);
			usleep(rand() % 3000);
			execs(blocked ? function : NULL);
		}
		start(stops, NULL);
		usleep(rand() % 3000);
		start(execs, blocked ? function : NULL);
		for (;;)
			pause();
	}
	alarm(60);
	CHECK_EQ(waitpid(child, &status, 0), child);
	alarm(0);
	if (status)
		dprintf(2, "exec in %s thread: status %#x\n", leader ? "the main" : "another",
			status);
	CHECK_EQ(status, 0);
}

static int exec_rounds = 60;

static void exec(void)
{
	CHECK_EQ(exec_with_pending(SI_TIMER), 0); /* as the library's */
	CHECK_EQ(WTERMSIG(exec_with_pending(SI_QUEUE)), stop_signal);
	for (int i = 0; i < exec_rounds; i++)
		exec_in(i & 1, i & 2);
}

/* forged */

static void forged(void)
{
	static const int codes[] = {SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO};

	for (size_t i = 0; i < 4 * sizeof(codes) / sizeof(*codes); i++) {
		pid_t child = fork();
		int status;

		CHECK(child >= 0);
		if (child == 0) {
			siginfo_t info = {0};
			union sigval value;

			toggle_twice(function);
			info.si_signo = stop_signal;
			info.si_code = codes[i / 4];
			info.si_errno = 0x66747263; /* as the library marks its own */
			info.si_pid = getpid();
			value.sival_ptr = (void *)(i % 4 == 0	? 0UL
						   : i % 4 == 1 ? 1UL << 31
						   : i % 4 == 2 ? ~0UL
								: 0x7fffffff00000001UL);
			info.si_value = value;
			CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), stop_signal,
					 &info),
				 0);
			_exit(2);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), stop_signal);
	}
}

/* copied */

#define MOST_TRIES 50

static siginfo_t own_signal;
static atomic_bool started, trusted, blocking;
static atomic_int taken;

static void queue_to_self(siginfo_t *info)
{
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), stop_signal, info), 0);
}

/* Takes the stop's signal before its handler does, and gives it back. */
static void *takes_signal(void *arg)
{
	const struct timespec moment = {0, 1000000};
	const pid_t *sender = arg;
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, stop_signal);
	started = true;
	WAIT_FOR(trusted);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &stop, NULL), 0);
	blocking = true;
	while (!taken && !stop_is_over)
		taken = sigtimedwait(&stop, &own_signal, &moment) == stop_signal;
	if (taken)
		queue_to_self(&own_signal);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &stop, NULL), 0);
	WAIT_FOR(stop_is_over);
	if (taken) {
		own_signal.si_pid = *sender;
		queue_to_self(&own_signal);
	}
	return NULL;
}

/* In a child, which ends with 0 if it takes the signal for its own. */
static void take_from(pid_t sender)
{
	/* One that is seized instead, as on a busy machine, does not count. */
	for (int tries = 0; !taken; tries++) {
		pthread_t thread;

		CHECK(tries < MOST_TRIES);
		started = trusted = blocking = stop_is_over = false;
		thread = start(takes_signal, &sender);
		WAIT_FOR(started);
		gain_trust();
		trusted = true;
		WAIT_FOR(blocking);
		CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), 0);
		stop_is_over = true;
		join(thread);
	}
	toggle_twice(function);
	_exit(0);
}

static void copied(void)
{
	for (int own = 0; own < 2; own++) {
		pid_t child = fork();
		int status;

		CHECK(child >= 0);
		if (child == 0)
			take_from(own ? getpid() : getppid());
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (own)
			CHECK_EQ(status, 0);
		else
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == stop_signal);
	}
}

/* handled */

static atomic_ulong handled_count;

static void on_usr1(int signo)
{
	(void)signo;
	handled_count++;
	check_function(function);
}

static void *spins_handled(void *arg)
{
	sigset_t most;

	sigfillset(&most);
	sigdelset(&most, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &most, NULL), 0);
	tid = gettid();
	while (!finish)
		check_function(function);
	return arg;
}

static void handled(void)
{
	uint64_t seized = stats().seized_threads;
	unsigned long before;
	timer_t timer;
	pthread_t thread;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	const struct itimerspec often = {{0, 50000}, {0, 50000}};

	on_signal(SIGUSR1, on_usr1, SA_RESTART);
	thread = start(spins_handled, NULL);
	WAIT_FOR(tid != 0);
	event.sigev_notify_thread_id = tid;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &often, NULL), 0);
	for (int i = 0; i < 300; i++)
		toggle_twice(function);
	CHECK_EQ(stats().seized_threads - seized, 600);
	before = handled_count;
	WAIT_FOR(handled_count > before + 10); /* none was lost for good */
	CHECK_EQ(timer_delete(timer), 0);
	finish = true;
	join(thread);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"waits", waits},   {"states", states},	  {"dumpable", dumpable}, {"exec", exec},
		{"forged", forged}, {"copied", copied},	  {"handled", handled},	  {NULL, NULL},
	};

	if (argc == 2 && strcmp(argv[1], "unblock") == 0) {
		sigfillset(&all);
		return sigprocmask(SIG_UNBLOCK, &all, NULL);
	}
	if (argc == 3 && strcmp(argv[1], "exec") == 0) {
		exec_rounds = atoi(argv[2]);
		argc--;
	}
	function = new_function();
	stop_signal = find_stop_signal();
	return run_mode(modes, argc, argv);
}
