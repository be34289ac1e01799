// SPDX-License-Identifier: MIT
// graph_throw.cpp - an exception that leaves 6 calls, which can be traced, and which cannot.
#include "graph_throw.h"

struct thrown {
};

#define TRACED extern "C" __attribute__((noipa, patchable_function_entry(5)))
#define PLAIN  extern "C" __attribute__((noipa))

// Not a tail call: an exception leaves every one.
#define CALL(attributes, name, inner)                                                              \
	attributes int name(int x)                                                                 \
	{                                                                                          \
		x = inner(x) + 1;                                                                  \
		__asm__ volatile("" : "+r"(x));                                                    \
		return x;                                                                          \
	}
#define THROW(attributes, name)                                                                    \
	attributes int name(int x)                                                                 \
	{                                                                                          \
		if (x)                                                                             \
			throw thrown();                                                            \
		return x;                                                                          \
	}

THROW(TRACED, graph_thrown_1)
CALL(TRACED, graph_thrown_2, graph_thrown_1)
CALL(TRACED, graph_thrown_3, graph_thrown_2)
CALL(TRACED, graph_thrown_4, graph_thrown_3)
CALL(TRACED, graph_thrown_5, graph_thrown_4)
CALL(TRACED, graph_thrown_6, graph_thrown_5)

THROW(PLAIN, graph_plain_1)
CALL(PLAIN, graph_plain_2, graph_plain_1)
CALL(PLAIN, graph_plain_3, graph_plain_2)
CALL(PLAIN, graph_plain_4, graph_plain_3)
CALL(PLAIN, graph_plain_5, graph_plain_4)
CALL(PLAIN, graph_plain_6, graph_plain_5)

void graph_throw(int count)
{
	while (count--) {
		try {
			graph_thrown_6(1);
		} catch (const thrown &) {
		}
	}
}

void graph_throw_plain(int count)
{
	while (count--) {
		try {
			graph_plain_6(1);
		} catch (const thrown &) {
		}
	}
}
