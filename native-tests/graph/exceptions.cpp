// SPDX-License-Identifier: MIT
//
// exceptions.cpp - C++ exceptions through calls whose exits are traced. Each call that is left
// is reported at the thread's next event, from the inner to the outer: graphed.h checks it.
//
// exceptions thrown      caught outside, in the throwing function's callers, thrown again
// exceptions terminated  out of a noexcept function: the backtrace has all calls
// exceptions many        slots of calls that were left are used again
// exceptions million     the same, for longer
// exceptions forced      threads that end where they are: pthread_exit(), cancellation
// exceptions handlers    signal handlers that throw and catch, at any moment
// exceptions control     who replaces return addresses, fails at the first
#define MAX_OPEN 4096
#include "../modes.h"
#include "../signals.h"
#include "../threads.h"
#include "graphed.h"
#include "hijack.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <execinfo.h>
#include <semaphore.h>
#include <stdexcept>
#include <sys/wait.h>

static int destroyed;

struct object {
	~object()
	{
		destroyed++;
	}
};

#define FUNCTION extern "C" TRACED

extern "C" {
int ex_object(int n);
int ex_plain(int n);
int ex_catch(int n);
int ex_again(int n);
int ex_wrapped(int n);
int ex_cleanup(int n);
int ex_nested(int n);
int ex_tail(int n);
int ex_tail_caught(int n);
int ex_noexcept() noexcept;
int ex_leaf(int n);
int ex_end(int n);
int ex_count(int n);
}

FUNCTION int ex_leaf(int n)
{
	return n;
}

// Has objects to destroy on the way.
FUNCTION int ex_object(int n)
{
	object here;

	if (n == 0)
		throw std::runtime_error("thrown");
	int result = ex_object(n - 1);
	KEEP;
	return result + 1;
}

FUNCTION int ex_plain(int n)
{
	if (n == 0)
		throw 7;
	int result = ex_plain(n - 1);
	KEEP;
	return result + 1;
}

FUNCTION int ex_catch(int n)
{
	try {
		return ex_plain(n);
	} catch (int value) {
		return value;
	}
}

FUNCTION int ex_again(int n)
{
	try {
		return ex_plain(n);
	} catch (int value) {
		ex_leaf(value);
		throw;
	}
}

// Another exception, of another type, around the first.
FUNCTION int ex_wrapped(int n)
{
	try {
		return ex_plain(n);
	} catch (int value) {
		std::throw_with_nested(std::runtime_error("around"));
	}
}

struct catches_in_destructor {
	int *result;

	~catches_in_destructor()
	{
		*result += ex_catch(5);
	}
};

// While one is on its way, its cleanup throws and catches others.
FUNCTION int ex_cleanup(int n)
{
	int result = 0;

	try {
		catches_in_destructor here{&result};

		ex_plain(n);
	} catch (int value) {
		result += value;
	}
	return result;
}

FUNCTION int ex_nested(int n)
{
	int result = 0;

	if (n == 0)
		return ex_catch(5);
	try {
		result = ex_nested(n - 1);
		throw 3;
	} catch (int value) {
		result += value;
		try {
			ex_again(n);
		} catch (int inner) {
			result += inner;
		}
	}
	return result;
}

// Ends with a call in place of a return.
FUNCTION int ex_tail(int n)
{
	return ex_object(n + 1);
}

FUNCTION int ex_tail_caught(int n)
{
	try {
		return ex_tail(n) + 1;
	} catch (std::exception &) {
		return 5;
	}
}

FUNCTION int ex_noexcept() noexcept
{
	int result = ex_plain(3);

	KEEP;
	return result;
}

__attribute__((noipa)) static int catch_outside(int n)
{
	try {
		return ex_object(n);
	} catch (std::exception &error) {
		return strcmp(error.what(), "thrown");
	}
}

__attribute__((noipa)) static int catch_again(int n)
{
	try {
		return ex_again(n);
	} catch (int value) {
		return value;
	}
}

__attribute__((noipa)) static int catch_both(int n)
{
	try {
		return ex_wrapped(n);
	} catch (std::exception &error) {
		try {
			std::rethrow_if_nested(error);
		} catch (int value) {
			return value;
		}
	}
	return 0;
}

static void throw_all(int depth)
{
	destroyed = 0;
	CHECK_EQ(catch_outside(depth), 0);
	CHECK_EQ(destroyed, depth + 1);
	CHECK_EQ(ex_catch(depth), 7);
	CHECK_EQ(catch_again(depth), 7);
	CHECK_EQ(catch_both(depth), 7);
	CHECK_EQ(ex_cleanup(depth), 14);
	CHECK_EQ(ex_tail_caught(depth), 5);
}

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

static void thrown()
{
	for (unsigned long flags : graph_kinds) {
		pairs.flags = flags;
		forget_counts();
		graph(&pairs, "ex_*");
		for (int depth = 1; depth <= 100; depth += 3)
			throw_all(depth);
		CHECK_EQ(ex_nested(6), 7 + 6 * (3 + 7));
		// One more closes what was left.
		ex_leaf(0);
		CHECK_EQ(open_calls.count, 0);
		CHECK(TAILS > 0 && UNWOUND > 1000);
		CHECK_EQ(RETURNED + TAILS + UNWOUND, entries);
		ungraph(&pairs);
	}
}

// The names of the functions that were called when it was asked.
static void print_backtrace(int fd)
{
	void *frames[64];
	int count = backtrace(frames, 64);

	backtrace_symbols_fd(frames, count, fd);
}

static int terminate_pipe[2];

static void terminated()
{
	char text[8192], *at = text;
	int status;
	size_t size = 0;
	ssize_t got;

	CHECK_EQ(pipe(terminate_pipe), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		graph(&pairs, "ex_*");
		std::set_terminate([] {
			print_backtrace(terminate_pipe[1]);
			_exit(33);
		});
		ex_noexcept();
		_exit(0);
	}
	close(terminate_pipe[1]);
	while ((got = read(terminate_pipe[0], text + size, sizeof(text) - 1 - size)) > 0)
		size += got;
	text[size] = '\0';
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 33);
	for (const char *name : {"ex_plain", "ex_plain", "ex_plain", "ex_noexcept", "main"}) {
		at = strstr(at, name);
		if (!at)
			dprintf(2, "no %s in:\n%s", name, text);
		CHECK(at);
		at++;
	}
}

// Pages of the library's that are in memory: those of slots stay as many.
static size_t resident()
{
	unsigned long ignored, pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	CHECK(statm && fscanf(statm, "%lu %lu", &ignored, &pages) == 2);
	fclose(statm);
	return pages;
}

// 6 calls are left each time. After 10,240 times all slots of the process would be taken.
static void throw_often(int times)
{
	size_t before;

	pairs.flags = FTRACE_OPS_FL_NO_VECTORS;
	graph(&pairs, "ex_*");
	for (int i = 0; i < 2000; i++)
		CHECK_EQ(ex_catch(5), 7);
	before = resident();
	for (int i = 0; i < times; i++)
		CHECK_EQ(ex_catch(5), 7);
	CHECK(resident() < before + 100);
	ex_leaf(0);
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(entries, (2000 + times) * 7L + 1);
	CHECK_EQ(UNWOUND, (2000 + times) * 6L);
	ungraph(&pairs);
}

static void many()
{
	throw_often(20000);
}

static void million()
{
	throw_often(1000000);
}

// Destroyed while the thread ends; makes traced calls meanwhile.
struct traced_object {
	~traced_object()
	{
		CHECK_EQ(ex_catch(3), 7);
		__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
	}
};

static bool cancelled;
static sem_t inside;

FUNCTION int ex_end(int n)
{
	traced_object here;

	if (n == 0 && cancelled) {
		CHECK_EQ(sem_post(&inside), 0);
		for (;;)
			pause();
	}
	if (n == 0)
		pthread_exit((void *)5);
	int result = ex_end(n - 1);
	KEEP;
	return result + 1;
}

static void *end_inside(void *depth)
{
	ex_end((long)depth);
	CHECK(!"left");
	return nullptr;
}

// 20 calls of each thread are left, so 4,000 threads would take all slots.
static void forced()
{
	CHECK_EQ(sem_init(&inside, 0, 0), 0);
	graph(&pairs, "ex_*");
	for (int i = 0; i < 4000; i++) {
		pthread_t thread;
		void *value;

		destroyed = 0;
		cancelled = i % 4 == 0;
		thread = start(end_inside, (void *)19L);
		if (cancelled) {
			while (sem_wait(&inside) != 0)
				CHECK_EQ(errno, EINTR);
			CHECK_EQ(pthread_cancel(thread), 0);
		}
		CHECK_EQ(pthread_join(thread, &value), 0);
		CHECK(value == (cancelled ? PTHREAD_CANCELED : (void *)5));
		CHECK_EQ(destroyed, 20);
	}
	CHECK_EQ(entries, 4000 * 20L * (1 + 5));
	ungraph(&pairs);
}

#define SIGNALS 500

static volatile int signals;

static void throw_in_handler(int)
{
	if (signals >= SIGNALS) // however slow this is, the thread comes to its end
		return;
	CHECK_EQ(ex_catch(signals % 5), 7);
	signals = signals + 1;
}

// No allocation: the handler may not interrupt one.
FUNCTION int ex_count(int n)
{
	if (n == 0)
		return 0;
	int result = ex_count(n - 1);
	KEEP;
	return result + 1;
}

static void handlers()
{
	any_depth = true;
	for (unsigned long flags : graph_kinds) {
		timer_t timer;

		pairs.flags = flags;
		forget_counts();
		graph(&pairs, "ex_*");
		CHECK_EQ(ex_catch(1), 7);
		on_signal(SIGRTMIN, throw_in_handler, 0);
		signals = 0;
		timer = thread_timer(SIGRTMIN, 5000);
		for (int i = 0; signals < SIGNALS; i++)
			CHECK_EQ(ex_count(i % 30), i % 30);
		CHECK_EQ(timer_delete(timer), 0);
		signal(SIGRTMIN, SIG_IGN);
		ex_leaf(0);
		CHECK_EQ(open_calls.count, 0);
		CHECK_EQ(RETURNED + TAILS + UNWOUND, entries);
		ungraph(&pairs);
	}
}

static void call_plain()
{
	for (int i = 0; i < 10; i++)
		CHECK_EQ(ex_leaf(i), i);
}

static void throw_once()
{
	CHECK_EQ(catch_outside(3), 0);
}

static void control()
{
	CHECK(passes_hijacked("ex_*", call_plain));
	CHECK(!passes_hijacked("ex_*", throw_once));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"thrown", thrown},   {"terminated", terminated}, {"many", many},
		{"million", million}, {"forced", forced},	  {"handlers", handlers},
		{"control", control}, {nullptr, nullptr},
	};

	return run_mode(modes, argc, argv);
}
