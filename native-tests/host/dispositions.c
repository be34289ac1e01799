/* SPDX-License-Identifier: MIT */
/*
 * dispositions.c - opening the library leaves the process as it was: the
 * dispositions of all 64 signals, the mask, the alternate stack, descriptors,
 * limits, locale, floating point control, environment, buffers of stdio, errno.
 *
 * Once with every disposition at its default, once with handlers and ignored
 * signals. The program is not linked with the library.
 */
#define _GNU_SOURCE
#define FTRACE_NO_INLINE
#include "../signals.h"
#include "../stop.h"
#include "../test.h"
#include "../text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel sees it, 32 and 33 included. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

struct process {
	struct kernel_sigaction actions[65];
	uint64_t mask;
	stack_t stack;
	struct rlimit limits[RLIM_NLIMITS];
	unsigned int mxcsr;
	unsigned short x87;
	mode_t umask;
	char fds[4096];
	char locale[256];
	char cwd[256];
	char environment[65536];
	size_t pending;
};

static struct process before, after;

static void host_handler(int signo)
{
	(void)signo;
}

static void take(struct process *process)
{
	struct dirent *entry;
	DIR *fds;

	for (int signo = 1; signo <= 64; signo++)
		CHECK_EQ(syscall(SYS_rt_sigaction, signo, NULL, &process->actions[signo], 8), 0);
	process->mask = signal_mask();
	CHECK_EQ(sigaltstack(NULL, &process->stack), 0);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		CHECK_EQ(getrlimit(i, &process->limits[i]), 0);
	__asm__ __volatile__("stmxcsr %0" : "=m"(process->mxcsr));
	__asm__ __volatile__("fnstcw %0" : "=m"(process->x87));
	process->umask = umask(0);
	umask(process->umask);
	CHECK((fds = opendir("/proc/self/fd")));
	while ((entry = readdir(fds))) {
		char path[300], target[256];
		ssize_t length;

		if (atoi(entry->d_name) == dirfd(fds))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		strcat(process->fds, entry->d_name);
		strcat(process->fds, " ");
		strcat(process->fds, target);
		strcat(process->fds, "\n");
		CHECK(strlen(process->fds) < sizeof(process->fds) - 600);
	}
	closedir(fds);
	strcpy(process->locale, setlocale(LC_ALL, NULL));
	CHECK(getcwd(process->cwd, sizeof(process->cwd)));
	for (char **variable = environ; *variable; variable++) {
		size_t used = strlen(process->environment);

		snprintf(process->environment + used, sizeof(process->environment) - used, "%s\n",
			 *variable);
	}
	process->pending = __fpending(stdout);
}

static uint64_t bit(int signo)
{
	return 1ull << (signo - 1);
}

int main(int argc, char **argv)
{
	bool custom = argc > 1 && strcmp(argv[1], "custom") == 0;
	__typeof__(ftrace_patch_text) *patch_text;
	__typeof__(ftrace_stop_machine) *stop_machine;
	unsigned char *function;
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = FTRACE_METHOD_BREAKPOINT};
	struct ftrace_patch patch;
	char line[64];
	uint64_t faults =
		bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGSYS);
	void *library;
	int pipes[2], taken = 0;

	/* Bytes wait in a buffer of stdout: they must neither go out nor get lost. */
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(dup2(pipes[1], 1), 1);
	close(pipes[1]);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("waiting");

	if (custom) {
		sigset_t some;

		for (int signo = 1; signo <= 64; signo++) {
			struct sigaction action = {.sa_handler = signo % 3 ? host_handler : SIG_IGN,
						   .sa_flags = signo % 2 ? SA_RESTART : SA_ONSTACK};

			if (signo == SIGKILL || signo == SIGSTOP || signo == 32 || signo == 33 ||
			    signo > 60)
				continue;
			if (signo == SIGPIPE)
				action.sa_handler = SIG_DFL;
			sigaddset(&action.sa_mask, SIGHUP);
			CHECK_EQ(sigaction(signo, &action, NULL), 0);
		}
		sigemptyset(&some);
		sigaddset(&some, SIGTERM);
		sigaddset(&some, 40);
		CHECK_EQ(sigprocmask(SIG_BLOCK, &some, NULL), 0);
		CHECK(setlocale(LC_ALL, "C.UTF-8") || setlocale(LC_ALL, "C"));
		umask(027);
		/* Round down. */
		__asm__ __volatile__("ldmxcsr %0" : : "m"((unsigned int){0x3f80}));
	}

	take(&before);
	errno = 4711;
	library = dlopen(FTRACE_LIBRARY, RTLD_NOW);
	if (!library) {
		dprintf(2, "%s\n", dlerror());
		return 1;
	}
	CHECK_EQ(errno, 4711);
	take(&after);

	for (int signo = 1; signo <= 64; signo++) {
		if (memcmp(&before.actions[signo], &after.actions[signo],
			   sizeof(*before.actions)) != 0) {
			dprintf(2, "signal %d: handler %p to %p, flags %#lx to %#lx\n", signo,
				before.actions[signo].handler, after.actions[signo].handler,
				before.actions[signo].flags, after.actions[signo].flags);
			return 1;
		}
	}
	CHECK_EQ(after.mask, before.mask);
	CHECK_EQ(memcmp(&after.stack, &before.stack, sizeof(before.stack)), 0);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if (memcmp(&after.limits[i], &before.limits[i], sizeof(*before.limits)) != 0) {
			dprintf(2, "limit %d was %lu, is %lu\n", i, before.limits[i].rlim_cur,
				after.limits[i].rlim_cur);
			return 1;
		}
	}
	CHECK_EQ(after.mxcsr, before.mxcsr);
	CHECK_EQ(after.x87, before.x87);
	CHECK_EQ(after.umask, before.umask);
	if (strcmp(after.fds, before.fds) != 0) {
		dprintf(2, "descriptors before:\n%safter:\n%s", before.fds, after.fds);
		return 1;
	}
	CHECK_EQ(strcmp(after.locale, before.locale), 0);
	CHECK_EQ(strcmp(after.cwd, before.cwd), 0);
	CHECK_EQ(strcmp(after.environment, before.environment), 0);
	CHECK_EQ(after.pending, before.pending);
	CHECK_EQ(before.pending, strlen("waiting"));

	/* The first stop takes one signal, the first breakpoint SIGTRAP, and nothing else. */
	CHECK((patch_text = dlsym(library, "ftrace_patch_text")));
	CHECK((stop_machine = dlsym(library, "ftrace_stop_machine")));
	function = new_function();
	patch = value_patch(function, VALUE_A, VALUE_B);
	CHECK_EQ(stop_machine(do_nothing, NULL), 0);
	CHECK_EQ(patch_text(&patch, 1, &opts), 0);
	CHECK_EQ(call_function(function), VALUE_B);
	memset(&after, 0, sizeof(after));
	take(&after);
	for (int signo = 1; signo <= 64; signo++)
		if (memcmp(&before.actions[signo], &after.actions[signo],
			   sizeof(*before.actions)) != 0)
			taken += signo;
	CHECK_EQ(taken, 64 + SIGTRAP);
	/* While they run no other handler does, but for faults; and calls go on. */
	for (int i = 0; i < 2; i++) {
		const struct kernel_sigaction *action = &after.actions[i ? SIGTRAP : 64];

		CHECK_EQ(action->mask, ~(faults | bit(SIGKILL) | bit(SIGSTOP)));
		CHECK_EQ(action->flags & (SA_RESTART | SA_NODEFER | SA_RESETHAND), SA_RESTART);
	}
	CHECK_EQ(after.mask, before.mask);
	CHECK_EQ(strcmp(after.fds, before.fds), 0);
	CHECK_EQ(after.pending, before.pending);

	fflush(stdout);
	CHECK_EQ(read(pipes[0], line, sizeof(line)), strlen("waiting"));
	CHECK_EQ(memcmp(line, "waiting", strlen("waiting")), 0);
	return 0;
}
