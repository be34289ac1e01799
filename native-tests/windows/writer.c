/* SPDX-License-Identifier: MIT */
/*
 * writer.c [WRITER]: the writer that never makes a page writable and executable at once, as
 * another process sees it; and the other one, which that process must be able to tell from it.
 *
 * With an argument it is the process that is looked at: it changes code by that writer until
 * its page has been told to stop.
 */
#include "test.h"

COUNTER;
FUNCTION(work);

static volatile LONG stop, ready;

static struct ftrace_patch_opts opts = {.size = sizeof(opts)};

static int change(void *site, const unsigned char *from, const unsigned char *to)
{
	struct ftrace_patch patch = {.ip = address_of(site), .len = 5};
	int error;

	memcpy(patch.old_code, from, 5);
	memcpy(patch.new_code, to, 5);
	error = ftrace_patch_text(&patch, 1, &opts);
	CHECK_EQUAL(patch.error, error);
	return error;
}

static const unsigned char other[5] = {0x66, 0x66, 0x66, 0x66, 0x90};

static void twice(void)
{
	CHECK_EQUAL(change((void *)work, nop5, other), 0);
	CHECK_EQUAL(work(1), 2);
	CHECK_EQUAL(change((void *)work, other, nop5), 0);
}

/* What the library needs itself cannot lose its execution. */
static void system_pages(void)
{
	static const char *const names[][2] = {{"ntdll.dll", "NtProtectVirtualMemory"}, {"kernel32.dll", "GetTickCount"}};

	for (int i = 0; i < 2; i++) {
		unsigned char *function = (void *)GetProcAddress(GetModuleHandleA(names[i][0]), names[i][1]), before[5];

		CHECK(function != NULL);
		memcpy(before, function, 5);
		CHECK_EQUAL(change(function, before, nop5), -EPERM);
		CHECK(memcmp(function, before, 5) == 0);
	}
}

static void alone(void)
{
	unsigned long before = protection_of((void *)work);

	opts.writer = FTRACE_WRITER_PROC_MEM;
	twice();
	CHECK_EQUAL(protection_of((void *)work), before);
	CHECK_EQUAL(stats().last_writer, FTRACE_WRITER_PROC_MEM);
	system_pages();
	opts.writer = FTRACE_WRITER_AUTO;
	twice();
	CHECK_EQUAL(protection_of((void *)work), before);
	CHECK_EQUAL(stats().last_writer, FTRACE_WRITER_MPROTECT);
}

static int looked_at(int writer)
{
	opts.writer = writer;
	while (!stop) {
		twice();
		ready = 1;
	}
	return 0;
}

/* How often the page was seen writable, and how often executable too: for a second at least, and until one of them was seen. */
static void watch(HANDLE process, int *writable, int *both)
{
	MEMORY_BASIC_INFORMATION page;
	DWORD start = GetTickCount(), passed;

	*writable = *both = 0;
	do {
		CHECK(VirtualQueryEx(process, (void *)work, &page, sizeof(page)) == sizeof(page));
		*writable += (page.Protect & (PAGE_READWRITE | PAGE_WRITECOPY)) != 0;
		*both += (page.Protect & (PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)) != 0;
		passed = GetTickCount() - start;
	} while (passed < 1000 || (*writable + *both == 0 && passed < 60000));
}

/* The child has the same image at the same address, so its variables are where ours are. */
static void look(const char *program, int writer)
{
	STARTUPINFOA startup = {.cb = sizeof(startup)};
	const LONG yes = 1;
	PROCESS_INFORMATION child;
	char command[600];
	LONG value = 0;
	int writable, both;
	DWORD result;

	snprintf(command, sizeof(command), "\"%s\" %d", program, writer);
	CHECK(CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
	while (value == 0)
		CHECK(ReadProcessMemory(child.hProcess, (void *)&ready, &value, sizeof(value), NULL));
	watch(child.hProcess, &writable, &both);
	printf("writer %d: %d times writable, %d times executable too\n", writer, writable, both);
	CHECK(writer == FTRACE_WRITER_MPROTECT ? writable == 0 && both > 0 : writable > 0 && both == 0);
	CHECK(WriteProcessMemory(child.hProcess, (void *)&stop, &yes, sizeof(yes), NULL));
	CHECK_EQUAL(WaitForSingleObject(child.hProcess, 60000), WAIT_OBJECT_0);
	CHECK(GetExitCodeProcess(child.hProcess, &result));
	CHECK_EQUAL(result, 0);
}

int main(int argc, char **argv)
{
	char program[512];

	if (argc > 1)
		return looked_at(atoi(argv[1]));
	CHECK(GetModuleFileNameA(NULL, program, sizeof(program)) != 0);
	alone();
	look(program, FTRACE_WRITER_MPROTECT);
	look(program, FTRACE_WRITER_PROC_MEM);
	return 0;
}
