/* SPDX-License-Identifier: MIT */
/*
 * load.c - the library opened at run time: unloaded before its first call, called under the
 * loader lock, called, and then never unloaded.
 */
#include "test.h"

typedef int set_opts(const struct ftrace_patch_opts *opts);
typedef const char *version(void);

static FARPROC find(HMODULE module, const char *name)
{
	FARPROC found = GetProcAddress(module, name);

	CHECK(found != NULL);
	return found;
}

static DWORD WINAPI call(void *set)
{
	return (DWORD)((set_opts *)set)(NULL);
}

int main(void)
{
	HMODULE library = LoadLibraryA("ftrace.dll"), early;
	HANDLE thread;
	DWORD result = 1;
	set_opts *set;

	/* Nothing has started, so it can go. */
	CHECK(library != NULL);
	CHECK(((version *)(void *)find(library, "ftrace_version"))()[0] == '1');
	CHECK(FreeLibrary(library));
	CHECK(GetModuleHandleA("ftrace.dll") == NULL);

	early = LoadLibraryA("early.dll");
	CHECK(early != NULL);
	CHECK_EQUAL(*(int *)(void *)find(early, "early_result"), -EAGAIN);

	library = LoadLibraryA("ftrace.dll");
	set = (set_opts *)(void *)find(library, "ftrace_set_patch_opts");
	CHECK_EQUAL(set(NULL), 0);

	/* A thread that was there before, and one that was born after the runtime started, are the same to it. */
	thread = CreateThread(NULL, 0, call, (void *)set, 0, NULL);
	CHECK(thread != NULL);
	CHECK_EQUAL(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(thread, &result) && result == 0);

	FreeLibrary(library);
	FreeLibrary(library);
	FreeLibrary(early);
	CHECK(GetModuleHandleA("ftrace.dll") != NULL);
	CHECK_EQUAL(set(NULL), 0);
	return 0;
}
