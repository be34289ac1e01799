/* SPDX-License-Identifier: MIT */
/*
 * patch.c - what one location of a batch costs, for batches of 1 to 100,000
 * locations: a nop becomes a call and the call a nop again, in generated text.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ftrace/patch.h>

#include "bench.h"

#define MAX_LOCATIONS  100000
#define SITE_SPACING   16
#define TEXT_SIZE      (MAX_LOCATIONS * SITE_SPACING + 4096)
#define PARKED_THREADS 4

enum { SIZES = 6, SIZE_1000 = 3, SIZE_100000 = 5 };
static const int sizes[SIZES] = {1, 10, 100, 1000, 10000, MAX_LOCATIONS};

static const unsigned char nop[FTRACE_INSN_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

static unsigned char *text;
static struct ftrace_patch *patches;

/* Each site is the entry of a function that returns; the last page is what they call. */
static void generate_text(void)
{
	const unsigned char ret = 0xc3;

	text = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	patches = calloc(MAX_LOCATIONS, sizeof(*patches));
	if (text == MAP_FAILED || !patches)
		fail("no memory for %d locations\n", MAX_LOCATIONS);

	memset(text, 0xcc, TEXT_SIZE);
	text[MAX_LOCATIONS * SITE_SPACING] = ret;
	for (int i = 0; i < MAX_LOCATIONS; i++) {
		unsigned char *site = text + i * SITE_SPACING;
		int32_t displacement = (MAX_LOCATIONS - i) * SITE_SPACING - FTRACE_INSN_SIZE;

		memcpy(site, nop, sizeof(nop));
		site[sizeof(nop)] = ret;

		patches[i].ip = (unsigned long)site;
		patches[i].len = FTRACE_INSN_SIZE;
		memcpy(patches[i].old_code, nop, sizeof(nop));
		patches[i].new_code[0] = 0xe8;
		memcpy(&patches[i].new_code[1], &displacement, sizeof(displacement));
	}
	if (mprotect(text, TEXT_SIZE, PROT_READ | PROT_EXEC))
		fail("cannot make the generated text executable\n");
}

/* Changes the first @count sites and prepares the way back; ns for each of them. */
static double toggle(int count)
{
	uint64_t start = now_ns();
	int result = ftrace_patch_text(patches, count, NULL);
	uint64_t took = now_ns() - start;

	if (result)
		fail("ftrace_patch_text of %d locations: %s\n", count, strerror(-result));
	for (int i = 0; i < count; i++) {
		unsigned char code[sizeof(patches[i].old_code)];

		if (memcmp((void *)patches[i].ip, patches[i].new_code, FTRACE_INSN_SIZE))
			fail("ftrace_patch_text did not change location %d of %d\n", i, count);
		memcpy(code, patches[i].old_code, sizeof(code));
		memcpy(patches[i].old_code, patches[i].new_code, sizeof(code));
		memcpy(patches[i].new_code, code, sizeof(code));
	}
	return (double)took / count;
}

static void *wait_for_end(void *arg)
{
	const int *fd = arg;
	char byte;

	while (read(*fd, &byte, 1) < 0)
		;
	return NULL;
}

static void measure(int threads)
{
	static struct series series[SIZES];
	pthread_t parked[PARKED_THREADS];
	char what[64];
	int pipe_fds[2];

	if (pipe(pipe_fds))
		fail("cannot create a pipe\n");
	for (int i = 0; i < threads; i++) {
		if (pthread_create(&parked[i], NULL, wait_for_end, &pipe_fds[0]))
			fail("cannot create a thread\n");
	}

	memset(series, 0, sizeof(series));
	for (int round = 0, rounds = quick ? 2 : 25; round <= rounds; round++) {
		for (int i = 0; i < SIZES; i++) {
			double there = toggle(sizes[i]);
			double back = toggle(sizes[i]);

			/* The first round touches the pages for the first time. */
			if (round == 0)
				continue;
			add_sample(&series[i], there);
			add_sample(&series[i], back);
		}
	}

	close(pipe_fds[1]);
	for (int i = 0; i < threads; i++)
		pthread_join(parked[i], NULL);
	close(pipe_fds[0]);

	for (int i = 0; i < SIZES; i++) {
		snprintf(what, sizeof(what), "%d location%s, %d threads parked", sizes[i],
			 i ? "s" : "", threads);
		add_row(&(struct comparison){
			.section = "patch",
			.what = what,
			.unit = "ns/location",
			.n = sizes[i],
			.ours = &series[i],
		});
	}
	snprintf(what, sizeof(what), "linear? 100000, %d threads parked", threads);
	add_row(&(struct comparison){
		.section = "patch",
		.what = what,
		.unit = "ns/location",
		.n = MAX_LOCATIONS,
		.ours = &series[SIZE_100000],
		.peer = "1000 locations",
		.peers = &series[SIZE_1000],
	});
}

void bench_patch(void)
{
	generate_text();
	measure(0);
	measure(PARKED_THREADS);
	munmap(text, TEXT_SIZE);
	free(patches);
}
