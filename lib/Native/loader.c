/* SPDX-License-Identifier: MIT */
/*
 * loader.c - the process's objects, in the child of a fork too, and in all namespaces.
 *
 * dl_iterate_phdr() takes a lock of the C library's that dlopen() and dlclose() hold for
 * a short time, and that other callers hold while their callbacks run. fork() does not
 * wait for it, and does not reset it in the child, as it does with the loader's other locks
 * (glibc 2.17 to 2.42): if another thread held it, a call in the child waits forever.
 *
 * The list that it protects cannot change then, so the list is read without it. An
 * object that was being closed may still be listed although its memory is unmapped:
 * only what can be read from an object's headers in memory is used.
 *
 * dl_iterate_phdr() has the objects of one namespace only. Those that dlmopen() put into
 * others are in the lists for debuggers, from glibc 2.35 on. They change under the same
 * lock. A copy of this library that is in another namespace itself knows its own only.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL

/* This library's entry in the C library's list of objects: it is never closed. */
static struct link_map *own_map;

/* The lock, if it could be found; else the loader's state for debuggers is used. */
static const pthread_mutex_t *lock;

/*
 * What the loader tells debuggers. There is one for each namespace if r_version is 2,
 * which it becomes with the first dlmopen(); an entry never leaves the list. <link.h>, from
 * glibc 2.35 on.
 */
struct namespace {
	struct r_debug debug;
	struct namespace *next;
};

static const struct namespace *namespaces;

/* _dl_find_object() and its structure: <dlfcn.h>, from glibc 2.35 on. */
struct found_object {
	unsigned long long flags;
	const void *start, *end;
	struct link_map *map;
	void *eh_frame;
	unsigned long long reserved[11];
};

static int (*find_object)(void *address, struct found_object *object);

/* The lock is held by a thread that does not exist. */
static int is_stuck;

/*
 * The lock is among the loader's variables, at an offset that depends on the version.
 * It is the only mutex there that this thread holds inside of dl_iterate_phdr(), and not
 * outside.
 */
#define MAX_HELD 8

struct search {
	const char *start;
	size_t size;
	const pthread_mutex_t *held[MAX_HELD];
	int count;
};

static int is_held(const pthread_mutex_t *mutex, pid_t tid)
{
	return mutex->__data.__owner == tid && mutex->__data.__lock != 0 &&
	       mutex->__data.__count != 0 && mutex->__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP;
}

static int find_held(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	pid_t tid = syscall(SYS_gettid);

	(void)info, (void)size;
	for (size_t at = 0; at + sizeof(pthread_mutex_t) <= search->size; at += sizeof(long)) {
		const void *candidate = search->start + at;

		if (is_held(candidate, tid) && search->count < MAX_HELD)
			search->held[search->count++] = candidate;
	}
	return 1;
}

static struct link_map *first_map(void)
{
	struct link_map *map = own_map;

	while (map && map->l_prev)
		map = map->l_prev;
	return map;
}

static int is_glibc_2_35(void)
{
	return strverscmp(gnu_get_libc_version(), "2.35") >= 0;
}

/*
 * A program that was linked with _r_debug may have a copy of it. From glibc 2.35 on nobody
 * writes to that, so the address is taken from where debuggers take it. Before, the loader
 * itself uses the copy, and it is the other one that nobody writes to.
 */
static const struct namespace *find_namespaces(void)
{
	const struct link_map *program = first_map();
	const ElfW(Dyn) *entry = program && is_glibc_2_35() ? program->l_ld : NULL;

	for (; entry && entry->d_tag; entry++)
		if (entry->d_tag == DT_DEBUG && entry->d_un.d_ptr)
			return (const struct namespace *)entry->d_un.d_ptr;
	return dlsym(RTLD_DEFAULT, "_r_debug");
}

void loader_start(void)
{
	struct search search = {.start = dlsym(RTLD_DEFAULT, "_rtld_global")};
	const ElfW(Sym) *symbol = NULL;
	pid_t tid = syscall(SYS_gettid);
	int found = 0;
	Dl_info info;

	dladdr1(&own_map, &info, (void **)&own_map, RTLD_DL_LINKMAP);
	namespaces = find_namespaces();
	/* Older ones do not have it, and end the process if dlmopen() loads the library and dlsym() fails. */
	if (is_glibc_2_35())
		find_object = (int (*)(void *, struct found_object *))dlsym(RTLD_DEFAULT, "_dl_find_object");
	if (!search.start || !dladdr1(search.start, &info, (void **)&symbol, RTLD_DL_SYMENT) ||
	    !symbol || info.dli_saddr != search.start)
		return;
	search.size = symbol->st_size;
	dl_iterate_phdr(find_held, &search);
	for (int i = 0; i < search.count; i++) {
		if (!is_held(search.held[i], tid)) {
			lock = search.held[i];
			found++;
		}
	}
	if (found != 1)
		lock = NULL;
}

/* The owner still exists only if this process has created it since. */
void loader_after_fork(void)
{
	int owner;

	if (!lock) {
		is_stuck |= namespaces && namespaces->debug.r_state != RT_CONSISTENT;
		return;
	}
	owner = __atomic_load_n(&lock->__data.__owner, __ATOMIC_RELAXED);
	is_stuck |= __atomic_load_n(&lock->__data.__lock, __ATOMIC_RELAXED) != 0 &&
		    (owner == 0 || syscall(SYS_tgkill, getpid(), owner, 0) != 0);
}

/* rt_sigprocmask(2) reads a word there before it finds that its first argument is invalid. */
static int can_read(const void *start, size_t size)
{
	unsigned long last = ((unsigned long)start + size - 1) & -PAGE;

	for (unsigned long page = (unsigned long)start & -PAGE; page <= last; page += PAGE)
		if (page == 0 ||
		    (syscall(SYS_rt_sigprocmask, -1, page, NULL, 8) == -1 && errno == EFAULT))
			return 0;
	return 1;
}

/* Finds the program headers of an entry of the list, if they are mapped and belong to it. */
static int describe(const struct link_map *map, int is_program, struct dl_phdr_info *info)
{
	struct found_object object;
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)map->l_addr;

	memset(info, 0, sizeof(*info));
	info->dlpi_addr = map->l_addr;
	info->dlpi_name = map->l_name ? map->l_name : "";
	if (is_program) {
		info->dlpi_phdr = (const ElfW(Phdr) *)getauxval(AT_PHDR);
		info->dlpi_phnum = getauxval(AT_PHNUM);
	} else {
		if (find_object && find_object(map->l_ld, &object) == 0)
			header = object.start;
		if (!can_read(header, sizeof(*header)) ||
		    memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
		    header->e_phentsize != sizeof(ElfW(Phdr)))
			return 0;
		info->dlpi_phdr = (const void *)((const char *)header + header->e_phoff);
		info->dlpi_phnum = header->e_phnum;
	}
	if (info->dlpi_phnum == 0 ||
	    !can_read(info->dlpi_phdr, info->dlpi_phnum * sizeof(ElfW(Phdr))))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return map->l_addr + info->dlpi_phdr[i].p_vaddr == (ElfW(Addr))map->l_ld &&
			       can_read(map->l_ld, sizeof(ElfW(Dyn)));
	return 0;
}

static unsigned long long walks; /* each one may find other objects */

static int iterate_list(const struct link_map *map, int has_program,
			int (*fn)(struct dl_phdr_info *, size_t, void *), void *data)
{
	struct dl_phdr_info info;
	int ret = 0, saved_errno = errno;

	for (int is_program = has_program; map && ret == 0; map = map->l_next, is_program = 0) {
		if (describe(map, is_program, &info)) {
			info.dlpi_adds = walks;
			ret = fn(&info, sizeof(info), data);
		}
	}
	errno = saved_errno;
	return ret;
}

int loader_iterate(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data)
{
	if (!is_stuck || !own_map)
		return dl_iterate_phdr(fn, data);
	walks++;
	return iterate_list(first_map(), 1, fn, data);
}

int loader_iterate_others(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data)
{
	const struct namespace *other;
	int ret = 0;

	if (!namespaces || !own_map || namespaces->debug.r_map != first_map() ||
	    __atomic_load_n(&namespaces->debug.r_version, __ATOMIC_ACQUIRE) < 2)
		return 0;
	other = __atomic_load_n(&namespaces->next, __ATOMIC_ACQUIRE);
	for (; other && ret == 0; other = __atomic_load_n(&other->next, __ATOMIC_ACQUIRE))
		ret = iterate_list(other->debug.r_map, 0, fn, data);
	return ret;
}

unsigned long loader_break(void)
{
	return namespaces && namespaces->debug.r_version > 0 ? namespaces->debug.r_brk : 0;
}

__attribute__((target("general-regs-only"))) int loader_is_consistent(void)
{
	const struct namespace *each = namespaces;

	if (!each)
		return 1;
	if (__atomic_load_n(&each->debug.r_version, __ATOMIC_ACQUIRE) < 2)
		return each->debug.r_state == RT_CONSISTENT;
	while (each && each->debug.r_state == RT_CONSISTENT)
		each = __atomic_load_n(&each->next, __ATOMIC_ACQUIRE);
	return !each;
}
