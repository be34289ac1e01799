/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - a shared object that tests open and close: three functions that can
 * be traced. PLUGIN_ANSWER tells versions of it apart.
 */
#ifndef PLUGIN_ANSWER
#define PLUGIN_ANSWER 1
#endif

int plug_answer(void);
int plug_twice(int x);
volatile int plug_one = 1;

#if PLUGIN_ANSWER == 2
/* Takes the place that plug_answer() has in the other version. */
int plug_other(void);

int plug_other(void)
{
	return 77;
}
#endif

int plug_answer(void)
{
	return PLUGIN_ANSWER;
}

static __attribute__((noinline)) int plug_hidden(int x)
{
	return x + plug_one;
}

int plug_twice(int x)
{
	return plug_hidden(x) + x - 1;
}
