/* SPDX-License-Identifier: MIT */
/*
 * held_page.h - pages that cannot be written until the test says so: a thread that tries is
 * held up there, inside the instruction (userfaultfd(2)). Skips the test where there is no
 * such thing.
 */
#ifndef HELD_PAGE_H
#define HELD_PAGE_H

#include "test.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* Linux 5.11 */
#endif

struct held_pages {
	int fd;
	struct uffdio_range range;
};

static inline void protect_held(const struct held_pages *pages, unsigned long long mode)
{
	struct uffdio_writeprotect protect = {.range = pages->range, .mode = mode};

	CHECK_EQ(ioctl(pages->fd, UFFDIO_WRITEPROTECT, &protect), 0);
}

/* The pages must have been written before. */
static inline struct held_pages hold_pages(void *start, size_t size)
{
	struct held_pages pages = {.range = {.start = (unsigned long)start, .len = size}};
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
	struct uffdio_register watched = {.range = pages.range, .mode = UFFDIO_REGISTER_MODE_WP};

	pages.fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (pages.fd < 0)
		skip("needs userfaultfd(2)");
	if (ioctl(pages.fd, UFFDIO_API, &api))
		skip("needs userfaultfd(2) with write protection");
	CHECK_EQ(ioctl(pages.fd, UFFDIO_REGISTER, &watched), 0);
	protect_held(&pages, UFFDIO_WRITEPROTECT_MODE_WP);
	return pages;
}

static inline void wait_until_held(const struct held_pages *pages)
{
	struct pollfd ready = {.fd = pages->fd, .events = POLLIN};
	struct uffd_msg message;

	CHECK_EQ(poll(&ready, 1, TEST_WAIT_SECONDS * 1000), 1);
	CHECK_EQ(read(pages->fd, &message, sizeof(message)), sizeof(message));
	CHECK_EQ(message.event, UFFD_EVENT_PAGEFAULT);
}

/* Whoever is held goes on. */
static inline void let_go_of_pages(const struct held_pages *pages)
{
	protect_held(pages, 0);
}

#endif /* HELD_PAGE_H */
