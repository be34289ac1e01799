/* SPDX-License-Identifier: MIT */
/*
 * site_data.c - the host's word of each function, ftrace_site_data().
 *
 *   counts    exact counts of several threads; the list shows the same words; the word of
 *             a function that was not called is not there
 *   racing    threads ask for the words of many functions for the first time, at once
 *   stepped   the same, certain: a handler of a signal asks after each instruction of the
 *             first call, for a word that would be in the same place
 *   wrong     addresses that are no site; calls that are not in a handler
 *   contexts  calls in a signal handler and in an NMI; the child of a fork
 *   closed    the word of an object that is closed while the handler runs stays; after
 *             that it is gone, and the words of the object that is opened again are new
 *   moved     a longer call that becomes a nop and a call one byte later
 */
#include "../modes.h"
#include "../steps.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define THREADS 4
#define CALLS	2000
#define MANY	5000

static volatile int sink;

TRACED void traced_one(void);
TRACED void traced_one(void)
{
	sink++;
}

TRACED static void traced_two(void)
{
	sink++;
}

TRACED static void traced_never(void)
{
	sink++;
}

static void count_word(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *regs)
{
	unsigned long *word = ftrace_site_data(ip);

	(void)parent_ip, (void)ops, (void)regs;
	CHECK(word);
	CHECK_EQ((unsigned long)word % sizeof(*word), 0);
	__atomic_add_fetch(word, 1, __ATOMIC_RELAXED);
}

static struct ftrace_ops ops = OPS(count_word);

/* The word as the list shows it. */
struct shown {
	const char *name;
	unsigned long ip, *data;
	int count;
};

static int show_step(const struct ftrace_site *site, void *data)
{
	struct shown *shown = data;

	if (strcmp(site->name, shown->name) == 0) {
		shown->count++;
		shown->ip = site->ip;
		shown->data = site->data;
	}
	return 0;
}

static struct shown show(const char *name)
{
	struct shown shown = {.name = name};

	CHECK_EQ(ftrace_for_each_site(show_step, &shown, 0), 0);
	CHECK_EQ(shown.count, 1);
	return shown;
}

static void *call_often(void *arg)
{
	for (int i = 0; i < CALLS; i++) {
		traced_one();
		traced_two();
		traced_two();
	}
	return arg;
}

static void counts(void)
{
	pthread_t threads[THREADS];

	CHECK(!show("traced_one").data);
	trace(&ops, "traced_*");
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(call_often, NULL);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(*show("traced_one").data, THREADS * CALLS);
	CHECK_EQ(*show("traced_two").data, 2 * THREADS * CALLS);
	CHECK(show("traced_one").data != show("traced_two").data);
	CHECK(!show("traced_never").data);
	untrace(&ops);

	/* The words stay. */
	CHECK_EQ(*show("traced_one").data, THREADS * CALLS);
	*show("traced_one").data = 0;
	trace(&ops, "traced_one");
	traced_one();
	CHECK_EQ(*show("traced_one").data, 1);
	untrace(&ops);
}

/* racing */

static void (*many[MANY])(void);
static pthread_barrier_t barrier;
static int words;

static void *call_each_once(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < MANY; i++)
		many[i]();
	return arg;
}

static int check_word(const struct ftrace_site *site, void *data)
{
	(void)data;
	if (!site->data)
		return 0;
	CHECK_EQ(*site->data, THREADS);
	words++;
	return 0;
}

static void racing(void)
{
	void *large = dlopen(LARGE, RTLD_NOW | RTLD_LOCAL);
	pthread_t threads[THREADS];
	char name[16];

	CHECK(large);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f_%d", 100000 + 7 * i);
		CHECK((many[i] = (void (*)(void))dlsym(large, name)));
	}
	trace(&ops, "f_1*");
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(call_each_once, NULL);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(ftrace_for_each_site(check_word, NULL, 0), 0);
	CHECK_EQ(words, MANY);
	untrace(&ops);
}

/* stepped */

#define EXTRA	   124 /* functions: of as many, several have the same place */
#define MOST_SITES 160
#define MOST_STEPS 4000

__asm__(".altmacro\n"
	".macro extra n\n"
	"	.type	extra_\\n, @function\n"
	"	.p2align 4\n"
	"extra_\\n: nop; nop; nop; nop; nop; ret\n"
	"	.size	extra_\\n, . - extra_\\n\n"
	"	.pushsection " ENTRIES_SECTION "\n"
	"	.quad	extra_\\n\n"
	"	.popsection\n"
	".endm\n"
	".text\n"
	".set	number, 0\n"
	".rept	124\n"
	"	extra	%number\n"
	"	.set number, number + 1\n"
	".endr\n"
	".noaltmacro\n");

static unsigned long ips[MOST_SITES], asked, other;
static unsigned long *places[MOST_SITES], *asked_word, *other_word;
static int ip_count, steps, at_step;

static int add_ip(const struct ftrace_site *site, void *data)
{
	(void)data;
	if (site->object[0])
		return 0;
	CHECK(ip_count < MOST_SITES);
	ips[ip_count++] = site->ip;
	return 0;
}

static void ask_for_one(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
			struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)own, (void)regs;
	asked_word = ftrace_site_data(asked);
}

/* In the handler, between two instructions of the call. */
static bool step(void)
{
	if (steps++ == at_step)
		other_word = ftrace_site_data(other);
	return steps < MOST_STEPS && asked_word == NULL;
}

static void ask_in_steps(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
			 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)own, (void)regs;
	steps = 0;
	CHECK_EQ(raise(SIGUSR2), 0);
	asked_word = ftrace_site_data(asked);
	WAIT_FOR(asked_word); /* here the steps end */
	if (!other_word)
		return;
	CHECK(asked_word != other_word);
	CHECK(ftrace_site_data(asked) == asked_word);
	CHECK(ftrace_site_data(other) == other_word);
}

/* In a child, whose words are new. Returns what @result was there. */
static unsigned long *in_child(ftrace_func_t func, unsigned long **result)
{
	struct ftrace_ops own = OPS(func);
	unsigned long *got;
	int fds[2], status;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		trace(&own, "traced_one");
		traced_one();
		CHECK_EQ(write(fds[1], result, sizeof(*result)), sizeof(*result));
		_exit(0);
	}
	close(fds[1]);
	CHECK_EQ(read(fds[0], &got, sizeof(got)), sizeof(got));
	close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	return got;
}

/* Two functions whose words are at the same place as long as the other has none. */
static void find_pair(void)
{
	CHECK_EQ(ftrace_for_each_site(add_ip, NULL, 0), 0);
	CHECK(ip_count >= EXTRA);
	for (int i = 0; i < ip_count; i++) {
		asked = ips[i];
		places[i] = in_child(ask_for_one, &asked_word);
		CHECK(places[i]);
		for (int k = 0; k < i; k++) {
			if (places[k] == places[i]) {
				other = ips[k];
				return;
			}
		}
	}
	CHECK(false);
}

static void stepped(void)
{
	int moved = 0;

	find_pair();
	step_from(SIGUSR2, step);
	for (at_step = 0; in_child(ask_in_steps, &other_word); at_step++)
		moved++;
	printf("asked at %d instructions\n", moved);
	CHECK(moved > 20);
}

/* wrong */

static unsigned long one_ip, two_ip, *two_word;

static void ask_for_others(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
			   struct ftrace_regs *regs)
{
	(void)parent_ip, (void)own, (void)regs;
	CHECK_EQ(ip, one_ip);
	for (unsigned long distance = 1; distance <= 5; distance++) {
		CHECK(!ftrace_site_data(ip + distance));
		CHECK(!ftrace_site_data(ip - distance));
	}
	CHECK(!ftrace_site_data(0));
	CHECK(!ftrace_site_data(1));
	CHECK(!ftrace_site_data(-1ul));
	CHECK(!ftrace_site_data((unsigned long)&sink));
	CHECK(!ftrace_site_data((unsigned long)&ip));
	CHECK(!ftrace_site_data((unsigned long)ftrace_site_data));
	/* One that is not traced. */
	two_word = ftrace_site_data(two_ip);
	CHECK(two_word);
	CHECK(two_word != ftrace_site_data(ip));
	CHECK(two_word == ftrace_site_data(two_ip));
}

static void wrong(void)
{
	struct ftrace_ops own = OPS(ask_for_others);

	CHECK(!ftrace_site_data((unsigned long)traced_one));
	one_ip = show("traced_one").ip;
	two_ip = show("traced_two").ip;
	CHECK(!ftrace_site_data(one_ip));
	trace(&own, "traced_one");
	CHECK(!ftrace_site_data(one_ip));
	traced_one();
	CHECK(!ftrace_site_data(one_ip));
	CHECK_EQ(show("traced_two").data, two_word);
	untrace(&own);
	CHECK(!ftrace_site_data(one_ip));
}

/* contexts */

static bool bracket;

static void on_signal(int signo)
{
	(void)signo;
	if (bracket)
		ftrace_nmi_enter();
	CHECK(!ftrace_site_data(one_ip));
	traced_one();
	CHECK(!ftrace_site_data(one_ip));
	if (bracket)
		ftrace_nmi_exit();
}

static void contexts(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	unsigned long *word;
	int status;
	pid_t pid;

	one_ip = show("traced_one").ip;
	CHECK_EQ(sigaction(SIGPROF, &action, NULL), 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGPROF), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	trace(&ops, "traced_one");
	CHECK_EQ(raise(SIGUSR1), 0);
	word = show("traced_one").data;
	CHECK_EQ(*word, 1);
	bracket = true;
	CHECK_EQ(raise(SIGPROF), 0);
	CHECK_EQ(*word, 2);

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		traced_one();
		CHECK_EQ(*word, 3);
		CHECK(show("traced_one").data == word);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(*word, 2);
	untrace(&ops);
}

/* closed */

static unsigned long plug_ip, *plug_word;
static atomic_bool inside, leave;

static bool is_mapped(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to, at = (unsigned long)address;
	bool found = false;
	char line[4096];

	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		CHECK_EQ(sscanf(line, "%lx-%lx", &from, &to), 2);
		found |= at >= from && at < to;
	}
	fclose(maps);
	return found;
}

/* In the handler of a function of the program: the plug-in can be closed. */
static void stays(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *own,
		  struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)own, (void)regs;
	plug_word = ftrace_site_data(plug_ip);
	CHECK(plug_word);
	inside = true;
	WAIT_FOR(leave);
	CHECK(!ftrace_site_data(plug_ip));
	++*plug_word;
	CHECK_EQ(*plug_word, 1);
}

static void *call_one(void *arg)
{
	traced_one();
	return arg;
}

static void closed(void)
{
	struct ftrace_ops own = OPS(stays);
	void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
	pthread_t thread;

	CHECK(plugin);
	plug_ip = show("plug_twice").ip;
	trace(&own, "traced_one");
	thread = start(call_one, NULL);
	WAIT_FOR(inside);

	CHECK_EQ(dlclose(plugin), 0);
	CHECK(!dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD));
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK(is_mapped(plug_word));

	leave = true;
	join(thread);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK(!is_mapped(plug_word));
	untrace(&own);

	/* Opened again. */
	plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
	CHECK(plugin);
	CHECK(!show("plug_twice").data);
	trace(&ops, "plug_twice");
	((int (*)(int))dlsym(plugin, "plug_twice"))(1);
	CHECK_EQ(*show("plug_twice").data, 1);
	untrace(&ops);
}

/* moved */

static void moved(void)
{
	void *plugin = dlopen(MCOUNT, RTLD_NOW | RTLD_LOCAL);
	int (*twice)(int);
	unsigned long before;

	CHECK(plugin);
	CHECK((twice = (int (*)(int))dlsym(plugin, "plug_twice")));
	before = show("plug_twice").ip;
	CHECK_EQ(*(unsigned char *)before, 0xff); /* call *__fentry__@GOTPCREL(%rip) */
	trace(&ops, "plug_*");
	CHECK_EQ(twice(1), 2);
	CHECK_EQ(show("plug_twice").ip, before + 1);
	CHECK_EQ(*show("plug_twice").data, 1);
	CHECK_EQ(*show("plug_hidden").data, 1);
	CHECK(!show("plug_answer").data);
	untrace(&ops);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"counts", counts},	{"racing", racing}, {"stepped", stepped}, {"wrong", wrong},
		{"contexts", contexts}, {"closed", closed}, {"moved", moved},
		{NULL, NULL},
	};

	traced_never();
	alarm(120);
	return run_mode(modes, argc, argv);
}
