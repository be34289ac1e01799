/* SPDX-License-Identifier: MIT */
/*
 * trace_file.c - writes a trace file of any size, as docs/trace-format.md describes it: what the
 * recorder would have written of threads that call 2000 functions, nested up to 24 deep, 20 ns and
 * more from one event to the next. The function called second most often is called half as often
 * as the first, the third a third as often, and so on (Zipf's law), as it is in programs. So the
 * speed of reading can be measured without a recording that takes as long, and that the disk slows
 * down.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	  32768
#define HEADER	  64
#define UNIT	  16
#define UNITS	  ((BLOCK - HEADER) / UNIT)
#define FUNCTIONS 2000
#define BASE	  0x401000ul
#define SIZE	  64
#define DEPTH	  24
#define CHOICES	  65536
/* FUNCTIONS to the power of 1 / CHOICES */
#define CHOICE	    1.00011598699
#define MAX_THREADS 64
#define TSC_HZ	    3000000000ul
#define TSC_START   (5 * TSC_HZ)
#define NS_START    7000000000ul

struct thread {
	unsigned int id, depth, position;
	uint64_t sequence, time, random;
	uint64_t functions[DEPTH];
	unsigned char *block;
};

static FILE *out;

/* The functions, each as often as it is called. */
static unsigned short often[CHOICES];

static void fail(const char *what)
{
	fprintf(stderr, "trace_file: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_block(const unsigned char *block)
{
	if (fwrite(block, BLOCK, 1, out) != 1)
		fail("cannot write");
}

static void put32(unsigned char *to, uint32_t value)
{
	memcpy(to, &value, sizeof(value));
}

static void put64(unsigned char *to, uint64_t value)
{
	memcpy(to, &value, sizeof(value));
}

static void write_header(uint64_t blocks, uint64_t end)
{
	unsigned char block[BLOCK] = "FTRACE\r\n";
	uint64_t ns = NS_START + (end - TSC_START) / 3;

	put32(block + 8, 1);
	put32(block + 12, 0x01020304);
	put32(block + 16, BLOCK);
	put32(block + 20, 1);
	put64(block + 24, blocks);
	put32(block + 32, 1000);
	put32(block + 36, 2);
	put64(block + 40, TSC_START);
	put64(block + 48, NS_START);
	put64(block + 56, 1600000000000000000ul);
	put64(block + 64, end);
	put64(block + 72, ns);
	put64(block + 80, 1600000000000000000ul + ns - NS_START);
	put32(block + 96, 1 << 16);
	write_block(block);
}

static unsigned char *start_block(unsigned char *block, int type, uint64_t sequence)
{
	memset(block, 0, HEADER);
	put32(block, 0x4b425446);
	block[4] = type;
	put64(block + 8, sequence);
	return block;
}

/* An object, and its functions in as many records of symbols as there are blocks. */
static void write_information(void)
{
	static const char path[] = "/usr/bin/made-up";
	unsigned char block[BLOCK];
	uint64_t sequence = 1;
	size_t position, first, i;

	for (i = 0; i < FUNCTIONS; sequence++) {
		memset(block, 0, BLOCK);
		start_block(block, 2, sequence);
		position = HEADER;
		if (sequence == 1) {
			put32(block + position, 80);
			put32(block + position + 4, 3);
			put32(block + position + 8, 1);
			put64(block + position + 16, TSC_START);
			put64(block + position + 24, BASE);
			put64(block + position + 32, BASE + FUNCTIONS * SIZE);
			put64(block + position + 40, BASE & ~0xfffful);
			put32(block + position + 52, sizeof(path) - 1);
			memcpy(block + position + 56, path, sizeof(path) - 1);
			position += 80;
		}
		first = position;
		put32(block + first + 4, 5);
		put32(block + first + 8, 1);
		position += 16;
		for (; i < FUNCTIONS && position + 32 <= BLOCK; i++, position += 32) {
			char name[16];
			int length = snprintf(name, sizeof(name), "function_%zu", i);

			put64(block + position, BASE + i * SIZE);
			put32(block + position + 8, SIZE);
			put32(block + position + 12, length);
			memcpy(block + position + 16, name, length);
			block[first + 12]++;
			if (!block[first + 12])
				block[first + 13]++;
		}
		put32(block + first, position - first);
		put32(block + 32, position);
		write_block(block);
	}
}

static uint64_t next_random(struct thread *thread)
{
	thread->random = thread->random * 6364136223846793005ul + 1442695040888963407ul;
	return thread->random >> 33;
}

static void next_block(struct thread *thread)
{
	thread->sequence++;
	start_block(thread->block, 1, thread->sequence);
	put32(thread->block + 16, thread->id);
	put32(thread->block + 20, 1000 + thread->id);
	thread->position = HEADER;
}

/* The entry of a function that the caller calls often, or the exit of the innermost call. */
static void add_event(struct thread *thread)
{
	uint64_t random = next_random(thread);
	int is_exit = thread->depth == DEPTH || (thread->depth > 0 && (random & 1));
	unsigned int level = is_exit ? --thread->depth : thread->depth++;
	/* Multiples of 16 are no calls. */
	uint64_t number = thread->id * 64 + level + level / 15 + 1;

	thread->time += 60 + ((random >> 1) & 127);
	if (!is_exit)
		thread->functions[level] = often[(random >> 8) % CHOICES];
	put64(thread->block + thread->position, thread->time << 4 | (thread->sequence % 13 + 1));
	put64(thread->block + thread->position + 8,
	      number | (BASE + thread->functions[level] * SIZE) << 16 | (uint64_t)is_exit << 63);
	thread->position += UNIT;
}

static void choose(void)
{
	double function = 1;

	for (int i = 0; i < CHOICES; i++, function *= CHOICE)
		often[i] = (unsigned short)function - 1;
}

int main(int argc, char **argv)
{
	static struct thread threads[MAX_THREADS];
	uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, blocks = 1, left, end = 0;
	unsigned int count = argc > 3 ? atoi(argv[3]) : 1, i;

	if (!events || !count || count > MAX_THREADS) {
		fprintf(stderr, "usage: trace_file FILE EVENTS [THREADS]\n");
		return 64;
	}
	out = fopen(argv[1], "wxe");
	if (!out)
		fail(argv[1]);
	for (i = 0; i < count; i++) {
		threads[i].id = i;
		threads[i].time = TSC_START;
		threads[i].random = i + 1;
		threads[i].block = malloc(BLOCK);
		if (!threads[i].block)
			fail("no memory");
	}
	choose();
	write_header(0, TSC_START + TSC_HZ);
	write_information();
	/* The threads take turns, a block each. */
	for (left = events; left; i = (i + 1) % count) {
		struct thread *thread = &threads[i % count];

		next_block(thread);
		for (int n = 0; n < UNITS && left; n++, left--)
			add_event(thread);
		memset(thread->block + thread->position, 0, BLOCK - thread->position);
		write_block(thread->block);
		if (thread->time > end)
			end = thread->time;
	}
	blocks = ftell(out) / BLOCK;
	rewind(out);
	write_header(blocks, end);
	if (fclose(out))
		fail(argv[1]);
	return 0;
}
