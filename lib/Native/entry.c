/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the exported functions: entry into C#, and calls of the host's code.
 *
 * Calls from signal handlers are refused before they enter the runtime, because the
 * runtime aborts when it is entered from a handler that interrupted it. And a thread must be
 * attached to the runtime before it enters, and the child of a fork must be recognized.
 *
 * The order on the way in:
 *
 *	begin_call()	is the thread in a handler, or in a call already?
 *	prepare_call()	is this still the same process, and is the thread attached?
 *	thread_NAME()	the C# side, in lib/Exports/
 *	end_call()
 */
#include "native.h"
#include "loader.h"
#include "record_env.h"
#include "recorder.h"
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>

#define STRINGIFY(x)	 #x
#define VERSION(a, b, c) STRINGIFY(a) "." STRINGIFY(b) "." STRINGIFY(c)
#define HEADER_VERSION	 VERSION(FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR, FTRACE_VERSION_PATCH)

_Static_assert(__builtin_strcmp(HEADER_VERSION, FTRACE_BUILD_VERSION) == 0,
	       "ftrace/version.h and the build disagree about the version");

EXPORT const char *ftrace_version(void)
{
	return HEADER_VERSION;
}

/*
 * The runtime attaches a thread at its first call, and detaches it at its end, both
 * under a lock of the runtime. After a fork in that moment the lock would stay locked in
 * the child, so both happen under a mutex that is taken before a fork.
 */
static pthread_mutex_t attach_mutex = PTHREAD_MUTEX_INITIALIZER;

void thread_attach(void);

/* The error of every call until the constructor has run, and later if it failed. */
static int unavailable = -EAGAIN;

static struct ftrace_nmi_thread *fork_owner; /* holds the mutex for a fork; changed with it held */

/* In a child: the mutex, and the runtime's lock with it, was held by a thread of the parent. */
static int attach_lost;

/* A thread that was about to fork held the mutex alone. */
static void check_lost_attach(void)
{
	if (pthread_mutex_trylock(&attach_mutex) == 0) {
		pthread_mutex_unlock(&attach_mutex);
	} else {
		attach_lost |= !fork_owner;
		fork_owner = NULL;
		pthread_mutex_init(&attach_mutex, NULL);
	}
}

static int __attribute__((noinline)) attach(struct ftrace_nmi_thread *thread)
{
	int error;

	if (attach_lost)
		return -EAGAIN;
	pthread_mutex_lock(&attach_mutex);
	error = runtime_try(thread_attach);
	pthread_mutex_unlock(&attach_mutex);
	if (error == 0)
		thread->attached |= LibraryCall_Attached;
	return error;
}

/*
 * Recognizes a child of a fork. The kernel clears the page in a copy of the process, so a
 * child that was created without the C library's fork() is recognized. It does not clear it
 * in a process that shares this memory; such a process has another id, and its calls fail.
 * Without such a page (before Linux 4.14) the two look alike, and calls fail in both.
 */
#define WIPE_ON_FORK 18
enum { COPY, UPDATING, OURS };
static int *process_page;
static int process;

static void note_process(void)
{
	process = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (process_page)
		__atomic_store_n(process_page, OURS, __ATOMIC_RELEASE);
}

void entry_start(void)
{
	long page = raw_syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page > 0 && raw_syscall(SYS_madvise, page, 4096, WIPE_ON_FORK, 0, 0, 0) == 0)
		process_page = (int *)page;
	note_process();
}

static void __attribute__((noinline)) become_child(struct ftrace_nmi_thread *thread)
{
	int copy = COPY;

	if (!__atomic_compare_exchange_n(process_page, &copy, UPDATING, 0, __ATOMIC_ACQUIRE,
					 __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(process_page, __ATOMIC_ACQUIRE) == UPDATING)
			sched_yield();
		return;
	}
	check_lost_attach();
	loader_after_fork();
	agent_after_fork();
	keeper_after_fork();
	connection_after_fork();
	listen_after_fork();
	native.fork_child(thread);
	note_process();
}

/* Makes true what is required before a thread may enter the C# side. */
static int prepare_call(struct ftrace_nmi_thread *thread)
{
	int ours = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) == process;

	if (process_page && __atomic_load_n(process_page, __ATOMIC_ACQUIRE) != OURS)
		become_child(thread);
	else if (!ours)
		return -EOPNOTSUPP;
	return thread->attached & LibraryCall_Attached ? 0 : attach(thread);
}

/*
 * A call of this library, on the thread's stack. A signal handler of the host's may
 * leave whatever it interrupted by siglongjmp(). So while C# runs, and may hold locks,
 * signals that may have such handlers are blocked (not the declared ones, the stop
 * signal, and faults): a call that is left then holds nothing. A later call finds that
 * the thread is not inside of that one any more, and replaces it.
 */
struct call {
	unsigned long thread; /* that is in it; of a call that was left it gets overwritten */
	unsigned long caller; /* where the return address to the host is */
	unsigned long mask;
	int masked; /* 0 in a stop window, which has a mask of its own */
};

_Static_assert(offsetof(struct call, caller) == LibraryCall_Caller, "offsets.h disagrees");

static void restore_mask(const struct call *call)
{
	if (call->masked)
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&call->mask, 0, 8, 0, 0);
}

/*
 * An NMI is recognized by its bit in the saved word, announced or not; any other handler
 * that interrupted the library is recognized by the call that the thread is in.
 */
static void __attribute__((noinline)) end_call(struct ftrace_nmi_thread *thread, struct call *call)
{
	__asm__ __volatile__("" ::: "memory");
	thread->attached &= ~LibraryCall_Inside;
	/* A handler that runs from here on is still refused, and may leave by siglongjmp(). */
	restore_mask(call);
	__asm__ __volatile__("" ::: "memory");
	if (thread->busy == (unsigned long)call)
		thread->busy = 0;
	call->thread = 0;
}

/* The call does not enter C#, unless more is done. */
static int __attribute__((noinline)) begin_native_call(struct ftrace_nmi_thread *thread, struct call *call)
{
	int error = __atomic_load_n(&unavailable, __ATOMIC_ACQUIRE);

	if (error)
		return thread->saved != 1 || thread->busy ? -EDEADLK : error;
	if ((thread->saved != 1 || thread->busy) && !native.may_call(thread, (unsigned long)call))
		return -EDEADLK;
	call->thread = (unsigned long)thread;
	thread->busy = (unsigned long)call;
	__asm__ __volatile__("" ::: "memory");
	call->masked = native.block_signals(&call->mask);
	thread->attached |= LibraryCall_Inside;
	__asm__ __volatile__("" ::: "memory");
	return 0;
}

static int __attribute__((noinline)) begin_call(struct ftrace_nmi_thread *thread, struct call *call)
{
	int error = begin_native_call(thread, call);

	if (error)
		return error;
	error = prepare_call(thread);
	if (error)
		end_call(thread, call);
	return error;
}

/* Calls for thread context. The C# side has the same name with the prefix "thread_". */
#define THREAD_CONTEXT(name, params, args) CONTEXT(EXPORT, name, params, args)
#define INTERNAL(name, params, args)	   CONTEXT(, name, params, args)
#define CONTEXT(linkage, name, params, args)                                                       \
	int thread_##name params;                                                                  \
	linkage int name params                                                                    \
	{                                                                                          \
		struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;                             \
		int saved_errno = errno, ret;                                                      \
		struct call call;                                                                  \
                                                                                                   \
		call.caller = (unsigned long)__builtin_dwarf_cfa() - sizeof(long);                 \
		ret = begin_call(thread, &call);                                                   \
		if (ret != 0)                                                                      \
			return ret;                                                                \
		ret = thread_##name args;                                                          \
		end_call(thread, &call);                                                           \
		errno = saved_errno;                                                               \
		return ret;                                                                        \
	}

THREAD_CONTEXT(ftrace_nmi_add_signal, (int signo), (signo))
THREAD_CONTEXT(ftrace_nmi_del_signal, (int signo), (signo))
THREAD_CONTEXT(ftrace_arch_code_modify_prepare, (void), ())
THREAD_CONTEXT(ftrace_arch_code_modify_post_process, (void), ())
THREAD_CONTEXT(ftrace_stop_machine, (int (*fn)(void *data), void *data), (fn, data))
THREAD_CONTEXT(ftrace_check_stack,
	       (unsigned long start, unsigned long end, unsigned int timeout_ms),
	       (start, end, timeout_ms))
THREAD_CONTEXT(ftrace_modify_code,
	       (unsigned long ip, const unsigned char *old_code, const unsigned char *new_code),
	       (ip, old_code, new_code))
THREAD_CONTEXT(ftrace_make_nop, (unsigned long ip, unsigned long addr), (ip, addr))
THREAD_CONTEXT(ftrace_make_call, (unsigned long ip, unsigned long addr), (ip, addr))
THREAD_CONTEXT(ftrace_make_call_redzone, (unsigned long ip, unsigned long addr), (ip, addr))
THREAD_CONTEXT(ftrace_patch_text,
	       (struct ftrace_patch *patches, size_t count, const struct ftrace_patch_opts *opts),
	       (patches, count, opts))
THREAD_CONTEXT(ftrace_set_patch_opts, (const struct ftrace_patch_opts *opts), (opts))
THREAD_CONTEXT(ftrace_arch_read_dyn_info, (char *buf, int size), (buf, size))
THREAD_CONTEXT(ftrace_get_stats, (struct ftrace_stats *stats), (stats))
THREAD_CONTEXT(ftrace_register_function, (struct ftrace_ops *ops), (ops))
THREAD_CONTEXT(ftrace_unregister_function, (struct ftrace_ops *ops), (ops))
THREAD_CONTEXT(ftrace_set_filter,
	       (struct ftrace_ops *ops, const char *pattern, size_t len, int reset),
	       (ops, pattern, len, reset))
THREAD_CONTEXT(ftrace_set_notrace,
	       (struct ftrace_ops *ops, const char *pattern, size_t len, int reset),
	       (ops, pattern, len, reset))
THREAD_CONTEXT(ftrace_set_filter_ip,
	       (struct ftrace_ops *ops, unsigned long ip, int remove, int reset),
	       (ops, ip, remove, reset))
THREAD_CONTEXT(ftrace_free_filter, (struct ftrace_ops *ops), (ops))
THREAD_CONTEXT(ftrace_update_ftrace_func, (ftrace_func_t func), (func))
THREAD_CONTEXT(ftrace_register_graph, (struct ftrace_graph_ops * ops), (ops))
THREAD_CONTEXT(ftrace_unregister_graph, (struct ftrace_graph_ops * ops), (ops))
THREAD_CONTEXT(ftrace_graph_set_filter,
	       (struct ftrace_graph_ops * ops, const char *pattern, size_t len, int reset),
	       (ops, pattern, len, reset))
THREAD_CONTEXT(ftrace_graph_set_notrace,
	       (struct ftrace_graph_ops * ops, const char *pattern, size_t len, int reset),
	       (ops, pattern, len, reset))
THREAD_CONTEXT(ftrace_tracing_start, (const struct ftrace_tracing_opts *opts), (opts))
THREAD_CONTEXT(ftrace_tracing_stop, (void), ())
THREAD_CONTEXT(ftrace_snapshot, (const char *path), (path))
THREAD_CONTEXT(ftrace_tracing_set_trigger, (const char *trigger, size_t len, int reset), (trigger, len, reset))
INTERNAL(ftrace_record_start, (const struct ftrace_tracing_opts *opts, struct record_start *start),
	 (opts, start))
THREAD_CONTEXT(ftrace_tracing_on, (void), ())
THREAD_CONTEXT(ftrace_tracing_off, (void), ())
THREAD_CONTEXT(ftrace_tracing_set_filter, (const char *pattern, size_t len, int reset),
	       (pattern, len, reset))
THREAD_CONTEXT(ftrace_tracing_set_notrace, (const char *pattern, size_t len, int reset),
	       (pattern, len, reset))
THREAD_CONTEXT(ftrace_tracing_set_depth, (unsigned int depth), (depth))
THREAD_CONTEXT(ftrace_tracing_set_min_time, (unsigned long ns), (ns))
THREAD_CONTEXT(ftrace_tracing_thread, (int on), (on))
THREAD_CONTEXT(ftrace_tracing_get_status, (struct ftrace_tracing_status * status), (status))
INTERNAL(ftrace_record_child, (const char *path), (path))
INTERNAL(ftrace_record_stop, (unsigned int owner), (owner))
INTERNAL(ftrace_record_request, (struct control_request * request), (request))
INTERNAL(ftrace_record_mask, (unsigned long *mask), (mask))
THREAD_CONTEXT(ftrace_for_each_site,
	       (int (*fn)(const struct ftrace_site *, void *), void *data, unsigned int flags),
	       (fn, data, flags))
THREAD_CONTEXT(ftrace_update_sites, (void), ())
THREAD_CONTEXT(ftrace_lookup,
	       (unsigned long ip, struct ftrace_symbol *symbol, char *buf, size_t len),
	       (ip, symbol, buf, len))
THREAD_CONTEXT(ftrace_set_print, (void (*print)(const char *line)), (print))
THREAD_CONTEXT(ftrace_static_key_enable, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_disable, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_slow_inc, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_slow_dec, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_call_key_update,
	       (struct ftrace_static_call_key * key, unsigned long func), (key, func))

/*
 * Perhaps on a thread that was borrowed: it is not attached to the runtime, which would take long, and last. In a stop window other threads
 * stand still, and may have locks that the creation of a thread needs.
 */
EXPORT int ftrace_agent_start(int fd)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	int saved_errno = errno, ret;
	struct call call;

	call.caller = (unsigned long)__builtin_dwarf_cfa() - sizeof(long);
	ret = begin_native_call(thread, &call);
	if (ret != 0)
		return ret;
	ret = call.masked ? connection_start(fd, 0) : -EDEADLK;
	end_call(thread, &call);
	errno = saved_errno;
	return ret;
}

int entry_agent(int (*fn)(void))
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	struct call call;
	int ret = begin_call(thread, &call);

	if (ret != 0)
		return ret;
	ret = fn();
	end_call(thread, &call);
	return ret;
}

/* The same with an argument. */
int entry_service(int (*fn)(void *), void *arg)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	struct call call;
	int ret = begin_call(thread, &call);

	if (ret != 0)
		return ret;
	ret = fn(arg);
	end_call(thread, &call);
	return ret;
}

/* Runs the host's function inside a stop window: it may call the library. */
int entry_run(int (*fn)(void *), void *data)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	unsigned long call = thread->busy;
	int ret;

	thread->busy = 0;
	thread->attached &= ~LibraryCall_Inside;
	ret = fn(data);
	thread->busy = call;
	thread->attached |= LibraryCall_Inside;
	return ret;
}

/*
 * Sleeps until a word changes, or for some time, as if in the host's code: no signal is
 * blocked, and a handler may leave by siglongjmp(). Called with no lock held.
 */
void entry_idle(const unsigned int *word, unsigned int value, long ns)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	struct call *call = (struct call *)thread->busy;

	thread->attached &= ~LibraryCall_Inside;
	__asm__ __volatile__("" ::: "memory");
	restore_mask(call);
	if (word)
		raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
	else
		raw_syscall(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
	call->masked = native.block_signals(&call->mask);
	__asm__ __volatile__("" ::: "memory");
	thread->attached |= LibraryCall_Inside;
}

struct ftrace_nmi_thread *current_thread(void)
{
	return &ftrace_nmi_thread;
}

/* A handler of the host's may be at any address; C# can only call aligned ones. */
void call_handler(void (*handler)(int, siginfo_t *, void *), int signo, siginfo_t *info,
		  void *context)
{
	handler(signo, info, context);
}

/*
 * The runtime detaches a thread in the destructor of a key, and aborts if that thread
 * enters it again. Destructors of the host may still run after that: their calls are
 * refused.
 */
int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));

static void (*runtime_key_destructor)(void *);

static void detach_thread(void *value)
{
	ftrace_nmi_thread.busy = LibraryCall_Ended;
	if (unavailable || attach_lost) /* no thread was attached; or its lock is lost */
		return;
	pthread_mutex_lock(&attach_mutex);
	runtime_key_destructor(value);
	pthread_mutex_unlock(&attach_mutex);
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	/* The runtime creates one key; others are passed through. */
	if (!destructor || runtime_key_destructor)
		return __real_pthread_key_create(key, destructor);
	runtime_key_destructor = destructor;
	return __real_pthread_key_create(key, detach_thread);
}

#define LONGEST_FORK_NS 10000000000L /* longer than a stop */
#define FORK_PAUSE_NS	50000L

static void lock_attach_until(struct ftrace_nmi_thread *thread, long deadline)
{
	const struct timespec pause = {.tv_nsec = FORK_PAUSE_NS};

	while (pthread_mutex_trylock(&attach_mutex) != 0) {
		if (now_ns() > deadline)
			return;
		raw_syscall(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
	}
	fork_owner = thread;
}

/*
 * A handler that forks in the middle of a call may hold the mutex already, or interrupt a
 * wait for it. A call that was left does not count.
 *
 * Whoever has one of the mutexes may want a lock that this thread has taken, perhaps in
 * another library's handler of this kind: that of the allocator's. So the waits end.
 */
static void fork_prepare(void)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	long deadline = now_ns() + LONGEST_FORK_NS;

	if (thread->busy)
		native.may_call(thread, (unsigned long)__builtin_frame_address(0));
	agent_fork_prepare();
	native.fork_prepare(thread, deadline);
	if (!thread->busy)
		lock_attach_until(thread, deadline);
}

static void unlock_attach(void)
{
	if (__atomic_load_n(&fork_owner, __ATOMIC_RELAXED) == &ftrace_nmi_thread) {
		fork_owner = NULL;
		pthread_mutex_unlock(&attach_mutex);
	}
}

static void fork_parent(void)
{
	unlock_attach();
	native.fork_parent(&ftrace_nmi_thread);
	agent_fork_parent();
}

static void fork_child(void)
{
	unlock_attach();
	/* Not in the middle of this thread's first call: it has the mutex itself. */
	if (!ftrace_nmi_thread.busy || ftrace_nmi_thread.attached)
		check_lost_attach();
	loader_after_fork();
	agent_after_fork();
	keeper_after_fork();
	connection_after_fork();
	listen_after_fork();
	native.fork_child(&ftrace_nmi_thread);
	note_process();
	keeper_fork_child();
}

void entry_open(int error)
{
	if (error == 0)
		error = -pthread_atfork(fork_prepare, fork_parent, fork_child);
	__atomic_store_n(&unavailable, error, __ATOMIC_RELEASE);
}
