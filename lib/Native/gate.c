/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the part of the library that has to be C.
 *
 *   - the gate of ftrace_nmi_enter() and _exit() with its two objects, for
 *     callers that do not inline it (the text is in ftrace/nmi-inline.h)
 *   - the entry of every other function: it turns calls from signal handlers
 *     away before the runtime sees them, because the runtime aborts when it is
 *     entered from a handler that interrupted it
 *   - what C# cannot say: a raw system call, the address of a thread-local
 *     object, a serializing instruction, a signal return
 *   - starting the runtime without leaving a trace in the host process; what it
 *     asks of the process meanwhile, and later, is in runtime.c
 *
 * Everything else is C#. The object is the last one on the link line, so that
 * its constructor runs after those of the runtime.
 */
#define _GNU_SOURCE
#include <ftrace/ftrace.h>
#include "loader.h"
#include "runtime.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/futex.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#define EXPORT		 __attribute__((visibility("default")))
#define STRINGIFY(x)	 #x
#define VERSION(a, b, c) STRINGIFY(a) "." STRINGIFY(b) "." STRINGIFY(c)

#define HEADER_VERSION	 VERSION(FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR, FTRACE_VERSION_PATCH)

_Static_assert(__builtin_strcmp(HEADER_VERSION, FTRACE_BUILD_VERSION) == 0,
	       "ftrace/version.h and the build disagree about the version");

/* The gate. Own lines: handlers on all CPUs read it, the patcher alone writes it. */
EXPORT unsigned long ftrace_modifying_code[16] __attribute__((aligned(128)));

#define busy	 reserved[1]
#define attached reserved[2]
#define tracer	 reserved[5]

/*
 * The record of threads that have none, lib/Trace/TraceThread.cs: nobody has claimed
 * it, and what would be the mark says to look closer.
 */
static const unsigned long no_tracer[16] __attribute__((aligned(128))) = {[7] = 1};

/*
 * reserved[0]: cookie of a stop that waits for the announced NMIs to leave
 * reserved[1]: the struct call of the call of this library that the thread is in;
 *              ENDED once the runtime has let go of it
 * reserved[2]: ATTACHED: the runtime knows the thread; INSIDE: it is in C#, and
 *              may hold locks. Above: lib/Trace/NmiLevels.cs
 */
EXPORT __thread struct ftrace_nmi_thread ftrace_nmi_thread
	__attribute__((tls_model("initial-exec"))) = {.saved = 1, .tracer = (unsigned long)no_tracer};

#define ENDED	 1UL
#define ATTACHED 1UL
#define INSIDE	 2UL

/* Shared with C#: lib/Linux/NativeTable.cs has the same layout. */
static struct native {
	/* for C# */
	long (*syscall)(long nr, long a, long b, long c, long d, long e, long f);
	struct ftrace_nmi_thread *(*thread)(void);
	void (*sync_core)(void);
	void (*call_handler)(void (*handler)(int, siginfo_t *, void *), int signo, siginfo_t *info,
			     void *context);
	int (*forbids_breakpoints)(void);
	void (*call_ops)(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs, int through);
	int (*iterate_objects)(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);
	void (*free)(void *ptr);
	void (*callers[4])(void); /* by a slot's kind */
	unsigned long *trace_slots;
	const int *trace_places;
	ftrace_func_t *trace_function;
	ftrace_func_t trace_stub;
	const int *trace_text; /* trace_entry.S */
	const unsigned long *no_tracer;
	unsigned long vectors_size;
	unsigned long stack_top; /* of the first thread: no frame is above */
	void (*idle)(const unsigned int *word, unsigned int value, long ns);
	void (*restorer)(void);
	long (*clone)(void (*fn)(void *data), void *data, void *stack, unsigned long flags);
	struct turn *turn;
	int (*run)(int (*fn)(void *), void *data);
	unsigned long *modifying_code;
	void *state;
	void (*print)(const char *line); /* until the host sets one; NULL: none */
	const char *image_start;
	const char *image_end;
	long stop_signal; /* FTRACE_STOP_SIGNAL: 0 if it is not set, STOP_SIGNAL_* */
	/* from C#, data plane */
	void (*enter_slow)(struct ftrace_nmi_thread *thread);
	void (*exit_slow)(struct ftrace_nmi_thread *thread);
	void *(*claim_tracer)(struct ftrace_nmi_thread *thread);
	long (*look_at_marks)(struct ftrace_nmi_thread *thread, unsigned long frame);
	void (*leave_mark)(struct ftrace_nmi_thread *thread, unsigned long mark);
	int (*may_call)(struct ftrace_nmi_thread *thread, unsigned long frame);
	int (*block_signals)(unsigned long *before);
	void (*fork_prepare)(struct ftrace_nmi_thread *thread);
	void (*fork_parent)(struct ftrace_nmi_thread *thread);
	void (*fork_child)(struct ftrace_nmi_thread *thread);
	void (*fork_found)(struct ftrace_nmi_thread *thread);
} native;

/* In place of a signal's number. lib/Stop/StopSignal.cs */
#define STOP_SIGNAL_BAD	 -1
#define STOP_SIGNAL_NONE -2

/*
 * Copies of the library in one process take turns: all use the stop mutex of the
 * one that came first. lib/Stop/StopTurn.cs
 */
struct turn {
	unsigned int mutex;
	unsigned int unused;
	struct turn *first; /* whose mutex this copy uses; NULL until its first stop */
};

struct turn ftrace_turn __attribute__((visibility("hidden"), aligned(64)));

/* All state of the C# side; every word that threads share has its line there. */
static char state[1280] __attribute__((aligned(128)));

EXPORT const char *ftrace_version(void)
{
	return HEADER_VERSION;
}

/*
 * The exported copies of the inline gate. The header's functions of the same
 * name are static; the assembler name makes these the public ones.
 */
EXPORT void exported_enter(void) __asm__("ftrace_nmi_enter");
EXPORT void exported_exit(void) __asm__("ftrace_nmi_exit");

void exported_enter(void)
{
	ftrace_nmi_enter();
}

void exported_exit(void)
{
	ftrace_nmi_exit();
}

EXPORT void ftrace_nmi_enter_slow(void)
{
	native.enter_slow(&ftrace_nmi_thread);
}

EXPORT void ftrace_nmi_exit_slow(void)
{
	/* Only the sentinel is there: an exit without its enter. */
	if (ftrace_nmi_thread.saved != 1)
		native.exit_slow(&ftrace_nmi_thread);
}

/* Returns -errno and leaves errno alone. */
static long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ __volatile__("syscall"
			     : "=a"(ret)
			     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory");
	return ret;
}

/*
 * A thread's first call makes the runtime note it, under a lock of the runtime;
 * its end makes the runtime forget it, likewise. A fork in that moment would
 * leave the lock taken in the child, so both happen under a mutex that fork
 * takes first.
 */
static pthread_mutex_t attach_mutex = PTHREAD_MUTEX_INITIALIZER;

void thread_attach(void);

/* The error of every call until the constructor has run, and after that if it failed. */
static int unavailable = -EAGAIN;

static struct ftrace_nmi_thread *fork_owner; /* has the mutex for a fork; changes with it held */

/* A child took over the mutex, and with it the runtime's lock, from a thread that it does not have. */
static int attach_lost;

static void look_for_lost_attach(void)
{
	if (pthread_mutex_trylock(&attach_mutex) == 0) {
		pthread_mutex_unlock(&attach_mutex);
	} else {
		attach_lost = 1;
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
		thread->attached |= ATTACHED;
	return error;
}

/*
 * Which process this is. The kernel clears the page in a copy of the process, so that a
 * child that was made without the C library's fork() is recognized; and it does not in a
 * process that has this memory itself, which is no business of ours: its id is another.
 */
#define WIPE_ON_FORK 18 /* Linux 4.14; without it all is told by the id */
enum { COPY, MENDING, OURS };
static int *process_page;
static int process;

static void note_process(void)
{
	process = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (process_page)
		__atomic_store_n(process_page, OURS, __ATOMIC_RELEASE);
}

static void start_process(void)
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

	if (process_page && !__atomic_compare_exchange_n(process_page, &copy, MENDING, 0,
							 __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(process_page, __ATOMIC_ACQUIRE) == MENDING)
			sched_yield();
		return;
	}
	if (!fork_owner)
		look_for_lost_attach();
	loader_after_fork();
	native.fork_found(thread);
	note_process();
}

/* What has to be true before a thread may enter the C# side. */
static int prepare_call(struct ftrace_nmi_thread *thread)
{
	int ours = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) == process;

	if (process_page ? __atomic_load_n(process_page, __ATOMIC_ACQUIRE) != OURS : !ours)
		become_child(thread);
	else if (!ours)
		return -EOPNOTSUPP;
	return thread->attached & ATTACHED ? 0 : attach(thread);
}

/*
 * A call of this library, on the thread's stack. A signal handler of the host's
 * may leave by siglongjmp() whatever it interrupted. So while C# runs, and may hold
 * locks, signals are blocked that have such handlers (not the declared ones, the
 * stop's, and faults): what they leave is then a call that holds nothing. A later
 * one finds that it is not inside of that one any more, and takes its place.
 */
struct call {
	unsigned long thread; /* who is in it: what was left is overwritten some day */
	unsigned long mask;
	int masked; /* in a stop window the mask is the window's */
};

static void restore_mask(const struct call *call)
{
	if (call->masked)
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&call->mask, 0, 8, 0, 0);
}

/*
 * An NMI is told by its bit in the saved word, announced or not; any other handler
 * that interrupted the library by the call that is on.
 */
static void __attribute__((noinline)) end_call(struct ftrace_nmi_thread *thread, struct call *call)
{
	__asm__ __volatile__("" ::: "memory");
	thread->attached &= ~INSIDE;
	/* What comes now is turned away still, and may leave. */
	restore_mask(call);
	__asm__ __volatile__("" ::: "memory");
	if (thread->busy == (unsigned long)call)
		thread->busy = 0;
	call->thread = 0;
}

static int __attribute__((noinline)) begin_call(struct ftrace_nmi_thread *thread, struct call *call)
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
	thread->attached |= INSIDE;
	__asm__ __volatile__("" ::: "memory");
	error = prepare_call(thread);
	if (error)
		end_call(thread, call);
	return error;
}

/* Calls for thread context. The C# side has the same name with "thread_" in front. */
#define THREAD_CONTEXT(name, params, args)                                                         \
	int thread_##name params;                                                                  \
	EXPORT int name params                                                                     \
	{                                                                                          \
		struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;                             \
		int saved_errno = errno, ret;                                                      \
		struct call call;                                                                  \
                                                                                                   \
		ret = begin_call(thread, &call);                                                  \
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
THREAD_CONTEXT(ftrace_modify_code,
	       (unsigned long ip, const unsigned char *old_code, const unsigned char *new_code),
	       (ip, old_code, new_code))
THREAD_CONTEXT(ftrace_make_nop, (unsigned long ip, unsigned long addr), (ip, addr))
THREAD_CONTEXT(ftrace_make_call, (unsigned long ip, unsigned long addr), (ip, addr))
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
THREAD_CONTEXT(ftrace_for_each_site,
	       (int (*fn)(const struct ftrace_site *, void *), void *data, unsigned int flags),
	       (fn, data, flags))
THREAD_CONTEXT(ftrace_update_sites, (void), ())
THREAD_CONTEXT(ftrace_set_print, (void (*print)(const char *line)), (print))
THREAD_CONTEXT(ftrace_static_key_enable, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_disable, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_slow_inc, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_key_slow_dec, (struct ftrace_static_key * key), (key))
THREAD_CONTEXT(ftrace_static_call_key_update,
	       (struct ftrace_static_call_key * key, unsigned long func), (key, func))

/* FTRACE_PRINT=stderr. Without stdio, whose lock a thread may hold. */
static void print_stderr(const char *line)
{
	struct iovec text[2] = {{(void *)line, strlen(line)}, {"\n", 1}};

	raw_syscall(SYS_writev, STDERR_FILENO, (long)text, 2, 0, 0, 0);
}

/* Runs the host's function inside a stop window: it may call the library. */
static int run(int (*fn)(void *), void *data)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	unsigned long call = thread->busy;
	int ret;

	thread->busy = 0;
	thread->attached &= ~INSIDE;
	ret = fn(data);
	thread->busy = call;
	thread->attached |= INSIDE;
	return ret;
}

/*
 * Sleeps until a word changes, or for a while, as the host's code would: every
 * signal may come, and its handler leave. Called with no lock held.
 */
static void idle(const unsigned int *word, unsigned int value, long ns)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	struct call *call = (struct call *)thread->busy;

	thread->attached &= ~INSIDE;
	__asm__ __volatile__("" ::: "memory");
	restore_mask(call);
	if (word)
		raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
	else
		raw_syscall(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
	call->masked = native.block_signals(&call->mask);
	__asm__ __volatile__("" ::: "memory");
	thread->attached |= INSIDE;
}

static struct ftrace_nmi_thread *current_thread(void)
{
	return &ftrace_nmi_thread;
}

/*
 * clone(2) onto a stack of its own, for a process that shares memory with this
 * one: fn must not use the C library, whose thread it is not. It must not be
 * the C library's clone() either: that may be patched code.
 */
long raw_clone(void (*fn)(void *data), void *data, void *stack, unsigned long flags)
	__attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	".globl raw_clone\n"
	".type raw_clone, @function\n"
	"raw_clone:\n"
	"	.cfi_startproc\n"
	"	mov %rdi, %r8\n"
	"	mov %rsi, %r9\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdi\n"
	"	xor %edx, %edx\n"
	"	xor %r10d, %r10d\n"
	"	mov $56, %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	.cfi_undefined %rip\n"
	"	xor %ebp, %ebp\n"
	"	mov %r9, %rdi\n"
	"	call *%r8\n"
	"	xor %edi, %edi\n"
	"	mov $60, %eax\n" /* exit, which ends no thread of the host's */
	"	syscall\n"
	"	hlt\n"
	"	.cfi_endproc\n"
	".size raw_clone, . - raw_clone\n");

/*
 * Intel SDM vol. 3A 8.1.3 and 8.3, AMD APM vol. 2 7.6.4: a CPU that executes
 * modified code must execute a serializing instruction first. In user mode
 * these are SERIALIZE (not everywhere), IRET and CPUID. CPUID leaves a virtual
 * machine, which costs microseconds, so a return to the next instruction is the
 * common way, as in the kernel's sync_core(). With a user shadow stack IRET
 * would need a frame there; then it is CPUID.
 */
void sync_core_serialize(void) __attribute__((visibility("hidden")));
void sync_core_iret(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	".globl sync_core_serialize\n"
	".type sync_core_serialize, @function\n"
	"sync_core_serialize:\n"
	"	.cfi_startproc\n"
	"	.byte 0x0f, 0x01, 0xe8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size sync_core_serialize, . - sync_core_serialize\n"
	".p2align 4\n"
	".globl sync_core_iret\n"
	".type sync_core_iret, @function\n"
	"sync_core_iret:\n"
	"	.cfi_startproc\n"
	"	xor %eax, %eax\n"
	"	.byte 0xf3, 0x48, 0x0f, 0x1e, 0xc8\n" /* rdsspq %rax; a nop without shadow stack */
	"	test %rax, %rax\n"
	"	jnz 2f\n"
	"	mov %rsp, %rdx\n"
	"	mov %ss, %eax\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rdx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	pushfq\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	mov %cs, %eax\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	lea 1f(%rip), %rax\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	iretq\n"
	"	.cfi_adjust_cfa_offset -40\n"
	"1:	ret\n"
	"2:	mov %rbx, %rsi\n"
	"	.cfi_register %rbx, %rsi\n"
	"	xor %eax, %eax\n"
	"	cpuid\n"
	"	mov %rsi, %rbx\n"
	"	.cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size sync_core_iret, . - sync_core_iret\n");

static int has_serialize(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 14 & 1;
}

/* A handler of the host's may lie at any address; C# calls only aligned ones. */
static void call_handler(void (*handler)(int, siginfo_t *, void *), int signo, siginfo_t *info,
			 void *context)
{
	handler(signo, info, context);
}

/*
 * A trap handler that carries out a call writes the return address, but cannot
 * write it to a user shadow stack. Valgrind does not execute the text itself,
 * but a translation of what it was; it changes rdi for exactly these rotations
 * and this exchange, which otherwise do nothing (valgrind.h).
 */
#define SHADOW_STACK   1
#define UNDER_VALGRIND 2

static int forbids_breakpoints(void)
{
	unsigned long shadow_stack = 0, under_valgrind = 0;
	unsigned long request[6] = {0x1001 /* RUNNING_ON_VALGRIND */};

	__asm__ __volatile__(".byte 0xf3, 0x48, 0x0f, 0x1e, 0xc8" /* rdsspq %rax */
			     : "+a"(shadow_stack));
	__asm__ __volatile__("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n"
			     "xchgq %%rbx, %%rbx"
			     : "+d"(under_valgrind)
			     : "a"(request)
			     : "cc", "memory");
	return (shadow_stack ? SHADOW_STACK : 0) | (under_valgrind ? UNDER_VALGRIND : 0);
}

/* trace_entry.S */
void ftrace_caller(void) __attribute__((visibility("hidden")));
void ftrace_vectors_caller(void) __attribute__((visibility("hidden")));
void ftrace_regs_caller(void) __attribute__((visibility("hidden")));
void ftrace_regs_vectors_caller(void) __attribute__((visibility("hidden")));
void *ftrace_claim_tracer(struct ftrace_nmi_thread *thread) __attribute__((visibility("hidden")));
long ftrace_look_at_marks(struct ftrace_nmi_thread *thread, unsigned long frame)
	__attribute__((visibility("hidden")));
void ftrace_leave_mark(struct ftrace_nmi_thread *thread, unsigned long mark)
	__attribute__((visibility("hidden")));
unsigned int ftrace_vectors __attribute__((visibility("hidden")));
unsigned long ftrace_vectors_size __attribute__((visibility("hidden")));
unsigned long ftrace_trace_slots __attribute__((visibility("hidden")));
extern const int ftrace_places[] __attribute__((visibility("hidden")));
extern const int ftrace_trace_text[] __attribute__((visibility("hidden")));
ftrace_func_t ftrace_trace_function __attribute__((visibility("hidden")));

void *ftrace_claim_tracer(struct ftrace_nmi_thread *thread)
{
	return native.claim_tracer(thread);
}

long ftrace_look_at_marks(struct ftrace_nmi_thread *thread, unsigned long frame)
{
	return native.look_at_marks(thread, frame);
}

void ftrace_leave_mark(struct ftrace_nmi_thread *thread, unsigned long mark)
{
	native.leave_mark(thread, mark);
}

static void call_ops(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs, int through)
{
	ftrace_func_t func =
		through ? __atomic_load_n(&ftrace_trace_function, __ATOMIC_RELAXED) : ops->func;

	func(ip, parent_ip, ops, ops->flags & FTRACE_OPS_FL_SAVE_REGS ? regs : NULL);
}

/* Which vector registers there are, and the system keeps: Intel SDM vol. 1 13.3, 15.2. */
static void measure_vectors(void)
{
	const unsigned int avx = 0x6, avx512 = 0xe6; /* in XCR0 */
	unsigned int a, b, c, d, enabled = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE)
		__asm__("xgetbv" : "=a"(enabled), "=d"(d) : "c"(0));
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		b = 0;
	if ((enabled & avx512) == avx512 && b & bit_AVX512F && b & bit_AVX512BW) {
		ftrace_vectors = 2;
		ftrace_vectors_size = 32 * 64 + 8 * 8;
	} else if ((enabled & avx) == avx) {
		ftrace_vectors = 1;
		ftrace_vectors_size = 16 * 32;
	} else {
		ftrace_vectors_size = 16 * 16;
	}
}

/*
 * What the kernel writes for a handler on a stack that it is on already. Kernels before
 * 5.14 do not say; then it is registers as xsave stores them, and 1 KB for all else.
 */
static long signal_frame(void)
{
	const long red_zone = 128;
	unsigned long frame = getauxval(AT_MINSIGSTKSZ);
	unsigned int a, size, c, d;

	if (frame == 0)
		frame = (__get_cpuid_count(0xd, 0, &a, &size, &c, &d) ? size : 512) + 1024;
	return (long)frame + red_zone;
}

EXPORT long ftrace_stack_size(int what)
{
	switch (what) {
	case FTRACE_STACK_SIGNAL:
		return signal_frame();
	case FTRACE_STACK_STOP:
	case FTRACE_STACK_BREAKPOINT:
		return signal_frame() + FTRACE_STACK_OWN;
	case FTRACE_STACK_BRACKET:
	case FTRACE_STACK_CALL:
		return FTRACE_STACK_OWN;
	case FTRACE_STACK_CALL_VECTORS:
		if (ftrace_vectors_size == 0)
			measure_vectors(); /* called before the constructor */
		return FTRACE_STACK_OWN + (long)ftrace_vectors_size;
	default:
		return -EINVAL;
	}
}

/*
 * Unwinders and debuggers know a signal frame by exactly these bytes. Other copies
 * of the library in this process know ours by the word before them, and find this
 * copy's struct turn by the one after that.
 */
void ftrace_restore_rt(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	".skip 15, 0x90\n"
	".ascii \"ftrace\\0\\1\"\n"
	".quad ftrace_turn - .\n"
	"nop\n" /* unwinders look at the byte before the return address */
	".globl ftrace_restore_rt\n"
	".type ftrace_restore_rt, @function\n"
	"ftrace_restore_rt:\n"
	"	mov $15, %rax\n"
	"	syscall\n"
	".size ftrace_restore_rt, . - ftrace_restore_rt\n");

/*
 * The runtime forgets a thread in the destructor of a key, and aborts when it is
 * called by that thread again. The host's destructors may still come: their
 * calls are turned away from then on.
 */
int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));

static void (*runtime_key_destructor)(void *);

static void forget_thread(void *value)
{
	ftrace_nmi_thread.busy = ENDED;
	if (unavailable || attach_lost) /* it did not come so far as to note anybody; or cannot */
		return;
	pthread_mutex_lock(&attach_mutex);
	runtime_key_destructor(value);
	pthread_mutex_unlock(&attach_mutex);
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	/* There is one; a second would be somebody else's affair. */
	if (!destructor || runtime_key_destructor)
		return __real_pthread_key_create(key, destructor);
	runtime_key_destructor = destructor;
	return __real_pthread_key_create(key, forget_thread);
}

/*
 * A handler that forks in the middle of a call has the mutex, or waits for it. Who
 * was in a call and has left it is not.
 */
static void fork_prepare(void)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;

	if (thread->busy)
		native.may_call(thread, (unsigned long)__builtin_frame_address(0));
	native.fork_prepare(thread);
	if (!thread->busy) {
		pthread_mutex_lock(&attach_mutex);
		fork_owner = thread;
	}
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
}

static void fork_child(void)
{
	unlock_attach();
	if (ftrace_nmi_thread.busy && ftrace_nmi_thread.attached)
		look_for_lost_attach();
	loader_after_fork();
	native.fork_child(&ftrace_nmi_thread);
	note_process();
}

/* The floating-point environment: exception flags, rounding, masks. */
struct fp_environment {
	struct {
		unsigned int words[7];
	} x87;
	unsigned int mxcsr;
};

static void save_fp(struct fp_environment *fp)
{
	/* fnstenv masks all exceptions as it stores; fldenv puts that back. */
	__asm__ __volatile__("fnstenv %0; fldenv %0; stmxcsr %1" : "=m"(fp->x87), "=m"(fp->mxcsr));
}

static void restore_fp(const struct fp_environment *fp)
{
	__asm__ __volatile__("fldenv %0; ldmxcsr %1" ::"m"(fp->x87), "m"(fp->mxcsr));
}

void thread_startup(struct native *native, size_t size);

static void start_runtime(void)
{
	thread_startup(&native, sizeof(native));
}

/*
 * Starts the runtime, which would otherwise start at the first call. If it cannot,
 * for want of memory, every call of the library returns the error.
 */
__attribute__((constructor)) static void startup(void)
{
	extern const char image_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
	extern const char image_end[] __asm__("_end") __attribute__((visibility("hidden")));
	struct fp_environment fp;
	int saved_errno = errno, error;
	const char *signal = secure_getenv("FTRACE_STOP_SIGNAL");
	const char *print = secure_getenv("FTRACE_PRINT");

	native.syscall = raw_syscall;
	native.thread = current_thread;
	native.sync_core = has_serialize() ? sync_core_serialize : sync_core_iret;
	native.call_handler = call_handler;
	native.forbids_breakpoints = forbids_breakpoints;
	native.call_ops = call_ops;
	native.iterate_objects = loader_iterate;
	native.free = free;
	native.callers[0] = ftrace_regs_vectors_caller;
	native.callers[1] = ftrace_regs_caller;
	native.callers[2] = ftrace_vectors_caller;
	native.callers[3] = ftrace_caller;
	native.trace_slots = &ftrace_trace_slots;
	native.trace_places = ftrace_places;
	native.trace_function = &ftrace_trace_function;
	native.trace_stub = ftrace_stub;
	measure_vectors();
	native.trace_text = ftrace_trace_text;
	native.no_tracer = no_tracer;
	native.vectors_size = ftrace_vectors_size;
	native.stack_top = getauxval(AT_RANDOM);
	native.idle = idle;
	native.restorer = ftrace_restore_rt;
	native.clone = raw_clone;
	native.turn = &ftrace_turn;
	native.run = run;
	native.modifying_code = ftrace_modifying_code;
	native.state = state;
	if (print && strcmp(print, "stderr") == 0)
		native.print = print_stderr;
	native.image_start = image_start;
	native.image_end = image_end;
	/* What is no number is accepted by no stop. */
	if (signal && strcmp(signal, "none") == 0) {
		native.stop_signal = STOP_SIGNAL_NONE;
	} else if (signal) {
		char *end;

		native.stop_signal = strtol(signal, &end, 10);
		if (end == signal || *end || native.stop_signal <= 0)
			native.stop_signal = STOP_SIGNAL_BAD;
	}

	start_process();
	loader_start();
	save_fp(&fp);
	error = runtime_try_start(start_runtime);
	restore_fp(&fp);
	if (error == 0)
		error = -pthread_atfork(fork_prepare, fork_parent, fork_child);
	else
		runtime_release();
	__atomic_store_n(&unavailable, error, __ATOMIC_RELEASE);
	errno = saved_errno;
}
