/* SPDX-License-Identifier: MIT */
/*
 * hammer.c SECONDS [control | proc-mem]: threads execute instructions that the library changes without
 * a pause, and are hijacked into handlers that execute them too; every value that an
 * instruction yields must be one of the two that it may have.
 *
 * A hijacked thread is what an NMI is on Windows: another thread suspends it, and lets it go
 * on in a handler, which returns by NtContinue(). Only threads that are in this program's
 * own text are hijacked: under wine a thread in a system call does not survive it.
 *
 * proc-mem: by the writer that makes the pages not executable meanwhile: who executed them
 * then would end the process.
 *
 * breakpoint: while all threads run, by breakpoints.
 *
 * control: the same load without the library: bytes are stored one by one, while all run.
 * That must yield torn values, else the silence of the other run means nothing.
 *
 * Exit status: 0: nothing was torn, or, for the control, something was; 1: else; 77: the
 * control found nothing, or in a minute no stop met an announced handler, so this machine
 * cannot tell.
 */
#include "test.h"

#define SITES	  16
#define SPINNERS  2
#define FIRST	  0x11111111u
#define SECOND	  0x77777777u
#define SITE_SIZE 64
#define BRACKETS  20000
#define LONG_RUN  60 /* seconds, in which some are met */

/* Each: mov eax, imm32; ret. The immediate value crosses a cache line, so that a store is not atomic. */
extern unsigned char sites[];

__asm__(".text\n"
	".p2align 6\n"
	"	.skip 61, 0xcc\n"
	"sites:\n"
	"	.rept 16\n"
	"	movl $0x11111111, %eax\n"
	"	ret\n"
	"	.skip 58, 0xcc\n"
	"	.endr\n");

static volatile LONG stop, torn, handled, hijacked;
static volatile LONG64 calls;

static unsigned int value_of(int site)
{
	return ((unsigned int (*)(void))(void *)(sites + site * SITE_SIZE))();
}

static void look(int site)
{
	unsigned int value = value_of(site);

	if (value != FIRST && value != SECOND)
		InterlockedIncrement(&torn);
}

/* In a section of its own, without calls of other code: a thread whose instruction pointer is there can be hijacked. */
static DWORD WINAPI __attribute__((noinline, section(".text$spin"))) spin(void *unused)
{
	LONG64 count = 0;

	(void)unused;
	for (int site = 0; !stop; site = (site + 1) % SITES, count++) {
		unsigned int value = ((unsigned int (*)(void))(void *)(sites + site * SITE_SIZE))();

		if (value != FIRST && value != SECOND)
			__atomic_add_fetch(&torn, 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&calls, count, __ATOMIC_RELAXED);
	return 0;
}

static LONG(NTAPI *nt_continue)(CONTEXT *context, BOOLEAN alert);

/* Many brackets in one, so that some begin between the opening of the gate and the stop: those are announced, and it waits for them. */
static void handler(CONTEXT *context)
{
	for (int i = 0; i < BRACKETS; i++) {
		ftrace_nmi_enter();
		for (int site = 0; site < SITES; site++)
			look(site);
		if (i % 2) {
			ftrace_nmi_enter();
			look(i % SITES);
			ftrace_nmi_exit();
			look(i % SITES);
		}
		ftrace_nmi_exit();
	}
	InterlockedIncrement(&handled);
	nt_continue(context, FALSE);
	abort();
}

static int is_ours(uintptr_t ip)
{
	uintptr_t start = address_of(spin);

	return (ip >= start && ip < start + 64) || (ip >= address_of(sites) && ip < address_of(sites) + SITES * SITE_SIZE);
}

/*
 * The thread goes on in a handler, with its context on its stack. What is read and what is
 * set must belong together: the bracket keeps code from changing in between.
 */
static void hijack(HANDLE thread)
{
	CONTEXT context = {.ContextFlags = CONTEXT_FULL}, *saved;

	if (SuspendThread(thread) == (DWORD)-1)
		return;
	if (GetThreadContext(thread, &context) && is_ours(context.Rip)) {
		uintptr_t sp = (context.Rsp - 256 - sizeof(CONTEXT)) & ~(uintptr_t)63;

		saved = (CONTEXT *)sp;
		*saved = context;
		context.Rcx = sp;
		context.Rsp = sp - 40;
		context.Rip = address_of(handler);
		if (SetThreadContext(thread, &context))
			InterlockedIncrement(&hijacked);
	}
	ResumeThread(thread);
}

static DWORD WINAPI hijacker(void *threads)
{
	for (int i = 0; !stop; i++) {
		LONG before = handled;
		LONG done = hijacked;

		hijack(((HANDLE *)threads)[i % SPINNERS]);
		while (hijacked != done && handled == before && !stop)
			Sleep(0); /* its stack is free again when it has returned */
	}
	return 0;
}

/* The code that all sites get. */
static void fill(struct ftrace_patch *patches, int second)
{
	const unsigned int code[2] = {FIRST, SECOND};

	for (int i = 0; i < SITES; i++) {
		struct ftrace_patch *patch = &patches[i];

		memset(patch, 0, sizeof(*patch));
		patch->ip = address_of(sites + i * SITE_SIZE);
		patch->len = 5;
		patch->old_code[0] = patch->new_code[0] = 0xb8;
		memcpy(patch->old_code + 1, &code[!second], 4);
		memcpy(patch->new_code + 1, &code[second], 4);
	}
}

static void store(const struct ftrace_patch *patches)
{
	for (int i = 0; i < SITES; i++)
		for (unsigned int at = 0; at < patches[i].len; at++)
			((volatile unsigned char *)patches[i].ip)[at] = patches[i].new_code[at];
}

/* On a busy machine the threads may take turns, and none of them meets a breakpoint for long. */
static int goes_on(DWORD start, DWORD seconds, int breakpoint)
{
	DWORD passed = GetTickCount() - start;

	return passed < seconds * 1000 || (breakpoint && passed < (seconds + LONG_RUN) * 1000 && stats().breakpoint_hits == 0);
}

int main(int argc, char **argv)
{
	DWORD seconds = argc > 1 ? (DWORD)atoi(argv[1]) : 2, start, old;
	int control = argc > 2 && strcmp(argv[2], "control") == 0;
	struct ftrace_patch_opts opts = {.size = sizeof(opts)};
	struct ftrace_patch patches[SITES];
	HANDLE spinners[SPINNERS], other = NULL;
	unsigned int rounds = 0;

	nt_continue = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtContinue");
	CHECK(nt_continue != NULL);
	if (argc > 2 && strcmp(argv[2], "proc-mem") == 0)
		opts.writer = FTRACE_WRITER_PROC_MEM;
	if (argc > 2 && strcmp(argv[2], "breakpoint") == 0)
		opts.method = FTRACE_METHOD_BREAKPOINT;
	if (control)
		CHECK(VirtualProtect(sites, SITES * SITE_SIZE, PAGE_EXECUTE_READWRITE, &old));
	for (int i = 0; i < SPINNERS; i++)
		CHECK((spinners[i] = CreateThread(NULL, 0, spin, NULL, 0, NULL)) != NULL);
	if (!control)
		CHECK((other = CreateThread(NULL, 0, hijacker, spinners, 0, NULL)) != NULL);

	start = GetTickCount();
	while (goes_on(start, seconds, opts.method == FTRACE_METHOD_BREAKPOINT) && !(control && torn)) {
		fill(patches, ++rounds & 1);
		if (control)
			store(patches);
		else
			CHECK_EQUAL(ftrace_patch_text(patches, SITES, &opts), 0);
	}

	stop = 1;
	if (other)
		CHECK_EQUAL(WaitForSingleObject(other, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(WaitForMultipleObjects(SPINNERS, spinners, TRUE, 60000), WAIT_OBJECT_0);
	printf("%u rounds, %lld calls, %ld hijacked, %ld handled, %ld torn\n", rounds, (long long)calls, hijacked, handled, torn);
	if (!control) {
		struct ftrace_stats now = stats();

		printf("%llu stops, %llu deferred, longest %llu us\n", (unsigned long long)now.stops,
		       (unsigned long long)now.deferred_stops, (unsigned long long)now.max_stop_ns / 1000);
		CHECK_EQUAL(handled, hijacked);
		CHECK(handled > 0);
		printf("%llu breakpoints executed\n", (unsigned long long)now.breakpoint_hits);
		if (opts.method == FTRACE_METHOD_BREAKPOINT)
			CHECK(now.breakpoint_hits > 0);
		else if (torn == 0 && seconds >= LONG_RUN && now.deferred_stops == 0) {
			printf("skipped: no stop met an announced handler\n");
			return 77;
		}
		return torn != 0;
	}
	if (torn == 0)
		printf("skipped: nothing is torn here without the library either\n");
	return torn != 0 ? 0 : 77;
}
