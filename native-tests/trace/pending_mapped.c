/* SPDX-License-Identifier: MIT */
/*
 * pending_mapped.c - FTRACE_OPS_FL_PENDING: the loader has listed an object, but not yet the
 * C++ library that the object needs, when its functions are looked at by their C++ names.
 * Later they have to be looked at again.
 *
 *   agent   by the library's thread
 *   call    by the call that registers the ops
 *
 * The thread that opens the object is held where it opens the file of the C++ library: it
 * notifies the main thread of each openat(2), by a seccomp filter of its own.
 */
#include "../modes.h"
#include "../notify.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NAME   "shared::cxx_only"
#define SYMBOL "_ZN6shared8cxx_onlyEi"

static unsigned long hits, other_hits;
static struct ftrace_ops ops = OPS(count_hit, .flags = FTRACE_OPS_FL_PENDING, .data = &hits);
static struct ftrace_ops other = OPS(count_hit, .flags = FTRACE_OPS_FL_PENDING, .data = &other_hits);
static atomic_int listener;
static atomic_bool is_open;
static pthread_t opener;
static uint64_t held;
static void *plugin;

static void *opens(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int fd = notify_of_calls(code, sizeof(code) / sizeof(*code));

	listener = fd;
	if (fd < 0)
		return arg;
	plugin = dlopen(PLUGIN, RTLD_NOW);
	CHECK(plugin);
	is_open = true;
	return arg;
}

/* The thread opens a file whose path has @name in it, and waits for let_go(). */
static uint64_t hold(const char *name)
{
	for (;;) {
		struct seccomp_notif call = next_call(listener);

		if (strstr((const char *)call.data.args[1], name))
			return call.id;
		let_go(listener, call.id);
	}
}

/*
 * @first, which the library's thread looks for, is registered before, because no thread can
 * be created meanwhile; the look begins with what the plugin that comes first asks for, and
 * is kept from going on until the other one is listed.
 */
static void open_and_look(struct ftrace_ops *first, const char *pattern)
{
	void *asks;

	trace(first, pattern);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	asks = dlopen(FIRST_PLUGIN, RTLD_NOW);
	CHECK(asks);
	opener = start(opens, NULL);
	WAIT_FOR(listener);
	if (listener < 0)
		skip_without_notifications();
	held = hold("libstdc++");
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	WAIT_FOR(find_site(SYMBOL).count == 1);
}

static void traced_when_open(void)
{
	const unsigned char *function;

	let_go(listener, held);
	while (!is_open) {
		struct pollfd ready = {.fd = listener, .events = POLLIN};

		if (poll(&ready, 1, 10) == 1 && ready.revents & POLLIN)
			let_go(listener, next_call(listener).id);
	}
	join(opener);
	function = dlsym(plugin, SYMBOL);
	CHECK(function);
	WAIT_FOR((ftrace_update_sites(), *(volatile const unsigned char *)function == 0xe8));
	CHECK_EQ(((int (*)(int))function)(1), 2);
	CHECK_EQ(hits, 1);
	untrace(&ops);
}

static void agent(void)
{
	open_and_look(&ops, NAME);
	traced_when_open();
}

static void call(void)
{
	open_and_look(&other, "no_such_function");
	trace(&ops, NAME);
	traced_when_open();
	CHECK_EQ(other_hits, 0);
	untrace(&other);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"agent", agent},
		{"call", call},
		{NULL, NULL},
	};

	alarm(2 * TEST_WAIT_SECONDS);
	return run_mode(modes, argc, argv);
}
