/* SPDX-License-Identifier: MIT */
/*
 * registered.c - the kernel takes longer to register the process for membarrier(2), before the first stop, than the threads
 * may take to stop: all the same they are stopped.
 */
#include "../calls.h"
#include "../notify.h"
#include "../signals.h"
#include "../text.h"
#include "../threads.h"

#include <linux/membarrier.h>
#include <stdbool.h>
#include <time.h>

#define THREADS	   8
#define TIMEOUT_MS 2000

static unsigned char *function;
static int listener;
static bool finish;

static void *patch_first(void *error)
{
	struct ftrace_patch_opts opts = {
		.size = sizeof(opts), .method = FTRACE_METHOD_STOP_MACHINE, .timeout_ms = TIMEOUT_MS};
	struct ftrace_patch patch = value_patch(function, VALUE_A, VALUE_B);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int fd = notify_of_calls(filter, sizeof(filter) / sizeof(*filter));

	__atomic_store_n(&listener, fd, __ATOMIC_RELEASE);
	if (fd >= 0)
		*(int *)error = ftrace_patch_text(&patch, 1, &opts);
	return NULL;
}

static void *run(void *unused)
{
	while (!__atomic_load_n(&finish, __ATOMIC_RELAXED))
		check_function(function);
	return unused;
}

int main(void)
{
	const struct timespec longer = {.tv_sec = TIMEOUT_MS / 1000, .tv_nsec = 100000000};
	pthread_t threads[THREADS], patcher;
	int error = 4711;
	uint64_t held;

	function = new_function();
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(run, NULL);
	patcher = start(patch_first, &error);
	WAIT_FOR(__atomic_load_n(&listener, __ATOMIC_ACQUIRE) != 0);
	if (listener < 0)
		skip_without_notifications();
	held = next_call(listener).id;
	CHECK_EQ(nanosleep(&longer, NULL), 0); /* this is what the kernel takes */
	CHECK_EQ(call_function(function), VALUE_A);
	let_go(listener, held);
	join(patcher);
	CHECK_EQ(error, 0);
	CHECK_EQ(call_function(function), VALUE_B);
	__atomic_store_n(&finish, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	return 0;
}
