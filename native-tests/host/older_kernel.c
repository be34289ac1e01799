/* SPDX-License-Identifier: MIT */
/*
 * older_kernel.c - runs a program as on an older kernel, as far as a filter of system calls can
 * tell: those that came later fail as they did there.
 *
 *	older-kernel MAJOR.MINOR PROGRAM ARGUMENT...
 *
 * What it cannot do: a flag that an old kernel ignores, such as MAP_FIXED_NOREPLACE; uname(2); and
 * files of /proc. docs/kernels.md has the same list.
 */
#include "../calls.h"

#include <stdio.h>
#include <unistd.h>

#define ANY -1

/* Newer than the headers of an older system. */
#define NR_pidfd_send_signal 424
#define NR_io_uring_setup    425
#define NR_pidfd_open	     434
#define NR_clone3	     435
#define NR_close_range	     436
#define NR_openat2	     437
#define NR_pidfd_getfd	     438
#define NR_faccessat2	     439
#define NR_epoll_pwait2	     441
#define NR_futex_waitv	     449

static const struct later {
	int major, minor;
	int number;
	int argument;	    /* which one decides, or ANY */
	unsigned int value; /* its low 32 bits, or some of these bits */
	enum { EQUAL, SOME } match;
	int error;
} all[] = {
	{3, 10, SYS_ptrace, 0, 0x4209, EQUAL, EIO}, /* PTRACE_PEEKSIGINFO */
	{3, 11, SYS_ptrace, 0, 0x420a, EQUAL, EIO}, /* PTRACE_GETSIGMASK */
	{3, 14, SYS_sched_setattr, ANY, 0, EQUAL, ENOSYS},
	{3, 14, SYS_sched_getattr, ANY, 0, EQUAL, ENOSYS},
	{3, 15, SYS_renameat2, ANY, 0, EQUAL, ENOSYS},
	{3, 17, SYS_getrandom, ANY, 0, EQUAL, ENOSYS},
	{3, 17, SYS_memfd_create, ANY, 0, EQUAL, ENOSYS},
	{4, 3, SYS_membarrier, ANY, 0, EQUAL, ENOSYS},
	{4, 5, SYS_copy_file_range, ANY, 0, EQUAL, ENOSYS},
	{4, 11, SYS_statx, ANY, 0, EQUAL, ENOSYS},
	{4, 14, SYS_membarrier, 0, 8 | 16, SOME,
	 EINVAL},				    /* PRIVATE_EXPEDITED, and its registration */
	{4, 14, SYS_madvise, 2, 18, EQUAL, EINVAL}, /* MADV_WIPEONFORK */
	{4, 16, SYS_membarrier, 0, 32 | 64, SOME, EINVAL}, /* ..._SYNC_CORE */
	{4, 18, SYS_rseq, ANY, 0, EQUAL, ENOSYS},
	{5, 1, NR_pidfd_send_signal, ANY, 0, EQUAL, ENOSYS},
	{5, 1, NR_io_uring_setup, ANY, 0, EQUAL, ENOSYS},
	{5, 3, NR_pidfd_open, ANY, 0, EQUAL, ENOSYS},
	{5, 3, NR_clone3, ANY, 0, EQUAL, ENOSYS},
	{5, 3, SYS_ptrace, 0, 0x420e, EQUAL, EIO}, /* PTRACE_GET_SYSCALL_INFO */
	{5, 6, NR_openat2, ANY, 0, EQUAL, ENOSYS},
	{5, 6, NR_pidfd_getfd, ANY, 0, EQUAL, ENOSYS},
	{5, 8, NR_faccessat2, ANY, 0, EQUAL, ENOSYS},
	{5, 9, NR_close_range, ANY, 0, EQUAL, ENOSYS},
	{5, 11, NR_epoll_pwait2, ANY, 0, EQUAL, ENOSYS},
	{5, 13, SYS_ptrace, 0, 0x420f, EQUAL, EIO}, /* PTRACE_GET_RSEQ_CONFIGURATION */
	{5, 14, SYS_madvise, 2, 22, EQUAL, EINVAL}, /* MADV_POPULATE_READ */
	{5, 14, SYS_madvise, 2, 23, EQUAL, EINVAL}, /* MADV_POPULATE_WRITE */
	{5, 16, NR_futex_waitv, ANY, 0, EQUAL, ENOSYS},
	{6, 3, SYS_prctl, 0, 65, EQUAL, EINVAL},	  /* PR_SET_MDWE */
	{6, 3, SYS_memfd_create, 1, 8, SOME, EINVAL},	  /* MFD_NOEXEC_SEAL */
	{6, 11, SYS_ioctl, 1, 0xc0686611, EQUAL, ENOTTY}, /* PROCMAP_QUERY */
};

static void take_away(const struct later *call)
{
	const unsigned int decides = offsetof(struct seccomp_data, args) +
				     (call->argument == ANY ? 0 : call->argument) * sizeof(__u64);
	const struct sock_filter filter[] = {
		LOAD(nr),
		SKIP_UNLESS((unsigned int)call->number, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, decides),
		call->argument == ANY ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0)
		: call->match == EQUAL
			? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->value, 0, 1)
			: (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call->value, 0,
						       1),
		RETURN(SECCOMP_RET_ERRNO | (unsigned int)call->error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	add_filter(filter, sizeof(filter) / sizeof(*filter));
}

int main(int argc, char **argv)
{
	int major, minor;

	CHECK(argc > 2 && sscanf(argv[1], "%d.%d", &major, &minor) == 2);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].major > major || (all[i].major == major && all[i].minor > minor))
			take_away(&all[i]);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
