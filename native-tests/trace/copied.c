/* SPDX-License-Identifier: MIT */
/*
 * copied.c - a second copy of the library traces a function of the object that the second
 * argument names, as plugins.sh has built it. It is named in the report, its call is not
 * overwritten, and when it is gone the function is traced.
 *
 * The program is not linked with either: a copy would use the thread-local words of the one
 * in the global scope.
 */
#define _GNU_SOURCE
#include "../copy.h"
#include "../test.h"

#include <ftrace/ftrace.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct copy {
	void *handle;
	int (*filter)(struct ftrace_ops *, const char *, size_t, int);
	int (*enable)(struct ftrace_ops *);
	int (*disable)(struct ftrace_ops *);
	int (*update)(void);
	int (*set_print)(void (*)(const char *));
	unsigned long hits;
	struct ftrace_ops ops;
};

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)regs;
	++*(unsigned long *)ops->data;
}

static void find(struct copy *copy, const char *name, void *function)
{
	void *found = dlsym(copy->handle, name);

	CHECK(found);
	memcpy(function, &found, sizeof(found));
}

static void init(struct copy *copy, void *handle)
{
	CHECK(handle);
	copy->handle = handle;
	find(copy, "ftrace_set_filter", &copy->filter);
	find(copy, "ftrace_register_function", &copy->enable);
	find(copy, "ftrace_unregister_function", &copy->disable);
	find(copy, "ftrace_update_sites", &copy->update);
	find(copy, "ftrace_set_print", &copy->set_print);
	copy->ops =
		(struct ftrace_ops){.size = sizeof(copy->ops), .func = hit, .data = &copy->hits};
	CHECK_EQ(copy->filter(&copy->ops, "plug_answer", 0, 1), 0);
}

static char report[1024];

static void print(const char *line)
{
	snprintf(report, sizeof(report), "%s", line);
	printf("%s\n", line);
	fflush(stdout);
}

static struct copy first, second;

static void check_hits(int (*answer)(void), unsigned long of_first, unsigned long of_second)
{
	first.hits = second.hits = 0;
	CHECK_EQ(answer(), 1);
	CHECK_EQ(first.hits, of_first);
	CHECK_EQ(second.hits, of_second);
}

int main(int argc, char **argv)
{
	void *object = argc == 3 ? dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) : NULL;
	int (*answer)(void);

	CHECK(object);
	answer = (int (*)(void))dlsym(object, "plug_answer");
	CHECK(answer);
	init(&first, dlopen(FTRACE_LIBRARY, RTLD_NOW | RTLD_LOCAL));
	init(&second, open_copy(FTRACE_LIBRARY));
	CHECK_EQ(first.set_print(print), 0);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(second.enable(&second.ops), 0);
		check_hits(answer, 0, 1);
		first.ops.flags = 0;
		CHECK_EQ(first.enable(&first.ops), -EINVAL);
		CHECK(strstr(report, "plug_answer at 0x"));
		CHECK(strstr(report, "a call into /tmp/libftrace-copy-"));
		CHECK(strstr(report, "another copy of this library"));
		first.ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		CHECK_EQ(first.enable(&first.ops), 0);
		check_hits(answer, 0, 1);
		CHECK_EQ(second.disable(&second.ops), 0);
		CHECK_EQ(first.update(), 0);
		check_hits(answer, 1, 0);
		CHECK_EQ(first.disable(&first.ops), 0);
		check_hits(answer, 0, 0);
	}
	return 0;
}
