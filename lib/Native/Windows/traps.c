/* SPDX-License-Identifier: MIT */
/*
 * traps.c - the handler of breakpoint exceptions, the first one of the process.
 *
 * It runs on any thread, at any instruction that can be changed, under any lock, and before
 * the thread has ever called the library: it uses nothing that is a thread's own, and calls C#
 * that needs no runtime. What it returns from goes on with the context that it has changed.
 *
 * Who may run against whom: only a patcher changes which handler is registered.
 */
#include "native.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define FIRST 1

/* RaiseException() with the same code has no parameters; that of the instruction has one. */
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
	const EXCEPTION_RECORD *record = exception->ExceptionRecord;

	if (record->ExceptionCode != EXCEPTION_BREAKPOINT || record->NumberParameters == 0 ||
	    !native.on_trap((uintptr_t)record->ExceptionAddress, exception->ContextRecord))
		return EXCEPTION_CONTINUE_SEARCH;
	return EXCEPTION_CONTINUE_EXECUTION;
}

/* The new registration first: a breakpoint of an earlier change may be executed late. */
int watch_traps(void)
{
	static void *registration;
	void *before = registration;

	registration = AddVectoredExceptionHandler(FIRST, on_exception);
	if (!registration) {
		registration = before;
		return 1;
	}
	if (before)
		RemoveVectoredExceptionHandler(before);
	return 0;
}
