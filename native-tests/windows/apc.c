/* SPDX-License-Identifier: MIT */
/*
 * apc.c - special user APCs, which the system forces onto a thread wherever it is, execute
 * code that changes: with the bracket they find the old or the new instruction.
 */
#include "test.h"

#define SPECIAL 1 /* QUEUE_USER_APC_FLAGS_SPECIAL_USER_APC */
#define ROUNDS	2000

typedef BOOL WINAPI queue_apc(PAPCFUNC fn, HANDLE thread, ULONG_PTR data, int flags);

COUNTER;
FUNCTION(work);

static volatile LONG stop, wrong, delivered;

static void NTAPI on_apc(ULONG_PTR data)
{
	ftrace_nmi_enter();
	if (work((int)data) != (int)data + 1)
		InterlockedIncrement(&wrong);
	ftrace_nmi_exit();
	InterlockedIncrement(&delivered);
}

static DWORD WINAPI spin(void *unused)
{
	(void)unused;
	while (!stop)
		if (work(1) != 2)
			InterlockedIncrement(&wrong);
	return 0;
}

static int skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	return 77;
}

int main(void)
{
	queue_apc *queue = (void *)GetProcAddress(GetModuleHandleA("kernelbase.dll"), "QueueUserAPC2");
	HANDLE thread;

	if (!queue)
		return skip("this system has no QueueUserAPC2(), as wine 8");
	CHECK((thread = CreateThread(NULL, 0, spin, NULL, 0, NULL)) != NULL);
	if (!queue(on_apc, thread, 1, SPECIAL))
		return skip("QueueUserAPC2() fails here");
	for (int i = 0; i < 1000 && !delivered; i++)
		Sleep(1);
	if (!delivered)
		return skip("special user APCs are not delivered here, as by wine 10");
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(queue(on_apc, thread, (ULONG_PTR)i, SPECIAL));
		CHECK_EQUAL(ftrace_make_call(address_of(work), address_of(count)), 0);
		CHECK_EQUAL(ftrace_make_nop(address_of(work), address_of(count)), 0);
	}
	stop = 1;
	CHECK_EQUAL(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(wrong, 0);
	printf("%ld delivered\n", delivered);
	return 0;
}
