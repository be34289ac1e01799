/* SPDX-License-Identifier: MIT */
/*
 * The sites, and the check of one execution.
 *
 *   kind      state 0            state 1            seen by
 *   function  5-byte nop         call stub          result, number of marks
 *   line,     mov eax, A; ret    jmp pad; ret       value of eax, which the
 *   page      pad: xor eax, KEY; ret                caller sets to EAX_IN
 *
 * The second kind has 1 to 4 of its five bytes on one cache line, or page, and
 * the rest on the next. All five bytes change. Let R be the distance to the pad:
 *
 *   executed                      result
 *   whole mov                     A
 *   whole jmp                     EAX_IN ^ KEY
 *   mov of A and R mixed, or R    the mixture: no byte of A is that of R, and
 *                                 the highest byte of EAX_IN ^ KEY is in neither
 *   jmp by A and R mixed, or A    a fault: A is chosen so that none of these
 *                                 targets is in the sites or the pad, and all of them
 *                                 are in memory that cannot be executed or is filled
 *                                 with hlt
 *
 * Both are instructions that the breakpoint method can emulate.
 *
 * All sites are in the same state except while the patch call runs. site_phase
 * tells: odd while it runs, otherwise the state is in bit 1. An execution that
 * saw the same even phase before and after must have run exactly that state;
 * anything older is stale. Otherwise either state is right.
 *
 *   site_phase   written by the patching thread, read by all, handlers too
 *   all else     written before other threads exist, then constant
 */
#include "sites.h"
#include "functions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE_SIZE 64
#define PAGE_SIZE 4096
#define EAX_IN	  0x40404040u
#define PAD_KEY	  0x35a55a5au
#define SITE_SIZE (FTRACE_INSN_SIZE + 1)
#define HLT	  0xf4 /* faults outside of the kernel */

/*
 * The sites are at the start of memory that is set aside, at most 34 MiB of it, and the pad is at
 * 64 MiB. So R is 0x01...... to 0x03......; with 0x08...... to 0x0f...... for A no mixture leads
 * out of what is set aside.
 */
#define PAD_AT	  ((size_t)64 << 20)
#define SET_ASIDE ((size_t)320 << 20)
#define PAD_SIZE  6
#define A_FIXED	  0x08000000u
#define A_RANDOM  0x07ffffffu

/* Between the stores of the control, in pauses: some 100 ns. */
#define STORE_DELAY 8

struct site {
	enum site_kind kind;
	unsigned int split; /* bytes before the boundary; 0: a function */
	unsigned long ip;
	unsigned long (*function)(unsigned long x);
	unsigned long want[2];
	unsigned char code[2][FTRACE_INSN_SIZE];
};

static const unsigned char nop5[FTRACE_INSN_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
static struct site *sites; /* in the order of execution */
static unsigned int site_count;
static struct ftrace_patch *to_state[2];
static unsigned long function_in;
static unsigned char *area; /* the sites' */
static size_t area_size;
static int area_access;
static bool plain_stores;
static enum ftrace_method method;
static enum ftrace_writer writer;
static _Atomic unsigned long site_phase;

/* unsigned int site_call(unsigned long ip, unsigned int eax) */
unsigned int site_call(unsigned long ip, unsigned int eax);
__asm__(".pushsection .text\n"
	".type site_call, @function\n"
	".p2align 4\n"
	"site_call:\n"
	"	movl %esi, %eax\n"
	"	jmp *%rdi\n"
	".size site_call, . - site_call\n"
	".popsection");

extern const unsigned long __start___patchable_function_entries[];
extern const unsigned long __stop___patchable_function_entries[];

/* The entry is the function's first instruction, or follows its endbr64. */
static unsigned long patchable_entry(unsigned long function)
{
	const unsigned long *entry = __start___patchable_function_entries;

	for (; entry < __stop___patchable_function_entries; entry++)
		if (*entry == function || *entry == function + 4)
			return *entry;
	return 0;
}

/* As it must not be done: the first byte without the others. */
static void store(const struct ftrace_patch *patch)
{
	volatile unsigned char *text = (volatile unsigned char *)patch->ip;

	text[0] = patch->new_code[0];
	for (unsigned int i = 0; i < STORE_DELAY; i++)
		__builtin_ia32_pause();
	for (unsigned int i = 1; i < patch->len; i++)
		text[i] = patch->new_code[i];
}

static int patch(struct ftrace_patch *patches, enum ftrace_method how, struct results *results)
{
	const struct ftrace_patch_opts opts = {
		.size = sizeof(opts), .method = how, .writer = writer};
	unsigned int culprit = 0;
	int ret;

	for (unsigned int i = 0; plain_stores && i < site_count; i++)
		store(&patches[i]);
	if (plain_stores)
		return 0;
	ret = ftrace_patch_text(patches, site_count, &opts);
	if (ret == 0)
		return 0;
	while (culprit < site_count && patches[culprit].error == 0)
		culprit++;
	if (culprit == site_count)
		return run_fail(results, ret, "ftrace_patch_text");
	snprintf(results->error, sizeof(results->error),
		 "ftrace_patch_text: %s; location %#lx: %s", strerror(-ret),
		 patches[culprit].ip, strerror(-patches[culprit].error));
	return ret;
}

static int make_function(struct site *site, unsigned int n, struct results *results)
{
	unsigned long function = (unsigned long)function_table[n];
	int32_t displacement;

	site->kind = SITE_FUNCTION;
	site->function = function_table[n];
	site->want[0] = site->want[1] = function_body(n, function_in);
	site->ip = patchable_entry(function);
	if (!site->ip)
		return run_fail(results, -ENOEXEC, "a function without a patchable entry");
	if (plain_stores) {
		unsigned long page = site->ip & -(unsigned long)PAGE_SIZE;

		if (mprotect((void *)page, site->ip + FTRACE_INSN_SIZE - page, area_access))
			return run_fail(results, -errno, "mprotect");
	}
	displacement = (int32_t)((unsigned long)function_stub - (site->ip + FTRACE_INSN_SIZE));
	memcpy(site->code[0], nop5, sizeof(nop5));
	site->code[1][0] = 0xe8;
	memcpy(site->code[1] + 1, &displacement, sizeof(displacement));
	return 0;
}

/* Whether @a, in place of any of the bytes of @distance, makes the jump at @ip one that faults. */
static bool torn_jumps_fault(unsigned long ip, uint32_t a, uint32_t distance)
{
	unsigned long first = (unsigned long)area;

	for (unsigned int mixture = 1; mixture < 1 << sizeof(a); mixture++) {
		uint32_t taken = 0;
		unsigned long target;

		for (unsigned int i = 0; i < sizeof(a); i++)
			taken |= mixture & 1u << i ? 0xffu << 8 * i : 0;
		if (((a ^ distance) & taken) == 0)
			return false;
		target = ip + FTRACE_INSN_SIZE + ((a & taken) | (distance & ~taken)) - first;
		if (target < area_size || target >= SET_ASIDE ||
		    (target >= PAD_AT && target < PAD_AT + PAD_SIZE))
			return false;
	}
	return true;
}

/* @boundary: the first address of a line or page; @split bytes are before it. */
static void make_mov(struct site *site, enum site_kind kind, unsigned char *boundary,
		     unsigned int split, uint64_t *random)
{
	unsigned long ip = (unsigned long)boundary - split;
	uint32_t distance = (uint32_t)((unsigned long)area + PAD_AT - (ip + FTRACE_INSN_SIZE));
	uint32_t a;

	do {
		a = A_FIXED | (next_random(random) & A_RANDOM);
	} while (!torn_jumps_fault(ip, a, distance));
	site->kind = kind;
	site->split = split;
	site->ip = ip;
	site->want[0] = a;
	site->want[1] = EAX_IN ^ PAD_KEY;
	site->code[0][0] = 0xb8;
	memcpy(site->code[0] + 1, &a, sizeof(a));
	site->code[1][0] = 0xe9;
	memcpy(site->code[1] + 1, &distance, sizeof(distance));
	memcpy((void *)ip, site->code[0], FTRACE_INSN_SIZE);
	boundary[SITE_SIZE - 1 - split] = 0xc3;
}

/* Sets memory aside for sites in @pages pages, and makes the pad. */
static int make_area(size_t pages, struct results *results)
{
	const uint32_t key = PAD_KEY;
	unsigned char *pad;

	area_size = pages * PAGE_SIZE;
	area = mmap(NULL, SET_ASIDE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return run_fail(results, -errno, "memory for the sites");
	pad = area + PAD_AT;
	if (mprotect(area, area_size, PROT_READ | PROT_WRITE) ||
	    mprotect(pad, PAGE_SIZE, PROT_READ | PROT_WRITE))
		return run_fail(results, -errno, "mprotect");
	/* Whoever runs astray stops at once. */
	memset(area, HLT, area_size);
	memset(pad, HLT, PAGE_SIZE);
	pad[0] = 0x35;
	memcpy(pad + 1, &key, sizeof(key));
	pad[PAD_SIZE - 1] = 0xc3;
	if (mprotect(pad, PAGE_SIZE, PROT_READ | PROT_EXEC))
		return run_fail(results, -errno, "mprotect");
	return 0;
}

/*
 * Fills @to with the sites that straddle something: a page site at every page
 * boundary, line sites at random ones of the others.
 */
static int make_movs(struct site *to, unsigned int lines, unsigned int pages, uint64_t *random,
		     struct results *results)
{
	unsigned int per_page = PAGE_SIZE / LINE_SIZE - 1;
	unsigned int slots = (pages + 1) * per_page;
	unsigned int *slot = calloc(slots, sizeof(*slot));
	int ret = make_area(pages + 1, results);

	if (!slot)
		ret = run_fail(results, -ENOMEM, "memory for the sites");
	if (ret)
		return ret;
	for (unsigned int i = 0; i < pages; i++)
		make_mov(to++, SITE_PAGE, area + (size_t)(i + 1) * PAGE_SIZE, 1 + i % 4, random);

	for (unsigned int i = 0; i < slots; i++)
		slot[i] = i;
	for (unsigned int i = 0; i < lines; i++) {
		unsigned int other = i + next_random(random) % (slots - i);
		unsigned int chosen = slot[other];
		size_t line = chosen / per_page * (per_page + 1) + chosen % per_page + 1;

		slot[other] = slot[i];
		make_mov(to++, SITE_LINE, area + line * LINE_SIZE, 1 + i % 4, random);
	}
	free(slot);
	if (mprotect(area, area_size, area_access))
		return run_fail(results, -errno, "mprotect");
	return 0;
}

static void shuffle(uint64_t *random)
{
	for (unsigned int i = site_count - 1; i > 0; i--) {
		unsigned int other = next_random(random) % (i + 1);
		struct site site = sites[i];

		sites[i] = sites[other];
		sites[other] = site;
	}
}

/* Five one-byte nops must become one before a thread can stand between them. */
static int join_nops(struct results *results)
{
	unsigned int total = site_count;
	int ret;

	site_count = results->sites[SITE_FUNCTION];
	for (unsigned int i = 0; i < site_count; i++) {
		struct ftrace_patch *entry = &to_state[0][i];

		entry->ip = sites[i].ip;
		entry->len = FTRACE_INSN_SIZE;
		memcpy(entry->old_code, (const void *)sites[i].ip, FTRACE_INSN_SIZE);
		memcpy(entry->new_code, nop5, FTRACE_INSN_SIZE);
	}
	ret = patch(to_state[0], FTRACE_METHOD_STOP_MACHINE, results);
	site_count = total;
	return ret;
}

int sites_init(const struct settings *settings, struct results *results)
{
	uint64_t random = settings->seed;
	unsigned int functions = settings->sites / 8, pages = settings->sites / 8;
	int ret;

	if (functions > FUNCTION_COUNT)
		functions = FUNCTION_COUNT;
	method = settings->method;
	writer = settings->writer;
	plain_stores = settings->control == CONTROL_PLAIN_STORES;
	area_access = PROT_READ | PROT_EXEC | (plain_stores ? PROT_WRITE : 0);
	site_count = settings->sites;
	results->sites[SITE_FUNCTION] = functions;
	results->sites[SITE_PAGE] = pages;
	results->sites[SITE_LINE] = site_count - functions - pages;
	function_in = next_random(&random);

	sites = calloc(site_count, sizeof(*sites));
	to_state[0] = calloc(site_count, sizeof(*to_state[0]));
	to_state[1] = calloc(site_count, sizeof(*to_state[1]));
	if (!sites || !to_state[0] || !to_state[1])
		return run_fail(results, -ENOMEM, "memory for the sites");

	for (unsigned int i = 0; i < functions; i++) {
		ret = make_function(&sites[i], i, results);
		if (ret)
			return ret;
	}
	ret = make_movs(sites + functions, results->sites[SITE_LINE], pages, &random, results);
	if (!ret)
		ret = join_nops(results);
	if (ret)
		return ret;

	/* The order of the batch is not that of execution. */
	shuffle(&random);
	for (unsigned int state = 0; state < 2; state++) {
		for (unsigned int i = 0; i < site_count; i++) {
			struct ftrace_patch *entry = &to_state[state][i];

			entry->ip = sites[i].ip;
			entry->len = FTRACE_INSN_SIZE;
			memcpy(entry->old_code, sites[i].code[!state], FTRACE_INSN_SIZE);
			memcpy(entry->new_code, sites[i].code[state], FTRACE_INSN_SIZE);
		}
	}
	shuffle(&random);
	return 0;
}

int sites_toggle(struct results *results)
{
	unsigned long phase = site_phase;
	int ret;

	site_phase = phase + 1;
	ret = patch(to_state[(phase + 2) >> 1 & 1], method, results);
	if (ret)
		return ret;
	site_phase = phase + 2;
	return 0;
}

static void __attribute__((cold, noinline))
record(const struct executor *who, bool nmi, bool stale, const struct site *site, unsigned long got,
       unsigned long marks)
{
	struct anomaly *first = who->first;

	atomic_fetch_add_explicit(stale ? &who->counters->stale : &who->counters->torn, 1,
				  memory_order_relaxed);
	if (atomic_exchange(&first->claimed, true))
		return;
	first->stale = stale;
	first->nmi = nmi;
	first->thread = who->thread;
	first->kind = site->kind;
	first->split = site->split;
	first->ip = site->ip;
	first->got = got;
	first->want[0] = site->want[0];
	first->want[1] = site->want[1];
	first->marks = marks;
	first->complete = true;
}

/* The state that ran, or -1 if it was neither. */
static int execute(const struct site *site, unsigned long *got, unsigned long *marks)
{
	*marks = 0;
	if (site->kind == SITE_FUNCTION) {
		unsigned long before = function_marks;

		*got = site->function(function_in);
		*marks = function_marks - before;
		return *got == site->want[0] && *marks <= 1 ? (int)*marks : -1;
	}
	*got = site_call(site->ip, EAX_IN);
	return *got == site->want[0] ? 0 : *got == site->want[1] ? 1 : -1;
}

void sites_execute(const struct executor *who, bool nmi, unsigned int from, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct site *site = &sites[(from + i) % site_count];
		unsigned long before = atomic_load_explicit(&site_phase, memory_order_acquire);
		unsigned long got, marks;
		int state = execute(site, &got, &marks);
		unsigned long after = atomic_load_explicit(&site_phase, memory_order_acquire);
		bool settled = before == after && !(before & 1);

		if (__builtin_expect(state < 0, 0))
			record(who, nmi, false, site, got, marks);
		else if (__builtin_expect(settled && state != (int)(before >> 1 & 1), 0))
			record(who, nmi, true, site, got, marks);
	}
	atomic_fetch_add_explicit(nmi ? &who->counters->nmi_calls : &who->counters->calls, count,
				  memory_order_relaxed);
}
