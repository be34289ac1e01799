/* SPDX-License-Identifier: MIT */
/*
 * sites.c - locations to patch, and how they are toggled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "functions.h"
#include "sites.h"

#define SITE_SPACING 16
#define TEXT_SIZE    (GENERATED_SITES * SITE_SPACING + 4096)
#define MAX_HELPERS  64

static const unsigned char nop[FTRACE_INSN_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
static const unsigned char ret = 0xc3;

/* What the compiler says about -fpatchable-function-entry; trace_calls.c has some, too. */
extern const unsigned long __start___patchable_function_entries[];
extern const unsigned long __stop___patchable_function_entries[];

/* What the compiled functions call: every register stays as it is. */
void traced(void);
__asm__(".text\n"
	".globl traced\n"
	".type traced, @function\n"
	"traced:\n"
	"	ret\n"
	".size traced, . - traced\n");

static void set_call(struct ftrace_patch *patch, unsigned long ip, unsigned long target)
{
	int32_t displacement = target - (ip + FTRACE_INSN_SIZE);

	patch->ip = ip;
	patch->len = FTRACE_INSN_SIZE;
	memcpy(patch->old_code, (void *)ip, FTRACE_INSN_SIZE);
	patch->new_code[0] = 0xe8;
	memcpy(&patch->new_code[1], &displacement, sizeof(displacement));
}

static struct ftrace_patch *new_patches(int count)
{
	struct ftrace_patch *patches = calloc(count, sizeof(*patches));

	if (!patches)
		fail("no memory for %d locations\n", count);
	return patches;
}

struct ftrace_patch *generated_sites(void)
{
	static struct ftrace_patch *patches;
	unsigned char *text, *target;

	if (patches)
		return patches;
	text = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED)
		fail("no memory for %d locations\n", GENERATED_SITES);

	/* Each site is the entry of a function that returns; the last page is what they call. */
	patches = new_patches(GENERATED_SITES);
	target = text + GENERATED_SITES * SITE_SPACING;
	memset(text, 0xcc, TEXT_SIZE);
	*target = ret;
	for (int i = 0; i < GENERATED_SITES; i++) {
		unsigned char *site = text + i * SITE_SPACING;

		memcpy(site, nop, sizeof(nop));
		site[sizeof(nop)] = ret;
		set_call(&patches[i], (unsigned long)site, (unsigned long)target);
	}
	if (mprotect(text, TEXT_SIZE, PROT_READ | PROT_EXEC))
		fail("cannot make the generated text executable\n");
	return patches;
}

/* GCC emits five nops of a byte each, which are five instructions: they become one. */
static void join_nops(struct ftrace_patch *patches)
{
	struct ftrace_patch_opts opts = patch_opts(FTRACE_METHOD_STOP_MACHINE, FTRACE_WRITER_AUTO);
	struct ftrace_patch *joined = new_patches(FUNCTIONS);
	int count = 0;

	for (int i = 0; i < FUNCTIONS; i++) {
		if (patches[i].old_code[0] != 0x90)
			continue;
		joined[count] = patches[i];
		memcpy(joined[count++].new_code, nop, sizeof(nop));
		memcpy(patches[i].old_code, nop, sizeof(nop));
	}
	toggle(joined, count, &opts);
	free(joined);
}

struct ftrace_patch *compiled_sites(void)
{
	static struct ftrace_patch *patches;
	int count = 0;

	if (patches)
		return patches;
	patches = new_patches(FUNCTIONS);
	for (const unsigned long *entry = __start___patchable_function_entries;
	     entry < __stop___patchable_function_entries; entry++) {
		if (*entry < (unsigned long)function_10000 ||
		    *entry > (unsigned long)function_29999 + FTRACE_INSN_SIZE)
			continue;
		if (count < FUNCTIONS)
			set_call(&patches[count], *entry, (unsigned long)traced);
		count++;
	}
	if (count != FUNCTIONS)
		fail("%d functions instead of %d\n", count, FUNCTIONS);
	join_nops(patches);
	return patches;
}

struct ftrace_patch_opts patch_opts(enum ftrace_method method, enum ftrace_writer writer)
{
	return (struct ftrace_patch_opts){
		.size = sizeof(struct ftrace_patch_opts),
		.method = method,
		.writer = writer,
	};
}

void turn_round(struct ftrace_patch *patches, int count)
{
	for (int i = 0; i < count; i++) {
		unsigned char code[sizeof(patches[i].old_code)];

		if (memcmp((void *)patches[i].ip, patches[i].new_code, FTRACE_INSN_SIZE))
			fail("ftrace_patch_text did not change location %d of %d\n", i, count);
		memcpy(code, patches[i].old_code, sizeof(code));
		memcpy(patches[i].old_code, patches[i].new_code, sizeof(code));
		memcpy(patches[i].new_code, code, sizeof(code));
	}
}

double toggle(struct ftrace_patch *patches, int count, const struct ftrace_patch_opts *opts)
{
	uint64_t start = now_ns();
	int result = ftrace_patch_text(patches, count, opts);
	uint64_t took = now_ns() - start;

	if (result)
		fail("ftrace_patch_text of %d locations: %s\n", count, strerror(-result));
	turn_round(patches, count);
	return took;
}

bool have_breakpoints(struct ftrace_patch *patches)
{
	struct ftrace_patch_opts opts = patch_opts(FTRACE_METHOD_BREAKPOINT, FTRACE_WRITER_AUTO);

	if (ftrace_patch_text(patches, 1, &opts) == -EOPNOTSUPP) {
		leave_out("breakpoints", "this system does not have the breakpoint method");
		return false;
	}
	turn_round(patches, 1);
	toggle(patches, 1, &opts);
	return true;
}

static pthread_t helpers[MAX_HELPERS];
static int helper_count, wakeup;
static enum helpers helper_kind;
static bool quit;

static void *help(void *arg)
{
	struct sched_param param = {0};
	eventfd_t value;

	/* As in stop.c: the caller gets to read the clock before those that it released. */
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	if (helper_kind == BUSY_HELPERS) {
		while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE))
			;
	} else {
		while (eventfd_read(wakeup, &value))
			;
	}
	return arg;
}

void start_helpers(enum helpers kind, int count)
{
	helper_kind = kind;
	quit = false;
	wakeup = eventfd(0, EFD_SEMAPHORE);
	if (wakeup < 0)
		fail("cannot create an eventfd\n");
	for (helper_count = 0; helper_count < count; helper_count++) {
		if (pthread_create(&helpers[helper_count], NULL, help, NULL))
			fail("cannot create %d threads\n", count);
	}
}

void end_helpers(void)
{
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	eventfd_write(wakeup, MAX_HELPERS);
	for (int i = 0; i < helper_count; i++)
		pthread_join(helpers[i], NULL);
	close(wakeup);
	helper_count = 0;
}
