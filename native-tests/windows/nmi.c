/* SPDX-License-Identifier: MIT */
/*
 * nmi.c - the bracket: a thread in an announced one cannot be stopped, and the call says so
 * and changes nothing; one that has entered before the gate opened can; brackets nest.
 *
 * No case depends on time: threads wait for each other, and a stop that is to fail fails
 * because the thread never leaves.
 */
#include "test.h"

COUNTER;
FUNCTION(work);

static HANDLE inside, leave, left;
static char line[256];

static void print(const char *text)
{
	snprintf(line, sizeof(line), "%s", text);
}

static DWORD WINAPI bracket(void *depth)
{
	for (intptr_t i = 0; i < (intptr_t)depth; i++)
		ftrace_nmi_enter();
	SetEvent(inside);
	WaitForSingleObject(leave, INFINITE);
	if (work(1) != 2)
		abort();
	for (intptr_t i = 0; i < (intptr_t)depth; i++)
		ftrace_nmi_exit();
	SetEvent(left);
	return 0;
}

static HANDLE start(intptr_t depth)
{
	HANDLE thread = CreateThread(NULL, 0, bracket, (void *)depth, 0, NULL);

	CHECK(thread != NULL);
	CHECK_EQUAL(WaitForSingleObject(inside, 60000), WAIT_OBJECT_0);
	return thread;
}

static void end(HANDLE thread)
{
	SetEvent(leave);
	CHECK_EQUAL(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(WaitForSingleObject(left, 0), WAIT_OBJECT_0);
	CloseHandle(thread);
}

static int change(unsigned int timeout_ms)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .timeout_ms = timeout_ms};
	struct ftrace_patch patch = {.ip = address_of(work), .len = 5, .new_code = {0x66, 0x66, 0x66, 0x66, 0x90}};
	int error;

	memcpy(patch.old_code, nop5, 5);
	error = ftrace_patch_text(&patch, 1, &opts);
	if (error == 0) {
		memcpy(patch.old_code, patch.new_code, 5);
		memcpy(patch.new_code, nop5, 5);
		CHECK_EQUAL(ftrace_patch_text(&patch, 1, &opts), 0);
	}
	return error;
}

/* It has entered while the gate was closed, so nobody waits for it. */
static void entered_before(void)
{
	HANDLE thread = start(3);

	CHECK_EQUAL(change(60000), 0);
	end(thread);
	CHECK_EQUAL(stats().deferred_stops, 0);
}

/* It has entered while the gate was open, and stays: the stop fails. */
static void announced(intptr_t depth)
{
	unsigned long long deferred = stats().deferred_stops;
	char expected[100];
	HANDLE thread;

	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0);
	thread = start(depth);
	line[0] = '\0';
	CHECK_EQUAL(change(100), -ETIMEDOUT);
	snprintf(expected, sizeof(expected), "ftrace: cannot stop thread %lu: it did not leave its NMI", GetThreadId(thread));
	CHECK(strncmp(line, expected, strlen(expected)) == 0);
	CHECK(memcmp((void *)work, nop5, 5) == 0);
	CHECK_EQUAL(stats().deferred_stops, deferred + 1);

	/* All run again: this one leaves, and then it can be stopped. */
	end(thread);
	CHECK_EQUAL(change(60000), 0);
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);
}

static volatile LONG entered, go_on;

static DWORD WINAPI spin(void *unused)
{
	(void)unused;
	ftrace_nmi_enter();
	entered = 1;
	while (!go_on)
		;
	ftrace_nmi_exit();
	return 0;
}

/* Who leaves while a stop is under way: it stays where it leaves, so the stop succeeds. */
static DWORD WINAPI release(void *unused)
{
	(void)unused;
	Sleep(50);
	go_on = 1;
	return 0;
}

static void leaves_meanwhile(void)
{
	HANDLE threads[2];

	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0);
	threads[0] = CreateThread(NULL, 0, spin, NULL, 0, NULL);
	while (!entered)
		Sleep(1);
	threads[1] = CreateThread(NULL, 0, release, NULL, 0, NULL);

	/* If the stop comes first, the one that would release the other is stopped: then it fails, and can be tried again. */
	while (change(20) != 0)
		Sleep(1);
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);
	CHECK_EQUAL(WaitForMultipleObjects(2, threads, TRUE, 60000), WAIT_OBJECT_0);
}

/* 63 levels; in each the gate may be open or not. */
static void levels(void)
{
	for (int open = 0; open < 2; open++) {
		if (open)
			CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0);
		for (int i = 0; i < 63; i++)
			ftrace_nmi_enter();
		CHECK_EQUAL(ftrace_make_nop(address_of(work), address_of(count)), -EDEADLK);
		for (int i = 0; i < 63; i++)
			ftrace_nmi_exit();
		CHECK_EQUAL(change(60000), 0);
		if (open)
			CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);
	}
}

int main(void)
{
	inside = CreateEventA(NULL, FALSE, FALSE, NULL);
	leave = CreateEventA(NULL, FALSE, FALSE, NULL);
	left = CreateEventA(NULL, FALSE, FALSE, NULL);
	CHECK_EQUAL(ftrace_set_print(print), 0);
	entered_before();
	announced(1);
	announced(5);
	leaves_meanwhile();
	levels();
	return 0;
}
