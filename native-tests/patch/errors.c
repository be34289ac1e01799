/* SPDX-License-Identifier: MIT */
/*
 * errors.c - every function with every error that the headers list.
 *
 * After each call that fails, the bytes at the location, the protection of its
 * page, the signal mask and errno are as they were. Arguments for which "fails"
 * has a good twin are tried with the twin as well, so that no call fails for
 * another reason than the one that is meant. ftrace_patch_text() is tried with
 * every method and writer.
 */
#include "../proc.h"
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

/* A 5-byte nop, then call +0: what make_call and make_nop accept. */
#define NOP5	    0x0f, 0x1f, 0x44, 0x00, 0x00
#define CALL_NEXT   0xe8, 0x00, 0x00, 0x00, 0x00
#define INSNS	    NOP5, CALL_NEXT
#define CALL_OFFSET 5

/* Sizes of the structures in the first version of the library. */
#define FIRST_OPTS  16ul
#define FIRST_STATS 104ul

static const unsigned char nop5[5] = {NOP5};
static const unsigned char call_next[5] = {CALL_NEXT};
static const unsigned char other[5] = {0xb8, 1, 2, 3, 4};

static unsigned char data_page[PAGE] __attribute__((aligned(4096))) = {INSNS};
static const unsigned char read_only[PAGE] __attribute__((aligned(4096))) = {INSNS};

static unsigned char *text; /* one page of good text */
static int memory;	    /* /proc/self/mem: reads what no load may read */
static int stop_signal;

struct snapshot {
	long read;
	unsigned char bytes[16];
	char perms[5];
	uint64_t mask;
};

static struct snapshot take(unsigned long at)
{
	struct snapshot now = {.read = 0};

	/* What is read may end in the middle: the rest is not there. */
	now.read = at && (long)at > 0 ? pread(memory, now.bytes, sizeof(now.bytes), at) : -1;
	page_perms(at, now.perms);
	now.mask = signal_mask();
	return now;
}

static const char *now_testing = "";

/* The call gives @expected and leaves the 16 bytes at @at and its surroundings alone. */
#define EXPECT(call, expected, at)                                                                 \
	do {                                                                                       \
		struct snapshot before_ = take((unsigned long)(at)), after_;                       \
		long result_;                                                                      \
		int errno_;                                                                        \
                                                                                                   \
		errno = 4711;                                                                      \
		result_ = (call);                                                                  \
		errno_ = errno;                                                                    \
		after_ = take((unsigned long)(at));                                                \
		if (result_ != (expected) || errno_ != 4711 ||                                     \
		    memcmp(&before_, &after_, sizeof(after_)) != 0) {                              \
			dprintf(2,                                                                 \
				"%s:%d: %s: %s: expected %ld, got %ld; errno %d; bytes %s, "       \
				"protection %s to %s, mask %#lx to %#lx\n",                        \
				__FILE__, __LINE__, now_testing, #call, (long)(expected), result_, \
				errno_,                                                            \
				memcmp(before_.bytes, after_.bytes, 16) ? "changed" : "same",      \
				before_.perms, after_.perms, before_.mask, after_.mask);           \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static int modify(unsigned long ip, const unsigned char *old_code, const unsigned char *new_code,
		  unsigned int len, int *error)
{
	struct ftrace_patch patch = {.ip = ip, .len = len, .error = 4711};
	int ret;

	memcpy(patch.old_code, old_code, 5);
	memcpy(patch.new_code, new_code, 5);
	ret = change(&patch, 1);
	*error = patch.error;
	return ret;
}

static unsigned char *map_file(size_t length, size_t mapped, int flags)
{
	int writable = memfd_create("text", MFD_CLOEXEC), fd;
	unsigned char *page =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];

	CHECK(writable >= 0 && page != MAP_FAILED);
	memset(page, 0xcc, PAGE);
	memcpy(page, nop5, 5);
	memcpy(page + CALL_OFFSET, call_next, 5);
	CHECK_EQ(write(writable, page, PAGE), PAGE);
	munmap(page, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", writable);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	page = mmap(NULL, mapped, PROT_READ | PROT_EXEC, flags, fd, 0);
	CHECK(page != MAP_FAILED);
	CHECK_EQ(ftruncate(writable, length), 0);
	close(writable);
	close(fd);
	return page;
}

/*
 * Where nobody else maps anything by itself: the library has pages of its own
 * for the time of a call, and one of them would fill a hole.
 */
static unsigned char *map_apart(size_t size)
{
	static unsigned long next = 0x20000000;
	unsigned char *pages = mmap((void *)next, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK_EQ(pages, next);
	next += size + PAGE;
	return memset(pages, 0xcc, size);
}

static unsigned long handler_of(int signo)
{
	struct sigaction action;

	CHECK_EQ(sigaction(signo, NULL, &action), 0);
	return (unsigned long)action.sa_sigaction;
}

/* Every function that takes a location, at locations where it cannot work. */
static void locations(void)
{
	unsigned char *hole = map_apart(3 * PAGE), *no_access = text_map(PAGE), stack[16] = {INSNS};
	unsigned char *writable =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned char *library = dlsym(RTLD_DEFAULT, "ftrace_patch_text");
	unsigned char *slow_path = dlsym(RTLD_DEFAULT, "ftrace_nmi_enter_slow");
	unsigned char *truncated = map_file(0, PAGE, MAP_PRIVATE);
	unsigned char *shared = map_file(PAGE, PAGE, MAP_SHARED);
	unsigned char *shared_truncated = map_file(0, PAGE, MAP_SHARED);
	unsigned long stop_handler = handler_of(stop_signal);
	const struct {
		const char *name;
		unsigned long ip;
		int error;
	} rows[] = {
		{"address 0", 0, -EFAULT},
		{"address 1", 1, -EFAULT},
		{"unmapped page", (unsigned long)hole + PAGE, -EFAULT},
		{"before an unmapped page", (unsigned long)hole + PAGE - 1, -EFAULT},
		{"not canonical", 1ul << 63, -EFAULT},
		{"end of user space", (1ul << 47) - PAGE - 1, -EFAULT},
		{"kernel", 0xffffffff81000000, -EFAULT},
		{"wraps around", -3ul, -EFAULT},
		{"last address", -1ul, -EFAULT},
		{"PROT_NONE", (unsigned long)no_access, -EFAULT},
		{"after the end of a private file", (unsigned long)truncated, -EFAULT},
		{"after the end of a shared file", (unsigned long)shared_truncated, -EFAULT},
		{"data", (unsigned long)data_page, -EACCES},
		{"shared data", (unsigned long)writable, -EACCES},
		{"read only data", (unsigned long)read_only, -EACCES},
		{"stack", (unsigned long)stack, -EACCES},
		{"the library", (unsigned long)library, -EACCES},
		{"the library's page", (unsigned long)library / PAGE * PAGE, -EACCES},
		{"what NMIs run", (unsigned long)slow_path, -EACCES},
		{"the stop signal's handler", stop_handler, -EACCES},
		{"file that is read only", (unsigned long)shared, -EPERM},
	};

	CHECK(writable != MAP_FAILED && library && slow_path);
	memcpy(hole + PAGE - 1, nop5, 1);
	text_seal(hole, 3 * PAGE);
	CHECK_EQ(munmap(hole + PAGE, PAGE), 0);
	CHECK_EQ(mprotect(no_access, PAGE, PROT_NONE), 0);
	memcpy(writable, nop5, 5);
	memcpy(writable + CALL_OFFSET, call_next, 5);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned long ip = rows[i].ip, call = ip + CALL_OFFSET;
		unsigned char bytes[16];
		int error;

		now_testing = rows[i].name;
		memcpy(bytes, nop5, 5);
		/* The right old bytes where there are any. */
		if (rows[i].error != -EFAULT)
			memcpy(bytes, (const void *)ip, 16);
		EXPECT(ftrace_modify_code(ip, bytes, other), rows[i].error, ip);
		EXPECT(ftrace_make_call(ip, ip + 5), rows[i].error, ip);
		/* The bytes come before the memory. */
		EXPECT(ftrace_make_call_redzone(ip, ip + 5),
		       memcmp(bytes, nop5, 5) == 0 ? rows[i].error : -EINVAL, ip);
		/* The last instruction before the hole ends before it. */
		if (call > ip && ip != (unsigned long)hole + PAGE - 1)
			EXPECT(ftrace_make_nop(call, call + 5), rows[i].error, ip);
		/* The breakpoint method would refuse other code before it looks at the location. */
		if (way.method == FTRACE_METHOD_BREAKPOINT)
			memcpy(bytes, nop5, 5);
		EXPECT(modify(ip, bytes, other, 5, &error), rows[i].error, ip);
		CHECK_EQ(error, rows[i].error);
	}
	now_testing = "";
}

/* What the breakpoint method cannot do, as old or as new code; the stop does it. */
static void unsuitable(void)
{
	enum { N = 3 };
	static const struct {
		const char *name;
		unsigned char code[8];
		unsigned int len;
		bool as_new; /* nobody can stand in its middle: fine as new code */
	} rows[] = {
		{"five nops", {0x90, 0x90, 0x90, 0x90, 0x90}, 5, true},
		{"two nops", {0x66, 0x90, 0x0f, 0x1f, 0x00}, 5, true},
		{"nop of eight and none", {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00}, 7, false},
		{"push, mov", {0x55, 0x48, 0x89, 0xe5}, 4, false},
		{"int3", {0xcc}, 1, false},
		{"int $3", {0xcd, 0x03}, 2, false},
		{"ud2", {0x0f, 0x0b}, 2, false},
		{"endbr64", {0xf3, 0x0f, 0x1e, 0xfa}, 4, false},
		{"pause", {0xf3, 0x90}, 2, false},
		{"xchg %r8,%rax", {0x49, 0x90}, 2, false},
		{"ret imm16", {0xc2, 0x08, 0x00}, 3, false},
		{"repz ret", {0xf3, 0xc3}, 2, false},
		{"half a call", {0xe8, 0x00, 0x00, 0x00}, 4, false},
		{"half a jump", {0xeb}, 1, false},
		{"call of 16 bits", {0x66, 0xe8, 0x00, 0x00}, 4, false},
		{"call and nop", {0xe8, 0x00, 0x00, 0x00, 0x00, 0x90}, 6, false},
		{"call and int3", {0xe8, 0x00, 0x00, 0x00, 0x00, 0xcc}, 6, false},
		{"mov and ret", {0xb8, 0x01, 0x02, 0x03, 0x04, 0xc3}, 6, false},
		{"mov to r8d", {0x41, 0xb8, 0x01, 0x02, 0x03, 0x04}, 6, false},
		{"mov of 8 bits", {0xb0, 0x01}, 2, false},
		{"je", {0x74, 0x00}, 2, false},
		{"call *%rax", {0xff, 0xd0}, 2, false},
		{"nop and ret", {0x90, 0xc3}, 2, false},
		{"jump and rest", {0xeb, 0x03, 0x01, 0x02, 0x03}, 5, true},
		{"ret and rest", {0xc3, 0x90, 0x90, 0x90, 0x90}, 5, true},
	};
	struct ftrace_patch_opts opts = {.size = sizeof(opts)};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		unsigned char *page = text_map(PAGE), *middle = page + 16;
		bool is_new = i % 2, suitable = is_new && rows[i / 2].as_new;
		struct ftrace_patch patches[N];
		unsigned int len = rows[i / 2].len;
		/* A nop of any length: the prefix 66, as often as it takes. */
		unsigned char nop[8] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

		nop[len - 1] = 0x90;
		now_testing = rows[i / 2].name;
		for (int n = 0; n < N; n++) {
			put_function(page + n * 16, VALUE_A);
			patches[n] = value_patch(page + n * 16, VALUE_A, VALUE_B);
			patches[n].error = 4711;
		}
		patches[1].len = len;
		memcpy(patches[1].old_code, is_new ? nop : rows[i / 2].code, 8);
		memcpy(patches[1].new_code, is_new ? rows[i / 2].code : nop, 8);
		memcpy(middle, patches[1].old_code, len);
		text_seal(page, PAGE);

		opts.method = FTRACE_METHOD_BREAKPOINT;
		if (suitable) {
			CHECK_EQ(ftrace_patch_text(patches, N, &opts), 0);
			CHECK_EQ(stats().last_method, FTRACE_METHOD_BREAKPOINT);
		} else {
			uint64_t stops = stats().stops;

			EXPECT(ftrace_patch_text(patches, N, &opts), -EOPNOTSUPP, middle);
			CHECK_EQ(patches[0].error, 0);
			CHECK_EQ(patches[1].error, -EOPNOTSUPP);
			CHECK_EQ(patches[2].error, 0);
			CHECK_EQ(call_function(page), VALUE_A);
			CHECK_EQ(call_function(page + 32), VALUE_A);
			opts.method = FTRACE_METHOD_AUTO;
			CHECK_EQ(ftrace_patch_text(patches, N, &opts), 0);
			CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
			CHECK_EQ(stats().stops, stops + 1);
		}
		CHECK_EQ(memcmp(middle, patches[1].new_code, len), 0);
		CHECK_EQ(call_function(page), VALUE_B);
		CHECK_EQ(call_function(page + 32), VALUE_B);
		munmap(page, PAGE);
	}
	now_testing = "";
}

/* Good locations, wrong expectations. */
static void instructions(void)
{
	unsigned long nop = (unsigned long)text, call = nop + CALL_OFFSET, far;
	static const struct {
		const char *name;
		unsigned char bytes[8];
	} no_nops[] = {
		{"call", {CALL_NEXT}},
		{"ends in the middle of a nop", {0x0f, 0x1f, 0x00, 0x0f, 0x1f, 0x00}},
		{"nop of six bytes", {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00}},
		{"one byte is none", {0x90, 0x90, 0x90, 0x90, 0xc3}},
		{"first byte is none", {0xc3, 0x90, 0x90, 0x90, 0x90}},
		{"pause", {0xf3, 0x90, 0x90, 0x90, 0x90}},
		{"xchg %r8,%rax", {0x49, 0x90, 0x90, 0x90, 0x90}},
		{"zeroes", {0}},
	};
	int error;

	EXPECT(ftrace_modify_code(nop, other, nop5), -EINVAL, nop);
	EXPECT(ftrace_modify_code(nop, NULL, nop5), -EFAULT, nop);
	EXPECT(ftrace_modify_code(nop, nop5, NULL), -EFAULT, nop);
	EXPECT(ftrace_modify_code(nop, NULL, NULL), -EFAULT, nop);
	for (int i = 0; i < 5; i++) {
		unsigned char wrong[5];

		memcpy(wrong, nop5, 5);
		wrong[i] ^= 0x80;
		EXPECT(ftrace_modify_code(nop, wrong, other), -EINVAL, nop);
		EXPECT(modify(nop, wrong, other, 5, &error), -EINVAL, nop);
		CHECK_EQ(error, -EINVAL);
	}

	EXPECT(ftrace_make_nop(nop, nop + 5), -EINVAL, nop);
	EXPECT(ftrace_make_nop(call, call + 6), -EINVAL, call);
	EXPECT(ftrace_make_call(call, call + 5), -EINVAL, call);
	EXPECT(ftrace_make_call_redzone(call, call + 5), -EINVAL, call);
	EXPECT(ftrace_make_call_redzone(nop, 0), -EINVAL, nop);
	for (size_t i = 0; i < sizeof(no_nops) / sizeof(*no_nops); i++) {
		unsigned char *page = text_map(PAGE);

		now_testing = no_nops[i].name;
		memcpy(page, no_nops[i].bytes, 8);
		text_seal(page, PAGE);
		EXPECT(ftrace_make_call((unsigned long)page, nop), -EINVAL, page);
		EXPECT(ftrace_make_call_redzone((unsigned long)page, nop), -EINVAL, page);
		munmap(page, PAGE);
	}
	now_testing = "";

	/* A displacement counts from the end of the instruction. */
	far = nop + 5 + (1ul << 31);
	EXPECT(ftrace_make_call(nop, far), -ERANGE, nop);
	EXPECT(ftrace_make_call(nop, nop + 5 - (1ul << 31) - 1), -ERANGE, nop);
	EXPECT(ftrace_make_call(nop, ~nop), -ERANGE, nop);
	EXPECT(ftrace_make_nop(call, call + 5 + (1ul << 31)), -ERANGE, call);
	EXPECT(ftrace_make_nop(call, call + 5 - (1ul << 31) - 1), -ERANGE, call);

	EXPECT(modify(nop, nop5, other, 0, &error), -EINVAL, nop);
	CHECK_EQ(error, -EINVAL);
	EXPECT(modify(nop, nop5, other, 9, &error), -EINVAL, nop);
	CHECK_EQ(error, -EINVAL);
	EXPECT(modify(nop, nop5, other, UINT_MAX, &error), -EINVAL, nop);
	CHECK_EQ(error, -EINVAL);

	/* All of it works where nothing is wrong. */
	CHECK_EQ(ftrace_make_call(nop, nop), 0);
	CHECK_EQ(ftrace_make_nop(nop, nop), 0);
	CHECK_EQ(ftrace_make_call_redzone(nop, ~nop), 0);
	EXPECT(ftrace_make_call_redzone(nop, ~nop), -EINVAL, nop);
	EXPECT(ftrace_make_nop(nop, nop), -EINVAL, nop);
	CHECK_EQ(ftrace_make_nop(nop, ~nop), 0);
	EXPECT(ftrace_make_nop(nop, ~nop), -ERANGE, nop);
	CHECK_EQ(ftrace_make_nop(call, call + 5), 0);
	CHECK_EQ(ftrace_make_call(call, call + 5), 0);
	CHECK_EQ(ftrace_modify_code(nop, nop5, nop5), 0);
	CHECK_EQ(memcmp(text, data_page, 10), 0);
}

/* The last @size bytes before a page that is not there. */
static void *before_hole(size_t size)
{
	unsigned char *pages = map_apart(2 * PAGE);

	CHECK_EQ(munmap(pages + PAGE, PAGE), 0);
	return memset(pages + PAGE - size, 0, size);
}

static const size_t mistaken_sizes[] = {SIZE_MAX, SIZE_MAX / 2, INT_MAX};

/* ftrace_patch_text(): what concerns the whole batch. */
static void batches_arguments(void)
{
	struct {
		struct ftrace_patch_opts opts;
		unsigned char tail[16];
	} big = {{.size = sizeof(big)}, {0}};
	struct ftrace_patch_opts opts = {.size = sizeof(opts)};
	struct ftrace_patch patch = {.ip = (unsigned long)text, .len = 5};
	size_t size = 1000001 * sizeof(patch);
	struct ftrace_patch *many = mmap(NULL, size, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct rlimit old_limit, limit;

	CHECK(many != MAP_FAILED);
	memcpy(patch.old_code, nop5, 5);
	memcpy(patch.new_code, nop5, 5);

	EXPECT(ftrace_patch_text(NULL, 0, NULL), 0, text);
	EXPECT(ftrace_patch_text(&patch, 0, NULL), 0, text);
	EXPECT(ftrace_patch_text(NULL, 1, NULL), -EFAULT, text);
	EXPECT(ftrace_patch_text(many, 1000001, NULL), -E2BIG, text);
	EXPECT(ftrace_patch_text(many, SIZE_MAX, NULL), -E2BIG, text);

	for (size_t bad = 0; bad < FIRST_OPTS; bad++) {
		opts.size = bad;
		EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
		EXPECT(ftrace_set_patch_opts(&opts), -EINVAL, text);
		CHECK_EQ(patch.error, 0);
	}
	/* What the size does not cover is not read, what it covers is. */
	for (size_t good = FIRST_OPTS; good <= sizeof(opts); good++) {
		struct ftrace_patch_opts *last = before_hole(good);

		*(size_t *)last = good;
		CHECK_EQ(ftrace_patch_text(&patch, 1, last), 0);
		opts.size = good;
		memset((char *)&opts + FIRST_OPTS, 0, sizeof(opts) - FIRST_OPTS);
		memset((char *)&opts + good, 0xff, sizeof(opts) - good);
		CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), 0);
		/* Of the writer, its lowest byte may be other than 0. */
		for (size_t at = FIRST_OPTS; at < good; at++) {
			((unsigned char *)&opts)[at] = at == FIRST_OPTS ? 3 : 1;
			EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
			CHECK_EQ(patch.error, 0);
			((unsigned char *)&opts)[at] = 0;
		}
	}
	opts = (struct ftrace_patch_opts){.size = sizeof(opts)};
	for (int writer = FTRACE_WRITER_AUTO; writer <= FTRACE_WRITER_MPROTECT; writer++) {
		opts.writer = writer;
		CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), 0);
		CHECK_EQ(stats().last_writer,
			 writer == FTRACE_WRITER_AUTO ? FTRACE_WRITER_PROC_MEM : writer);
	}
	opts.writer = FTRACE_WRITER_MPROTECT + 1;
	EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
	opts.writer = -1;
	EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
	opts.writer = FTRACE_WRITER_AUTO;
	for (int bit = 0; bit < 32; bit++) {
		opts.flags = 1u << bit;
		EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
	}
	opts.flags = 0;
	opts.method = FTRACE_METHOD_BREAKPOINT + 1;
	EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);
	opts.method = -1;
	EXPECT(ftrace_patch_text(&patch, 1, &opts), -EINVAL, text);

	/* Of calls without options; what is wrong does not change what was set. */
	opts.method = FTRACE_METHOD_STOP_MACHINE;
	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	opts.method = FTRACE_METHOD_BREAKPOINT + 1;
	EXPECT(ftrace_set_patch_opts(&opts), -EINVAL, text);
	EXPECT(ftrace_set_patch_opts(&big.opts), 0, text);
	big.tail[0] = 1;
	EXPECT(ftrace_set_patch_opts(&big.opts), -E2BIG, text);
	big.tail[0] = 0;
	opts.method = FTRACE_METHOD_STOP_MACHINE;
	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	opts.method = FTRACE_METHOD_BREAKPOINT;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_BREAKPOINT);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_BREAKPOINT);
	CHECK_EQ(ftrace_set_patch_opts(NULL), 0);
	CHECK_EQ(ftrace_patch_text(&patch, 1, NULL), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	for (int method = FTRACE_METHOD_AUTO; method <= FTRACE_METHOD_BREAKPOINT; method++) {
		opts.method = method;
		CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), 0);
		CHECK_EQ(stats().last_method,
			 method == FTRACE_METHOD_AUTO ? FTRACE_METHOD_STOP_MACHINE : method);
	}
	opts.method = FTRACE_METHOD_AUTO;
	opts.timeout_ms = UINT_MAX;
	CHECK_EQ(ftrace_patch_text(&patch, 1, &opts), 0);

	CHECK_EQ(ftrace_patch_text(&patch, 1, &big.opts), 0);
	for (size_t i = 0; i < sizeof(big.tail); i++) {
		big.tail[i] = 1;
		EXPECT(ftrace_patch_text(&patch, 1, &big.opts), -E2BIG, text);
		CHECK_EQ(patch.error, 0);
		big.tail[i] = 0;
	}
	for (size_t i = 0; i < sizeof(mistaken_sizes) / sizeof(*mistaken_sizes); i++) {
		struct ftrace_patch_opts *last = before_hole(sizeof(*last));

		last->size = mistaken_sizes[i];
		EXPECT(ftrace_patch_text(&patch, 1, last), -E2BIG, text);
	}

	/*
	 * No memory: every entry is the same good one but for its address, and
	 * the address space may not grow.
	 */
	for (size_t i = 0; i < 1000000; i++) {
		many[i] = patch;
		many[i].ip = (unsigned long)text + i % 256 * 8;
	}
	CHECK_EQ(getrlimit(RLIMIT_AS, &old_limit), 0);
	limit = old_limit;
	limit.rlim_cur = 1 << 20;
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	errno = 4711;
	CHECK_EQ(ftrace_patch_text(many, 1000000, NULL), -ENOMEM);
	CHECK_EQ(errno, 4711);
	EXPECT(ftrace_update_ftrace_func(ftrace_stub), -ENOMEM, text);
	CHECK_EQ(setrlimit(RLIMIT_AS, &old_limit), 0);
	EXPECT(ftrace_update_ftrace_func(ftrace_stub), 0, text);
	EXPECT(ftrace_update_ftrace_func(NULL), 0, text);
	munmap(many, size);
}

enum culprit {
	NONE,
	BYTES,
	HOLE,
	LEN_0,
	LEN_9,
	DATA,
	LIBRARY,
	SHARED,
	SHARED_2, /* another mapping of the kind */
	AGAIN,	  /* the entry before it once more */
	OVERLAP,  /* with the entry before it */
};

/*
 * All or nothing: the culprits are named, nothing is written. The checks go in
 * stages, and a stage that finds culprits is the last one.
 */
static void batches(void)
{
	enum { N = 8 };
	unsigned char *page = text_map(PAGE);
	unsigned char *library = dlsym(RTLD_DEFAULT, "ftrace_version");
	unsigned char *shared = map_file(PAGE, PAGE, MAP_SHARED);
	unsigned char *shared_2 = map_file(PAGE, PAGE, MAP_SHARED);
	static const struct {
		const char *name;
		struct {
			int entry;
			enum culprit what;
		} culprits[2];
		int result;
		int errors[N];
		int partner; /* of OVERLAP or AGAIN: just as guilty */
	} rows[] = {
#define E(x) -E##x
		/* clang-format off */
		{"one: bytes", {{3, BYTES}}, E(INVAL), {0, 0, 0, E(INVAL)}, -1},
		{"first: bytes", {{0, BYTES}}, E(INVAL), {E(INVAL)}, -1},
		{"last: bytes", {{7, BYTES}}, E(INVAL), {[7] = E(INVAL)}, -1},
		{"one: hole", {{4, HOLE}}, E(FAULT), {[4] = E(FAULT)}, -1},
		{"one: len 0", {{6, LEN_0}}, E(INVAL), {[6] = E(INVAL)}, -1},
		{"one: len 9", {{1, LEN_9}}, E(INVAL), {[1] = E(INVAL)}, -1},
		{"one: data", {{2, DATA}}, E(ACCES), {[2] = E(ACCES)}, -1},
		{"one: library", {{2, LIBRARY}}, E(ACCES), {[2] = E(ACCES)}, -1},
		{"one: shared", {{5, SHARED}}, E(PERM), {[5] = E(PERM)}, -1},
		{"two: bytes, hole", {{5, BYTES}, {2, HOLE}}, E(FAULT),
		 {[2] = E(FAULT), [5] = E(INVAL)}, -1},
		{"two: hole, bytes", {{5, HOLE}, {2, BYTES}}, E(INVAL),
		 {[2] = E(INVAL), [5] = E(FAULT)}, -1},
		{"two: data, library", {{6, DATA}, {1, LIBRARY}}, E(ACCES),
		 {[1] = E(ACCES), [6] = E(ACCES)}, -1},
		{"two: len 0, len 9", {{7, LEN_0}, {0, LEN_9}}, E(INVAL),
		 {[0] = E(INVAL), [7] = E(INVAL)}, -1},
		{"two: shared, shared", {{7, SHARED}, {0, SHARED_2}}, E(PERM),
		 {[0] = E(PERM), [7] = E(PERM)}, -1},
		{"again", {{5, AGAIN}}, E(INVAL), {[5] = E(INVAL)}, 4},
		{"overlap", {{3, OVERLAP}}, E(INVAL), {[3] = E(INVAL)}, 2},
		{"two stages: bytes, shared", {{7, BYTES}, {0, SHARED}}, E(INVAL),
		 {[7] = E(INVAL)}, -1},
		{"two stages: len 9, data", {{6, LEN_9}, {1, DATA}}, E(INVAL),
		 {[6] = E(INVAL)}, -1},
		{"two stages: overlap, hole", {{3, OVERLAP}, {0, HOLE}}, E(INVAL),
		 {[3] = E(INVAL)}, 2},
	/* clang-format on */
#undef E
	};
	unsigned char before[PAGE];

	for (int i = 0; i < N; i++)
		put_value(page + i * 16, VALUE_A);
	/* Two values that overlap each other and hold what is expected. */
	put_value(page + 2 * 16, VALUE_A);
	put_value(page + 2 * 16 + 3, VALUE_A);
	memcpy(before, page, PAGE);
	text_seal(page, PAGE);

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		struct ftrace_patch patches[N];

		now_testing = rows[r].name;
		for (int i = 0; i < N; i++) {
			patches[i] = value_patch(page + i * 16, VALUE_A, VALUE_B);
			memcpy(patches[i].old_code, page + i * 16, 5);
			patches[i].error = 4711;
		}
		for (int c = 0; c < 2; c++) {
			struct ftrace_patch *culprit = &patches[rows[r].culprits[c].entry];

			switch (rows[r].culprits[c].what) {
			case NONE:
				break;
			case BYTES:
				culprit->old_code[4] ^= 1;
				break;
			case HOLE:
				culprit->ip = 4096;
				break;
			case LEN_0:
				culprit->len = 0;
				break;
			case LEN_9:
				culprit->len = 9;
				break;
			case DATA:
				culprit->ip = (unsigned long)data_page;
				memcpy(culprit->old_code, data_page, 5);
				break;
			case LIBRARY:
				culprit->ip = (unsigned long)library;
				if (by_stopping())
					memcpy(culprit->old_code, library, 5);
				break;
			case SHARED:
				culprit->ip = (unsigned long)shared;
				memcpy(culprit->old_code, shared, 5);
				break;
			case SHARED_2:
				culprit->ip = (unsigned long)shared_2;
				memcpy(culprit->old_code, shared_2, 5);
				break;
			case AGAIN:
				*culprit = culprit[-1];
				break;
			case OVERLAP:
				culprit->ip = culprit[-1].ip + 3;
				memcpy(culprit->old_code, (void *)culprit->ip, 5);
				break;
			}
		}
		EXPECT(change(patches, N), rows[r].result, page);
		CHECK_EQ(memcmp(page, before, PAGE), 0);
		for (int i = 0; i < N; i++) {
			int expected = rows[r].errors[i];

			if (i == rows[r].partner)
				expected = -EINVAL;
			if (patches[i].error != expected) {
				dprintf(2, "%s: error of entry %d: expected %d, got %d\n",
					now_testing, i, expected, patches[i].error);
				_exit(1);
			}
		}
	}
	now_testing = "";
}

static int in_window(void *data)
{
	unsigned long nop = (unsigned long)text, call = nop + CALL_OFFSET;
	bool prepared = data != NULL;
	struct ftrace_patch patch = {.ip = nop, .len = 5};
	int results[11], n = 0;

	memcpy(patch.old_code, nop5, 5);
	memcpy(patch.new_code, nop5, 5);
	errno = 4711;
	results[n++] = ftrace_arch_code_modify_prepare();
	results[n++] = ftrace_arch_code_modify_post_process();
	results[n++] = ftrace_stop_machine(do_nothing, NULL);
	results[n++] = ftrace_make_call_redzone(nop, call);
	results[n++] = ftrace_check_stack(nop, nop + 5, 0);
	results[n++] = ftrace_modify_code(nop, nop5, nop5);
	results[n++] = ftrace_make_nop(call, call + 5);
	results[n++] = ftrace_make_call(prepared ? call : nop, call + 5);
	results[n++] = ftrace_patch_text(&patch, 1, NULL);
	results[n++] = patch.error;
	results[n++] = errno - 4711;
	for (int i = 0; i < n; i++) {
		int expected = i < 5 ? -EDEADLK : i < 9 && !prepared ? -EPERM : 0;

		if (results[i] != expected)
			return -1000 - i;
	}
	return 47;
}

static int updates_func(void *data)
{
	return ftrace_update_ftrace_func(data);
}

/* Calls at the wrong time. */
static void sequences(void)
{
	EXPECT(ftrace_arch_code_modify_post_process(), -EPERM, text);
	EXPECT(ftrace_stop_machine(NULL, NULL), -EINVAL, text);
	EXPECT(ftrace_check_stack((unsigned long)text, (unsigned long)text, 0), -EINVAL, text);
	EXPECT(ftrace_check_stack((unsigned long)text, (unsigned long)text + PAGE, 0), 0, text);
	EXPECT(ftrace_stop_machine(in_window, NULL), 47, text);
	EXPECT(ftrace_stop_machine(updates_func, NULL), -EDEADLK, text);

	EXPECT(ftrace_arch_code_modify_prepare(), 0, text);
	EXPECT(ftrace_arch_code_modify_prepare(), -EDEADLK, text);
	EXPECT(ftrace_update_ftrace_func(ftrace_stub), -EDEADLK, text);
	EXPECT(ftrace_make_call_redzone((unsigned long)text, (unsigned long)text), -EDEADLK, text);
	EXPECT(ftrace_stop_machine(NULL, NULL), -EINVAL, text);
	EXPECT(ftrace_stop_machine(in_window, text), 47, text);
	EXPECT(ftrace_arch_code_modify_prepare(), -EDEADLK, text);
	EXPECT(ftrace_arch_code_modify_post_process(), 0, text);
	EXPECT(ftrace_arch_code_modify_post_process(), -EPERM, text);
}

static atomic_int helper_state;

static void *holds_nothing(void *arg)
{
	(void)arg;
	EXPECT(ftrace_arch_code_modify_post_process(), -EPERM, text);
	return NULL;
}

static void *waits(void *arg)
{
	(void)arg;
	helper_state = 1;
	WAIT_FOR(helper_state == 2);
	return NULL;
}

static void threads(void)
{
	struct rlimit old_limit, limit;
	unsigned long nop = (unsigned long)text, call = nop + CALL_OFFSET;
	pthread_t thread;
	int error;

	/* Somebody else's window. */
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	join(start(holds_nothing, NULL));
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);

	/* A thread that cannot be sent the signal: the kernel may queue none. */
	thread = start(waits, NULL);
	WAIT_FOR(helper_state == 1);
	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &old_limit), 0);
	limit = old_limit;
	limit.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	EXPECT(ftrace_stop_machine(do_nothing, NULL), -EAGAIN, text);
	EXPECT(ftrace_check_stack((unsigned long)text, (unsigned long)text + PAGE, 0), -EAGAIN, text);
	EXPECT(ftrace_modify_code(nop, nop5, other), -EAGAIN, text);
	EXPECT(ftrace_make_call(nop, nop), -EAGAIN, text);
	EXPECT(ftrace_make_call_redzone(nop, nop), -EAGAIN, text);
	EXPECT(ftrace_make_nop(call, call + 5), -EAGAIN, text);
	EXPECT(modify(nop, nop5, other, 5, &error), -EAGAIN, text);
	CHECK_EQ(error, 0);
	/* Nobody is sent anything. */
	way.method = FTRACE_METHOD_BREAKPOINT;
	EXPECT(modify(nop, nop5, nop5, 5, &error), 0, text);
	way.method = FTRACE_METHOD_STOP_MACHINE;
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &old_limit), 0);
	CHECK_EQ(ftrace_modify_code(nop, nop5, nop5), 0);
	helper_state = 2;
	join(thread);
}

/* Not available everywhere: needs a mount namespace of its own. */
static void without_proc(void)
{
	unsigned long nop = (unsigned long)text;
	int error, status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		alarm(TEST_WAIT_SECONDS);
		if (unshare(CLONE_NEWNS) != 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("none", "/proc", "tmpfs", 0, NULL) != 0)
			_exit(TEST_SKIPPED);
		CHECK_EQ(ftrace_stop_machine(do_nothing, NULL), -EOPNOTSUPP);
		CHECK_EQ(ftrace_check_stack(nop, nop + 5, 0), -EOPNOTSUPP);
		CHECK_EQ(ftrace_modify_code(nop, nop5, other), -EOPNOTSUPP);
		CHECK_EQ(ftrace_update_ftrace_func(ftrace_stub), -EOPNOTSUPP);
		CHECK_EQ(ftrace_make_call_redzone(nop, nop), -EOPNOTSUPP);
		for (int method = 0; method <= FTRACE_METHOD_BREAKPOINT; method++) {
			way.method = method;
			CHECK_EQ(modify(nop, nop5, other, 5, &error), -EOPNOTSUPP);
			CHECK_EQ(error, 0);
		}
		CHECK_EQ(memcmp(text, nop5, 5), 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == TEST_SKIPPED);
}

static void signals(void)
{
	const int bad[] = {0, -1, 65, 128, INT_MIN, INT_MAX, SIGKILL, SIGSTOP, 32, 33, stop_signal};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT(ftrace_nmi_add_signal(bad[i]), -EINVAL, text);
		EXPECT(ftrace_nmi_del_signal(bad[i]), -EINVAL, text);
	}
	for (int signo = 1; signo <= 64; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP || (signo >= 32 && signo <= 34) ||
		    signo == stop_signal)
			continue;
		EXPECT(ftrace_nmi_del_signal(signo), -ENOENT, text);
		EXPECT(ftrace_nmi_add_signal(signo), 0, text);
		EXPECT(ftrace_nmi_add_signal(signo), -EEXIST, text);
		EXPECT(ftrace_nmi_del_signal(signo), 0, text);
		EXPECT(ftrace_nmi_del_signal(signo), -ENOENT, text);
	}
}

static void counters(void)
{
	struct {
		struct ftrace_stats stats;
		unsigned char tail[16];
	} big = {{.size = sizeof(big)}, {0}};
	struct ftrace_stats now = {.size = sizeof(now)};
	char full[64], cut[64];
	int length;

	EXPECT(ftrace_get_stats(NULL), -EFAULT, text);
	for (size_t bad = 0; bad < FIRST_STATS; bad++) {
		now.size = bad;
		EXPECT(ftrace_get_stats(&now), -EINVAL, text);
	}
	for (size_t good = FIRST_STATS; good <= sizeof(now); good++) {
		struct ftrace_stats *last = before_hole(good);

		memset(&now, 0xa5, sizeof(now));
		*(size_t *)last = now.size = good;
		EXPECT(ftrace_get_stats(last), 0, text);
		EXPECT(ftrace_get_stats(&now), 0, text);
		CHECK_EQ(memcmp(&now, last, good), 0);
		CHECK_EQ(now.size, good);
		for (size_t at = good; at < sizeof(now); at++)
			CHECK_EQ(((unsigned char *)&now)[at], 0xa5);
	}
	now.size = sizeof(now);
	EXPECT(ftrace_get_stats(&now), 0, text);
	CHECK_EQ(now.size, sizeof(now));

	EXPECT(ftrace_get_stats(&big.stats), 0, text);
	CHECK_EQ(big.stats.size, sizeof(big));
	for (size_t i = 0; i < sizeof(big.tail); i++) {
		CHECK_EQ(big.tail[i], 0);
		big.tail[i] = 1;
		EXPECT(ftrace_get_stats(&big.stats), -E2BIG, text);
		big.tail[i] = 0;
	}
	for (size_t i = 0; i < sizeof(mistaken_sizes) / sizeof(*mistaken_sizes); i++) {
		struct ftrace_stats *last = before_hole(sizeof(*last));

		last->size = mistaken_sizes[i];
		EXPECT(ftrace_get_stats(last), -E2BIG, text);
	}

	length = ftrace_arch_read_dyn_info(full, sizeof(full));
	snprintf(cut, sizeof(cut), "%lu %lu", (unsigned long)now.nmi_wait_count,
		 (unsigned long)now.nmi_update_count);
	CHECK_EQ(strcmp(full, cut), 0);
	CHECK_EQ(length, strlen(full));
	EXPECT(ftrace_arch_read_dyn_info(NULL, 0), length, text);
	EXPECT(ftrace_arch_read_dyn_info(NULL, 1), -EFAULT, text);
	EXPECT(ftrace_arch_read_dyn_info(NULL, INT_MAX), -EFAULT, text);
	EXPECT(ftrace_arch_read_dyn_info(full, -1), -EINVAL, text);
	EXPECT(ftrace_arch_read_dyn_info(full, INT_MIN), -EINVAL, text);
	for (int size = 0; size <= length + 1; size++) {
		memset(cut, 'x', sizeof(cut));
		EXPECT(ftrace_arch_read_dyn_info(cut, size), length, text);
		if (size > 0) {
			CHECK_EQ(memcmp(cut, full, size - 1), 0);
			CHECK_EQ(cut[size - 1], 0);
		}
		CHECK_EQ(cut[size], 'x');
	}
}

/* No recording runs: nothing can be changed. native-tests/record/changes.c has the errors while one does. */
static void tracing(void)
{
	struct ftrace_tracing_status status = {.size = sizeof(status)}, *last = before_hole(sizeof(*last));

	EXPECT(ftrace_tracing_stop(), -ESRCH, text);
	EXPECT(ftrace_tracing_on(), -ESRCH, text);
	EXPECT(ftrace_tracing_off(), -ESRCH, text);
	EXPECT(ftrace_tracing_set_filter("*", 0, 1), -ESRCH, text);
	EXPECT(ftrace_tracing_set_filter(NULL, 0, 1), -ESRCH, text);
	EXPECT(ftrace_tracing_set_filter(NULL, 0, 0), -EINVAL, text);
	EXPECT(ftrace_tracing_set_notrace("*", 0, 1), -ESRCH, text);
	EXPECT(ftrace_tracing_set_notrace(NULL, 0, 0), -EINVAL, text);
	EXPECT(ftrace_tracing_set_notrace("*", 1 << 20, 0), -E2BIG, text);
	EXPECT(ftrace_tracing_set_depth(1), -ESRCH, text);
	EXPECT(ftrace_tracing_set_min_time(1), -ESRCH, text);
	EXPECT(ftrace_tracing_thread(0), -ESRCH, text);
	EXPECT(ftrace_tracing_thread(1), -ESRCH, text);
	EXPECT(ftrace_tracing_get_status(NULL), -EFAULT, text);
	EXPECT(ftrace_tracing_get_status(&status), 0, text);
	CHECK_EQ(status.state, 0);
	status.size--;
	EXPECT(ftrace_tracing_get_status(&status), -EINVAL, text);
	last->size = sizeof(*last);
	EXPECT(ftrace_tracing_get_status(last), 0, text);
}

/* native-tests/agent has the others. */
static void connections(void)
{
	int ends[2];

	EXPECT(ftrace_agent_start(-1), -EBADF, text);
	EXPECT(ftrace_agent_start(memory), -ENOTSOCK, text);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	EXPECT(ftrace_agent_start(ends[0]), -EINVAL, text);
	close(ends[0]);
	close(ends[1]);
	ends[0] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK(ends[0] >= 0);
	EXPECT(ftrace_agent_start(ends[0]), -ENOTCONN, text);
	close(ends[0]);
}

int main(void)
{
	sigset_t some;

	/* A mask that is not empty, so that one that is lost shows. */
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &some, NULL), 0);

	memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	CHECK(memory >= 0);
	text = text_map(PAGE);
	for (size_t i = 0; i < PAGE; i += 8)
		memcpy(text + i, nop5, 5);
	memcpy(text, data_page, 10);
	text_seal(text, PAGE);

	stop_signal = find_stop_signal();
	signals();
	instructions();
	batches_arguments();
	unsuitable();
	for (int method = FTRACE_METHOD_AUTO; method <= FTRACE_METHOD_BREAKPOINT; method++) {
		for (int writer = FTRACE_WRITER_AUTO; writer <= FTRACE_WRITER_MPROTECT; writer++) {
			way.method = method;
			way.writer = writer;
			locations();
			batches();
		}
	}
	way.method = FTRACE_METHOD_STOP_MACHINE;
	way.writer = FTRACE_WRITER_AUTO;
	sequences();
	threads();
	without_proc();
	counters();
	tracing();
	connections();
	return 0;
}
