// SPDX-License-Identifier: MIT
//
// boost.cpp - fibers of boost.context, whose switch is a jump to where the other one stopped;
// each exit has its entry, on whatever thread.
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"
#include "hijack.h"

#include <boost/context/fiber.hpp>
#include <utility>

namespace context = boost::context;

extern "C" {
TRACED int bf_work(int n);
TRACED int bf_down(int n);
}

#define FIBERS 6

static struct ftrace_graph_ops once = GRAPH_OPS(once_entry, once_exit);
static context::fiber fibers[FIBERS], back;

static void leave_fiber()
{
	back = std::move(back).resume();
}

TRACED int bf_down(int n)
{
	if (n == 0)
		return 0;
	int result = bf_down(n - 1);
	KEEP;
	return result + 1;
}

TRACED int bf_work(int n)
{
	int result = 0;

	if (n != 0)
		result = bf_work(n - 1) + 1;
	leave_fiber();
	return result;
}

static void make_fiber(int id)
{
	fibers[id] = context::fiber([id](context::fiber &&from) {
		back = std::move(from);
		for (int round = 0; round < 20; round++)
			CHECK_EQ(bf_work((id + round) % 9), (id + round) % 9);
		return std::move(back);
	});
}

// False if it has ended.
static bool resume(int id)
{
	if (!fibers[id])
		return false;
	fibers[id] = std::move(fibers[id]).resume();
	return bool(fibers[id]);
}

static void run_all()
{
	unsigned int random = 1;
	bool any = true;

	for (int id = 0; id < FIBERS; id++)
		make_fiber(id);
	while (any) {
		random = random * 1103515245 + 12345;
		resume((random >> 16) % FIBERS);
		CHECK_EQ(bf_down(random % 5), random % 5);
		any = false;
		for (int id = 0; id < FIBERS; id++)
			any |= bool(fibers[id]);
	}
}

static void resumed()
{
	for (unsigned long flags : graph_kinds) {
		once.flags = flags;
		forget_counts();
		graph(&once, "bf_*");
		for (int round = 0; round < 5; round++)
			run_all();
		CHECK(entries > 1000);
		CHECK_EQ(RETURNED, entries);
		ungraph(&once);
	}
}

static void *resume_once(void *arg)
{
	for (int id = 0; id < FIBERS; id++)
		resume(id);
	return arg;
}

// Begun on threads that have ended when they return.
static void handed()
{
	graph(&once, "bf_*");
	for (int id = 0; id < FIBERS; id++)
		make_fiber(id);
	for (int i = 0; i < 50; i++)
		join(start(resume_once, nullptr));
	for (int id = 0; id < FIBERS; id++) {
		while (resume(id))
			bf_down(3);
	}
	CHECK_EQ(RETURNED, entries);
	ungraph(&once);
}

static void call_plain()
{
	CHECK_EQ(bf_down(9), 9);
}

static void control()
{
	CHECK(passes_hijacked("bf_*", call_plain));
	CHECK(!passes_hijacked("bf_*", run_all));
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"resumed", resumed},
		{"handed", handed},
		{"control", control},
		{nullptr, nullptr},
	};

	return run_mode(modes, argc, argv);
}
