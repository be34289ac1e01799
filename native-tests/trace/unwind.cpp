// SPDX-License-Identifier: MIT
//
// unwind.cpp - what unwinders see: exceptions pass through traced functions, and a
// handler's backtrace names the traced function and its caller. gdb.sh stops
// in the handler.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <ftrace/ftrace.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			std::fprintf(stderr, "unwind.cpp:%d: expected %s\n", __LINE__,             \
				     #condition);                                                  \
			std::exit(1);                                                              \
		}                                                                                  \
	} while (0)

#define TRACED __attribute__((noipa, patchable_function_entry(5)))

extern "C" {
TRACED void traced_function(int x);
__attribute__((noipa)) void its_caller(int x);
__attribute__((noipa)) void in_the_handler(void);
}

static int counted, destroyed;

struct counted_object {
	~counted_object()
	{
		destroyed++;
	}
};

void traced_function(int x)
{
	counted_object object;

	if (x > 0) {
		its_caller(x - 1);
	} else if (x == 0) {
		throw 4711;
	}
}

void its_caller(int x)
{
	counted_object object;

	traced_function(x);
	__asm__ __volatile__("" ::: "memory");
}

// A place for gdb to stop at.
void in_the_handler()
{
	__asm__ __volatile__("" ::: "memory");
}

static void handler(unsigned long ip, unsigned long parent_ip, ftrace_ops *, ftrace_regs *)
{
	void *frames[32];
	int count = backtrace(frames, 32);
	int at = 0;

	counted++;
	in_the_handler();
	// The library's own code lies between, without a name of its own.
	while (at < count && reinterpret_cast<unsigned long>(frames[at]) != ip + 5)
		at++;
	CHECK(at < count - 1);
	CHECK(reinterpret_cast<unsigned long>(frames[at + 1]) == parent_ip);
	char **names = backtrace_symbols(frames + at, 2);
	CHECK(std::strstr(names[0], "traced_function"));
	CHECK(std::strstr(names[1], "its_caller"));
	std::free(names);
}

// Exceptions that begin and end in a handler are its own affair.
static void throwing(unsigned long, unsigned long, ftrace_ops *, ftrace_regs *)
{
	counted++;
	try {
		throw "inside";
	} catch (const char *) {
	}
}

static void check(ftrace_func_t func, unsigned long flags)
{
	ftrace_ops ops = {};
	int caught = 0;

	ops.size = sizeof(ops);
	ops.func = func;
	ops.flags = flags;
	counted = destroyed = 0;
	CHECK(ftrace_set_filter(&ops, "traced_function", 0, 1) == 0);
	CHECK(ftrace_register_function(&ops) == 0);
	for (int round = 0; round < 100; round++) {
		try {
			its_caller(3);
		} catch (int value) {
			caught += value == 4711;
		}
	}
	its_caller(-1);
	CHECK(caught == 100);
	CHECK(counted == 401);
	CHECK(destroyed == 802);
	CHECK(ftrace_unregister_function(&ops) == 0);
	CHECK(ftrace_free_filter(&ops) == 0);
}

int main()
{
	check(handler, 0);
	check(throwing, 0);
	// It uses them, but nobody needs them kept here.
	check(handler, FTRACE_OPS_FL_NO_VECTORS);
	check(handler, FTRACE_OPS_FL_SAVE_REGS);
	check(handler, FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_NO_VECTORS);
	return 0;
}
