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
 *   - starting the runtime without leaving a trace in the host process
 *
 * Everything else is C#. The object is the last one on the link line, so that
 * its constructor runs after those of the runtime.
 */
#define _GNU_SOURCE
#include <ftrace/ftrace.h>

#include <cpuid.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/futex.h>

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

/* Threads of the runtime itself: they run no code but the library's and are not stopped. */
#define MAX_RUNTIME_THREADS 16

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
	int (*run)(int (*fn)(void *), void *data);
	unsigned long *modifying_code;
	void *state;
	const char *image_start;
	const char *image_end;
	long stop_signal; /* FTRACE_STOP_SIGNAL, 0 if it is not set */
	long runtime_threads;
	int runtime_tids[MAX_RUNTIME_THREADS];
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
} native;

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

static void __attribute__((noinline)) attach(struct ftrace_nmi_thread *thread)
{
	pthread_mutex_lock(&attach_mutex);
	thread_attach();
	pthread_mutex_unlock(&attach_mutex);
	thread->attached |= ATTACHED;
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
static int __attribute__((noinline)) begin_call(struct ftrace_nmi_thread *thread, struct call *call)
{
	if ((thread->saved != 1 || thread->busy) && !native.may_call(thread, (unsigned long)call))
		return -EDEADLK;
	call->thread = (unsigned long)thread;
	thread->busy = (unsigned long)call;
	__asm__ __volatile__("" ::: "memory");
	call->masked = native.block_signals(&call->mask);
	thread->attached |= INSIDE;
	__asm__ __volatile__("" ::: "memory");
	if (!(thread->attached & ATTACHED))
		attach(thread);
	return 0;
}

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

/* Calls for thread context. The C# side has the same name with "thread_" in front. */
#define THREAD_CONTEXT(name, params, args)                                                         \
	int thread_##name params;                                                                  \
	EXPORT int name params                                                                     \
	{                                                                                          \
		struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;                             \
		int saved_errno = errno, ret;                                                      \
		struct call call;                                                                  \
                                                                                                   \
		if (begin_call(thread, &call) != 0)                                                \
			return -EDEADLK;                                                           \
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
	return shadow_stack || under_valgrind;
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

/* Unwinders and debuggers know a signal frame by exactly these bytes. */
void ftrace_restore_rt(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	"nop\n" /* unwinders look at the byte before the return address */
	".globl ftrace_restore_rt\n"
	".type ftrace_restore_rt, @function\n"
	"ftrace_restore_rt:\n"
	"	mov $15, %rax\n"
	"	syscall\n"
	".size ftrace_restore_rt, . - ftrace_restore_rt\n");

/*
 * The runtime's calls of pthread_create() arrive here (the linker's --wrap).
 * Its threads are noted, so that a stop does not wait for them: they are born
 * with every signal blocked, and sleep for good, because nothing here allocates.
 */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);

struct runtime_thread {
	void *(*start)(void *);
	void *arg;
	int noted;
};

static void *runtime_thread_main(void *data)
{
	struct runtime_thread *creator = data;
	void *(*start)(void *) = creator->start;
	void *arg = creator->arg;
	long slot = __atomic_fetch_add(&native.runtime_threads, 1, __ATOMIC_RELAXED);

	if (slot < MAX_RUNTIME_THREADS)
		__atomic_store_n(&native.runtime_tids[slot], gettid(), __ATOMIC_RELEASE);
	/* The last use of the creator's stack. */
	__atomic_store_n(&creator->noted, 1, __ATOMIC_RELEASE);
	raw_syscall(SYS_futex, (long)&creator->noted, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	return start(arg);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg)
{
	struct runtime_thread creator = {.start = start, .arg = arg};
	int ret = __real_pthread_create(thread, attr, runtime_thread_main, &creator);

	while (ret == 0 && !__atomic_load_n(&creator.noted, __ATOMIC_ACQUIRE))
		raw_syscall(SYS_futex, (long)&creator.noted, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
	return ret;
}

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
static __thread int fork_locked __attribute__((tls_model("initial-exec")));

static void fork_prepare(void)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;

	if (thread->busy)
		native.may_call(thread, (unsigned long)__builtin_frame_address(0));
	native.fork_prepare(thread);
	fork_locked = !thread->busy;
	if (fork_locked)
		pthread_mutex_lock(&attach_mutex);
}

static void unlock_attach(void)
{
	if (fork_locked)
		pthread_mutex_unlock(&attach_mutex);
	fork_locked = 0;
}

static void fork_parent(void)
{
	unlock_attach();
	native.fork_parent(&ftrace_nmi_thread);
}

static void fork_child(void)
{
	unlock_attach();
	native.runtime_threads = 0;
	native.fork_child(&ftrace_nmi_thread);
}

/* As the kernel has it: struct sigaction in <signal.h> is the C library's. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

#define SIGNALS		 64
#define SIGNAL_IGNORE	 ((void (*)(int))1)
#define SUSPENSION	 34 /* the runtime's signal for its own threads, never sent */

static void sigaction_raw(int signo, const struct kernel_sigaction *act,
			  struct kernel_sigaction *old)
{
	raw_syscall(SYS_rt_sigaction, signo, (long)act, (long)old, 8, 0, 0);
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

/*
 * A disposition that the runtime set; another thread of the host may have set
 * one as well in this moment, which stays.
 */
static int set_by_runtime(int signo, const struct kernel_sigaction *before,
			  const struct kernel_sigaction *after)
{
	const char *handler = (const char *)after->handler;

	if (signo == SUSPENSION || after->handler == before->handler)
		return 0;
	return (handler >= native.image_start && handler < native.image_end) ||
	       (signo == SIGPIPE && after->handler == SIGNAL_IGNORE);
}

void thread_startup(struct native *native, size_t size);

/*
 * Starts the runtime. It would otherwise start at the first call, ignore
 * SIGPIPE and take SIGSEGV and SIGFPE; so here, with every signal blocked (its
 * threads inherit that), and every disposition put back that it changed.
 */
__attribute__((constructor)) static void startup(void)
{
	extern const char image_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
	extern const char image_end[] __asm__("_end") __attribute__((visibility("hidden")));
	struct kernel_sigaction before[SIGNALS + 1], after;
	struct fp_environment fp;
	unsigned long all = ~0UL, mask;
	int saved_errno = errno;
	const char *signal = secure_getenv("FTRACE_STOP_SIGNAL");

	native.syscall = raw_syscall;
	native.thread = current_thread;
	native.sync_core = has_serialize() ? sync_core_serialize : sync_core_iret;
	native.call_handler = call_handler;
	native.forbids_breakpoints = forbids_breakpoints;
	native.call_ops = call_ops;
	native.iterate_objects = dl_iterate_phdr;
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
	native.run = run;
	native.modifying_code = ftrace_modifying_code;
	native.state = state;
	native.image_start = image_start;
	native.image_end = image_end;
	/* What is no number becomes -1, which no stop accepts. */
	if (signal) {
		char *end;

		native.stop_signal = strtol(signal, &end, 10);
		if (end == signal || *end || native.stop_signal <= 0)
			native.stop_signal = -1;
	}

	raw_syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)&mask, 8, 0, 0);
	for (int i = 1; i <= SIGNALS; i++)
		sigaction_raw(i, NULL, &before[i]);
	save_fp(&fp);
	thread_startup(&native, sizeof(native));
	restore_fp(&fp);
	for (int i = 1; i <= SIGNALS; i++) {
		sigaction_raw(i, NULL, &after);
		if (set_by_runtime(i, &before[i], &after))
			sigaction_raw(i, &before[i], NULL);
	}
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	raw_syscall(SYS_rt_sigprocmask, 2, (long)&mask, 0, 8, 0, 0);
	errno = saved_errno;
}
