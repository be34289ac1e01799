/* SPDX-License-Identifier: MIT */
/*
 * sample.c - the handler of the signal of samples: where the thread is, who called that, and which traced calls
 * it is in. The timers are created and removed by lib/Record/Sampler.cs.
 *
 * The signal comes from a timer of the thread's own CPU time: perf's software task clock, which is
 * stopped after each signal, and started again by the handler, so that at most one signal of a thread is
 * pending, whatever it blocks; or a CPU timer of POSIX, whose signals do not queue either.
 *
 * Where the limit of pending signals is reached (RLIMIT_SIGPENDING; all processes of the user count), the kernel
 * sends SIGIO instead: fcntl(2), F_SETSIG. It would end a program that does not expect it, so this is its handler
 * too. The timer has ended then; the keeper starts it again.
 *
 * Any context. The handler is an NMI (ftrace/nmi.h): it executes no code of the host's, but threads that are
 * parked must not hold the signal back. It allocates nothing, takes no lock and does not change errno. It reads
 * the stack only where that is known to be readable.
 *
 * Who may run against whom: who ends the sampling clears @on, and waits until @running is 0; then no handler uses
 * a descriptor any more. Those that begin later do nothing.
 */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ucontext.h>
#include <linux/perf_event.h>

#define PAGE	      4096UL
#define MAX_CALLERS   64
#define MAX_CALLS     32
#define ADDRESS_SIZE  6
#define MAX_ADDRESS   (1UL << 47)
#define MAX_OWN	      (64UL << 20) /* of a thread's own stack */
#define MAX_OTHER     (256UL << 10)
#define NO_SUCH_CHANGE -1

struct sampler ftrace_sampler __attribute__((aligned(64)));

/*
 * struct region - what may be read of the stack
 * @from: the stack pointer
 * @to: where the part that is known to be readable ends
 * @end: nothing is read from here on
 */
struct region {
	unsigned long from;
	unsigned long to;
	unsigned long end;
};

/* The kernel reads there before it finds that the first argument is invalid: lib/Linux/OwnMemory.cs. */
static bool can_read(unsigned long address)
{
	return raw_syscall(SYS_rt_sigprocmask, NO_SUCH_CHANGE, address, 0, sizeof(long), 0, 0) != -EFAULT;
}

static bool reaches(struct region *region, unsigned long end)
{
	if (end > region->end)
		return false;
	while (region->to < end) {
		if (!can_read(region->to))
			return false;
		region->to += PAGE;
	}
	return true;
}

/* The C library puts the words of a thread at the top of its stack: lib/Nmi/ThreadStack.cs. */
static unsigned long own_top(const struct trace_thread *thread)
{
	if (thread->stack_top)
		return thread->stack_top;
	return &ftrace_nmi_thread == native.first_words ? native.stack_top : (unsigned long)&ftrace_nmi_thread;
}

static struct region stack_of(const struct trace_thread *thread, unsigned long sp)
{
	struct region region = {.from = sp, .to = sp & -PAGE, .end = sp + MAX_OTHER};
	unsigned long top = own_top(thread);

	if (top - sp > MAX_OWN)
		return region; /* another stack, which ends nobody knows where */
	region.end = top;
	if (thread->stack_top && sp >= thread->stack_low)
		region.to = top;
	return region;
}

static void put_address(unsigned char *data, unsigned long address)
{
	__builtin_memcpy(data, &address, ADDRESS_SIZE);
}

/* Callers by frame pointers: each frame lies above the one before, in the part of the stack that can be read. */
static unsigned int follow_frames(struct region *region, unsigned long frame, unsigned char *data)
{
	unsigned long lowest = region->from;
	unsigned int count = 0;

	while (count < MAX_CALLERS && frame >= lowest && frame % sizeof(long) == 0 && frame < MAX_ADDRESS &&
	       reaches(region, frame + 2 * sizeof(long))) {
		unsigned long ret = ftrace_graph_ret_addr(((unsigned long *)frame)[1]);

		if (ret < PAGE || ret >= MAX_ADDRESS)
			break;
		put_address(data + ADDRESS_SIZE * count++, ret);
		lowest = frame + 2 * sizeof(long);
		frame = *(unsigned long *)frame;
	}
	return count;
}

static bool take_sample(const ucontext_t *context)
{
	unsigned char data[4 + ADDRESS_SIZE * (MAX_CALLERS + MAX_CALLS)] = {0};
	const greg_t *regs = context->uc_mcontext.gregs;
	struct trace_thread *thread = own_record();
	unsigned long calls[MAX_CALLS];
	struct region region;
	unsigned int n, m, i;

	/* A thread that has no words of its own would write into the ring of another. */
	if (!thread || thread->tid != (unsigned int)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0))
		return false;
	region = stack_of(thread, regs[REG_RSP]);
	n = follow_frames(&region, regs[REG_RBP], data + 4);
	m = graph_calls(thread, regs[REG_RSP], calls, MAX_CALLS);
	for (i = 0; i < m; i++)
		put_address(data + 4 + ADDRESS_SIZE * (n + i), calls[i]);
	data[0] = n;
	data[1] = m;
	return record_data(TraceEvent_Sample, regs[REG_RIP] & (MAX_ADDRESS - 1), data,
			   4 + ADDRESS_SIZE * (n + m));
}

/* From the timers, and not from somebody who sends the same signal. */
static bool is_ours(const siginfo_t *info)
{
	return info->si_code == SI_TIMER || info->si_code > 0;
}

void ftrace_on_sample(int signo, siginfo_t *info, void *context)
{
	if (signo == SIGIO) {
		__atomic_add_fetch(&ftrace_sampler.lost, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&ftrace_sampler.missed, 1, __ATOMIC_RELEASE);
		return;
	}
	ftrace_nmi_enter();
	__atomic_add_fetch(&ftrace_sampler.running, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ftrace_sampler.on, __ATOMIC_SEQ_CST) && is_ours(info)) {
		if (__atomic_load_n(&ftrace_recorder.active, __ATOMIC_RELAXED))
			__atomic_add_fetch(take_sample(context) ? &ftrace_sampler.written : &ftrace_sampler.lost, 1,
					   __ATOMIC_RELAXED);
		if (info->si_code != SI_TIMER)
			raw_syscall(SYS_ioctl, info->si_fd, PERF_EVENT_IOC_REFRESH, 1, 0, 0, 0);
	}
	__atomic_sub_fetch(&ftrace_sampler.running, 1, __ATOMIC_SEQ_CST);
	ftrace_nmi_exit();
}
