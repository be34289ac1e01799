/* SPDX-License-Identifier: MIT */
/*
 * preserve.c - a traced call leaves every register as it is: general ones, flags,
 * and as many vector and mask registers as the CPU has.
 */
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct registers {
	uint64_t general[15]; /* rax rbx rcx rdx rsi rdi rbp r8-r15 */
	uint64_t flags;
	unsigned char vectors[32][64] __attribute__((aligned(64)));
	uint64_t masks[8];
};

void call_with(const struct registers *in, struct registers *out);
void traced_empty(void);

static struct registers in_regs, out_regs;
/* 0 xmm, 1 ymm, 2 zmm and masks */
int vector_kind;

/*
 * call_with(in, out): all registers from *in, a call of traced_empty(), all to *out.
 * traced_empty() is in assembly so that the compiler adds nothing.
 */
__asm__(".pushsection .text\n"
	".globl call_with\n.type call_with, @function\n"
	"call_with:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	push %rsi\n"
	"	cmpl $1, vector_kind(%rip)\n"
	"	je 1f\n"
	"	jb 2f\n"
	"	.irp "
	"n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	vmovdqu64 128+64*\\n(%rdi), %zmm\\n\n"
	"	.endr\n"
	"	.irp n,0,1,2,3,4,5,6,7\n"
	"	kmovq 2176+8*\\n(%rdi), %k\\n\n"
	"	.endr\n"
	"	jmp 3f\n"
	"1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	vmovdqu 128+64*\\n(%rdi), %ymm\\n\n"
	"	.endr\n"
	"	jmp 3f\n"
	"2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movdqu 128+64*\\n(%rdi), %xmm\\n\n"
	"	.endr\n"
	"3:	push 120(%rdi); popfq\n"
	"	mov 0(%rdi), %rax\n"
	"	mov 8(%rdi), %rbx\n"
	"	mov 16(%rdi), %rcx\n"
	"	mov 24(%rdi), %rdx\n"
	"	mov 32(%rdi), %rsi\n"
	"	mov 48(%rdi), %rbp\n"
	"	mov 56(%rdi), %r8\n"
	"	mov 64(%rdi), %r9\n"
	"	mov 72(%rdi), %r10\n"
	"	mov 80(%rdi), %r11\n"
	"	mov 88(%rdi), %r12\n"
	"	mov 96(%rdi), %r13\n"
	"	mov 104(%rdi), %r14\n"
	"	mov 112(%rdi), %r15\n"
	"	mov 40(%rdi), %rdi\n"
	"	call traced_empty\n"
	"	pushfq\n"
	"	push %rdi\n"
	"	mov 16(%rsp), %rdi\n"
	"	mov %rax, 0(%rdi)\n"
	"	mov %rbx, 8(%rdi)\n"
	"	mov %rcx, 16(%rdi)\n"
	"	mov %rdx, 24(%rdi)\n"
	"	mov %rsi, 32(%rdi)\n"
	"	popq 40(%rdi)\n"
	"	popq 120(%rdi)\n"
	"	mov %rbp, 48(%rdi)\n"
	"	mov %r8, 56(%rdi)\n"
	"	mov %r9, 64(%rdi)\n"
	"	mov %r10, 72(%rdi)\n"
	"	mov %r11, 80(%rdi)\n"
	"	mov %r12, 88(%rdi)\n"
	"	mov %r13, 96(%rdi)\n"
	"	mov %r14, 104(%rdi)\n"
	"	mov %r15, 112(%rdi)\n"
	"	cmpl $1, vector_kind(%rip)\n"
	"	je 1f\n"
	"	jb 2f\n"
	"	.irp "
	"n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	vmovdqu64 %zmm\\n, 128+64*\\n(%rdi)\n"
	"	.endr\n"
	"	.irp n,0,1,2,3,4,5,6,7\n"
	"	kmovq %k\\n, 2176+8*\\n(%rdi)\n"
	"	.endr\n"
	"	jmp 3f\n"
	"1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	vmovdqu %ymm\\n, 128+64*\\n(%rdi)\n"
	"	.endr\n"
	"	jmp 3f\n"
	"2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movdqu %xmm\\n, 128+64*\\n(%rdi)\n"
	"	.endr\n"
	"3:	add $8, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".size call_with, . - call_with\n"
	/* What the compiler would note for it. */
	".globl traced_empty\n.type traced_empty, @function\n"
	"traced_empty:\n"
	"4:	nop; nop; nop; nop; nop\n"
	"	ret\n"
	".size traced_empty, . - traced_empty\n"
	".popsection\n"
	".pushsection __patchable_function_entries, \"aw\", @progbits\n"
	"	.balign 8\n"
	"	.quad 4b\n"
	".popsection\n");

_Static_assert(offsetof(struct registers, flags) == 120, "as above");
_Static_assert(offsetof(struct registers, vectors) == 128, "as above");
_Static_assert(offsetof(struct registers, masks) == 2176, "as above");

static unsigned long hits;

__attribute__((target("avx512f,avx512bw"))) static void clobber_zmm(void)
{
	__asm__ __volatile__(".irp "
			     "n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,"
			     "25,26,27,28,29,30,31\n"
			     "vpternlogd $0xff, %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
			     ".endr\n"
			     ".irp n,0,1,2,3,4,5,6,7\n"
			     "kxnorq %%k\\n, %%k\\n, %%k\\n\n"
			     ".endr\n" ::
				     : "memory");
}

static void clobber_vectors(void)
{
	if (vector_kind == 2)
		clobber_zmm();
	else if (vector_kind == 1)
		__asm__ __volatile__("vzeroall" ::: "memory");
	__asm__ __volatile__(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
			     "pcmpeqb %%xmm\\n, %%xmm\\n\n.endr" ::
				     : "memory");
}

static void clobber(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip;
	CHECK(!regs == !(ops->flags & FTRACE_OPS_FL_SAVE_REGS));
	hits++;
	if (!(ops->flags & FTRACE_OPS_FL_NO_VECTORS))
		clobber_vectors();
	__asm__ __volatile__("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx\n"
			     "xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d\n"
			     "xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::
				     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				       "cc", "memory");
}

/* In place of the handlers: whatever they leave alone, it does not. */
static void clobber_all(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *regs)
{
	ops->func(ip, parent_ip, ops, regs);
	clobber_vectors();
}

static void fill(unsigned int seed)
{
	unsigned char *bytes = (unsigned char *)&in_regs;

	for (size_t i = 0; i < sizeof(in_regs); i++)
		bytes[i] = (seed = seed * 1103515245 + 12345) >> 16;
	memset(&out_regs, 0, sizeof(out_regs));
}

static void *check_all(void *arg)
{
	/* The six that a program sees: carry, parity, adjust, zero, sign, overflow. */
	static const uint64_t bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800};

	for (unsigned int round = 0; round < 64; round++) {
		size_t width = 16UL << vector_kind;

		fill(round + 1);
		in_regs.flags = 0x202;
		for (int i = 0; i < 6; i++)
			in_regs.flags |= round >> i & 1 ? bits[i] : 0;
		call_with(&in_regs, &out_regs);
		for (int i = 0; i < 15; i++)
			CHECK_EQ(out_regs.general[i], in_regs.general[i]);
		CHECK_EQ(out_regs.flags & 0xcd5, in_regs.flags & 0xcd5);
		for (int i = 0; i < (vector_kind == 2 ? 32 : 16); i++)
			if (memcmp(out_regs.vectors[i], in_regs.vectors[i], width) != 0) {
				dprintf(2, "vector register %d\n", i);
				_exit(1);
			}
		for (int i = 0; vector_kind == 2 && i < 8; i++)
			CHECK_EQ(out_regs.masks[i], in_regs.masks[i]);
	}
	return arg;
}

int main(void)
{
	struct ftrace_ops ops[] = {
		OPS(clobber, .flags = FTRACE_OPS_FL_NO_VECTORS),
		OPS(clobber, .flags = FTRACE_OPS_FL_NO_VECTORS | FTRACE_OPS_FL_SAVE_REGS),
		OPS(clobber),
		OPS(clobber, .flags = FTRACE_OPS_FL_SAVE_REGS),
	};

	__builtin_cpu_init();
	vector_kind = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx");
	check_all(NULL);
	for (int way = 1; way < 32; way++) {
		unsigned long handlers = 0;
		int set = way & 15;

		CHECK_EQ(ftrace_update_ftrace_func(way & 16 ? clobber_all : NULL), 0);

		for (int i = 0; i < 4; i++) {
			if (set >> i & 1) {
				trace(&ops[i], "traced_empty");
				handlers++;
			}
		}
		hits = 0;
		/* The first call of a thread takes another way, and so does one in an NMI. */
		join(start(check_all, NULL));
		check_all(NULL);
		ftrace_nmi_enter();
		check_all(NULL);
		ftrace_nmi_exit();
		CHECK_EQ(hits, 3 * 64 * handlers);
		for (int i = 0; i < 4; i++) {
			if (set >> i & 1)
				untrace(&ops[i]);
		}
	}
	CHECK_EQ(ftrace_update_ftrace_func(NULL), 0);
	hits = 0;
	check_all(NULL);
	CHECK_EQ(hits, 0);
	dprintf(1, "%d-bit vectors\n", 128 << vector_kind);
	return 0;
}
