/* SPDX-License-Identifier: MIT */
/*
 * interrupted.c - functions that a signal handler calls. In ordinary code they are traced,
 * whatever handler it is. In the handler of a traced function they are traced if the signal
 * handler has the bracket of ftrace_nmi_enter(), declared or not; otherwise they count as the
 * handler's own calls, which are not traced.
 */
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <signal.h>
#include <stdbool.h>

#define PLAIN	  SIGUSR1
#define BRACKET	  SIGUSR2
#define UNDEFINED (-1)

TRACED int tf(int x);
TRACED int tg(int x);

TRACED int tf(int x)
{
	return x + 1;
}

TRACED int tg(int x)
{
	return x + 2;
}

static unsigned long hits;

/* How many calls of the last signal handler were traced. */
static int in_plain, in_bracket;

static void on_plain(int signo)
{
	unsigned long before = hits;

	(void)signo;
	CHECK_EQ(tg(1), 3);
	in_plain = hits - before;
}

static void on_bracket(int signo)
{
	ftrace_nmi_enter();
	on_plain(signo);
	in_bracket = in_plain;
	in_plain = UNDEFINED;
	ftrace_nmi_exit();
}

static void interrupt(int signo)
{
	in_plain = in_bracket = UNDEFINED;
	send_signal(gettid(), signo);
}

static bool handled;

/* Its own calls are not traced, before it is interrupted and after that. */
static void handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	unsigned long before = hits;

	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(hits, before);
	interrupt(PLAIN);
	CHECK_EQ(in_plain, 0);
	interrupt(BRACKET);
	CHECK_EQ(in_bracket, 1);
	before = hits;
	CHECK_EQ(tg(1), 3);
	CHECK_EQ(hits, before);
	handled = true;
}

static void *run(void *arg)
{
	interrupt(PLAIN);
	CHECK_EQ(in_plain, 1);
	interrupt(BRACKET);
	CHECK_EQ(in_bracket, 1);
	handled = false;
	CHECK_EQ(tf(1), 2);
	CHECK(handled);
	interrupt(PLAIN);
	CHECK_EQ(in_plain, 1);
	return arg;
}

int main(void)
{
	struct ftrace_ops count = OPS(count_hit, .data = &hits);

	on_signal(PLAIN, on_plain, 0);
	on_signal(BRACKET, on_bracket, 0);
	trace(&count, "tg");
	for (unsigned long flags = 0; flags < 4; flags++) {
		struct ftrace_ops ops = OPS(handler, .flags = flags & FTRACE_OPS_FL_SAVE_REGS);

		if (flags == 1)
			CHECK_EQ(ftrace_nmi_add_signal(BRACKET), 0);
		trace(&ops, "tf");
		run(NULL);
		join(start(run, NULL));
		untrace(&ops);
	}
	untrace(&count);
	return 0;
}
