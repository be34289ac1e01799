/* SPDX-License-Identifier: MIT */
/*
 * changes.c - handlers that come and go while calls are under way, and objects that go.
 *
 * changes running    registering, unregistering and filters, beside threads that call: after
 *                    ftrace_unregister_graph() no handler is called, each exit has its entry
 * changes held       a call that is under way when its ops goes returns, and others with the same
 *                    number do not see it
 * changes reused     the same for an exit whose handlers are being called at that time
 * changes closed     dlclose() of an object whose calls were left: others return
 */
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>

TRACED int mf_down(int n);
TRACED int mf_leaf(int n);
TRACED int mf_wait(int n);
TRACED int mf_other(int n);

TRACED int mf_leaf(int n)
{
	return n + 1;
}

TRACED int mf_down(int n)
{
	int result;

	if (n == 0)
		return mf_leaf(-1);
	result = mf_down(n - 1);
	KEEP;
	return result + 1;
}

static int inside, go_on;

TRACED int mf_wait(int n)
{
	__atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&go_on, __ATOMIC_ACQUIRE));
	return n + 2;
}

TRACED int mf_other(int n)
{
	return n + 3;
}

/* Handlers of an ops that may not be called while it is not registered. */
struct watched {
	struct ftrace_graph_ops ops;
	bool registered;
	unsigned long entered, left, serial;
};

GENERAL_REGS static int watch_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs)
{
	struct watched *watched = ops->data;

	(void)regs;
	CHECK(__atomic_load_n(&watched->registered, __ATOMIC_RELAXED));
	__atomic_add_fetch(&watched->entered, 1, __ATOMIC_RELAXED);
	call->data = (char *)watched + __atomic_add_fetch(&watched->serial, 1, __ATOMIC_RELAXED);
	return 1;
}

GENERAL_REGS static void watch_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
				    struct ftrace_regs *regs)
{
	struct watched *watched = ops->data;
	unsigned long serial = (char *)call->data - (char *)watched;

	(void)regs;
	CHECK(__atomic_load_n(&watched->registered, __ATOMIC_RELAXED));
	CHECK(serial != 0 && serial <= __atomic_load_n(&watched->serial, __ATOMIC_RELAXED));
	__atomic_add_fetch(&watched->left, 1, __ATOMIC_RELAXED);
}

static void watch(struct watched *watched, int kind, const char *pattern)
{
	memset(watched, 0, sizeof(*watched));
	watched->ops = (struct ftrace_graph_ops)GRAPH_OPS(
		watch_entry, watch_exit, .flags = graph_kinds[kind % GRAPH_KINDS], .data = watched);
	watched->registered = true;
	graph(&watched->ops, pattern);
}

static void unwatch(struct watched *watched)
{
	CHECK_EQ(ftrace_unregister_graph(&watched->ops), 0);
	__atomic_store_n(&watched->registered, false, __ATOMIC_RELAXED);
	CHECK(watched->left <= watched->entered);
	CHECK_EQ(ftrace_graph_set_filter(&watched->ops, NULL, 0, 1), 0);
}

static bool done;
static unsigned long calls;

static void *call_down(void *arg)
{
	unsigned long made = 0;

	for (int i = 0; !__atomic_load_n(&done, __ATOMIC_ACQUIRE); i++) {
		CHECK_EQ(mf_down(i % 20), i % 20);
		made += i % 20 + 1;
	}
	CHECK_EQ(open_calls.count, 0);
	__atomic_add_fetch(&calls, made, __ATOMIC_RELAXED);
	return arg;
}

static void running(void)
{
	struct ftrace_graph_ops always = GRAPH_OPS(pair_entry, pair_exit);
	static struct watched watched[2];
	unsigned long hits = 0;
	struct ftrace_ops plain = OPS(count_hit, .data = &hits);
	pthread_t threads[2];

	any_depth = true; /* calls of mf_leaf() may be traced by others */
	graph(&always, "mf_down");
	for (int i = 0; i < 2; i++)
		threads[i] = start(call_down, NULL);
	for (int round = 0; round < 40; round++) {
		watch(&watched[0], round, round % 3 ? "mf_*" : "mf_leaf");
		watch(&watched[1], round / 4, "mf_down");
		if (round % 2)
			trace(&plain, "mf_*");
		WAIT_FOR(__atomic_load_n(&watched[1].left, __ATOMIC_RELAXED) > 100);
		CHECK_EQ(ftrace_graph_set_notrace(&watched[1].ops, "mf_down", 0, 1), 0);
		CHECK_EQ(ftrace_graph_set_filter(&watched[1].ops, "mf_leaf", 0, 1), 0);
		unwatch(&watched[0]);
		if (round % 2)
			untrace(&plain);
		CHECK_EQ(ftrace_graph_set_notrace(&watched[1].ops, NULL, 0, 1), 0);
		unwatch(&watched[1]);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		join(threads[i]);
	CHECK_EQ(entries, calls);
	CHECK_EQ(RETURNED + TAILS, calls); /* the innermost calls mf_leaf() in place of a return */
	ungraph(&always);
}

static void *call_wait(void *arg)
{
	CHECK_EQ(mf_wait(1), 3);
	return arg;
}

static void held(void)
{
	static struct watched first, others[6];

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pthread_t thread;

		inside = go_on = 0;
		watch(&first, kind, "mf_wait");
		thread = start(call_wait, NULL);
		WAIT_FOR(__atomic_load_n(&inside, __ATOMIC_ACQUIRE));
		CHECK_EQ(first.entered, 1);
		unwatch(&first);
		/* One of them has its number now. */
		for (int i = 0; i < 6; i++)
			watch(&others[i], kind + i, "mf_wait");
		__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
		join(thread);
		CHECK_EQ(first.left, 0);
		for (int i = 0; i < 6; i++)
			CHECK_EQ(others[i].entered + others[i].left, 0);
		CHECK_EQ(mf_wait(1), 3);
		for (int i = 0; i < 6; i++) {
			CHECK_EQ(others[i].left, 1);
			unwatch(&others[i]);
		}
	}
}

/* Two handlers that wait: of an exit, and of an entry. */
static int at_exit, leave_exit, at_entry, leave_entry;

static void wait_at_exit(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	__atomic_store_n(&at_exit, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&leave_exit, __ATOMIC_ACQUIRE));
}

static int wait_at_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	__atomic_store_n(&at_entry, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&leave_entry, __ATOMIC_ACQUIRE));
	return 1;
}

static void *call_other(void *arg)
{
	CHECK_EQ(mf_other(1), 4);
	return arg;
}

static int unregistered;

static void *unregister(void *arg)
{
	CHECK_EQ(ftrace_unregister_graph(arg), 0);
	__atomic_store_n(&unregistered, 1, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * The numbers are given in turn, so that the last ops gets that of the one which was unregistered
 * while another thread called the handlers of an exit that both wanted.
 */
static void reused(void)
{
	struct ftrace_graph_ops waiting = GRAPH_OPS(NULL, wait_at_exit);
	struct ftrace_graph_ops entry = GRAPH_OPS(wait_at_entry, NULL);
	static struct watched gone, fill[3], late;
	pthread_t caller, other, third;

	graph(&waiting, "mf_wait");
	watch(&gone, 1, "mf_wait");
	graph(&entry, "mf_other");
	for (int i = 0; i < 3; i++)
		watch(&fill[i], 0, "mf_leaf");
	caller = start(call_wait, NULL);
	WAIT_FOR(__atomic_load_n(&inside, __ATOMIC_ACQUIRE));
	/* In a handler, so that the grace period lasts; the caller is in none when it begins. */
	other = start(call_other, NULL);
	WAIT_FOR(__atomic_load_n(&at_entry, __ATOMIC_ACQUIRE));
	third = start(unregister, &gone.ops);
	WAIT_FOR(find_site("mf_wait").users == 1);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&at_exit, __ATOMIC_ACQUIRE));
	__atomic_store_n(&leave_entry, 1, __ATOMIC_RELEASE);
	/* If it waits for the caller too, its number is not free before that is through. */
	for (uint64_t end = now_ns() + 300000000ULL; now_ns() < end;) {
		if (__atomic_load_n(&unregistered, __ATOMIC_ACQUIRE))
			break;
		sched_yield();
	}
	if (__atomic_load_n(&unregistered, __ATOMIC_ACQUIRE))
		watch(&late, 0, "mf_leaf");
	else
		dprintf(1, "it waited for the caller\n");
	__atomic_store_n(&leave_exit, 1, __ATOMIC_RELEASE);
	join(caller);
	join(other);
	join(third);
	CHECK_EQ(late.left, 0);
	CHECK_EQ(gone.entered, 1);
	if (late.registered)
		unwatch(&late);
	for (int i = 0; i < 3; i++)
		unwatch(&fill[i]);
	ungraph(&entry);
	ungraph(&waiting);
}

static void *plugin;
static jmp_buf out;
TRACED int mf_back(int n);
TRACED int mf_from(int n);

/* Called by the object. It does not return there. */
TRACED int mf_back(int n)
{
	CHECK_EQ(dlclose(plugin), 0);
	CHECK(!dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD));
	CHECK_EQ(mf_leaf(n), n + 1);
	longjmp(out, 1);
}

TRACED int mf_from(int n)
{
	int (*call)(int (*)(int), int);

	plugin = dlopen(PLUGIN, RTLD_NOW);
	CHECK(plugin);
	CHECK_EQ(ftrace_update_sites(), 0);
	call = (int (*)(int (*)(int), int))dlsym(plugin, "call_back");
	CHECK(call);
	if (setjmp(out) == 0) {
		call(mf_back, n);
		CHECK(!"returned");
	}
	return n + 4;
}

static void closed(void)
{
	struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		pairs.flags = graph_kinds[kind];
		forget_counts();
		CHECK_EQ(ftrace_graph_set_filter(&pairs, "mf_*", 0, 1), 0);
		pairs.flags |= FTRACE_OPS_FL_PENDING;
		CHECK_EQ(ftrace_graph_set_filter(&pairs, "call_back", 0, 0), 0);
		CHECK_EQ(ftrace_register_graph(&pairs), 0);
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(mf_from(i), i + 4);
			CHECK_EQ(open_calls.count, 0);
		}
		/* from, call_back four deep, back, leaf */
		CHECK_EQ(entries, 20 * (1 + 4 + 1 + 1));
		CHECK_EQ(UNWOUND, 20 * 5);
		CHECK_EQ(RETURNED, 20 * 2);
		ungraph(&pairs);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"running", running}, {"held", held}, {"reused", reused},
		{"closed", closed},   {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
