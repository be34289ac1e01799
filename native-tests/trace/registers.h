/* SPDX-License-Identifier: MIT */
/*
 * registers.h - a call of a traced function with every register filled: general ones,
 * flags, and as many vector and mask registers as the CPU has.
 *
 * Included by one file of a program: it defines functions.
 */
#ifndef REGISTERS_H
#define REGISTERS_H

#include "../test.h"
#include "../traced.h"

#include <stddef.h>
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

_Static_assert(offsetof(struct registers, flags) == 120, "as in CALL_WITH");
_Static_assert(offsetof(struct registers, vectors) == 128, "as in CALL_WITH");
_Static_assert(offsetof(struct registers, masks) == 2176, "as in CALL_WITH");

/* The six that a program sees: carry, parity, adjust, zero, sign, overflow. */
#define SIX_FLAGS 0x8d5UL
#define DIRECTION 0x400UL

/*
 * All registers from *in, a call of traced_empty(), all to *out. With the stack as the
 * calling convention has it; and eight bytes off, as assembly may call its own.
 */
void call_with(const struct registers *in, struct registers *out);
void call_with_odd(const struct registers *in, struct registers *out);
/* Where they go on after the call. */
extern const char call_with_back[], call_with_odd_back[];

/* It does nothing. In assembly, so that the compiler adds nothing. */
void traced_empty(void);

/* 0 xmm, 1 ymm, 2 zmm and masks */
int vector_kind;

#define CALL_WITH(name, padding)                                                                   \
	".globl " name "\n.type " name ", @function\n" name ":\n"                                  \
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"                      \
	"	sub $" padding ", %rsp\n"                                                          \
	"	push %rsi\n"                                                                             \
	"	cmpl $1, vector_kind(%rip)\n"                                                            \
	"	je 1f\n"                                                                                 \
	"	jb 2f\n"                                                                                 \
	"	.irp "                                                                                   \
	"n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"    \
	"31\n"                                                                                     \
	"	vmovdqu64 128+64*\\n(%rdi), %zmm\\n\n"                                                   \
	"	.endr\n"                                                                                 \
	"	.irp n,0,1,2,3,4,5,6,7\n"                                                                \
	"	kmovq 2176+8*\\n(%rdi), %k\\n\n"                                                         \
	"	.endr\n"                                                                                 \
	"	jmp 3f\n"                                                                                \
	"1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                        \
	"	vmovdqu 128+64*\\n(%rdi), %ymm\\n\n"                                                     \
	"	.endr\n"                                                                                 \
	"	jmp 3f\n"                                                                                \
	"2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                        \
	"	movdqu 128+64*\\n(%rdi), %xmm\\n\n"                                                      \
	"	.endr\n"                                                                                 \
	"3:	push 120(%rdi); popfq\n"                                                               \
	"	mov 0(%rdi), %rax\n"                                                                     \
	"	mov 8(%rdi), %rbx\n"                                                                     \
	"	mov 16(%rdi), %rcx\n"                                                                    \
	"	mov 24(%rdi), %rdx\n"                                                                    \
	"	mov 32(%rdi), %rsi\n"                                                                    \
	"	mov 48(%rdi), %rbp\n"                                                                    \
	"	mov 56(%rdi), %r8\n"                                                                     \
	"	mov 64(%rdi), %r9\n"                                                                     \
	"	mov 72(%rdi), %r10\n"                                                                    \
	"	mov 80(%rdi), %r11\n"                                                                    \
	"	mov 88(%rdi), %r12\n"                                                                    \
	"	mov 96(%rdi), %r13\n"                                                                    \
	"	mov 104(%rdi), %r14\n"                                                                   \
	"	mov 112(%rdi), %r15\n"                                                                   \
	"	mov 40(%rdi), %rdi\n"                                                                    \
	"	call traced_empty\n"                                                                     \
	".globl " name "_back\n" name "_back:\n"                                                   \
	"	pushfq\n"                                                                                \
	"	cld\n"                                                                                   \
	"	push %rdi\n"                                                                             \
	"	mov 16(%rsp), %rdi\n"                                                                    \
	"	mov %rax, 0(%rdi)\n"                                                                     \
	"	mov %rbx, 8(%rdi)\n"                                                                     \
	"	mov %rcx, 16(%rdi)\n"                                                                    \
	"	mov %rdx, 24(%rdi)\n"                                                                    \
	"	mov %rsi, 32(%rdi)\n"                                                                    \
	"	popq 40(%rdi)\n"                                                                         \
	"	popq 120(%rdi)\n"                                                                        \
	"	mov %rbp, 48(%rdi)\n"                                                                    \
	"	mov %r8, 56(%rdi)\n"                                                                     \
	"	mov %r9, 64(%rdi)\n"                                                                     \
	"	mov %r10, 72(%rdi)\n"                                                                    \
	"	mov %r11, 80(%rdi)\n"                                                                    \
	"	mov %r12, 88(%rdi)\n"                                                                    \
	"	mov %r13, 96(%rdi)\n"                                                                    \
	"	mov %r14, 104(%rdi)\n"                                                                   \
	"	mov %r15, 112(%rdi)\n"                                                                   \
	"	cmpl $1, vector_kind(%rip)\n"                                                            \
	"	je 1f\n"                                                                                 \
	"	jb 2f\n"                                                                                 \
	"	.irp "                                                                                   \
	"n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"    \
	"31\n"                                                                                     \
	"	vmovdqu64 %zmm\\n, 128+64*\\n(%rdi)\n"                                                   \
	"	.endr\n"                                                                                 \
	"	.irp n,0,1,2,3,4,5,6,7\n"                                                                \
	"	kmovq %k\\n, 2176+8*\\n(%rdi)\n"                                                         \
	"	.endr\n"                                                                                 \
	"	jmp 3f\n"                                                                                \
	"1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                        \
	"	vmovdqu %ymm\\n, 128+64*\\n(%rdi)\n"                                                     \
	"	.endr\n"                                                                                 \
	"	jmp 3f\n"                                                                                \
	"2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                        \
	"	movdqu %xmm\\n, 128+64*\\n(%rdi)\n"                                                      \
	"	.endr\n"                                                                                 \
	"3:	add $8 + " padding ", %rsp\n"                                                      \
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"                            \
	"	ret\n"                                                                                   \
	".size " name ", . - " name "\n"

__asm__(".pushsection .text\n" CALL_WITH("call_with", "0") CALL_WITH("call_with_odd", "8")
	/* What the compiler would note for it. */
	".globl traced_empty\n.type traced_empty, @function\n"
	"traced_empty:\n"
	"	.cfi_startproc\n"
	"4:	nop; nop; nop; nop; nop\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size traced_empty, . - traced_empty\n"
	".popsection\n"
	".pushsection __patchable_function_entries, \"aw\", @progbits\n"
	"	.balign 8\n"
	"	.quad 4b\n"
	".popsection\n");

static inline void find_vector_kind(void)
{
	__builtin_cpu_init();
	vector_kind = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx");
}

static inline void fill(struct registers *regs, unsigned int seed)
{
	unsigned char *bytes = (unsigned char *)regs;

	for (size_t i = 0; i < sizeof(*regs); i++)
		bytes[i] = (seed = seed * 1103515245 + 12345) >> 16;
	regs->flags = (regs->flags & SIX_FLAGS) | 0x202;
}

static inline void check_same(const struct registers *actual, const struct registers *expected)
{
	size_t width = 16UL << vector_kind;

	for (int i = 0; i < 15; i++)
		CHECK_EQ(actual->general[i], expected->general[i]);
	CHECK_EQ(actual->flags & SIX_FLAGS, expected->flags & SIX_FLAGS);
	for (int i = 0; i < (vector_kind == 2 ? 32 : 16); i++)
		if (memcmp(actual->vectors[i], expected->vectors[i], width) != 0) {
			dprintf(2, "vector register %d\n", i);
			_exit(1);
		}
	for (int i = 0; vector_kind == 2 && i < 8; i++)
		CHECK_EQ(actual->masks[i], expected->masks[i]);
}

#endif /* REGISTERS_H */
