/* SPDX-License-Identifier: MIT */
/*
 * graph_functions.h - the functions of one kind, and KIND_loop(), which calls them; included once
 * for each kind. Whoever does that defines KIND, the beginning of the names; TRACED, the
 * attributes of the functions; ENTER(function) and LEAVE, what they do at their entry and exit; and
 * NOT_TRACED, the attributes of what calls them. As in gate_loops.h each begins on a cache line of
 * its own.
 */
#include "graph_loops.h"

#ifdef __clang__
#define NO_IPA __attribute__((noinline, aligned(64)))
#else
#define NO_IPA __attribute__((noipa))
#endif
#define NAME_OF(kind, name) kind##_##name
#define NAMED(kind, name)   NAME_OF(kind, name)
#define NAME(name)	    NAMED(KIND, name)

/* Enough to be a function, and no more. Clang has no noipa. */
#define SMALL(n)                                                                                   \
	TRACED NO_IPA static unsigned long NAME(small_##n)(unsigned long x)                        \
	{                                                                                          \
		ENTER(NAME(small_##n));                                                            \
		__asm__ __volatile__("" : "+r"(x));                                                \
		x = x * 3 + n;                                                                     \
		LEAVE;                                                                             \
		return x;                                                                          \
	}

SMALL(0)
SMALL(1)
SMALL(2)
SMALL(3)
SMALL(4)
SMALL(5)
SMALL(6)
SMALL(7)

TRACED NO_IPA static unsigned long NAME(nested)(unsigned long n)
{
	ENTER(NAME(nested));
	__asm__ __volatile__("" : "+r"(n));
	if (n > 1)
		n = NAME(nested)(n - 1) + 1;
	__asm__ __volatile__("" : "+r"(n)); /* not a loop */
	LEAVE;
	return n;
}

static unsigned long (*volatile const NAME(functions)[8])(unsigned long) = {
	NAME(small_0), NAME(small_1), NAME(small_2), NAME(small_3),
	NAME(small_4), NAME(small_5), NAME(small_6), NAME(small_7),
};

NOT_TRACED __attribute__((noinline)) static unsigned long NAME(loop_one)(void)
{
	unsigned long x = 0;

	for (unsigned long i = 0; i < GRAPH_CALLS; i++)
		x = NAME(small_1)(x);
	return x;
}

NOT_TRACED __attribute__((noinline)) static unsigned long NAME(loop_in_turn)(void)
{
	unsigned long x = 0;

	for (unsigned long i = 0; i < GRAPH_CALLS; i += 8) {
		x = NAME(small_0)(x);
		x = NAME(small_1)(x);
		x = NAME(small_2)(x);
		x = NAME(small_3)(x);
		x = NAME(small_4)(x);
		x = NAME(small_5)(x);
		x = NAME(small_6)(x);
		x = NAME(small_7)(x);
	}
	return x;
}

NOT_TRACED __attribute__((noinline)) static unsigned long NAME(loop_random)(void)
{
	static __thread uint32_t random = 1;
	unsigned long x = 0;

	for (unsigned long i = 0; i < GRAPH_CALLS; i++) {
		random = random * 1103515245 + 12345;
		x = NAME(functions)[random >> 16 & 7](x);
	}
	return x;
}

NOT_TRACED __attribute__((noinline)) static unsigned long NAME(loop_nested)(unsigned long depth)
{
	unsigned long x = 0;

	for (unsigned long i = 0; i < GRAPH_CALLS; i += depth)
		x += NAME(nested)(depth);
	return x;
}

NOT_TRACED void NAME(loop)(enum graph_way way);
NOT_TRACED void NAME(loop)(enum graph_way way)
{
	unsigned long x;

	switch (way) {
	case IN_TURN:
		x = NAME(loop_in_turn)();
		break;
	case RANDOM:
		x = NAME(loop_random)();
		break;
	case NESTED_5:
		x = NAME(loop_nested)(5);
		break;
	case NESTED_20:
		x = NAME(loop_nested)(20);
		break;
	default:
		x = NAME(loop_one)();
		break;
	}
	__asm__ __volatile__("" ::"r"(x));
}

#undef KIND
#undef TRACED
#undef ENTER
#undef LEAVE
#undef NO_IPA
#undef NAME_OF
#undef NAMED
#undef NAME
#undef SMALL
