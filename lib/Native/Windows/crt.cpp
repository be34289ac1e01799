// SPDX-License-Identifier: MIT
//
// crt.cpp - what Microsoft's C++ runtime library would bring to a DLL: its start, thread-local storage, the cookies of /GS, the calls
// of control flow guard, __chkstk, operator new. The .NET runtime's objects refer to these names.
//
// Compiled for the MSVC ABI, without any header: the names and their meaning are the ABI's.

typedef unsigned long long u64;
typedef unsigned int u32;
typedef void (*initializer)(void);
typedef int (*c_initializer)(void);
typedef void (*tls_callback)(void *module, u32 reason, void *reserved);

enum : u32 { PROCESS_ATTACH = 1, THREAD_ATTACH = 2 };

extern "C" {

__declspec(dllimport) void *GetProcessHeap(void);
__declspec(dllimport) void *HeapAlloc(void *heap, u32 flags, u64 size);
__declspec(dllimport) int HeapFree(void *heap, u32 flags, void *block);
__declspec(dllimport) void GetSystemTimeAsFileTime(u64 *time);
__declspec(dllimport) u32 GetCurrentThreadId(void);
__declspec(dllimport) u32 GetCurrentProcessId(void);
__declspec(dllimport) int QueryPerformanceCounter(u64 *count);

int _fltused = 0x9875;

// /GS: a word before the return address, compared at the end of a function.
u64 __security_cookie = 0x00002b992ddfa232;
u64 __security_cookie_complement = ~0x00002b992ddfa232ull;

[[noreturn]] static void fail_fast(u32 code)
{
	__asm__ volatile("int $0x29" : : "c"(code));
	__builtin_unreachable();
}

void __report_rangecheckfailure(void)
{
	fail_fast(8);
}

void __report_gsfailure(u64)
{
	fail_fast(2);
}

// The function itself has checked its cookie: the search for a handler goes on.
int __GSHandlerCheck(void *, void *, void *, void *)
{
	return 1;
}

// Thread-local storage: the linker collects .tls, the loader allocates and calls. Sections are sorted by what follows the $.
u32 _tls_index = 0;

#pragma section(".tls", long, read, write)
#pragma section(".tls$ZZZ", long, read, write)
#pragma section(".rdata$T", long, read)
#pragma section(".CRT$XCA", long, read)
#pragma section(".CRT$XCZ", long, read)
#pragma section(".CRT$XDA", long, read)
#pragma section(".CRT$XDZ", long, read)
#pragma section(".CRT$XIA", long, read)
#pragma section(".CRT$XIZ", long, read)
#pragma section(".CRT$XLA", long, read)
#pragma section(".CRT$XLC", long, read)
#pragma section(".CRT$XLZ", long, read)

__declspec(allocate(".tls")) char _tls_start = 0;
__declspec(allocate(".tls$ZZZ")) char _tls_end = 0;
__declspec(allocate(".CRT$XCA")) initializer __xc_a = 0;
__declspec(allocate(".CRT$XCZ")) initializer __xc_z = 0;
__declspec(allocate(".CRT$XDA")) initializer __xd_a = 0;
__declspec(allocate(".CRT$XDZ")) initializer __xd_z = 0;
__declspec(allocate(".CRT$XIA")) c_initializer __xi_a = 0;
__declspec(allocate(".CRT$XIZ")) c_initializer __xi_z = 0;
__declspec(allocate(".CRT$XLA")) tls_callback __xl_a = 0;
__declspec(allocate(".CRT$XLZ")) tls_callback __xl_z = 0;

struct tls_directory {
	void *start, *end;
	u32 *index;
	tls_callback *callbacks;
	u32 zero, characteristics;
};

extern const tls_directory _tls_used;
__declspec(allocate(".rdata$T")) const tls_directory _tls_used = {&_tls_start, &_tls_end, &_tls_index, &__xl_a + 1, 0, 0};

__declspec(thread) bool __tls_guard = false;

void __dyn_tls_init(void *, u32 reason, void *)
{
	if ((reason != THREAD_ATTACH && reason != PROCESS_ATTACH) || __tls_guard)
		return;
	__tls_guard = true;
	for (initializer *each = &__xd_a + 1; each < &__xd_z; each++)
		if (*each)
			(*each)();
}

void __dyn_tls_on_demand_init(void)
{
	__dyn_tls_init(0, THREAD_ATTACH, 0);
}

__declspec(allocate(".CRT$XLC")) tls_callback __xl_c = __dyn_tls_init;

// Control flow guard is off: an indirect call is a jump.
__asm__(".text\n"
	".p2align 4\n"
	"guard_dispatch_nop:\n"
	"	jmp *%rax\n"
	"guard_check_nop:\n"
	"	ret\n"
	".section .rdata,\"dr\"\n"
	".p2align 3\n"
	".globl __guard_dispatch_icall_fptr\n"
	"__guard_dispatch_icall_fptr: .quad guard_dispatch_nop\n"
	".globl __guard_check_icall_fptr\n"
	"__guard_check_icall_fptr: .quad guard_check_nop\n");

// Both change flags only, and __chkstk r10 and r11.
__asm__(".text\n"
	".p2align 4\n"
	".globl __security_check_cookie\n"
	"__security_check_cookie:\n" // rcx: the cookie
	"	cmpq __security_cookie(%rip), %rcx\n"
	"	jne 1f\n"
	"	ret\n"
	"1:	movl $2, %ecx\n"
	"	int $0x29\n"
	".p2align 4\n"
	".globl __chkstk\n"
	"__chkstk:\n" // rax: how many bytes; touches each page, because only the next one has a guard
	"	pushq %rcx\n"
	"	pushq %rax\n"
	"	leaq 24(%rsp), %rcx\n"
	"	cmpq $0x1000, %rax\n"
	"	jb 2f\n"
	"1:	subq $0x1000, %rcx\n"
	"	orq $0, (%rcx)\n"
	"	subq $0x1000, %rax\n"
	"	cmpq $0x1000, %rax\n"
	"	ja 1b\n"
	"2:	subq %rax, %rcx\n"
	"	orq $0, (%rcx)\n"
	"	popq %rax\n"
	"	popq %rcx\n"
	"	ret\n");

// The DLL is never unloaded once the runtime has started: nothing that is registered here runs.
int atexit(initializer)
{
	return 0;
}

int DllMain(void *module, u32 reason, void *reserved);

static void choose_cookie(void)
{
	u64 time, count, cookie;

	GetSystemTimeAsFileTime(&time);
	QueryPerformanceCounter(&count);
	cookie = time ^ count << 13 ^ (u64)GetCurrentThreadId() << 7 ^ (u64)GetCurrentProcessId() << 29 ^ (u64)&cookie;
	cookie &= 0x0000ffffffffffff; // a string that overflows cannot contain its zero bytes
	__security_cookie = cookie | 0x10000;
	__security_cookie_complement = ~__security_cookie;
}

static int initialize(void)
{
	for (c_initializer *each = &__xi_a + 1; each < &__xi_z; each++)
		if (*each && (*each)() != 0)
			return 0;
	for (initializer *each = &__xc_a + 1; each < &__xc_z; each++)
		if (*each)
			(*each)();
	return 1;
}

int _DllMainCRTStartup(void *module, u32 reason, void *reserved)
{
	if (reason == PROCESS_ATTACH) {
		choose_cookie();
		if (!initialize())
			return 0;
	}
	return DllMain(module, reason, reserved);
}

} // extern "C"

namespace std {
struct nothrow_t {
};
extern const nothrow_t nothrow;
const nothrow_t nothrow = {};
} // namespace std

void *operator new(u64 size, const std::nothrow_t &) noexcept
{
	return HeapAlloc(GetProcessHeap(), 0, size ? size : 1);
}

void *operator new[](u64 size, const std::nothrow_t &) noexcept
{
	return HeapAlloc(GetProcessHeap(), 0, size ? size : 1);
}

void operator delete(void *block) noexcept
{
	if (block)
		HeapFree(GetProcessHeap(), 0, block);
}

void operator delete[](void *block) noexcept
{
	operator delete(block);
}

void operator delete(void *block, u64) noexcept
{
	operator delete(block);
}
