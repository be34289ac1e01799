/* SPDX-License-Identifier: MIT */
/*
 * program.c - what processes.c and environment.c record: a program that does not know the library.
 *
 *	program MODE [COUNT]
 *
 * Each mode calls pr_leaf() COUNT times in each of its processes, and ends with 5 if nothing
 * else is said.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACED __attribute__((noipa, patchable_function_entry(5)))
#define KEEP   __asm__ volatile("" ::: "memory")
#define DONE   5
#define CHILD  7

static int count = 10;
static const char *self;

TRACED int pr_leaf(int n)
{
	return n + 1;
}

static void work(void)
{
	for (int i = 0; i < count; i++)
		pr_leaf(i);
}

static void fail(const char *what)
{
	dprintf(1, "program: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void await(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("child");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != CHILD) {
		dprintf(1, "program: the child ended with %#x\n", status);
		_exit(1);
	}
}

static void calls(void)
{
	work();
}

static void forked(void)
{
	pid_t child = fork();

	if (child == 0) {
		work();
		exit(CHILD);
	}
	await(child);
	work();
}

/* Ends at once, by a system call; and the child of a child. */
static void chain(void)
{
	pid_t child = fork();

	if (child == 0) {
		pid_t next = fork();

		if (next == 0) {
			work();
			_exit(CHILD);
		}
		await(next);
		work();
		_exit(CHILD);
	}
	await(child);
	work();
}

/* In a child that calls no traced function: no file. */
static void idle(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(CHILD);
	await(child);
	work();
}

/* Other threads make traced calls meanwhile. */
static int finish;

static void *runs(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&finish, __ATOMIC_RELAXED))
		pr_leaf(1);
	return NULL;
}

static void *calls_once(void *arg)
{
	pr_leaf(1);
	return arg;
}

static void many(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, runs, NULL) != 0)
			fail("thread");
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			pthread_t thread;

			work();
			if (pthread_create(&thread, NULL, calls_once, NULL) != 0)
				_exit(1);
			pthread_join(thread, NULL);
			_exit(CHILD);
		}
		await(child);
	}
	__atomic_store_n(&finish, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* A handler forks, wherever it interrupts; every second child goes on from there. */
static int forks, is_child;

static void on_alarm(int signo)
{
	pid_t child = fork();

	(void)signo;
	forks++;
	if (child != 0)
		await(child);
	else if (forks % 2)
		is_child = 1;
	else {
		work();
		_exit(CHILD);
	}
}

static void handler(void)
{
	struct itimerval soon = {{0, 0}, {0, 300}};

	signal(SIGALRM, on_alarm);
	for (int i = 0; i < 20; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		while (forks == i && !__atomic_load_n(&is_child, __ATOMIC_RELAXED))
			pr_leaf(1);
		if (is_child) {
			work();
			_exit(CHILD);
		}
	}
}

static void vforked(void)
{
	pid_t child;

	work();
	child = vfork();
	if (child == 0) {
		work();
		_exit(CHILD);
	}
	await(child);
	work();
}

/* More than its parent has yet to do. */
static void work_long(void)
{
	for (int i = 0; i < 10; i++)
		work();
	_exit(CHILD);
}

/* Without handlers of pthread_atfork(). */
static void bare(void)
{
	pid_t child;

	work();
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		work_long();
	await(child);
#if __GLIBC_PREREQ(2, 34)
	child = _Fork();
	if (child == 0)
		work_long();
	await(child);
#endif
	work();
}

static void executes(void)
{
	work();
	execl(self, self, "calls", "20", (char *)NULL);
	fail(self);
}

static void executes_first(void)
{
	execl(self, self, "idle", "20", (char *)NULL);
	fail(self);
}

static void starts(void)
{
	pid_t child = fork();

	if (child == 0) {
		execl(self, self, "ends", "20", (char *)NULL);
		_exit(1);
	}
	await(child);
	work();
}

/* Somebody has truncated the file. */
static void truncated(void)
{
	work();
	if (truncate("trace", 0) != 0)
		fail("truncate");
	work();
}

/* A signal is as it is without the recorder. */
static void faults(void)
{
	work();
	raise(SIGBUS);
}

static void ends(void)
{
	work();
	exit(CHILD);
}

static void ends_at_once(void)
{
	work();
	_exit(DONE);
}

static void ends_quickly(void)
{
	work();
	quick_exit(DONE);
}

static void aborts(void)
{
	work();
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void killed(void)
{
	work();
	raise(SIGKILL);
}

/* How often the recorder's thread has gone to sleep. */
static long keeper_sleeps(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	long sleeps = -1;

	while (tasks && sleeps < 0 && (task = readdir(tasks))) {
		char path[300], text[4096] = "", *at;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", task->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fread(text, 1, sizeof(text) - 1, file) && strncmp(text, "Name:\tftrace-keeper\n", 20) == 0) {
			at = strstr(text, "\nvoluntary_ctxt_switches:");
			sleeps = at ? strtol(at + 25, NULL, 10) : -1;
		}
		fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return sleeps;
}

static void await_keeper(int rounds)
{
	time_t deadline = time(NULL) + 60;
	long sleeps;

	while ((sleeps = keeper_sleeps()) < 0) {
		if (time(NULL) > deadline)
			fail("keeper");
		sched_yield();
	}
	while (keeper_sleeps() < sleeps + rounds)
		sched_yield();
}

/* After the program's start. */
static void forked_later(void)
{
	await_keeper(5);
	forked();
}

/* Two objects at the same addresses, one after the other. */
static void call_plugin(const char *path)
{
	void *object = dlopen(path, RTLD_NOW);
	int (*function)(int) = object ? (int (*)(int))dlsym(object, "plugin_calls") : NULL;

	if (!function)
		fail(path);
	function(count);
	dlclose(object);
}

static void reopens(void)
{
	call_plugin(PLUGIN_ONE);
	call_plugin(PLUGIN_TWO);
}

/* The lowest descriptor is as without the recorder; and no file of the program's is written to. */
static void descriptors(void)
{
	struct rlimit limit;
	char text[16] = "";
	pthread_t threads[40];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd != 3) {
		dprintf(1, "program: the lowest free descriptor is %d\n", fd);
		_exit(1);
	}
	work();
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("limit");
	for (int i = 3; i < 2048; i++)
		close(i);
	/* All numbers that the recorder's may have had are the program's now. */
	fd = open("own.data", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "own", 3) != 3)
		fail("own.data");
	for (int i = fd + 2; i < 1024; i++) /* one is left, to read /proc */
		if (dup2(fd, i) != i)
			fail("dup2");
	/* More threads than there are rings: the file would have to grow. */
	for (int i = 0; i < 40; i++)
		if (pthread_create(&threads[i], NULL, runs, NULL) != 0)
			fail("thread");
	await_keeper(5);
	__atomic_store_n(&finish, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 40; i++)
		pthread_join(threads[i], NULL); /* else they may be recorded after the end: goes_on() */
	if (lseek(fd, 0, SEEK_END) != 3 || pread(fd, text, sizeof(text), 0) != 3 || strcmp(text, "own") != 0) {
		dprintf(1, "program: its file was written to\n");
		_exit(1);
	}
}

/*
 * Calls when the destructors have run, and so the library's: exit(3) comes to streams last. Then it is held up for so
 * long that the keeper, which notes the time each second, would do so again.
 */
static pthread_t living;

static void *lives(void *arg)
{
	pr_leaf(1);
	while (!__atomic_load_n(&finish, __ATOMIC_RELAXED))
		sched_yield();
	work();
	return arg;
}

static ssize_t write_late(void *cookie, const char *text, size_t size)
{
	(void)cookie, (void)text;
	work();
	await_keeper(12);
	__atomic_store_n(&finish, 1, __ATOMIC_RELAXED);
	pthread_join(living, NULL);
	return size;
}

static void goes_on(void)
{
	FILE *late = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_late});

	if (!late || fputs("late", late) == EOF)
		fail("stream");
	if (pthread_create(&living, NULL, lives, NULL) != 0)
		fail("thread");
	work();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"calls", calls},	{"forked", forked},   {"chain", chain},
		{"idle", idle},		{"many", many},	      {"vforked", vforked},
		{"bare", bare},		{"executes", executes}, {"executes-first", executes_first},
		{"starts", starts},	{"ends", ends},	      {"ends-at-once", ends_at_once},
		{"ends-quickly", ends_quickly}, {"aborts", aborts},   {"killed", killed},
		{"descriptors", descriptors}, {"truncated", truncated}, {"handler", handler}, {"forked-later", forked_later}, {"reopens", reopens}, {"faults", faults}, {"goes-on", goes_on},
	};

	self = argv[0];
	if (argc > 2)
		count = atoi(argv[2]);
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run();
			return DONE;
		}
	}
	return 64;
}
