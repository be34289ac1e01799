/* SPDX-License-Identifier: MIT */
/*
 * loader_hook.S - what the loader's r_brk jumps to: agent.c.
 *
 * All general registers are preserved: the loader's compiler may know that the function that
 * was empty changes none. Other registers are not changed.
 */

	.text
	.globl	ftrace_loader_hook
	.hidden	ftrace_loader_hook
	.type	ftrace_loader_hook, @function
	.p2align 4
ftrace_loader_hook:
	.cfi_startproc
	endbr64
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	and	$-16, %rsp
	call	loader_changed
	lea	-72(%rbp), %rsp
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size	ftrace_loader_hook, . - ftrace_loader_hook

	.section .note.GNU-stack, "", @progbits
