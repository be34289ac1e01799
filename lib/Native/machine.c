/* SPDX-License-Identifier: MIT */
/*
 * machine.c - features of the processor, and the stack that its registers need.
 */
#include "native.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>

#define CURRENT_CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

unsigned int ftrace_vectors;
unsigned long ftrace_vectors_size;

int has_serialize(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 14 & 1;
}

/*
 * The TSC runs at the same rate in all states of the processor, and on all CPUs: if the kernel, which compares
 * them, uses it; or says nothing about it, but the processor does. Source: arch/x86/kernel/tsc.c.
 */
int has_steady_tsc(void)
{
	unsigned int a, b, c, d;
	char name[16] = "";
	long file = raw_syscall(SYS_openat, AT_FDCWD, (long)CURRENT_CLOCKSOURCE, O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (file >= 0) {
		raw_syscall(SYS_read, file, (long)name, sizeof(name) - 1, 0, 0, 0);
		raw_syscall(SYS_close, file, 0, 0, 0, 0, 0);
		if (strncmp(name, "tsc", 3) == 0)
			return 1;
		/* These two are made of it; another one shows that it is not steady. */
		if (strncmp(name, "kvm-clock", 9) != 0 && strncmp(name, "hyperv_clocksou", 15) != 0)
			return 0;
	}
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && d >> 8 & 1;
}

/*
 * A trap handler that emulates a call writes the return address to the stack, but
 * cannot write it to a user shadow stack. Valgrind does not execute the text itself,
 * but an earlier translation of it; it recognizes exactly these rotations of rdi and this
 * exchange, which otherwise do nothing, and sets rdx (valgrind.h).
 */
int forbids_breakpoints(void)
{
	unsigned long shadow_stack = 0, under_valgrind = 0;
	unsigned long request[6] = {0x1001 /* RUNNING_ON_VALGRIND */};

	__asm__ __volatile__(".byte 0xf3, 0x48, 0x0f, 0x1e, 0xc8" /* rdsspq %rax */
			     : "+a"(shadow_stack));
	__asm__ __volatile__("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n"
			     "xchgq %%rbx, %%rbx"
			     : "+d"(under_valgrind)
			     : "a"(request)
			     : "cc", "memory");
	return (shadow_stack ? NativeTable_ShadowStack : 0) |
	       (under_valgrind ? NativeTable_UnderValgrind : 0);
}

/* Finds which vector registers the CPU has and the system saves: Intel SDM vol. 1 13.3, 15.2. */
void measure_vectors(void)
{
	const unsigned int avx = 0x6, avx512 = 0xe6; /* in XCR0 */
	unsigned int a, b, c, d, enabled = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE)
		__asm__("xgetbv" : "=a"(enabled), "=d"(d) : "c"(0));
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		b = 0;
	if ((enabled & avx512) == avx512 && b & bit_AVX512F && b & bit_AVX512BW) {
		ftrace_vectors = 2;
		ftrace_vectors_size = 32 * 64 + 8 * 8;
	} else if ((enabled & avx) == avx) {
		ftrace_vectors = 1;
		ftrace_vectors_size = 16 * 32;
	} else {
		ftrace_vectors_size = 16 * 16;
	}
}

/*
 * The stack that the kernel uses for a signal frame, with the red zone. Kernels before
 * 5.14 do not report it; then it is the size that xsave needs, and 1 KB for everything else.
 */
static long signal_frame(void)
{
	const long red_zone = 128;
	unsigned long frame = getauxval(AT_MINSIGSTKSZ);
	unsigned int a, size, c, d;

	if (frame == 0)
		frame = (__get_cpuid_count(0xd, 0, &a, &size, &c, &d) ? size : 512) + 1024;
	return (long)frame + red_zone;
}

EXPORT long ftrace_stack_size(int what)
{
	switch (what) {
	case FTRACE_STACK_SIGNAL:
		return signal_frame();
	case FTRACE_STACK_STOP:
	case FTRACE_STACK_BREAKPOINT:
		return signal_frame() + FTRACE_STACK_OWN;
	case FTRACE_STACK_BRACKET:
	case FTRACE_STACK_CALL:
		return FTRACE_STACK_OWN;
	case FTRACE_STACK_CALL_VECTORS:
		if (ftrace_vectors_size == 0)
			measure_vectors(); /* called before the constructor */
		return FTRACE_STACK_OWN + (long)ftrace_vectors_size;
	default:
		return -EINVAL;
	}
}
