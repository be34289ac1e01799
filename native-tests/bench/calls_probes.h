/* SPDX-License-Identifier: MIT */
/*
 * calls_probes.h - what calls_program itself does for its calls to be counted: nothing; with
 * HANDLER by a handler of the library; with UPROBES by probes of the kernel at the entry and the
 * exit, which perf(1) sets too. A peer that did nothing would be a fast one, so all counts are
 * checked.
 */
#ifndef CALLS_PROBES_H
#define CALLS_PROBES_H

#include <stdio.h>
#include <stdlib.h>

#define NOT_PROBED __attribute__((no_instrument_function))

#if defined(HANDLER)

#include <ftrace/trace.h>

static unsigned long counted;

static __attribute__((target("general-regs-only"))) void count_call(unsigned long ip,
								    unsigned long parent_ip,
								    struct ftrace_ops *ops,
								    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	counted++;
}

static void begin_probes(unsigned long function)
{
	static struct ftrace_ops ops = {
		.size = sizeof(ops), .func = count_call, .flags = FTRACE_OPS_FL_NO_VECTORS};

	(void)function;
	if (ftrace_set_filter(&ops, "called", 0, 1) || ftrace_register_function(&ops))
		exit(1);
}

static void check_probes(unsigned long calls)
{
	if (counted != calls)
		exit(1);
}

#elif defined(UPROBES)

#include <link.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int probes[2]; /* at the entry, and at the exit */

/* Where the program's own code is in its file, less where it is in memory. */
static int find_file(struct dl_phdr_info *info, size_t size, void *data)
{
	unsigned long *offset = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD && *offset >= start &&
		    *offset < start + header->p_memsz) {
			*offset = *offset - start + header->p_offset;
			return 1;
		}
	}
	return 0;
}

static int open_probe(unsigned long offset, int is_return)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	struct perf_event_attr attr = {.size = sizeof(attr), .config = is_return};
	int type = -1;

	if (!file || fscanf(file, "%d", &type) != 1)
		return -1;
	fclose(file);
	attr.type = type;
	attr.uprobe_path = (unsigned long)"/proc/self/exe";
	attr.probe_offset = offset;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void begin_probes(unsigned long function)
{
	unsigned long offset = function;

	dl_iterate_phdr(find_file, &offset);
	for (int i = 0; i < 2; i++) {
		probes[i] = open_probe(offset, i);
		if (probes[i] < 0) {
			perror("uprobes");
			exit(3);
		}
	}
}

static void check_probes(unsigned long calls)
{
	for (int i = 0; i < 2; i++) {
		unsigned long count = 0;

		if (read(probes[i], &count, sizeof(count)) != sizeof(count) || count != calls) {
			fprintf(stderr, "%lu calls were counted, not %lu\n", count, calls);
			exit(1);
		}
	}
}

#else

static NOT_PROBED void begin_probes(unsigned long function)
{
	(void)function;
}

static NOT_PROBED void check_probes(unsigned long calls)
{
	(void)calls;
}

#endif

#endif /* CALLS_PROBES_H */
