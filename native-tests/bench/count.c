/* SPDX-License-Identifier: MIT */
/*
 * count.c - a counter for each function: in the word that ftrace_site_data() finds, against a
 * hash table of the host that was filled before. One function is called again and again, and
 * 10,000 in an order without pattern, whose words are not in the first cache. And a lookup
 * by address.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "trace_calls.h"

#define LARGEST	     100000 /* functions of the object */
#define ALL	     10000
#define CALLS	     40000
#define FIRST_NUMBER 100000

enum way { NOTHING, DATA, HASH, WAYS };

static struct series series[2][WAYS], lookups, dladdrs;
static unsigned long (*functions[ALL])(unsigned long x);

static void check(int error, const char *what)
{
	if (error)
		fail("%s: %s\n", what, ftrace_strerror(error));
}

static int read_count(const struct ftrace_site *site, void *data)
{
	struct hashed *found = find_hashed(site->ip);
	unsigned long **sum = data;

	if (site->data) {
		*sum[0] += *site->data;
		*site->data = 0;
	}
	*sum[1] += found->count;
	found->ip = site->ip;
	found->count = 0;
	return 0;
}

/* What was counted, in the words and in the table; from then on all counts are 0. */
static void read_counts(unsigned long *data, unsigned long *hash)
{
	unsigned long *sums[] = {data, hash};

	*data = *hash = 0;
	check(ftrace_for_each_site(read_count, sums, 0), "ftrace_for_each_site");
}

static double time_way(enum way way, int count)
{
	static const ftrace_func_t funcs[WAYS] = {count_general, count_in_data, count_in_hash};
	struct ftrace_ops ops = {
		.size = sizeof(ops), .func = funcs[way], .flags = FTRACE_OPS_FL_NO_VECTORS};
	unsigned long x = 0, data, hash;
	uint64_t start, took;

	check(ftrace_set_filter(&ops, "f_1*:mod:" TRACE_FILE, 0, 1), "ftrace_set_filter");
	check(ftrace_register_function(&ops), "ftrace_register_function");
	for (int i = 0; i < count; i++)
		x = functions[i](x);
	read_counts(&data, &hash);
	start = now_ns();
	for (int i = 0, at = 0; i < CALLS; i++) {
		x = functions[at](x);
		at = at + 1 == count ? 0 : at + 1;
	}
	took = now_ns() - start;
	check(ftrace_unregister_function(&ops), "ftrace_unregister_function");
	check(ftrace_free_filter(&ops), "ftrace_free_filter");
	read_counts(&data, &hash);
	if (data != (way == DATA ? CALLS : 0) || hash != (way == HASH ? CALLS : 0))
		fail("%lu and %lu calls were counted, not %d\n", data, hash, CALLS);
	__asm__ __volatile__("" ::"r"(x));
	return (double)took / CALLS;
}

static void *open_functions(void)
{
	void *opened = dlopen(TRACE_FUNCTIONS, RTLD_NOW);
	unsigned int random = 1;

	if (!opened)
		fail("%s\n", dlerror());
	for (int i = 0; i < ALL; i++) {
		char name[16];

		random = random * 1664525 + 1013904223;
		snprintf(name, sizeof(name), "f_%d", FIRST_NUMBER + (int)(random >> 8) % LARGEST);
		functions[i] = (unsigned long (*)(unsigned long))dlsym(opened, name);
		if (!functions[i])
			fail("%s\n", dlerror());
	}
	return opened;
}

static void time_lookups(void)
{
	struct ftrace_symbol symbol = {.size = sizeof(symbol)};
	uint64_t start = now_ns();
	char names[8192];
	Dl_info info;

	check(ftrace_lookup((unsigned long)functions[0] + 1, &symbol, names, sizeof(names)),
	      "ftrace_lookup");
	add_sample(&lookups, (now_ns() - start) / 1e3);
	start = now_ns();
	if (!dladdr((char *)functions[0] + 1, &info) || strcmp(info.dli_sname, symbol.name))
		fail("dladdr found another function than %s\n", symbol.name);
	add_sample(&dladdrs, (now_ns() - start) / 1e3);
}

void bench_count(void)
{
	static const char *const names[] = {"handler with a counter for its function",
					    "the same, of 10,000 functions in turn"};
	void *opened = open_functions();

	for (int round = 0, rounds = quick ? 5 : 60; round < rounds; round++) {
		for (enum way way = 0; way < WAYS; way++) {
			add_sample(&series[0][way], time_way(way, 1));
			add_sample(&series[1][way], time_way(way, ALL));
		}
		time_lookups();
	}
	for (int i = 0; i < 2; i++) {
		add_row(&(struct comparison){
			.section = "counters",
			.what = names[i],
			.unit = "ns/call",
			.ours = &series[i][DATA],
			.peer = "hash table of the host",
			.peers = &series[i][HASH],
			.relation = AT_MOST,
		});
		add_row(&(struct comparison){
			.section = "counters",
			.what = names[i],
			.unit = "ns/call",
			.ours = &series[i][DATA],
			.peer = "one counter for all",
			.peers = &series[i][NOTHING],
			.relation = AT_MOST,
		});
	}
	add_row(&(struct comparison){
		.section = "counters",
		.what = "ftrace_lookup, object of 100,000 functions",
		.unit = "us",
		.ours = &lookups,
		.peer = "dladdr",
		.peers = &dladdrs,
		.relation = AT_MOST,
	});
	dlclose(opened);
}
