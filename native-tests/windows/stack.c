/* SPDX-License-Identifier: MIT */
/*
 * stack.c - ftrace_check_stack(): a thread is found in a text by its registers, by a return
 * address, and by the context that the system saved for an exception handler; the calling
 * thread by its callers. Who is in use is reported. When all have left, it says so.
 */
#include "test.h"

/*
 * The text. in_spin(word): until the word is set. in_call(fn): calls it. in_fault(): raises
 * an exception, whose handler resumes after it.
 */
extern unsigned char text_start[], text_end[];
void in_spin(volatile LONG *word);
int in_call(int (*fn)(void));
void in_fault(void);

__asm__(".text\n"
	".p2align 4\n"
	"text_start:\n"
	"	nop\n"
	"in_spin:\n"
	"	movl (%rcx), %eax\n"
	"	testl %eax, %eax\n"
	"	je in_spin\n"
	"	ret\n"
	"in_call:\n"
	"	subq $40, %rsp\n"
	"	call *%rcx\n"
	"	addq $40, %rsp\n"
	"	ret\n"
	"in_fault:\n"
	"	ud2\n"
	"	ret\n"
	"text_end:\n");

static char line[256];
static HANDLE inside, leave;
static volatile LONG go_on;

static void print(const char *text)
{
	snprintf(line, sizeof(line), "%s", text);
}

static int check(unsigned int timeout_ms)
{
	line[0] = '\0';
	return ftrace_check_stack(address_of(text_start), address_of(text_end), timeout_ms);
}

static int wait(void)
{
	SetEvent(inside);
	return WaitForSingleObject(leave, INFINITE) != WAIT_OBJECT_0;
}

static LONG WINAPI on_fault(EXCEPTION_POINTERS *exception)
{
	if (exception->ContextRecord->Rip != address_of(in_fault))
		return EXCEPTION_CONTINUE_SEARCH;
	wait();
	exception->ContextRecord->Rip += 2;
	return EXCEPTION_CONTINUE_EXECUTION;
}

static DWORD WINAPI spinner(void *unused)
{
	(void)unused;
	SetEvent(inside);
	in_spin(&go_on);
	return 0;
}

static DWORD WINAPI caller(void *unused)
{
	(void)unused;
	return (DWORD)in_call(wait);
}

static DWORD WINAPI faulter(void *unused)
{
	(void)unused;
	in_fault();
	return 0;
}

static DWORD WINAPI releaser(void *unused)
{
	(void)unused;
	Sleep(30);
	go_on = 1;
	return 0;
}

static HANDLE start(DWORD(WINAPI *fn)(void *))
{
	HANDLE thread = CreateThread(NULL, 0, fn, NULL, 0, NULL);

	CHECK(thread != NULL);
	CHECK_EQUAL(WaitForSingleObject(inside, 60000), WAIT_OBJECT_0);
	return thread;
}

static void end(HANDLE thread)
{
	DWORD result;

	CHECK_EQUAL(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(thread, &result) && result == 0);
	CloseHandle(thread);
}

/* A thread that waits somewhere below the text. */
static void on_stack(DWORD(WINAPI *fn)(void *))
{
	HANDLE thread = start(fn);
	char expected[64];

	snprintf(expected, sizeof(expected), "ftrace: thread %lu has 0x", GetThreadId(thread));
	CHECK_EQUAL(check(0), -EBUSY);
	CHECK(strncmp(line, expected, strlen(expected)) == 0);
	CHECK(strstr(line, " on its stack") || strstr(line, " in a register"));
	SetEvent(leave);
	end(thread);
	CHECK_EQUAL(check(0), 0);
}

static void in_registers(void)
{
	HANDLE threads[2] = {start(spinner)};

	/* It is about to enter, or is there. */
	for (int i = 0; check(0) == 0; i++) {
		CHECK(i < 20000);
		Sleep(1);
	}
	CHECK_EQUAL(check(0), -EBUSY);
	CHECK(strstr(line, " in a register") != NULL);

	threads[1] = CreateThread(NULL, 0, releaser, NULL, 0, NULL);
	CHECK_EQUAL(check(60000), 0);
	CHECK(go_on);
	CHECK(line[0] == '\0');
	end(threads[0]);
	end(threads[1]);
}

static int check_now(void)
{
	return check(0);
}

int main(void)
{
	inside = CreateEventA(NULL, FALSE, FALSE, NULL);
	leave = CreateEventA(NULL, FALSE, FALSE, NULL);
	AddVectoredExceptionHandler(1, on_fault);
	CHECK_EQUAL(ftrace_set_print(print), 0);
	CHECK_EQUAL(check(0), 0);

	CHECK_EQUAL(in_call(check_now), -EBUSY);
	CHECK(strstr(line, " on its stack") != NULL);
	CHECK_EQUAL(check(0), 0);

	in_registers();
	on_stack(caller);
	on_stack(faulter);

	CHECK_EQUAL(ftrace_set_print(NULL), 0);
	CHECK_EQUAL(in_call(check_now), -EBUSY);
	CHECK(line[0] == '\0');
	return 0;
}
