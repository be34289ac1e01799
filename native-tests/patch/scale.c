/* SPDX-License-Identifier: MIT */
/*
 * scale.c - 100,000 locations in one call, in no order, with each method and
 * writer, while threads run all of them: many across the ends of pages, over two
 * mappings of different kinds that lie side by side. Afterwards the library holds
 * no more memory than before.
 */
#include "../proc.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SITES	       100000
#define STRIDE	       21
#define MOST_GROWTH_KB 512

static unsigned char *text;
static struct ftrace_patch *patches;
static atomic_bool finish;
static atomic_ulong rounds[2];

static unsigned char *site(int i)
{
	return text + (size_t)i * STRIDE;
}

static void *runs(void *arg)
{
	unsigned long self = (unsigned long)arg;

	while (!finish) {
		for (int i = self * SITES / 2; !finish && i < SITES; i++)
			check_function(site(i));
		rounds[self]++;
	}
	return NULL;
}

static uint64_t resident_kb(void)
{
	return proc_number("/proc/self/smaps_rollup", "\nRss:", 10);
}

static void change_all(uint32_t from)
{
	static uint64_t seed = 42;

	for (int i = 0; i < SITES; i++)
		patches[i] = value_patch(site(i), from, VALUE_A + VALUE_B - from);
	shuffle(patches, SITES, &seed);
	CHECK_EQ(change(patches, SITES), 0);
	for (int i = 0; i < SITES; i++) {
		CHECK_EQ(patches[i].error, 0);
		CHECK_EQ(call_function(site(i)), VALUE_A + VALUE_B - from);
	}
}

int main(void)
{
	size_t size = ((size_t)SITES * STRIDE + 4096) / 4096 * 4096, half = size / 2 / 4096 * 4096;
	int file = memfd_create("text", MFD_CLOEXEC), across = 0;
	uint64_t before = 0;
	pthread_t threads[2];
	char perms[5];

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, half), 0);
	text = text_map(size);
	CHECK(mmap(text, half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == text);
	memset(text, 0xcc, half);
	for (int i = 0; i < SITES; i++) {
		put_function(site(i), VALUE_A);
		across += (unsigned long)site(i) % 4096 > 4096 - 5;
	}
	text_seal(text, size);
	/* One of them across the seam of the two mappings. */
	CHECK(half % STRIDE > 0 && half % STRIDE < 5);
	patches = mmap(NULL, SITES * sizeof(*patches), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(patches != MAP_FAILED);
	for (long i = 0; i < 2; i++)
		threads[i] = start(runs, (void *)i);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < WAYS; i++) {
			set_way(i);
			change_all(VALUE_A);
			change_all(VALUE_B);
			CHECK_EQ(stats().last_method, way.method);
			CHECK_EQ(stats().last_writer, way.writer);
			page_perms((unsigned long)text, perms);
			CHECK_EQ(strcmp(perms, "r-xp"), 0);
			page_perms((unsigned long)text + half, perms);
			CHECK_EQ(strcmp(perms, "r-xp"), 0);
		}
		/* Everything has been touched once. */
		if (round == 0)
			before = resident_kb();
	}
	if (resident_kb() > before + MOST_GROWTH_KB) {
		dprintf(2, "resident: %lu KB, then %lu KB\n", before, resident_kb());
		return 1;
	}
	CHECK_EQ(stats().gc_collections, 0);
	for (int i = 0; i < 2; i++) {
		unsigned long round = rounds[i];

		WAIT_FOR(rounds[i] > round);
	}
	finish = true;
	for (int i = 0; i < 2; i++)
		join(threads[i]);
	printf("%d locations, %d across pages, %lu breakpoints met\n", SITES, across,
	       stats().breakpoint_hits);
	return 0;
}
