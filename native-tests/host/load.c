/* SPDX-License-Identifier: MIT */
/*
 * load.c - opening the library where the process has too little of what it asks
 * for. That ends no process and prints nothing: either it cannot be opened, or its
 * calls return -ENOMEM (-EAGAIN if it was no memory), or it works.
 *
 *   memory       the address space, or the data segment, ends somewhere
 *   calls        the n-th call that the library makes of a function fails, at load
 *   attach       the same at a thread's first call, which can be made again then
 *   alone        it makes no thread, asks for no signal, no variable, no locked page
 *   environment  DOTNET_ variables change nothing
 *   tls          no room for its thread-local words: dlopen() says so
 *
 * The program is not linked with the library, and has functions of the C library's
 * names, which the library calls then.
 */
#define FTRACE_NO_INLINE
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KB	  1024UL
#define MB	  (1024 * KB)
#define OPENED	  0 /* exit codes of the children */
#define NO_MEMORY 2
#define NOT_FOUND 3
#define NOT_MADE  4
#define CODES	  5

/* Functions that may fail. */
enum called {
	NOTHING,
	MALLOC,
	CALLOC,
	REALLOC,
	MMAP,
	MPROTECT,
	MADVISE,
	FOPEN,
	OPEN,
	KEY_CREATE,
	SETSPECIFIC,
	GETATTR,
	ATFORK,
	CALLED
};

static enum called failing;
static long nth, made;
static bool watching_calls;

static bool fails(enum called function)
{
	return watching_calls && function == failing && ++made == nth;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);

void *malloc(size_t size)
{
	errno = ENOMEM;
	return fails(MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	errno = ENOMEM;
	return fails(CALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
	errno = ENOMEM;
	return fails(REALLOC) ? NULL : __libc_realloc(ptr, size);
}

/* The C library's own, found before anything is opened. */
#define REAL(name) ((__typeof__(&name))real_##name)
#define FUNCTIONS(X)                                                                               \
	X(mmap64)                                                                                  \
	X(mprotect) X(madvise) X(fopen64) X(open64) X(pthread_key_create) X(pthread_setspecific)   \
		X(pthread_getattr_np) X(__register_atfork)
#define DECLARE(name) static void *real_##name;
#define FIND(name)    CHECK((real_##name = dlsym(RTLD_NEXT, #name)));

int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso);

FUNCTIONS(DECLARE)

static void find_functions(void)
{
	FUNCTIONS(FIND)
}

void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off64_t offset)
{
	errno = ENOMEM;
	return fails(MMAP) ? MAP_FAILED : REAL(mmap64)(addr, size, prot, flags, fd, offset);
}

int mprotect(void *addr, size_t size, int prot)
{
	errno = ENOMEM;
	return fails(MPROTECT) ? -1 : REAL(mprotect)(addr, size, prot);
}

int madvise(void *addr, size_t size, int advice)
{
	errno = EAGAIN;
	return fails(MADVISE) ? -1 : REAL(madvise)(addr, size, advice);
}

FILE *fopen64(const char *path, const char *mode)
{
	errno = EMFILE;
	return fails(FOPEN) ? NULL : REAL(fopen64)(path, mode);
}

int open64(const char *path, int flags, ...)
{
	errno = EMFILE;
	return fails(OPEN) ? -1 : REAL(open64)(path, flags, 0);
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	return fails(KEY_CREATE) ? EAGAIN : REAL(pthread_key_create)(key, destructor);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	return fails(SETSPECIFIC) ? ENOMEM : REAL(pthread_setspecific)(key, value);
}

int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	return fails(GETATTR) ? EMFILE : REAL(pthread_getattr_np)(thread, attr);
}

int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso)
{
	return fails(ATFORK) ? ENOMEM : REAL(__register_atfork)(prepare, parent, child, dso);
}

/* What it never calls. */

static bool forbidden;

#define FORBID(what)                                                                               \
	do {                                                                                       \
		if (forbidden) {                                                                   \
			dprintf(2, "the library calls %s\n", what);                                \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

void abort(void)
{
	FORBID("abort");
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(134);
}

char *getenv(const char *name)
{
	FORBID("getenv");
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, name, strlen(name)) == 0 && (*variable)[strlen(name)] == '=')
			return *variable + strlen(name) + 1;
	return NULL;
}

int sigaction(int signo, const struct sigaction *action, struct sigaction *before)
{
	FORBID("sigaction");
	return ((__typeof__(&sigaction))dlsym(RTLD_NEXT, "sigaction"))(signo, action, before);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
	FORBID("pthread_sigmask");
	return ((__typeof__(&pthread_sigmask))dlsym(RTLD_NEXT, "pthread_sigmask"))(how, set,
										   before);
}

/* An older system, or a filter, has no membarrier; a page that is locked would do. */
static bool without_membarrier;

int mlock(const void *addr, size_t size)
{
	(void)addr, (void)size;
	FORBID("mlock");
	errno = EPERM;
	return -1;
}

long syscall(long number, ...)
{
	va_list list;
	long args[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_membarrier && without_membarrier) {
		errno = ENOSYS;
		return -1;
	}
	return ((__typeof__(&syscall))dlsym(RTLD_NEXT, "syscall"))(
		number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* The library. */

static __typeof__(ftrace_get_stats) *get_stats;
static __typeof__(ftrace_stop_machine) *stop_machine;
static __typeof__(ftrace_update_sites) *update_sites;
static __typeof__(ftrace_nmi_add_signal) *nmi_add_signal;
static __typeof__(ftrace_patch_text) *patch_text;
static __typeof__(ftrace_nmi_enter) *nmi_enter;
static __typeof__(ftrace_nmi_exit) *nmi_exit;
static unsigned char *function;

static bool open_library(void)
{
	void *library = dlopen(FTRACE_LIBRARY, RTLD_NOW);

	if (!library)
		return false;
	CHECK((get_stats = dlsym(library, "ftrace_get_stats")));
	CHECK((stop_machine = dlsym(library, "ftrace_stop_machine")));
	CHECK((update_sites = dlsym(library, "ftrace_update_sites")));
	CHECK((nmi_add_signal = dlsym(library, "ftrace_nmi_add_signal")));
	CHECK((patch_text = dlsym(library, "ftrace_patch_text")));
	CHECK((nmi_enter = dlsym(library, "ftrace_nmi_enter")));
	CHECK((nmi_exit = dlsym(library, "ftrace_nmi_exit")));
	return true;
}

static int ask(void)
{
	struct ftrace_stats now = {.size = sizeof(now)};

	return get_stats(&now);
}

static bool is_passing(int result)
{
	return result == 0 || result == -ENOMEM || result == -EAGAIN;
}

static int patch(void)
{
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_A);

	return patch_text(&patch, 1, &way);
}

/* Opens the library and calls it. Returns OPENED, NO_MEMORY or NOT_FOUND. */
static int try_library(void)
{
	int result;

	watching_calls = true;
	if (!open_library()) {
		watching_calls = false;
		return NOT_FOUND;
	}
	watching_calls = false;
	result = ask();
	CHECK(is_passing(result));
	nmi_enter();
	nmi_exit();
	if (result != 0) {
		CHECK_EQ(stop_machine(do_nothing, NULL), result);
		CHECK_EQ(update_sites(), result);
		CHECK_EQ(nmi_add_signal(SIGUSR1), result);
		CHECK_EQ(patch(), result);
		return NO_MEMORY;
	}
	CHECK(is_passing(stop_machine(do_nothing, NULL)));
	CHECK(is_passing(update_sites()));
	CHECK_EQ(nmi_add_signal(SIGUSR1), 0);
	CHECK(is_passing(patch()));
	return OPENED;
}

/* In a process of its own, which ends as it wants to, and says nothing. */
static int in_child(int (*run)(void *), void *data)
{
	int output = memfd_create("stderr", 0), status;
	pid_t pid;

	CHECK(output >= 0);
	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(output, 2);
		alarm(TEST_WAIT_SECONDS);
		exit(run(data));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 1 || WEXITSTATUS(status) >= CODES ||
	    lseek(output, 0, SEEK_END) != 0) {
		char text[4096];
		ssize_t length = pread(output, text, sizeof(text), 0);

		dprintf(2, "a child ended with %#x and said: %.*s\n", status, (int)length, text);
		_exit(1);
	}
	close(output);
	return WEXITSTATUS(status);
}

/* memory */

struct limit {
	int resource;
	rlim_t more;
};

static int with_limit(void *data)
{
	struct limit *limit = data;
	const char *key = limit->resource == RLIMIT_AS ? "\nVmSize:" : "\nVmData:";
	rlim_t now = proc_number("/proc/self/status", key, 10) * KB + limit->more;
	struct rlimit value = {now, now};

	CHECK_EQ(setrlimit(limit->resource, &value), 0);
	return try_library();
}

static void with_limits(int resource, unsigned long begin, unsigned long step, unsigned long end,
			int results[CODES])
{
	for (unsigned long more = begin; more <= end; more += step)
		results[in_child(with_limit, &(struct limit){resource, more})]++;
}

static void memory(void)
{
	int results[CODES] = {0};

	with_limits(RLIMIT_AS, 0, 128 * KB, 24 * MB, results);
	with_limits(RLIMIT_AS, 0, MB, 200 * MB, results);
	printf("address space: opened %d, no memory %d, not opened %d\n", results[OPENED],
	       results[NO_MEMORY], results[NOT_FOUND]);
	CHECK(results[OPENED] && results[NO_MEMORY] && results[NOT_FOUND]);
	memset(results, 0, sizeof(results));
	/* The slots of calls whose exits are traced are 8 MB of data. */
	with_limits(RLIMIT_DATA, 0, MB, 8 * MB, results);
	with_limits(RLIMIT_DATA, 8 * MB, 16 * KB, 10 * MB, results);
	printf("data: opened %d, no memory %d, not opened %d\n", results[OPENED],
	       results[NO_MEMORY], results[NOT_FOUND]);
	CHECK(results[OPENED] && results[NO_MEMORY]);
}

/* calls */

static int with_failure(void *data)
{
	int result = try_library();

	(void)data;
	return made >= nth ? result : NOT_MADE;
}

static void calls(void)
{
	static const char *const names[CALLED] = {
		"nothing",
		"malloc",
		"calloc",
		"realloc",
		"mmap",
		"mprotect",
		"madvise",
		"fopen",
		"open",
		"pthread_key_create",
		"pthread_setspecific",
		"pthread_getattr_np",
		"pthread_atfork",
	};
	int total = 0;

	for (failing = NOTHING + 1; failing < CALLED; failing++) {
		int results[CODES] = {0};

		for (nth = 1; results[NOT_MADE] == 0; nth++)
			results[in_child(with_failure, NULL)]++;
		printf("%s: opened %d, error %d, not opened %d\n", names[failing], results[OPENED],
		       results[NO_MEMORY], results[NOT_FOUND]);
		total += results[NO_MEMORY];
	}
	CHECK(total > 0);
}

/* attach */

static void *attaches(void *arg)
{
	int *result = arg;

	watching_calls = true;
	*result = ask();
	watching_calls = false;
	CHECK(is_passing(*result));
	CHECK_EQ(ask(), 0);
	CHECK_EQ(patch(), 0);
	return arg;
}

static int with_failing_attach(void *data)
{
	int result = 0;

	(void)data;
	CHECK(open_library());
	join(start(attaches, &result));
	CHECK_EQ(patch(), 0);
	return made < nth ? NOT_MADE : result == 0 ? OPENED : NO_MEMORY;
}

static void attach(void)
{
	int errors = 0;

	for (failing = NOTHING + 1; failing < CALLED; failing++) {
		int results[CODES] = {0};

		for (nth = 1; results[NOT_MADE] == 0; nth++)
			results[in_child(with_failing_attach, NULL)]++;
		errors += results[NO_MEMORY];
	}
	printf("%d errors\n", errors);
	CHECK(errors > 0);
}

/* alone */

static void *asks(void *arg)
{
	sigset_t set;

	/* Nor does it let anything in. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(ask(), 0);
	CHECK(signal_mask() >> (SIGRTMIN - 1) & 1);
	return arg;
}

static int with_nothing(void *data)
{
	pthread_t thread;

	without_membarrier = data;
	forbidden = true;
	CHECK(open_library());
	CHECK_EQ(thread_count(), 1);
	CHECK_EQ(ask(), 0);
	CHECK_EQ(thread_count(), 1);
	CHECK_EQ(pthread_create(&thread, NULL, asks, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(patch(), 0);
	forbidden = false;
	return 0;
}

static void alone(void)
{
	in_child(with_nothing, NULL);
	in_child(with_nothing, "without membarrier");
}

/* environment */

static const char *const variables[] = {
	"DOTNET_GCHeapHardLimit=1",
	"DOTNET_GCRegionRange=4000000000",
	"DOTNET_GCRegionSize=10000",
	"DOTNET_GCgen0size=1",
	"DOTNET_gcServer=1",
	"DOTNET_gcConcurrent=1",
	"DOTNET_GCHeapAffinitizeMask=1",
	"DOTNET_PROCESSOR_COUNT=1",
	"DOTNET_EnableDiagnostics=1",
	"DOTNET_DbgEnableMiniDump=1",
	"DOTNET_GCConserveMemory=9",
	"DOTNET_Thread_DefaultStackSize=ffff",
	"DOTNET_TotalStressLogSize=100000",
	"COMPlus_GCHeapHardLimit=1",
	"DOTNET_GCName=none.so",
};

static void report_load(void)
{
	struct ftrace_stats now = {.size = sizeof(now)};
	uint64_t before = proc_number("/proc/self/status", "\nVmSize:", 10), after;

	CHECK(open_library());
	CHECK_EQ(get_stats(&now), 0);
	after = proc_number("/proc/self/status", "\nVmSize:", 10);
	printf("%d %lu kB, %lu bytes, secure %lu\n", 0, (unsigned long)(after - before),
	       (unsigned long)now.managed_bytes, getauxval(AT_SECURE));
}

/* Another process's "report"; as user 65534, if @other. */
static void read_report(const char *program, bool other, bool set, char line[128])
{
	int pipes[2], status;
	ssize_t length;
	pid_t pid;

	CHECK_EQ(pipe(pipes), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(variables) / sizeof(*variables) && set; i++)
			putenv((char *)variables[i]);
		dup2(pipes[1], 1);
		if (other)
			CHECK_EQ(setresuid(65534, 65534, 65534), 0);
		execl(program, program, "report", NULL);
		_exit(127);
	}
	close(pipes[1]);
	length = read(pipes[0], line, 127);
	line[length < 0 ? 0 : length] = '\0';
	close(pipes[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void environment(void)
{
	char plain[128], with[128], path[64], own[4096], command[8192];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	CHECK(length > 0);
	own[length] = '\0';
	read_report(own, false, false, plain);
	read_report(own, false, true, with);
	printf("%s%s", plain, with);
	CHECK_EQ(strcmp(plain, with), 0);

	/* The same as another user's, who may not set them. */
	strcpy(path, "/tmp/ftrace-load-XXXXXX");
	if (getuid() != 0 || !mkdtemp(path))
		return;
	chmod(path, 0755);
	snprintf(command, sizeof(command), "cp '%s' %s/load && chmod 4755 %s/load", own, path,
		 path);
	CHECK_EQ(system(command), 0);
	snprintf(command, sizeof(command), "%s/load", path);
	read_report(command, true, true, with);
	printf("%s", with);
	CHECK_EQ(strncmp(plain, with, strchr(plain, ',') - plain), 0);
	unlink(command);
	rmdir(path);
}

/* tls */

static void *open_copy(void)
{
	char path[64];
	int from = open(TLS_MODULE, O_RDONLY), to;
	char block[4096];
	ssize_t length;
	void *module;

	snprintf(path, sizeof(path), "/tmp/ftrace-tls-XXXXXX");
	to = mkstemp(path);
	CHECK(from >= 0 && to >= 0);
	while ((length = read(from, block, sizeof(block))) > 0)
		CHECK_EQ(write(to, block, length), length);
	close(from);
	close(to);
	module = dlopen(path, RTLD_NOW);
	unlink(path);
	return module;
}

static void use_up(void)
{
	int number = 0;

	while (open_copy())
		number++;
	printf("after %d: %s\n", number, dlerror());
	CHECK(number < 1000);
}

static void tls(void)
{
	char own[4096];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	const char *error;

	CHECK(length > 0);
	own[length] = '\0';
	use_up();
	CHECK(!open_library());
	error = dlerror();
	printf("%s\n", error);
	CHECK(strstr(error, "static TLS"));
	CHECK(malloc(1));
	if (getenv("GLIBC_TUNABLES"))
		return;
	/* There are more of them, if somebody says so before. */
	fflush(stdout);
	putenv("GLIBC_TUNABLES=glibc.rtld.optional_static_tls=8192");
	execl(own, own, "tls-first", NULL);
	CHECK(!"exec");
}

/* The last 512 bytes of the reserve are enough for the library. */
static void tls_first(void)
{
	CHECK(open_library());
	CHECK_EQ(ask(), 0);
	use_up();
	CHECK_EQ(ask(), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"memory", memory},
		{"calls", calls},
		{"attach", attach},
		{"alone", alone},
		{"environment", environment},
		{"report", report_load},
		{"tls", tls},
		{"tls-first", tls_first},
		{NULL, NULL},
	};

	find_functions();
	function = new_function();
	return run_mode(modes, argc, argv);
}
