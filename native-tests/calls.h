/* SPDX-License-Identifier: MIT */
/*
 * calls.h - stops before and after every system call that one thread makes
 * to change text: the steps of a change, one at a time, and a place to let one of
 * them fail.
 *
 * The thread gets a filter that turns the calls into SIGSYS, whose handler makes
 * them in its place. Threads that were there before have no filter.
 */
#ifndef CALLS_H
#define CALLS_H

#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* The sixth argument, which none of these calls has, of those that go through. */
#define CALL_MAGIC 0x66747263

#define LOAD(field)		  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define RETURN(value)		  BPF_STMT(BPF_RET | BPF_K, value)

static inline void add_filter(const struct sock_filter *filter, size_t count)
{
	const struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)filter};

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		skip("seccomp filters are not available");
}

/* A system call fails from now on, in the calling thread and those that it makes. */
static inline void forbid_call(unsigned int number, unsigned int error)
{
	const struct sock_filter filter[] = {
		LOAD(nr),
		SKIP_UNLESS(number, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	add_filter(filter, sizeof(filter) / sizeof(*filter));
}

/*
 * Called in the thread with the number of the call, before it and after it;
 * only while @watching. Before it, a result other than 0 takes its place.
 */
static long (*each_call)(long number, bool done);
static bool watching;
static const greg_t *call_regs; /* its arguments */

static inline void on_call(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	long number = info->si_syscall, result = 0;
	bool watched = watching;
	int saved_errno = errno;

	(void)signo;
	call_regs = regs;
	if (watched)
		result = each_call(number, false);
	if (result == 0) {
		result = syscall(number, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
				 regs[REG_R8], CALL_MAGIC);
		if (result == -1)
			result = -errno;
	}
	call_regs = regs; /* the hook may have made such calls itself */
	if (watched)
		each_call(number, true);
	regs[REG_RAX] = result;
	errno = saved_errno;
}

/* Of the calling thread, for good. */
static inline void watch_calls(long (*hook)(long number, bool done))
{
	static const struct sock_filter filter[] = {
		LOAD(args[5]),
		SKIP_UNLESS(CALL_MAGIC, 1),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(nr),
		SKIP_UNLESS(SYS_pwrite64, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_membarrier, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_mprotect, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_madvise, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_openat, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_close, 1),
		RETURN(SECCOMP_RET_TRAP),
		SKIP_UNLESS(SYS_munmap, 1),
		RETURN(SECCOMP_RET_TRAP),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sigaction action = {.sa_sigaction = on_call,
				   .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};

	each_call = hook;
	CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
	add_filter(filter, sizeof(filter) / sizeof(*filter));
}

static inline int change_watched(struct ftrace_patch *patches, size_t count,
				 const struct ftrace_patch_opts *opts)
{
	int ret;

	watching = true;
	ret = ftrace_patch_text(patches, count, opts);
	watching = false;
	return ret;
}

#endif /* CALLS_H */
