/* SPDX-License-Identifier: MIT */
/*
 * record_path.c - the names of files, when more than one process records: FTRACE_RECORD is inherited
 * by all programs that a program starts, and by what it executes in its own place.
 *
 * The first process gets the file that is named, the others that with their process id at the end. A
 * file that exists is nobody's to overwrite, unless this process has written it, as an
 * earlier program that was replaced by exec, and it has no events: as with
 * "FTRACE_RECORD=FILE env ./program".
 *
 * Raw system calls: the host may have functions of its own with the names of the C library's.
 */
#include "record_env.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_ENVIRONMENT (256 * 1024)
#define MOST_BLOCKS	4096 /* that are searched for events */
#define MOST_IMAGES	100  /* of one process */

static int own_id(void)
{
	return raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static int open_file(const char *path, int flags)
{
	return raw_syscall(SYS_openat, AT_FDCWD, (long)path,
			   flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, 0, 0);
}

static void close_file(int fd)
{
	raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* Appends to a text in @size bytes. Returns 0 if it does not fit. */
static int append(char *text, size_t size, const char *more)
{
	size_t length = strlen(text), added = strlen(more);

	if (added >= size - length)
		return 0;
	memcpy(text + length, more, added + 1);
	return 1;
}

static const char *decimal(unsigned int number, char digits[12])
{
	char *at = digits + 11;

	*at = '\0';
	do
		*--at = '0' + number % 10;
	while (number /= 10);
	return at;
}

/* The environment that a process's program was started with has the variable, with this value. */
static int has_variable(int process, const char *variable, const char *value)
{
	size_t name = strlen(variable), length = strlen(value) + 1;
	char path[32] = "/proc/", digits[12], *text;
	long size = 0, got, at;
	int fd, found = 0;

	if (process <= 0 || !append(path, sizeof(path), decimal(process, digits)) ||
	    !append(path, sizeof(path), "/environ"))
		return 0;
	text = (char *)raw_syscall(SYS_mmap, 0, MOST_ENVIRONMENT, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((unsigned long)text > -4096UL)
		return 0;
	fd = open_file(path, 0);
	while (fd >= 0 && size < MOST_ENVIRONMENT - 1 &&
	       (got = raw_syscall(SYS_read, fd, (long)text + size, MOST_ENVIRONMENT - 1 - size, 0, 0, 0)) > 0)
		size += got;
	if (fd >= 0)
		close_file(fd);
	for (at = 0; at < size && !found; at += strlen(text + at) + 1)
		found = (size_t)(size - at) > name + length && memcmp(text + at, variable, name) == 0 &&
			text[at + name] == '=' && memcmp(text + at + name + 1, value, length) == 0;
	raw_syscall(SYS_munmap, (long)text, MOST_ENVIRONMENT, 0, 0, 0, 0);
	return found;
}

/* This program was started by one that was started with the same variable. */
int record_is_descendant(const char *variable, const char *value)
{
	return has_variable(raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0), variable, value);
}

/* What is read of a trace file, docs/trace-format.md. */
struct trace_start {
	char magic[8];
	unsigned int version, byte_order, block_size, flags;
	unsigned long blocks;
	unsigned int process, state;
};

static long read_at(int fd, void *bytes, size_t size, unsigned long offset)
{
	return raw_syscall(SYS_pread64, fd, (long)bytes, size, offset, 0, 0);
}

/* Opens a trace file of a version that this library writes. Returns a descriptor, or a negative number. */
static int open_trace(const char *path, struct trace_start *start)
{
	int fd = open_file(path, O_NOFOLLOW);
	struct stat stat;

	if (fd < 0)
		return fd;
	if (raw_syscall(SYS_fstat, fd, (long)&stat, 0, 0, 0, 0) == 0 && S_ISREG(stat.st_mode) &&
	    stat.st_uid == (unsigned int)raw_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0) &&
	    read_at(fd, start, sizeof(*start), 0) == sizeof(*start) &&
	    memcmp(start->magic, "FTRACE\r\n", sizeof(start->magic)) == 0 && start->version == 1 &&
	    start->block_size >= 4096)
		return fd;
	close_file(fd);
	return -EINVAL;
}

static int has_events(int fd, const struct trace_start *start)
{
	struct block block;

	for (unsigned long i = 1; i < MOST_BLOCKS; i++) {
		if (read_at(fd, &block, sizeof(block), i * start->block_size) != sizeof(block))
			return 0;
		if (block.magic == TraceBlock_Magic && block.type == TraceBlock_Events && block.sequence)
			return 1;
	}
	return 1;
}

/* The file is what an earlier program of this process has left, and has no events. */
static int is_left_over(const char *path)
{
	struct trace_start start;
	int fd = open_trace(path, &start), left;

	if (fd < 0)
		return 0;
	left = start.process == (unsigned int)own_id() && start.state == TraceFile_Recording &&
	       !has_events(fd, &start);
	close_file(fd);
	return left;
}

/* The file is written by a process that the same variable has started, or by an earlier program of this one. */
static int is_shared(const char *path, const char *value)
{
	struct trace_start start;
	int fd = open_trace(path, &start);

	if (fd < 0)
		return 0;
	close_file(fd);
	return start.process == (unsigned int)own_id() ||
	       (start.state == TraceFile_Recording && has_variable(start.process, RECORD_VARIABLE, value));
}

static int exists(const char *path)
{
	struct stat stat;

	return raw_syscall(SYS_newfstatat, AT_FDCWD, (long)path, (long)&stat, AT_SYMLINK_NOFOLLOW, 0, 0) == 0;
}

static int is_free(const char *path)
{
	if (!exists(path))
		return 1;
	if (!is_left_over(path))
		return 0;
	raw_syscall(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
	return 1;
}

/* BASE.PID; if an earlier program of the process has that one, BASE.PID.1 and so on. Returns 0 or -errno. */
int record_child_name(const char *base, char *name, size_t size)
{
	unsigned int image;
	size_t length;
	char digits[12];

	*name = '\0';
	if (!append(name, size, base) || !append(name, size, ".") ||
	    !append(name, size, decimal(own_id(), digits)))
		return -ENAMETOOLONG;
	length = strlen(name);
	for (image = 1; !is_free(name); image++) {
		name[length] = '\0';
		if (image == MOST_IMAGES)
			return -EEXIST;
		if (!append(name, size, ".") || !append(name, size, decimal(image, digits)))
			return -ENAMETOOLONG;
	}
	return 0;
}

/* Open for reading and writing, and empty: the first program's; it is closed when another one is executed. */
static int is_usable(const char *number)
{
	struct stat stat;
	unsigned int fd = 0;

	for (; *number >= '0' && *number <= '9' && fd < INT_MAX / 10 - 9; number++)
		fd = fd * 10 + *number - '0';
	return !*number && (raw_syscall(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_ACCMODE) == O_RDWR &&
	       raw_syscall(SYS_fstat, fd, (long)&stat, 0, 0, 0, 0) == 0 && S_ISREG(stat.st_mode) &&
	       stat.st_size == 0;
}

/*
 * Sets @name to the file of this process. @path: the value of the variable. A file that exists
 * and is not of this kind is chosen all the same: that it cannot be created is then the error.
 */
enum record_file record_choose(const char *path, const char *child_base, char *name, size_t size)
{
	int is_descriptor = strncmp(path, "fd:", 3) == 0, is_child;

	if (is_descriptor)
		is_child = !is_usable(path + 3) && child_base;
	else
		is_child = !is_free(path) && (is_shared(path, path) || record_is_descendant(RECORD_VARIABLE, path));
	if (is_child)
		return record_child_name(child_base ? child_base : path, name, size) == 0 ? RECORD_CHILD :
											     RECORD_NONE;
	*name = '\0';
	return append(name, size, path) ? RECORD_FIRST : RECORD_NONE;
}
