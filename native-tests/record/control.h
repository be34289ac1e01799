/* SPDX-License-Identifier: MIT */
/* control.h - asks a recording by its trace file, by the rules of docs/control.md and nothing else. */
#ifndef CONTROL_H
#define CONTROL_H

#include "../test.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/futex.h>

struct control_page {
	char header[256];
	uint32_t magic, version;
	uint32_t requested, answered;
	uint32_t reserved[12];
	struct {
		uint32_t kind, flags, length, reserved;
		char text[1024];
		uint32_t reserved_too[12];
	} request;
	struct {
		int32_t error;
		uint32_t length;
		uint32_t reserved[2];
		char text[1024];
	} answer;
};

_Static_assert(offsetof(struct control_page, request) == 320, "docs/control.md");
_Static_assert(offsetof(struct control_page, answer) == 1408, "docs/control.md");

enum {
	CONTROL_STATUS = 1,
	CONTROL_ON,
	CONTROL_OFF,
	CONTROL_FILTER,
	CONTROL_NOTRACE,
	CONTROL_DEPTH,
	CONTROL_MIN_TIME,
	CONTROL_SNAPSHOT,
	CONTROL_TRIGGER,
	CONTROL_DETACH,
};
enum { CONTROL_ADD = 1 };

static inline struct control_page *open_control(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct control_page *page;

	CHECK(fd >= 0);
	page = (struct control_page *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	close(fd);
	return page;
}

/* Returns its number. */
static inline uint32_t post_request(struct control_page *page)
{
	uint32_t number = __atomic_add_fetch(&page->requested, 1, __ATOMIC_SEQ_CST);

	syscall(SYS_futex, &page->requested, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return number;
}

static inline void write_request(struct control_page *page, unsigned int kind, unsigned int flags, const char *text)
{
	page->request.kind = kind;
	page->request.flags = flags;
	page->request.length = strlen(text);
	memcpy(page->request.text, text, strlen(text));
}

/* Returns the error of the answer. */
static inline int ask(struct control_page *page, unsigned int kind, unsigned int flags, const char *text)
{
	uint32_t number;

	write_request(page, kind, flags, text);
	number = post_request(page);
	WAIT_FOR(__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) == number);
	return page->answer.error;
}

static inline bool answer_has(const struct control_page *page, const char *line)
{
	char text[1025];

	CHECK(page->answer.length <= 1024);
	memcpy(text, page->answer.text, page->answer.length);
	text[page->answer.length] = '\0';
	return strstr(text, line) != NULL;
}

#endif /* CONTROL_H */
