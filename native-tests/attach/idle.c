/* SPDX-License-Identifier: MIT */
/*
 * idle.c - a process that cannot be attached to, for one reason, or that is a trap for who looks at it.
 *
 *	idle [zombie | seccomp | main | protected | lock [thread] | thread | mapped | namespace]
 *
 *	thread	there is another thread
 *	namespace	libc is loaded a second time, into a namespace of its own; the library must be in that of the program
 *	mapped	files of libc and of a library are mapped once more, as data, below the others: as debuggers do
 *
 * It says "ready", and ends when its input ends; with lock, at SIGTERM. With "zombie" and "thread" there is an id before that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void end(int signo)
{
	_exit(42);
}

static void *wait_for_end(void *unused)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return unused;
}

static void *wait_for_ever(void *unused)
{
	printf("%d\n", gettid());
	fflush(stdout);
	for (;;)
		pause();
	return unused;
}

static int map_as_data(const char *path, unsigned long address)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;

	return fd < 0 || fstat(fd, &stat) ||
	       mmap((void *)address, stat.st_size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0) != (void *)address;
}

/* Of the namespace of this program. */
static int count_libraries(struct dl_phdr_info *info, size_t size, void *count)
{
	*(int *)count += size && strstr(info->dlpi_name, "libftrace") != 0;
	return 0;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	if (!strcmp(kind, "zombie")) {
		int child = fork();

		if (!child)
			_exit(0);
		printf("%d\n", child);
		fflush(stdout);
	}
	if (!strcmp(kind, "seccomp")) {
		struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog program = {1, allow};

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			return 2;
	}
	if (!strcmp(kind, "protected") && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return 2;
	if (!strcmp(kind, "thread") || (argc > 2 && !strcmp(argv[2], "thread"))) {
		pthread_t thread;

		if (pthread_create(&thread, 0, wait_for_ever, 0))
			return 2;
	}
	if (!strcmp(kind, "lock")) {
		static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

		signal(SIGTERM, end);
		pthread_mutex_lock(&lock);
		puts("ready");
		fflush(stdout);
		pthread_mutex_lock(&lock);
	}
	if (!strcmp(kind, "main")) {
		pthread_t thread;

		if (pthread_create(&thread, 0, wait_for_end, 0))
			return 2;
		pthread_exit(0);
	}
#ifdef LM_ID_NEWLM /* glibc */
	if (!strcmp(kind, "namespace")) {
		int count = 0;

		if (!dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW))
			return 2;
		wait_for_end(0);
		dl_iterate_phdr(count_libraries, &count);
		return count == 1 ? 42 : 3;
	}
#endif
	if (!strcmp(kind, "mapped")) {
		Dl_info libc;

		if (!dladdr((void *)(long)exit, &libc) || map_as_data(libc.dli_fname, 0x10000000) || map_as_data(argv[2], 0x20000000))
			return 2;
	}
	wait_for_end(0);
	return 42;
}
