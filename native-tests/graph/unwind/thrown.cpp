// SPDX-License-Identifier: MIT
//
// thrown.cpp - exceptions and forced unwinding through calls whose exits are traced: objects are
// destroyed once, the stack and the registers are those of the function that catches, and each
// call that was left is reported. CMakeLists.txt links it with several unwinders.
//
// thrown exceptions   caught by callers that are traced, and by others; thrown again
// thrown exited       pthread_exit(3)
// thrown cancelled    pthread_cancel(3), where the thread waits
#include "../../modes.h"
#include "../../threads.h"
#include "../graphed.h"

#include <cerrno>
#include <stdexcept>

#define DEPTH	 8
#define FUNCTION extern "C" TRACED

static int destroyed, cleaned_up;
static void (*at_the_bottom)();

extern "C" {
int th_leaf(int n);
int th_down(int n);
int th_again(int n);
int th_caught(int n);
}

FUNCTION int th_leaf(int n)
{
	return n;
}

// Makes a traced call while the calls below are being left.
struct object {
	~object()
	{
		destroyed += th_leaf(1);
	}
};

// Not traced.
__attribute__((noipa)) static int between(int n)
{
	object here;
	int result = th_down(n);

	KEEP;
	return result + 1;
}

FUNCTION int th_down(int n)
{
	object here;

	if (n == 0)
		at_the_bottom();
	int result = n % 2 ? between(n - 1) : th_down(n - 1);
	KEEP;
	return result + 1;
}

FUNCTION int th_again(int n)
{
	try {
		return th_down(n);
	} catch (std::runtime_error &) {
		th_leaf(n);
		throw;
	}
}

// Catches with all registers in use that calls keep.
#define CATCH(name, call)                                                                          \
	int name(int n)                                                                            \
	{                                                                                          \
		volatile int from = n;                                                             \
		int a = from + 1, b = from + 2, c = from + 3, d = from + 4, e = from + 5;          \
		int f = from + 6, g = from + 7;                                                    \
                                                                                                   \
		try {                                                                              \
			call(n);                                                                   \
		} catch (std::runtime_error & error) {                                             \
			CHECK(!strcmp(error.what(), "thrown"));                                    \
			return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;                  \
		}                                                                                  \
		return -1;                                                                         \
	}
#define CAUGHT(n) (28 * (n) + 140)

__attribute__((noipa)) static CATCH(catch_down, th_down)
	__attribute__((noipa)) static CATCH(catch_again, th_again) FUNCTION
	CATCH(th_caught, th_again)

		static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

static void trace_calls(unsigned long flags)
{
	pairs.flags = flags;
	forget_counts();
	destroyed = cleaned_up = 0;
	graph(&pairs, "th_*");
}

// @left: calls that were left on this thread.
static void end_trace(unsigned long left)
{
	th_leaf(0); // tells of those that were left last
	CHECK_EQ(open_calls.count, 0);
	CHECK_EQ(UNWOUND, left);
	ungraph(&pairs);
}

static void throw_it()
{
	throw std::runtime_error("thrown");
}

static void exceptions()
{
	at_the_bottom = throw_it;
	for (unsigned long flags : graph_kinds) {
		trace_calls(flags);
		for (int n = 0; n < DEPTH; n++) {
			CHECK_EQ(catch_down(n), CAUGHT(n));
			CHECK_EQ(catch_again(n), CAUGHT(n));
			CHECK_EQ(th_caught(n), CAUGHT(n));
		}
		// th_down() has n + 1 objects, and (n + 1) / 2 are between.
		CHECK_EQ(destroyed, 3 * (36 + 16));
		// th_again() is left twice as often as it is caught by what is not traced.
		end_trace(3 * 36 + 2 * 8);
		CHECK_EQ(RETURNED + UNWOUND, entries);
	}
}

static void clean_up(void *)
{
	cleaned_up += th_leaf(1);
}

static void *go_down(void *)
{
	pthread_cleanup_push(clean_up, nullptr);
	th_down(DEPTH - 1);
	pthread_cleanup_pop(0);
	return nullptr;
}

static void check_forced(void *expected, bool cancel)
{
	for (unsigned long flags : graph_kinds) {
		void *result;

		trace_calls(flags);
		pthread_t thread = start(go_down, nullptr);
		if (cancel)
			CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK(result == expected);
		CHECK_EQ(destroyed, DEPTH + DEPTH / 2);
		CHECK_EQ(cleaned_up, 1);
		// The outermost one may be still taken for the caller of what cleans up.
		CHECK(UNWOUND == DEPTH || UNWOUND == DEPTH - 1);
		CHECK_EQ(RETURNED + DEPTH, entries);
		end_trace(UNWOUND);
	}
}

static void exit_thread()
{
	pthread_exit(&destroyed);
}

static void exited()
{
	at_the_bottom = exit_thread;
	check_forced(&destroyed, false);
}

static void wait_for_ever()
{
	for (;;)
		pause();
}

static void cancelled()
{
	at_the_bottom = wait_for_ever;
	check_forced(PTHREAD_CANCELED, true);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"exceptions", exceptions},
		{"exited", exited},
		{"cancelled", cancelled},
		{nullptr, nullptr},
	};

	return run_mode(modes, argc, argv);
}
