/* SPDX-License-Identifier: MIT */
/*
 * syscall.S - two system calls that do not return to their caller's frame: clone(2)
 * with another stack, and the return from a signal handler.
 */

#include "native.h"

	.text

	/*
	 * long raw_clone(void (*fn)(void *data), void *data, void *stack, unsigned long flags)
	 *
	 * For a process that shares memory with this one: fn must not use the C library,
	 * which does not know its thread. The C library's clone() is not used either: it may
	 * be the code that is being patched.
	 */
	.globl	raw_clone
	.hidden	raw_clone
	.type	raw_clone, @function
	.p2align 4
raw_clone:
	.cfi_startproc
	mov	%rdi, %r8
	mov	%rsi, %r9
	mov	%rdx, %rsi
	mov	%rcx, %rdi
	xor	%edx, %edx
	xor	%r10d, %r10d
	mov	$56, %eax
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	.cfi_undefined %rip
	xor	%ebp, %ebp
	mov	%r9, %rdi
	call	*%r8
	xor	%edi, %edi
	mov	$60, %eax			/* exit: the process has this thread only */
	syscall
	hlt
	.cfi_endproc
	.size	raw_clone, . - raw_clone

	/*
	 * Unwinders and debuggers recognize a signal frame by exactly these bytes. Other copies
	 * of the library in this process recognize ours by a word before them, and find this
	 * copy's struct turn by the word after that one: lib/Stop/StopTurn.cs.
	 */
	.globl	ftrace_restore_rt
	.hidden	ftrace_restore_rt
	.type	ftrace_restore_rt, @function
	.p2align 4
	.skip	15, 0x90
.Lmark:	.ascii	"ftrace\0\1"
.Lturn:	.quad	ftrace_turn - .
	nop					/* unwinders look up the byte before the return address */
ftrace_restore_rt:
	.if	ftrace_restore_rt - .Lmark != StopTurn_MarkOffset || ftrace_restore_rt - .Lturn != StopTurn_TurnOffset
	.error	"other copies would not find the mark"
	.endif
	mov	$15, %rax
	syscall
	.size	ftrace_restore_rt, . - ftrace_restore_rt

	.section .note.GNU-stack, "", @progbits
