// SPDX-License-Identifier: MIT
//
// coroutines.cpp - C++20 coroutines whose exits are traced: their bodies, what resumes them, and
// what they call. They are functions that return at each suspension; graphed.h checks that.
//
// coroutines resumed    generators, in turn, at many depths
// coroutines thrown     exceptions out of them
// coroutines chained    one resumes the next in place of a return (symmetric transfer)
// coroutines handed     resumed by another thread at each step
#include "../modes.h"
#include "../threads.h"
#include "graphed.h"

#include <coroutine>
#include <exception>
#include <utility>

struct generator {
	struct promise_type {
		int value = 0;
		std::exception_ptr thrown;

		generator get_return_object()
		{
			return generator{std::coroutine_handle<promise_type>::from_promise(*this)};
		}
		std::suspend_always initial_suspend() noexcept
		{
			return {};
		}
		std::suspend_always final_suspend() noexcept
		{
			return {};
		}
		std::suspend_always yield_value(int next)
		{
			value = next;
			return {};
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			throw;
		}
	};

	std::coroutine_handle<promise_type> handle;

	explicit generator(std::coroutine_handle<promise_type> from) : handle(from)
	{
	}
	generator(generator &&other) : handle(std::exchange(other.handle, nullptr))
	{
	}
	~generator()
	{
		if (handle)
			handle.destroy();
	}
};

// One resumes the other, and the last one who began.
struct chain {
	struct promise_type {
		std::coroutine_handle<> then;

		chain get_return_object()
		{
			return chain{std::coroutine_handle<promise_type>::from_promise(*this)};
		}
		std::suspend_always initial_suspend() noexcept
		{
			return {};
		}
		auto final_suspend() noexcept
		{
			struct transfer {
				bool await_ready() noexcept
				{
					return false;
				}
				std::coroutine_handle<>
				await_suspend(std::coroutine_handle<promise_type> from) noexcept
				{
					std::coroutine_handle<> then = from.promise().then;

					return then ? then : std::noop_coroutine();
				}
				void await_resume() noexcept
				{
				}
			};

			return transfer{};
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};

	std::coroutine_handle<promise_type> handle;

	bool await_ready()
	{
		return false;
	}
	std::coroutine_handle<> await_suspend(std::coroutine_handle<> from)
	{
		handle.promise().then = from;
		return handle;
	}
	void await_resume()
	{
		handle.destroy();
	}
};

__attribute__((noipa)) int co_leaf(int n);
__attribute__((noipa)) int co_down(int n);
__attribute__((noipa)) generator co_count(int n, bool throws);
__attribute__((noipa)) int co_resume(generator &from, int depth);
__attribute__((noipa)) chain co_chain(int n, int *sum);

int co_leaf(int n)
{
	return n;
}

int co_down(int n)
{
	if (n == 0)
		return co_leaf(0);
	int result = co_down(n - 1);
	KEEP;
	return result + 1;
}

generator co_count(int n, bool throws)
{
	for (int i = 0; i < n; i++)
		co_yield co_down(i);
	if (throws)
		throw 7;
}

int co_resume(generator &from, int depth)
{
	if (depth == 0) {
		from.handle.resume();
		return from.handle.promise().value;
	}
	int result = co_resume(from, depth - 1);
	KEEP;
	return result;
}

chain co_chain(int n, int *sum)
{
	*sum += co_down(n % 3);
	if (n != 0)
		co_await co_chain(n - 1, sum);
	*sum += 1;
}

static struct ftrace_graph_ops pairs = GRAPH_OPS(pair_entry, pair_exit);

static void begin(int kind)
{
	pairs.flags = graph_kinds[kind];
	forget_counts();
	// The body is a function of its own, whose name begins in the same way.
	graph(&pairs, "*co_*");
}

static void end()
{
	co_leaf(0);
	CHECK_EQ(open_calls.count, 0);
	CHECK(entries > 0);
	CHECK_EQ(RETURNED + TAILS + UNWOUND, entries);
	ungraph(&pairs);
}

static void resumed()
{
	// The bodies have names of their own, and are traced.
	CHECK_EQ(ftrace_graph_set_filter(&pairs, "*co_count*.actor", 0, 1), 0);
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		begin(kind);
		for (int round = 0; round < 50; round++) {
			generator first = co_count(20, false), second = co_count(20, false);

			for (int i = 0; i < 20; i++) {
				CHECK_EQ(co_resume(first, i), i);
				CHECK_EQ(co_resume(second, 20 - i), i);
			}
		}
		CHECK_EQ(UNWOUND, 0);
		end();
	}
}

__attribute__((noipa)) static int catch_from(generator &from, int depth)
{
	try {
		return co_resume(from, depth);
	} catch (int value) {
		return 100 + value;
	}
}

static void thrown()
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		begin(kind);
		for (int round = 0; round < 100; round++) {
			generator from = co_count(5, true);

			for (int i = 0; i < 5; i++)
				CHECK_EQ(catch_from(from, round % 10), i);
			CHECK_EQ(catch_from(from, round % 10), 107);
		}
		CHECK(UNWOUND > 100);
		end();
	}
}

static void chained()
{
	for (int kind = 0; kind < GRAPH_KINDS; kind++) {
		begin(kind);
		for (int round = 0; round < 100; round++) {
			int sum = 0;
			chain first = co_chain(round, &sum);

			first.handle.resume();
			CHECK(first.handle.done());
			first.handle.destroy();
			CHECK_EQ(sum, round + 1 + (round + 1) / 3 * 3 + ((round + 1) % 3 == 2));
		}
		end();
	}
}

static void *resume_once(void *from)
{
	return (void *)(long)co_resume(*(generator *)from, 3);
}

static void handed()
{
	begin(0);
	for (int round = 0; round < 10; round++) {
		generator from = co_count(20, false);

		for (int i = 0; i < 20; i++) {
			void *value;

			CHECK_EQ(pthread_join(start(resume_once, &from), &value), 0);
			CHECK_EQ((long)value, i);
		}
	}
	CHECK_EQ(UNWOUND, 0);
	end();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"resumed", resumed},
		{"thrown", thrown},
		{"chained", chained},
		{"handed", handed},
		{nullptr, nullptr},
	};

	return run_mode(modes, argc, argv);
}
