/* SPDX-License-Identifier: MIT */
/*
 * notify.h - a thread is held in a system call, and another thread lets it go on: notifications of seccomp(2). They also
 * reach calls made with all signals blocked.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Of the calling thread and those that it makes, for good. Returns the descriptor to use below, or -errno. */
static inline int notify_of_calls(struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = {.len = count, .filter = filter};
	int fd;

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return fd >= 0 ? fd : -errno;
}

/* Waits for such a call. Its thread is held. */
static inline struct seccomp_notif next_call(int listener)
{
	struct seccomp_notif call = {0};

	CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call), 0);
	return call;
}

/* The call is made. */
static inline void let_go(int listener, uint64_t id)
{
	struct seccomp_notif_resp answer = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
}

static inline __attribute__((noreturn)) void skip_without_notifications(void)
{
	skip("needs seccomp's notifications (Linux 5.5)");
}

#endif /* NOTIFY_H */
