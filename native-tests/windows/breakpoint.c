/* SPDX-License-Identifier: MIT */
/*
 * breakpoint.c - FTRACE_METHOD_BREAKPOINT: each kind of instruction that a thread may find a
 * breakpoint in the place of; breakpoints that are the host's; and what fails changes nothing.
 *
 * So many functions change at once that threads find their breakpoints.
 */
#include "test.h"

#define SITES	  4096
#define SITE_SIZE 64
#define SITE_AT	  3 /* after lea */
#define THREADS	  2
#define WANTED	  20
#define LONGEST_MS 60000

/* Each: returns x + 1, whatever of the codes is at its site. */
extern unsigned char sites[];
void counted(void);

__asm__(".text\n"
	".p2align 6\n"
	"sites:\n"
	"	.rept 4096\n"
	"	leal 1(%rcx), %eax\n"
	"	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"	ret\n"
	"	.p2align 6\n"
	"	.endr\n"
	"counted:\n"
	"	ret\n");

enum kind { NOP, CALL, JMP, JMP_SHORT, RET, MOV, KINDS };

static volatile LONG stop, wrong, host_traps;

static void code_of(enum kind kind, uintptr_t ip, unsigned char code[5])
{
	static const unsigned char codes[KINDS][5] = {
		[NOP] = {0x0f, 0x1f, 0x44, 0x00, 0x00}, [CALL] = {0xe8},
		[JMP] = {0xe9},				[JMP_SHORT] = {0xeb, 3, 0xcc, 0xcc, 0xcc},
		[RET] = {0xc3, 0xcc, 0xcc, 0xcc, 0xcc}, [MOV] = {0xb9, 1, 2, 3, 4},
	};
	int32_t offset = (int32_t)(address_of(counted) - ip - 5);

	memcpy(code, codes[kind], 5);
	if (kind == CALL)
		memcpy(code + 1, &offset, sizeof(offset));
}

static void fill(struct ftrace_patch *patches, enum kind from, enum kind to)
{
	for (int i = 0; i < SITES; i++) {
		struct ftrace_patch *patch = &patches[i];

		memset(patch, 0, sizeof(*patch));
		patch->ip = address_of(sites + i * SITE_SIZE + SITE_AT);
		patch->len = 5;
		code_of(from, patch->ip, patch->old_code);
		code_of(to, patch->ip, patch->new_code);
	}
}

static LONG(NTAPI *lock_loader)(ULONG flags, ULONG *result, ULONG_PTR *cookie);
static LONG(NTAPI *unlock_loader)(ULONG flags, ULONG_PTR cookie);

/* Never calls the library; and one of the threads holds the loader lock. */
static DWORD WINAPI run(void *locks)
{
	ULONG_PTR cookie;

	if (locks)
		CHECK_EQUAL(lock_loader(0, NULL, &cookie), 0);
	for (int i = 0; !stop; i = (i + 1) % SITES)
		if (((int (*)(int))(void *)(sites + i * SITE_SIZE))(i) != i + 1)
			InterlockedIncrement(&wrong);
	if (locks)
		CHECK_EQUAL(unlock_loader(0, cookie), 0);
	return 0;
}

/* Of each kind there and back, until threads have found breakpoints. */
static void kinds(const struct ftrace_patch_opts *opts)
{
	static struct ftrace_patch patches[SITES];
	HANDLE threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK((threads[i] = CreateThread(NULL, 0, run, i == 0 ? sites : NULL, 0, NULL)) != NULL);
	for (enum kind kind = CALL; kind < KINDS; kind++) {
		unsigned long long before = stats().breakpoint_hits;
		DWORD start = GetTickCount();

		while (stats().breakpoint_hits < before + WANTED) {
			fill(patches, NOP, kind);
			CHECK_EQUAL(ftrace_patch_text(patches, SITES, opts), 0);
			for (int i = 0; i < SITES; i++)
				CHECK(memcmp((void *)patches[i].ip, patches[i].new_code, 5) == 0);
			fill(patches, kind, NOP);
			CHECK_EQUAL(ftrace_patch_text(patches, SITES, opts), 0);
			CHECK(GetTickCount() - start < LONGEST_MS);
		}
		printf("kind %d: %llu breakpoints executed in %lu ms\n", kind, stats().breakpoint_hits - before,
		       GetTickCount() - start);
	}
	stop = 1;
	CHECK_EQUAL(WaitForMultipleObjects(THREADS, threads, TRUE, 60000), WAIT_OBJECT_0);
	CHECK_EQUAL(wrong, 0);
}

/* The host's: its handlers get them, and nobody else's. */
static LONG CALLBACK host_handler(EXCEPTION_POINTERS *exception)
{
	if (exception->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
		return EXCEPTION_CONTINUE_SEARCH;
	host_traps++;
	if (exception->ExceptionRecord->NumberParameters != 0 && *(unsigned char *)exception->ContextRecord->Rip == 0xcc)
		exception->ContextRecord->Rip++;
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void host(struct ftrace_patch *patch, const struct ftrace_patch_opts *opts, ULONG first)
{
	void *handler = AddVectoredExceptionHandler(first, host_handler);

	CHECK(handler);
	host_traps = 0;
	__asm__ __volatile__("int3");
	CHECK_EQUAL(host_traps, 1);
	RaiseException(EXCEPTION_BREAKPOINT, 0, 0, NULL);
	CHECK_EQUAL(host_traps, 2);
	/* A change in between does not take them away. */
	fill(patch, NOP, CALL);
	CHECK_EQUAL(ftrace_patch_text(patch, 1, opts), 0);
	fill(patch, CALL, NOP);
	CHECK_EQUAL(ftrace_patch_text(patch, 1, opts), 0);
	__asm__ __volatile__("int3");
	CHECK_EQUAL(host_traps, 3);
	CHECK(RemoveVectoredExceptionHandler(handler));
}

static void fails(struct ftrace_patch *patch, const struct ftrace_patch_opts *opts, int error)
{
	unsigned char before[SITE_SIZE];
	unsigned long protection = protection_of(sites);

	memcpy(before, sites, SITE_SIZE);
	CHECK_EQUAL(ftrace_patch_text(patch, 1, opts), error);
	CHECK(memcmp(before, sites, SITE_SIZE) == 0);
	CHECK_EQUAL(protection_of(sites), protection);
	CHECK_EQUAL(ftrace_arch_code_modify_prepare(), 0); /* the gate is closed again */
	CHECK_EQUAL(ftrace_arch_code_modify_post_process(), 0);
}

static void failures(struct ftrace_patch *patch, struct ftrace_patch_opts opts)
{
	fill(patch, CALL, NOP);
	fails(patch, &opts, -EINVAL);
	fill(patch, NOP, CALL);
	opts.writer = FTRACE_WRITER_PROC_MEM;
	fails(patch, &opts, -EPERM);
	opts.writer = FTRACE_WRITER_AUTO;
	/* Two instructions, between which a thread can be: lea and a part of the nop. */
	patch->ip = address_of(sites);
	memcpy(patch->old_code, sites, 5);
	code_of(NOP, patch->ip, patch->new_code);
	fails(patch, &opts, -EOPNOTSUPP);
}

int main(void)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = FTRACE_METHOD_BREAKPOINT};
	static struct ftrace_patch patches[SITES];

	lock_loader = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "LdrLockLoaderLock");
	unlock_loader = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "LdrUnlockLoaderLock");
	CHECK(lock_loader && unlock_loader);
	failures(patches, opts);
	host(patches, &opts, 0);
	host(patches, &opts, 1);
	kinds(&opts);
	host(patches, &opts, 1);
	CHECK_EQUAL(stats().stops, 0);
	return 0;
}
