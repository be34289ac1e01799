/* SPDX-License-Identifier: MIT */
/*
 * patch.c - every way to change code, while other threads run it: what it returns, what the
 * text is then, and that the pages are as before.
 */
#include "test.h"

#define DOTTED(major, minor, patch)  #major "." #minor "." #patch
#define VERSION(major, minor, patch) DOTTED(major, minor, patch)

#define THREADS 3
#define ROUNDS	40

COUNTER;
FUNCTION(first);
FUNCTION(second);
FUNCTION(third);

static volatile LONG stop, wrong;
static volatile LONG64 calls;

static DWORD WINAPI run(void *unused)
{
	(void)unused;
	while (!stop) {
		if (first(1) != 2 || second(2) != 3 || third(3) != 4)
			InterlockedIncrement(&wrong);
		InterlockedIncrement64(&calls);
	}
	return 0;
}

static void single(void)
{
	unsigned char call[5];
	long long before;

	CHECK_EQUAL(ftrace_make_call(address_of(first), address_of(count)), 0);
	memcpy(call, (void *)first, 5);
	CHECK_EQUAL(call[0], 0xe8);
	before = counter;
	CHECK_EQUAL(first(5), 6);
	CHECK(counter > before);
	CHECK_EQUAL(ftrace_make_nop(address_of(first), address_of(count)), 0);
	CHECK(memcmp((void *)first, nop5, 5) == 0);

	CHECK_EQUAL(ftrace_modify_code(address_of(first), nop5, call), 0);
	CHECK(memcmp((void *)first, call, 5) == 0);
	CHECK_EQUAL(ftrace_modify_code(address_of(first), call, nop5), 0);
	CHECK(memcmp((void *)first, nop5, 5) == 0);
}

static void fill(struct ftrace_patch *patch, void *site, int on)
{
	unsigned char *call = on ? patch->new_code : patch->old_code;
	int32_t offset = (int32_t)(address_of(count) - address_of(site) - 5);

	memset(patch, 0, sizeof(*patch));
	patch->ip = address_of(site);
	patch->len = 5;
	memcpy(on ? patch->old_code : patch->new_code, nop5, 5);
	call[0] = 0xe8;
	memcpy(call + 1, &offset, 4);
}

static void batch(void)
{
	void *sites[] = {(void *)third, (void *)first, (void *)second}; /* not in order */
	struct ftrace_patch patches[3];

	for (int on = 1; on >= 0; on--) {
		for (int i = 0; i < 3; i++)
			fill(&patches[i], sites[i], on);
		CHECK_EQUAL(ftrace_patch_text(patches, 3, NULL), 0);
		for (int i = 0; i < 3; i++)
			CHECK(memcmp(sites[i], patches[i].new_code, 5) == 0);
	}
}

static int inside(void *data)
{
	LONG64 before = calls;

	/* All others stand still: nothing is counted, however long this takes. */
	for (volatile int i = 0; i < 1000000; i++)
		;
	CHECK_EQUAL(calls, before);
	CHECK_EQUAL(ftrace_make_call(address_of(second), address_of(count)), *(int *)data);
	return 7;
}

static void window(void)
{
	int expected = -EPERM; /* too late to open the gate */

	CHECK_EQUAL(ftrace_stop_machine(inside, &expected), 7);
	CHECK(memcmp((void *)second, nop5, 5) == 0);

	expected = 0;
	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQUAL(ftrace_stop_machine(inside, &expected), 7);
	CHECK_EQUAL(ftrace_make_nop(address_of(second), address_of(count)), 0);
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);
	CHECK(memcmp((void *)second, nop5, 5) == 0);
}

int main(void)
{
	unsigned long before = protection_of((void *)first);
	HANDLE threads[THREADS];
	struct ftrace_stats now;
	char info[32];

	CHECK(strcmp(ftrace_version(), VERSION(FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR, FTRACE_VERSION_PATCH)) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK((threads[i] = CreateThread(NULL, 0, run, NULL, 0, NULL)) != NULL);
	while (calls == 0)
		Sleep(1);
	for (int i = 0; i < ROUNDS; i++) {
		single();
		batch();
	}
	window();
	CHECK_EQUAL(protection_of((void *)first), before);

	now = stats();
	CHECK(now.stopped_threads >= now.stops * THREADS);
	CHECK(now.patches >= ROUNDS * 10);
	CHECK_EQUAL(now.gc_collections, 0);
	CHECK_EQUAL(now.last_method, FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQUAL(now.last_writer, FTRACE_WRITER_MPROTECT);
	CHECK_EQUAL(ftrace_arch_read_dyn_info(info, sizeof(info)), 3);
	CHECK(strcmp(info, "0 0") == 0);

	stop = 1;
	CHECK_EQUAL(WaitForMultipleObjects(THREADS, threads, TRUE, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(wrong, 0);
	printf("%lld calls, %llu stops, longest %llu us\n", (long long)calls, (unsigned long long)now.stops,
	       (unsigned long long)now.max_stop_ns / 1000);
	return 0;
}
