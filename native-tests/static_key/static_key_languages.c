/* SPDX-License-Identifier: MIT */
/*
 * static_key_languages.c - C and C++ at once, for static_key_languages.sh: keys and
 * static calls of a program or a shared object of two files (-DSECOND), in inline
 * functions that both have, templates, members, and functions that nobody uses.
 */
#include <ftrace/ftrace.h>

#ifdef __cplusplus
extern "C" {
#endif
int check(void);
int second(int on);
#ifdef __cplusplus
}
#endif

FTRACE_DECLARE_STATIC_KEY_TRUE(shared_true);
FTRACE_DECLARE_STATIC_KEY_FALSE(shared_false);
typedef int number_fn(int);
FTRACE_DECLARE_STATIC_CALL(number, number_fn);

/* Each 1 bit: 15 if both keys are on, 0 if both are off. */
#define ALL()                                                                                      \
	((ftrace_static_branch_likely(&shared_true) ? 1 : 0) |                                     \
	 (ftrace_static_branch_unlikely(&shared_true) ? 2 : 0) |                                   \
	 (ftrace_static_branch_likely(&shared_false) ? 4 : 0) |                                    \
	 (ftrace_static_branch_unlikely(&shared_false) ? 8 : 0))

#ifdef __cplusplus
inline int in_both_files()
{
	return ALL();
}

template <int N> int in_template()
{
	if (ftrace_static_branch_unlikely(&shared_false))
		return N;
	return 0;
}

struct with_member {
	int member() const
	{
		return ftrace_static_branch_likely(&shared_true) ? result : 0;
	}
	int result = 7;
};

namespace
{
FTRACE_DEFINE_STATIC_KEY_FALSE(in_namespace);
}

static int more(int on)
{
	auto lambda = [] { return ftrace_static_branch_likely(&in_namespace) ? 1 : 0; };
	int expected = on ? 15 : 0, found = in_both_files();

	return found == expected && in_template<3>() == (on ? 3 : 0) &&
	       in_template<4>() == (on ? 4 : 0) && with_member().member() == (on ? 7 : 0) &&
	       lambda() == 0;
}
#else
static int more(int on)
{
	return ALL() == (on ? 15 : 0);
}
#endif

#ifdef SECOND

int second(int on)
{
	return more(on) && ftrace_static_call(number)(20) == (on ? 21 : 0);
}

#else

FTRACE_DEFINE_STATIC_KEY_TRUE(shared_true);
FTRACE_DEFINE_STATIC_KEY_FALSE(shared_false);
static FTRACE_DEFINE_STATIC_KEY_TRUE(own);

static int add_1(int a)
{
	return a + 1;
}

FTRACE_DEFINE_STATIC_CALL_NULL(number, number_fn);
FTRACE_DEFINE_STATIC_CALL(always, add_1);

/* --gc-sections takes it, and its entry must go with it. */
__attribute__((visibility("hidden"))) int not_used(void);
int not_used(void)
{
	return ALL();
}

/* Returns 0 or the line of what went wrong. */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

__attribute__((visibility("default"))) int check(void)
{
	EXPECT(ALL() == 3);
	EXPECT(ftrace_static_branch_likely(&own));
	EXPECT(ftrace_static_call(number)(20) == 0);
	EXPECT(ftrace_static_call(always)(20) == 21);
	for (int on = 1; on >= 0; on--) {
		if (on) {
			EXPECT(ftrace_static_branch_inc(&shared_false) == 0);
			EXPECT(ftrace_static_call_update(number, add_1) == 0);
		} else {
			EXPECT(ftrace_static_branch_dec(&shared_false) == 0);
			EXPECT(ftrace_static_branch_disable(&shared_true) == 0);
			EXPECT(ftrace_static_call_update(number, NULL) == 0);
		}
		EXPECT(ALL() == (on ? 15 : 0));
		EXPECT(more(on));
		EXPECT(second(on));
	}
	EXPECT(ftrace_static_branch_likely(&own) && ftrace_static_key_enabled(&own));
	return 0;
}

#ifndef SHARED
int main(void)
{
	return check() & 255;
}
#endif

#endif /* SECOND */
