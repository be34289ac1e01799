/* SPDX-License-Identifier: MIT */
/*
 * plugins.c - shared objects that come and go while they are traced.
 *
 * The second argument is the folder with plugin.so and what plugins.sh made of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../calls.h"
#include "../modes.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

static char path[4096];

struct plugin {
	void *handle;
	int (*answer)(void);
	int (*twice)(int);
};

static struct plugin open_plugin(void)
{
	struct plugin plugin = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};

	if (!plugin.handle)
		dprintf(2, "%s\n", dlerror());
	CHECK(plugin.handle);
	plugin.answer = (int (*)(void))dlsym(plugin.handle, "plug_answer");
	plugin.twice = (int (*)(int))dlsym(plugin.handle, "plug_twice");
	CHECK(plugin.answer && plugin.twice);
	return plugin;
}

static void close_plugin(struct plugin plugin)
{
	CHECK_EQ(dlclose(plugin.handle), 0);
	CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
}

static unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .data = &hits);

/* Handlers on whatever begins with plug_, now and later. */
static void begin(void)
{
	struct plugin plugin = open_plugin();

	trace(&ops, "plug_*");
	CHECK_EQ(find_site("plug_twice").users, 1);
	plugin.twice(2);
	CHECK(hits >= 1);
	close_plugin(plugin);
	hits = 0;
}

static void check_traced(struct plugin plugin)
{
	hits = 0;
	CHECK(plugin.answer() > 0);
	CHECK_EQ(hits, 1);
	CHECK_EQ(plugin.twice(5), 10);
	CHECK_EQ(hits, 3); /* plug_hidden() as well */
}

static void reopened(void)
{
	begin();
	for (int round = 0; round < 20; round++) {
		struct plugin plugin = open_plugin();

		hits = 0;
		CHECK_EQ(plugin.twice(5), 10);
		CHECK_EQ(hits, 0);
		if (round % 2)
			CHECK_EQ(ftrace_update_sites(), 0);
		else
			CHECK_EQ(find_site("plug_answer").users, 1);
		check_traced(plugin);
		if (round % 3 == 0) {
			/* Not traced when it goes, but it was. */
			CHECK_EQ(ftrace_unregister_function(&ops), 0);
			hits = 0;
			CHECK_EQ(plugin.twice(5), 10);
			CHECK_EQ(hits, 0);
			close_plugin(plugin);
			plugin = open_plugin();
			CHECK_EQ(ftrace_register_function(&ops), 0);
			check_traced(plugin);
		}
		close_plugin(plugin);
		CHECK(round % 4 || find_site("plug_twice").count == 0);
	}
	untrace(&ops);
}

/* Closed between two calls of the library, and opened again at the same place. */
static void unseen(void)
{
	begin();
	for (int round = 0; round < 20; round++) {
		struct plugin plugin = open_plugin();

		CHECK_EQ(ftrace_update_sites(), 0);
		check_traced(plugin);
		close_plugin(plugin);
	}
	untrace(&ops);
	CHECK_EQ(find_site("plug_twice").count, 0);
}

/* A new version under the same name: names and places are those of the new one. */
static void version(void)
{
	char one[8192], two[8192];

	snprintf(one, sizeof(one), "%s.1", path);
	snprintf(two, sizeof(two), "%s.2", path);
	begin();
	CHECK_EQ(ftrace_set_filter(&ops, "plug_answer", 0, 1), -ENOENT);
	for (int round = 0; round < 6; round++) {
		struct plugin plugin;

		unlink(path);
		CHECK_EQ(symlink(round % 2 ? two : one, path), 0);
		plugin = open_plugin();
		if (round > 2) {
			/* Nothing of it is traced yet. */
			CHECK_EQ(find_site("plug_other").count, round % 2);
		}
		CHECK_EQ(ftrace_set_filter(&ops, "plug_answer", 0, 1), 0);
		hits = 0;
		CHECK_EQ(plugin.answer(), 1 + round % 2);
		CHECK_EQ(hits, 1);
		CHECK_EQ(plugin.twice(4), 8);
		CHECK_EQ(hits, 1);
		if (round % 2 == 0)
			CHECK_EQ(ftrace_set_filter(&ops, "plug_*", 0, 1), 0);
		close_plugin(plugin);
	}
	untrace(&ops);
}

/* The file is replaced while the old one is in memory: its names and places are not those. */
static void replaced(void)
{
	char one[8192], two[8192];
	struct plugin plugin;

	snprintf(one, sizeof(one), "%s.1", path);
	snprintf(two, sizeof(two), "%s.2", path);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(symlink(one, path), 0);
	plugin = open_plugin();
	CHECK_EQ(rename(two, one), 0);
	CHECK_EQ(find_site("plug_answer").count, 0);
	CHECK_EQ(find_site("plug_other").count, 0);
	CHECK_EQ(filter(&ops, "plug_*"), -ENOENT);
	CHECK_EQ(plugin.answer(), 1);
	close_plugin(plugin);
}

/* Opened by a path that leads nowhere by the time that its file is looked at. */
static void relative(void)
{
	struct plugin plugin;
	char *slash = strrchr(path, '/');

	*slash = '\0';
	CHECK_EQ(chdir(path), 0);
	snprintf(path, sizeof(path), "./plugin.so");
	plugin = open_plugin();
	CHECK_EQ(chdir("/"), 0);
	trace(&ops, "plug_*");
	check_traced(plugin);
	CHECK(find_site("plug_twice").users == 1);
	untrace(&ops);
}

/* The same on a system that has only the memory map's text. */
static void relative_text(void)
{
	static const struct sock_filter no_ioctl[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_ioctl, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOTTY),
		RETURN(SECCOMP_RET_ALLOW),
	};

	add_filter(no_ioctl, sizeof(no_ioctl) / sizeof(*no_ioctl));
	relative();
}

/* By the file's name. */
static void module(void)
{
	struct plugin plugin = open_plugin();
	struct ftrace_ops by_file = OPS(count_hit, .data = &hits);

	CHECK_EQ(filter(&by_file, "*:mod:program"), 0);
	CHECK_EQ(filter(&by_file, "plug_*:mod:other*"), -ENOENT);
	CHECK_EQ(ftrace_set_filter(&by_file, "*:mod:plugin*", 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&by_file), 0);
	check_traced(plugin);
	untrace(&by_file);
	close_plugin(plugin);
}

/*
 * Another tool has changed a function, later it puts back what the compiler left:
 * however long that is, the function is traced then, or not, and works.
 */
static void taken(void)
{
	static const unsigned char theirs[2][5] = {
		{0xb8, 1, 0, 0, 0},    /* mov $1,%eax */
		{0xff, 0x25, 0, 0, 0}, /* jmp *0(%rip), but for the last byte */
	};
	struct plugin plugin = open_plugin();
	unsigned long offset = find_site("plug_twice").ip - (unsigned long)plugin.twice;

	close_plugin(plugin);
	for (int round = 0; round < 4; round++) {
		bool known = round % 2 == 0;
		unsigned char before[5];
		unsigned long ip;

		CHECK_EQ(ftrace_update_sites(), 0);
		plugin = open_plugin();
		ip = (unsigned long)plugin.twice + offset;
		if (known)
			CHECK_EQ(find_site("plug_twice").ip, ip);
		memcpy(before, (void *)ip, 5);
		overwrite(ip, theirs[round / 2]);
		ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		trace(&ops, "plug_*");
		CHECK_EQ(find_site("plug_twice").users, 0);
		overwrite(ip, before);
		CHECK_EQ(filter(&ops, "plug_*"), 0);
		hits = 0;
		CHECK_EQ(plugin.twice(5), 10);
		CHECK(hits == 2 || (!known && hits == 1));
		untrace(&ops);
		CHECK_EQ(plugin.twice(5), 10);
		close_plugin(plugin);
	}
}

/* From here on nobody can write the page, which stays as it is. */
static void seal(int (*function)(int))
{
	void *page = (void *)((unsigned long)function & ~4095UL);
	int file = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	CHECK_EQ(write(file, page, 4096), 4096);
	CHECK_EQ(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	CHECK(mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0) == page);
	close(file);
}

/* Of two new objects one cannot be changed: the other is traced. */
static void sealed(void)
{
	char good[8192];

	snprintf(good, sizeof(good), "%s.2", path);
	for (int round = 0; round < 6; round++) {
		struct plugin plugin = open_plugin(), another;
		struct ftrace_ops handler = OPS(count_hit, .data = &hits);
		unsigned long more = 0;
		struct ftrace_ops unrelated = OPS(count_hit, .data = &more);

		handler.flags = round % 2 ? FTRACE_OPS_FL_SKIP_FOREIGN : 0;
		trace(&handler, "plug_*");
		close_plugin(plugin);
		CHECK_EQ(ftrace_update_sites(), 0);
		plugin = open_plugin();
		seal(plugin.twice);
		another.handle = dlopen(good, RTLD_NOW | RTLD_LOCAL);
		CHECK(another.handle);
		another.answer = (int (*)(void))dlsym(another.handle, "plug_answer");
		CHECK(another.answer);
		for (int look = 0; look < 2; look++) {
			CHECK_EQ(ftrace_update_sites(), -EPERM);
			hits = 0;
			CHECK_EQ(another.answer(), 2);
			CHECK_EQ(hits, 1);
			CHECK_EQ(plugin.answer(), 1);
			CHECK_EQ(plugin.twice(5), 10);
			CHECK_EQ(hits, 1);
		}
		/* Nor is it the trouble of handlers that want nothing there. */
		CHECK_EQ(ftrace_set_filter_ip(&unrelated, (unsigned long)another.answer, 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&unrelated), 0);
		another.answer();
		CHECK_EQ(more, 1);
		untrace(&unrelated);
		hits = 1;
		CHECK_EQ(dlclose(plugin.handle), 0);
		CHECK_EQ(ftrace_update_sites(), 0);
		another.answer();
		CHECK_EQ(hits, 2);
		untrace(&handler);
		CHECK_EQ(dlclose(another.handle), 0);
	}
}

/* Others open and close all the time. */
static int stop;

static void *opener(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct plugin plugin = open_plugin();

		for (int i = 0; i < 50; i++)
			CHECK_EQ(plugin.twice(5), 10);
		dlclose(plugin.handle);
	}
	return arg;
}

/* As long as it takes: the objects of one moment are gone in the next. */
static bool called_after_a_look(void)
{
	CHECK_EQ(ftrace_update_sites(), 0);
	return __atomic_load_n(&hits, __ATOMIC_RELAXED) > 0;
}

static void contended(void)
{
	uint64_t end = now_ns() + 2000000000ULL;
	pthread_t threads[2] = {start(opener, NULL), start(opener, NULL)};
	struct ftrace_ops everywhere = OPS(count_hit, .data = &hits);

	CHECK_EQ(filter(&everywhere, "no_such*"), -ENOENT);
	CHECK_EQ(ftrace_set_notrace(&everywhere, "main", 0, 0), -ENOENT);
	CHECK_EQ(ftrace_free_filter(&everywhere), 0);
	while (now_ns() < end) {
		CHECK_EQ(ftrace_register_function(&everywhere), 0);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(ftrace_unregister_function(&everywhere), 0);
	}
	CHECK_EQ(ftrace_register_function(&everywhere), 0);
	WAIT_FOR(called_after_a_look());
	CHECK_EQ(ftrace_unregister_function(&everywhere), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join(threads[0]);
	join(threads[1]);
}

TRACED int own(void);
TRACED int own(void)
{
	return 1;
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"reopened", reopened}, {"unseen", unseen}, {"version", version},
		{"replaced", replaced}, {"module", module}, {"contended", contended},
		{"sealed", sealed},	{"relative", relative}, {"relative_text", relative_text},
		{"taken", taken},	{NULL, NULL},
	};

	CHECK_EQ(argc, 3);
	CHECK_EQ(own(), 1);
	snprintf(path, sizeof(path), "%s", argv[2]);
	return run_mode(modes, 2, argv);
}
