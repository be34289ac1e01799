/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the exported functions: the start of the runtime, and entry into C#.
 *
 * The runtime starts at the first call, and never under the loader lock: it creates a
 * thread, and waits for it. The DLL then stays loaded, because the runtime cannot end.
 */
#include "native.h"

#include <errno.h>
#include <ftrace/nmi.h>
#include <ftrace/patch.h>
#include <ftrace/sites.h>
#include <ftrace/version.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

enum { NOT_STARTED, STARTING, STARTED };

#define PEB_LOADER_LOCK 0x110
#define TEB_PEB		0x60

extern IMAGE_DOS_HEADER __ImageBase;

static char state[4096] __attribute__((aligned(128)));
static LONG started;

void thread_startup(struct native *native); /* C# */

/*
 * The kernel's sync_core(): IRET to the next instruction. CPUID would exit from a virtual
 * machine.
 */
static void sync_core(void)
{
	uintptr_t word;

	__asm__ __volatile__("mov %%ss, %k0\n\t"
			     "pushq %0\n\t"
			     "pushq %%rsp\n\t"
			     "addq $8, (%%rsp)\n\t"
			     "pushfq\n\t"
			     "mov %%cs, %k0\n\t"
			     "pushq %0\n\t"
			     "leaq 1f(%%rip), %0\n\t"
			     "pushq %0\n\t"
			     "iretq\n"
			     "1:"
			     : "=&r"(word)
			     :
			     : "cc", "memory");
}

/* Runs the host's function inside a stop window: it may call the library. */
static int run(int (*fn)(void *), void *data)
{
	int ret;

	ftrace_nmi_thread.busy = 0;
	ret = fn(data);
	ftrace_nmi_thread.busy = 1;
	return ret;
}

struct native native = {
	.thread = current_thread,
	.sync_core = sync_core,
	.run = run,
	.modifying_code = ftrace_modifying_code,
	.state = state,
	.watch_traps = watch_traps,
};

static int has_loader_lock(void)
{
	const char *peb;
	const CRITICAL_SECTION *lock;

	__asm__("mov %%gs:%c1, %0" : "=r"(peb) : "i"(TEB_PEB));
	lock = *(CRITICAL_SECTION *const *)(peb + PEB_LOADER_LOCK);
	return lock && (uintptr_t)lock->OwningThread == GetCurrentThreadId();
}

/* What the patcher may execute besides the library itself: all that it imports, and what those functions lead to. */
static void find_system(const IMAGE_NT_HEADERS *headers)
{
	const char *base = (char *)&__ImageBase;
	const IMAGE_DATA_DIRECTORY *directory =
		&headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
	const IMAGE_IMPORT_DESCRIPTOR *import = (const void *)(base + directory->VirtualAddress);
	size_t count = 0;

	native.system[count++] = GetModuleHandleW(L"ntdll.dll");
	native.system[count++] = GetModuleHandleW(L"kernelbase.dll");
	for (; import->Name && count < sizeof(native.system) / sizeof(native.system[0]); import++)
		native.system[count++] = GetModuleHandleA(base + import->Name);
}

static void start(void)
{
	const IMAGE_NT_HEADERS *headers = (void *)((char *)&__ImageBase + __ImageBase.e_lfanew);
	HMODULE self;

	GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (LPCWSTR)(void *)&native,
			   &self);
	native.image_start = (const char *)&__ImageBase;
	native.image_end = native.image_start + headers->OptionalHeader.SizeOfImage;
	native.tls_index = _tls_index;
	native.tls_offset = tls_offset();
	find_system(headers);
	thread_startup(&native);
}

/* Another thread may be starting it: it does not have the loader lock, and needs nothing of this thread. */
static int __attribute__((noinline)) start_once(void)
{
	if (has_loader_lock())
		return -EAGAIN;
	if (InterlockedCompareExchange(&started, STARTING, NOT_STARTED) == NOT_STARTED) {
		start();
		__atomic_store_n(&started, STARTED, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) != STARTED)
		Sleep(1);
	return 0;
}

static int begin_call(struct ftrace_nmi_thread *thread)
{
	if (thread->saved != 1 || thread->busy)
		return -EDEADLK;
	if (__atomic_load_n(&started, __ATOMIC_ACQUIRE) != STARTED) {
		int error = start_once();

		if (error)
			return error;
	}
	thread->busy = 1;
	__asm__ __volatile__("" ::: "memory");
	return 0;
}

static void end_call(struct ftrace_nmi_thread *thread)
{
	__asm__ __volatile__("" ::: "memory");
	thread->busy = 0;
}

/* The C# side has the same name with the prefix "thread_". */
#define THREAD_CONTEXT(name, params, args)                                                         \
	int thread_##name params;                                                                  \
	int name params                                                                            \
	{                                                                                          \
		struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;                             \
		int ret = begin_call(thread);                                                      \
                                                                                                   \
		if (ret != 0)                                                                      \
			return ret;                                                                \
		ret = thread_##name args;                                                          \
		end_call(thread);                                                                  \
		return ret;                                                                        \
	}

THREAD_CONTEXT(ftrace_arch_code_modify_prepare, (void), ())
THREAD_CONTEXT(ftrace_arch_code_modify_post_process, (void), ())
THREAD_CONTEXT(ftrace_stop_machine, (int (*fn)(void *data), void *data), (fn, data))
THREAD_CONTEXT(ftrace_modify_code,
	       (uintptr_t ip, const unsigned char *old_code, const unsigned char *new_code),
	       (ip, old_code, new_code))
THREAD_CONTEXT(ftrace_make_nop, (uintptr_t ip, uintptr_t addr), (ip, addr))
THREAD_CONTEXT(ftrace_make_call, (uintptr_t ip, uintptr_t addr), (ip, addr))
THREAD_CONTEXT(ftrace_patch_text,
	       (struct ftrace_patch *patches, size_t count, const struct ftrace_patch_opts *opts),
	       (patches, count, opts))
THREAD_CONTEXT(ftrace_set_patch_opts, (const struct ftrace_patch_opts *opts), (opts))
THREAD_CONTEXT(ftrace_arch_read_dyn_info, (char *buf, int size), (buf, size))
THREAD_CONTEXT(ftrace_get_stats, (struct ftrace_stats *stats), (stats))
THREAD_CONTEXT(ftrace_set_print, (void (*print)(const char *line)), (print))

/* The C# side is told where the stack of the host ends: the library's own frames do not count. */
int thread_ftrace_check_stack(uintptr_t start, uintptr_t end, unsigned int timeout_ms, uintptr_t caller);
int ftrace_check_stack(uintptr_t start, uintptr_t end, unsigned int timeout_ms)
{
	struct ftrace_nmi_thread *thread = &ftrace_nmi_thread;
	int ret = begin_call(thread);

	if (ret != 0)
		return ret;
	ret = thread_ftrace_check_stack(start, end, timeout_ms, (uintptr_t)__builtin_frame_address(0));
	end_call(thread);
	return ret;
}

const char *ftrace_version(void)
{
	return FTRACE_BUILD_VERSION;
}
