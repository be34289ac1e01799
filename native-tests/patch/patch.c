/* SPDX-License-Identifier: MIT */
/*
 * patch.c - what patching does when nothing is in the way: compiled functions,
 * every length at every alignment, batches of 1 to 1,000,000 locations, the
 * kernel's sequence spelled out. After each part the protection of every
 * mapping is as it was.
 *
 * patch [METHOD] [WRITER]
 */
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

#define PAGE 4096ul

/* All mappings of the process at one moment. */
struct maps {
	unsigned int count;
	struct {
		unsigned long from, to;
		char perms[5];
		bool file;
	} map[2048];
};

static struct maps maps_before, maps_after;

static void read_maps(struct maps *maps)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512], name[256];

	CHECK(file);
	maps->count = 0;
	while (fgets(line, sizeof(line), file)) {
		CHECK(maps->count < sizeof(maps->map) / sizeof(*maps->map));
		name[0] = '\0';
		CHECK(sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &maps->map[maps->count].from,
			     &maps->map[maps->count].to, maps->map[maps->count].perms, name) >= 3);
		maps->map[maps->count].file = name[0] == '/';
		maps->count++;
	}
	fclose(file);
}

static const char *perms_at(const struct maps *maps, unsigned long page)
{
	for (unsigned int i = 0; i < maps->count; i++)
		if (maps->map[i].from <= page && page < maps->map[i].to)
			return maps->map[i].perms;
	return "none";
}

/*
 * Text and files keep their protection page by page. Data comes and goes (the
 * heap), and neighbours may merge, so lines cannot be compared.
 */
static void same_protection(void)
{
	read_maps(&maps_after);
	for (unsigned int i = 0; i < maps_before.count; i++) {
		const char *perms = maps_before.map[i].perms;

		if (perms[2] != 'x' && !maps_before.map[i].file)
			continue;
		for (unsigned long page = maps_before.map[i].from; page < maps_before.map[i].to;
		     page += PAGE) {
			const char *now = perms_at(&maps_after, page);

			if (strcmp(now, perms) != 0) {
				dprintf(2, "page %#lx: protection was %s, is %s\n", page, perms,
					now);
				_exit(1);
			}
		}
	}
	for (unsigned int i = 0; i < maps_after.count; i++)
		if (maps_after.map[i].perms[2] == 'x')
			CHECK_EQ(perms_at(&maps_before, maps_after.map[i].from)[2], 'x');
}

/* Counts its calls and changes no register that a function may have arguments in. */
extern void count_call(void) __attribute__((visibility("hidden")));
extern unsigned long calls __attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	".globl count_call\n"
	".type count_call, @function\n"
	"count_call:\n"
	"	incq calls(%rip)\n"
	"	ret\n"
	".size count_call, . - count_call\n"
	".data\n"
	".p2align 3\n"
	".globl calls\n"
	"calls:	.quad 0\n"
	".text\n");

static __attribute__((noinline, patchable_function_entry(5))) long add(long a, long b)
{
	__asm__ __volatile__("");
	return a + b;
}

static __attribute__((noinline, patchable_function_entry(5))) long sum(const long *of, int count)
{
	long total = 0;

	for (int i = 0; i < count; i++)
		total = add(total, of[i]);
	return total;
}

/* With -fcf-protection the nops come after endbr64. */
static unsigned long entry(unsigned long function)
{
	static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	return memcmp((void *)function, endbr64, 4) == 0 ? function + 4 : function;
}

static void compiled_functions(void)
{
	static const long numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const unsigned char nop5[5] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	unsigned long add_entry = entry((unsigned long)add), sum_entry = entry((unsigned long)sum);
	unsigned long counter = (unsigned long)count_call;

	for (int i = 0; i < 3; i++) {
		calls = 0;
		CHECK_EQ(sum(numbers, 10), 55);
		CHECK_EQ(calls, 0);

		CHECK_EQ(ftrace_make_call(add_entry, counter), 0);
		CHECK_EQ(sum(numbers, 10), 55);
		CHECK_EQ(calls, 10);

		CHECK_EQ(ftrace_make_call(sum_entry, counter), 0);
		CHECK_EQ(sum(numbers, 10), 55);
		CHECK_EQ(calls, 21);

		CHECK_EQ(ftrace_make_nop(add_entry, counter), 0);
		CHECK_EQ(sum(numbers, 10), 55);
		CHECK_EQ(calls, 22);

		CHECK_EQ(ftrace_make_nop(sum_entry, counter), 0);
		CHECK_EQ(memcmp((void *)sum_entry, nop5, 5), 0);
		CHECK_EQ(memcmp((void *)add_entry, nop5, 5), 0);
	}
}

/* The ways to fill five bytes with nops, and the limits of a displacement. */
static void nops(void)
{
	static const unsigned char fillings[][5] = {
		{0x90, 0x90, 0x90, 0x90, 0x90}, {0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x0f, 0x1f, 0x44, 0x00, 0x08}, {0x66, 0x90, 0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x00, 0x66, 0x90}, {0x0f, 0x1f, 0x40, 0x00, 0x90},
		{0x90, 0x66, 0x90, 0x66, 0x90},
	};
	static const long displacements[] = {0, -5, INT32_MAX, INT32_MIN};

	for (size_t f = 0; f < sizeof(fillings) / 5; f++) {
		for (int d = 0; d < 4; d++) {
			unsigned char *text = text_map(PAGE);
			unsigned long ip = (unsigned long)text + 64 - 3;
			unsigned long target = ip + 5 + displacements[d];
			int32_t written;

			memcpy((void *)ip, fillings[f], 5);
			text_seal(text, PAGE);
			CHECK_EQ(ftrace_make_call(ip, target), 0);
			CHECK_EQ(*(unsigned char *)ip, 0xe8);
			memcpy(&written, (char *)ip + 1, 4);
			CHECK_EQ(written, displacements[d]);
			CHECK_EQ(ftrace_make_nop(ip, target), 0);
			munmap(text, PAGE);
		}
	}
}

/* Each length at each place around a cache line's and a page's end. */
static void lengths(void)
{
	unsigned char *text = text_map(2 * PAGE), expected[2 * PAGE];
	const unsigned long ends[] = {64, PAGE};
	const int method = way.method;

	/* They are no instructions. */
	way.method = FTRACE_METHOD_STOP_MACHINE;
	for (size_t i = 0; i < 2 * PAGE; i++)
		text[i] = i * 7;
	memcpy(expected, text, sizeof(expected));
	text_seal(text, 2 * PAGE);
	for (unsigned int len = 1; len <= 8; len++) {
		for (int e = 0; e < 2; e++) {
			for (unsigned long at = ends[e] - 8; at <= ends[e]; at++) {
				struct ftrace_patch patch = {
					.ip = (unsigned long)text + at, .len = len, .error = 4711};

				memcpy(patch.old_code, expected + at, len);
				/* What is after @len does not count. */
				memset(patch.old_code + len, 0xaa, 8 - len);
				for (unsigned int i = 0; i < 8; i++)
					patch.new_code[i] = ~expected[at + i] + len;
				CHECK_EQ(change(&patch, 1), 0);
				CHECK_EQ(patch.error, 0);
				memcpy(expected + at, patch.new_code, len);
				CHECK_EQ(memcmp(text, expected, sizeof(expected)), 0);
			}
		}
	}
	munmap(text, 2 * PAGE);
	way.method = method;
}

/*
 * A site whose bytes lie in two mappings of different protection and kind, and
 * a batch that goes over the seams between many of them.
 */
static void seams(void)
{
	enum { PAGES = 8 };
	unsigned char *text = text_map(PAGES * PAGE);
	int file = memfd_create("text", MFD_CLOEXEC);
	struct ftrace_patch patches[PAGES - 1];

	CHECK(file >= 0);
	CHECK_EQ(write(file, text, PAGE), PAGE);
	for (int i = 0; i < PAGES; i++) {
		void *page = text + i * PAGE;

		if (i % 3 == 2)
			CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
				   file, 0) == page);
	}
	for (int i = 1; i < PAGES; i++)
		put_function(text + i * PAGE - 1 - i % 4, VALUE_A);
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(mprotect(text + i * PAGE, PAGE,
				  PROT_READ | PROT_EXEC | (i % 3 == 1 ? PROT_WRITE : 0)),
			 0);

	read_maps(&maps_before);
	for (int round = 0; round < 4; round++) {
		uint32_t from = round % 2 ? VALUE_B : VALUE_A, to = round % 2 ? VALUE_A : VALUE_B;

		for (int i = 1; i < PAGES; i++)
			patches[i - 1] = value_patch(text + i * PAGE - 1 - i % 4, from, to);
		/* One by one and all together. */
		for (int i = 0; round < 2 && i < PAGES - 1; i++)
			CHECK_EQ(change(&patches[i], 1), 0);
		if (round >= 2)
			CHECK_EQ(change(patches, PAGES - 1), 0);
		for (int i = 1; i < PAGES; i++)
			CHECK_EQ(call_function(text + i * PAGE - 1 - i % 4), to);
		same_protection();
	}
	close(file);
	munmap(text, PAGES * PAGE);
}

static void batches(void)
{
	enum { MOST = 1000000, STRIDE = 8 };
	size_t text_size = (size_t)MOST * STRIDE, size = MOST * sizeof(struct ftrace_patch);
	unsigned char *text = text_map(text_size);
	struct ftrace_patch *patches =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = 42;

	CHECK(patches != MAP_FAILED);
	for (int i = 0; i < MOST; i++)
		put_function(text + (size_t)i * STRIDE, VALUE_A);
	text_seal(text, text_size);
	read_maps(&maps_before);
	for (int count = 1; count <= MOST; count *= 10) {
		uint64_t patched = stats().patches;

		for (int back = 0; back < 2; back++) {
			uint32_t from = back ? VALUE_B : VALUE_A, to = back ? VALUE_A : VALUE_B;

			for (int i = 0; i < count; i++)
				patches[i] = value_patch(text + (size_t)i * STRIDE, from, to);
			shuffle(patches, count, &seed);
			CHECK_EQ(change(patches, count), 0);
			for (int i = 0; i < count; i++) {
				CHECK_EQ(patches[i].error, 0);
				CHECK_EQ(call_function(text + (size_t)i * STRIDE), to);
			}
			if (count < MOST)
				CHECK_EQ(call_function(text + (size_t)count * STRIDE), VALUE_A);
		}
		CHECK_EQ(stats().patches - patched, 2 * count);
		same_protection();
	}
	munmap(patches, size);
	munmap(text, text_size);
}

/* The kernel's sequence, with as many calls in the window as there are functions. */
struct job {
	unsigned char *text;
	int functions;
	uint32_t from, to;
	int result;
};

static int modify_all(void *data)
{
	struct job *job = data;
	unsigned char from[5], to[5];

	put_value(from, job->from);
	put_value(to, job->to);
	for (int i = 0; i < job->functions; i++) {
		int ret = ftrace_modify_code((unsigned long)job->text + i * 8, from, to);

		if (ret)
			return ret;
	}
	return job->result;
}

static void sequence(void)
{
	struct job job = {.functions = 1000, .from = VALUE_A, .to = VALUE_B};
	const int results[] = {0, 1, INT32_MAX, -1, INT32_MIN};

	job.text = text_map(2 * PAGE);
	for (int i = 0; i < job.functions; i++)
		put_function(job.text + i * 8, VALUE_A);
	text_seal(job.text, 2 * PAGE);
	for (int round = 0; round < 5; round++) {
		uint32_t swap = job.from;

		job.result = results[round];
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		CHECK_EQ(ftrace_stop_machine(modify_all, &job), results[round]);
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		for (int i = 0; i < job.functions; i++)
			CHECK_EQ(call_function(job.text + i * 8), job.to);
		job.from = job.to;
		job.to = swap;
	}

	/* Prepared, but not stopped: each call opens a window of its own. */
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(set_value(job.text, job.from, job.to), 0);
	CHECK_EQ(set_value(job.text, job.to, job.from), 0);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	munmap(job.text, 2 * PAGE);
}

static atomic_bool finish;

static void *runs(void *function)
{
	while (!finish)
		check_function(function);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned char *function = new_function();
	pthread_t thread = start(runs, function);
	void (*const parts[])(void) = {compiled_functions, nops, lengths, seams, batches, sequence};

	for (int i = 1; i < argc; i++)
		CHECK(take_way(argv[i]));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		read_maps(&maps_before);
		parts[i]();
		toggle_twice(function);
	}
	finish = true;
	join(thread);
	return 0;
}
