/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads are born and end while code changes: each finds the old or the new
 * instruction, none is forgotten, and none stays suspended.
 */
#include "test.h"

#define PARENTS 2
#define BIRTHS	150

COUNTER;
FUNCTION(work);

static volatile LONG wrong, born, ended;

static DWORD WINAPI child(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++)
		if (work(i) != i + 1)
			InterlockedIncrement(&wrong);
	return 0;
}

static DWORD WINAPI parent(void *unused)
{
	(void)unused;
	for (int i = 0; i < BIRTHS; i++) {
		HANDLE thread = CreateThread(NULL, 0, child, NULL, 0, NULL);

		CHECK(thread != NULL);
		InterlockedIncrement(&born);
		if (i % 2)
			CHECK_EQUAL(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
		CloseHandle(thread);
	}
	InterlockedIncrement(&ended);
	return 0;
}

int main(void)
{
	HANDLE parents[PARENTS];
	int rounds = 0;

	for (int i = 0; i < PARENTS; i++)
		CHECK((parents[i] = CreateThread(NULL, 0, parent, NULL, 0, NULL)) != NULL);
	while (ended < PARENTS || rounds == 0) {
		CHECK_EQUAL(ftrace_make_call(address_of(work), address_of(count)), 0);
		CHECK_EQUAL(ftrace_make_nop(address_of(work), address_of(count)), 0);
		rounds++;
	}
	CHECK_EQUAL(WaitForMultipleObjects(PARENTS, parents, TRUE, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(born, PARENTS * BIRTHS);
	CHECK_EQUAL(wrong, 0);
	printf("%d threads, %d changes\n", (int)born, 2 * rounds);
	return 0;
}
