/* SPDX-License-Identifier: MIT */
/*
 * runtime.c - replacements for C library functions that the .NET runtime calls.
 *
 * The runtime is made for programs of its own: it reads the environment, installs
 * signal handlers, creates a thread, and ends the process if it cannot continue. Here it
 * is a guest. Its calls of these functions are redirected to this file (the linker's --wrap);
 * the other files here and the C# side make no such calls.
 */
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WRAP(ret, name, ...)                                                                       \
	ret __real_##name(__VA_ARGS__);                                                            \
	ret __wrap_##name(__VA_ARGS__);                                                            \
	ret __wrap_##name(__VA_ARGS__)

/*
 * The attempt to enter the runtime, and its thread. Written by that thread only; others
 * read it to find that they are not that thread.
 */
static struct {
	void *frame[5];
	pthread_t thread;
	int active;
	int starting;
	int error;
} attempt;

static int is_trying(void)
{
	return __atomic_load_n(&attempt.active, __ATOMIC_ACQUIRE) &&
	       pthread_equal(attempt.thread, pthread_self());
}

static int is_starting(void)
{
	return is_trying() && attempt.starting;
}

/*
 * Leaves the runtime as it is, in the middle of a call. It holds no lock of the C
 * library's when it calls this.
 */
static void give_up(int error)
{
	if (is_trying()) {
		attempt.error = error;
		__builtin_longjmp(attempt.frame, 1);
	}
}

int __attribute__((noinline)) runtime_try(void (*enter)(void))
{
	attempt.error = 0;
	attempt.thread = pthread_self();
	if (!__builtin_setjmp(attempt.frame)) {
		__atomic_store_n(&attempt.active, 1, __ATOMIC_RELEASE);
		enter();
	}
	__atomic_store_n(&attempt.active, 0, __ATOMIC_RELEASE);
	return -attempt.error;
}

int runtime_try_start(void (*enter)(void))
{
	int ret;

	attempt.starting = 1;
	ret = runtime_try(enter);
	attempt.starting = 0;
	return ret;
}

/*
 * If the runtime cannot continue, it writes a message to stderr and ends the process.
 * Nearly always the reason is ENOMEM. It writes to stderr for no other reason.
 */
void __real_abort(void) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));
void __wrap_abort(void)
{
	give_up(ENOMEM);
	__real_abort();
}

WRAP(ssize_t, write, int fd, const void *bytes, size_t count)
{
	if (fd == STDERR_FILENO)
		give_up(ENOMEM);
	return __real_write(fd, bytes, count);
}

/*
 * Memory. What the runtime allocates at its start is never freed, and only its own heap
 * has pointers to it, which LeakSanitizer does not scan. So it comes from this pool: the
 * host's allocator need not work yet, and LeakSanitizer has nothing to report.
 */
#define POOL_SIZE  65536
#define POOL_ALIGN 16UL

static char pool[POOL_SIZE] __attribute__((aligned(64)));
static size_t pool_used;

static void *take_from_pool(size_t size)
{
	char *start = pool + pool_used;
	size_t available = sizeof(pool) - pool_used;

	size = (size + POOL_ALIGN - 1) & -POOL_ALIGN;
	if (size == 0 || size > available)
		return NULL;
	pool_used += size;
	return start;
}

static int is_from_pool(const void *ptr)
{
	return (const char *)ptr >= pool && (const char *)ptr < pool + sizeof(pool);
}

WRAP(void *, malloc, size_t size)
{
	void *ptr = is_starting() ? take_from_pool(size) : NULL;

	if (!ptr)
		ptr = __real_malloc(size);
	if (!ptr && size)
		give_up(ENOMEM);
	return ptr;
}

WRAP(void *, calloc, size_t count, size_t size)
{
	size_t bytes;
	void *ptr = NULL;

	if (is_starting() && !__builtin_mul_overflow(count, size, &bytes))
		ptr = take_from_pool(bytes); /* it is zero, and never reused */
	if (!ptr)
		ptr = __real_calloc(count, size);
	if (!ptr && count && size)
		give_up(ENOMEM);
	return ptr;
}

WRAP(void, free, void *ptr)
{
	if (!is_from_pool(ptr))
		__real_free(ptr);
}

WRAP(void *, realloc, void *ptr, size_t size)
{
	size_t most = pool + sizeof(pool) - (char *)ptr;
	void *moved;

	if (!is_from_pool(ptr))
		return __real_realloc(ptr, size);
	moved = __real_malloc(size);
	if (moved)
		memcpy(moved, ptr, size < most ? size : most);
	return moved;
}

/* Mappings of the runtime that is starting, to be released if it fails. */
#define MAPPINGS 64

static struct mapping {
	char *start;
	size_t size;
} mappings[MAPPINGS];
static int mapping_count;

WRAP(void *, mmap64, void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *start;

	if (is_starting() && mapping_count == MAPPINGS)
		give_up(ENOMEM);
	start = __real_mmap64(addr, size, prot, flags, fd, offset);
	if (start == MAP_FAILED)
		give_up(ENOMEM);
	else if (is_starting())
		mappings[mapping_count++] = (struct mapping){start, size};
	return start;
}

/* To align a mapping the runtime unmaps the surplus at either end. */
WRAP(int, munmap, void *addr, size_t size)
{
	char *start = addr;

	for (int i = 0; i < mapping_count && is_starting(); i++) {
		struct mapping *known = &mappings[i];

		if (start == known->start && size <= known->size) {
			known->start += size;
			known->size -= size;
		} else if (start > known->start && start + size == known->start + known->size) {
			known->size -= size;
		}
	}
	return __real_munmap(addr, size);
}

WRAP(int, mprotect, void *addr, size_t size, int prot)
{
	int ret = __real_mprotect(addr, size, prot);

	if (ret)
		give_up(ENOMEM);
	return ret;
}

void runtime_release(void)
{
	for (int i = 0; i < mapping_count; i++)
		if (mappings[i].size)
			__real_munmap(mappings[i].start, mappings[i].size);
	mapping_count = 0;
}

/*
 * Without membarrier(2) the runtime wants a locked page, by which it makes the CPUs notice
 * a collection. There is no collection, and RLIMIT_MEMLOCK of the host may be 0.
 */
int __wrap_mlock(const void *addr, size_t size);
int __wrap_mlock(const void *addr, size_t size)
{
	(void)addr, (void)size;
	return 0;
}

/*
 * The environment. DOTNET_ variables are meant for programs of the runtime's own, and in
 * a set-user-ID program they are not to be trusted.
 */
char *__wrap_getenv(const char *name);
char *__wrap_getenv(const char *name)
{
	(void)name;
	return NULL;
}

/*
 * Signals. The runtime would ignore SIGPIPE, handle SIGSEGV, SIGFPE and SIGRTMIN, and
 * unblock the last one on every thread that calls the library: to turn faults of its code
 * into exceptions, and to suspend threads for a collection. Neither happens.
 */
int __wrap_sigaction(int signo, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int signo, const struct sigaction *action, struct sigaction *before)
{
	(void)signo, (void)action;
	if (before)
		memset(before, 0, sizeof(*before));
	return 0;
}

void (*__wrap_signal(int signo, void (*handler)(int)))(int);
void (*__wrap_signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
	(void)how, (void)set;
	if (before)
		memset(before, 0, sizeof(*before));
	return 0;
}

int __wrap_pthread_kill(pthread_t thread, int signo);
int __wrap_pthread_kill(pthread_t thread, int signo)
{
	(void)thread, (void)signo;
	return ESRCH; /* the runtime then waits until the thread leaves managed code by itself */
}

/*
 * Threads. The runtime creates one, which runs finalizers after a collection, and sleeps
 * until then. It never waits for that thread.
 */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg)
{
	(void)attr, (void)start, (void)arg;
	*thread = pthread_self();
	return 0;
}

/* The runtime does not check the result. */
WRAP(int, pthread_getattr_np, pthread_t thread, pthread_attr_t *attr)
{
	int error = __real_pthread_getattr_np(thread, attr);

	if (error)
		give_up(error == ENOMEM ? ENOMEM : EAGAIN);
	return error;
}
