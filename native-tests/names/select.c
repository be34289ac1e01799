/* SPDX-License-Identifier: MIT */
/*
 * select.c - opens an object, and sets a filter for each name of a list: it must select the
 * functions whose addresses stand after the name. names.py makes the list.
 *
 * A name that was not found counts as a failure, except if it cannot be: the C++ library of
 * the process does not demangle symbols that are newer than it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ftrace/ftrace.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8192 /* functions of one name */

struct functions {
	unsigned long addresses[MOST];
	int count;
};

static struct functions expected, selected;

static void hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		struct ftrace_regs *regs)
{
	(void)ip;
	(void)parent_ip;
	(void)ops;
	(void)regs;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static int add_site(const struct ftrace_site *site, void *data)
{
	(void)data;
	if (selected.count < MOST)
		selected.addresses[selected.count++] = site->function;
	return 0;
}

/* Which functions a name selects. */
static int select_by(const char *name)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = hit};
	int error = ftrace_set_filter(&ops, name, 0, 1);

	selected.count = 0;
	if (error == 0) {
		error = ftrace_register_function(&ops);
		if (error == 0)
			error = ftrace_for_each_site(add_site, NULL, FTRACE_SITES_ENABLED);
		if (error == 0)
			error = ftrace_unregister_function(&ops);
		if (error != 0)
			fail(name, ftrace_strerror(error));
	}
	ftrace_free_filter(&ops);
	return error;
}

static bool contains(const struct functions *functions, unsigned long address)
{
	for (int i = 0; i < functions->count; i++)
		if (functions->addresses[i] == address)
			return true;
	return false;
}

static int print_mangled(const struct ftrace_site *site, void *data)
{
	int *count = data;

	if (!contains(&expected, site->function) || contains(&selected, site->function) ||
	    strncmp(site->name, "_Z", 2) != 0 || strcmp(site->name, site->display) != 0)
		return 0;
	printf("    not demangled by the C++ library: %s\n", site->name);
	++*count;
	return 0;
}

static void read_expected(char *text, unsigned long base)
{
	char *end;

	expected.count = 0;
	for (unsigned long address = strtoul(text, &end, 16); end != text;
	     address = strtoul(text = end, &end, 16)) {
		if (expected.count == MOST)
			fail("names", "too many functions of one name");
		expected.addresses[expected.count++] = base + address;
	}
}

static int count_missing(void)
{
	int missing = 0;

	for (int i = 0; i < expected.count; i++)
		missing += !contains(&selected, expected.addresses[i]);
	return missing;
}

int main(int argc, char **argv)
{
	int total = 0, matched = 0, others = 0, mangled_names = 0;
	struct link_map *map;
	char *line = NULL;
	size_t size = 0;
	void *object;
	FILE *names;

	if (argc != 3)
		fail("usage", "select OBJECT NAMES");
	object = dlopen(argv[1], RTLD_NOW);
	if (!object || dlinfo(object, RTLD_DI_LINKMAP, &map) != 0)
		fail(argv[1], dlerror());
	names = fopen(argv[2], "r");
	if (!names)
		fail(argv[2], "cannot be opened");

	while (getline(&line, &size, names) > 0) {
		char *addresses = strchr(line, '\t');
		int missing, mangled = 0;

		if (!addresses)
			fail(line, "has no addresses");
		*addresses++ = '\0';
		read_expected(addresses, map->l_addr);
		select_by(line);
		missing = count_missing();
		total++;
		matched += missing == 0;
		if (missing != 0) {
			printf("  %s: %d of %d not selected\n", line, missing, expected.count);
			ftrace_for_each_site(print_mangled, &mangled, 0);
			mangled_names += mangled == missing;
		} else if (selected.count > expected.count) {
			printf("  %s: selects %d others\n", line, selected.count - expected.count);
			others++;
		}
	}
	printf("matched %d/%d", matched, total);
	printf(mangled_names ? ", %d cannot be demangled" : "", mangled_names);
	printf(others ? ", %d select more\n" : "\n", others);
	return total != 0 && matched + mangled_names == total ? 0 : 1;
}
