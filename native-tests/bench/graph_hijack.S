/* SPDX-License-Identifier: MIT */
/*
 * graph_hijack.S - a peer: the usual way to see the exit of a function. A call at its entry puts
 * the address of graph_hijack_return where the return address is. The function returns there,
 * which the processor has predicted to go to the caller; and from there to the caller, which it
 * cannot predict either.
 *
 * It saves what a call may change, as the library does, without the vector registers.
 */
	.macro	save
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	.endm

	.macro	restore
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	.endm

	.text
	.globl	graph_hijack_caller
	.type	graph_hijack_caller, @function
	.p2align 6
graph_hijack_caller:
	save
	mov	72(%rsp), %rsi			/* the function */
	lea	80(%rsp), %rdi			/* its return address */
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	graph_hijack_enter
	mov	%rbp, %rsp
	pop	%rbp
	restore
	ret
	.size	graph_hijack_caller, . - graph_hijack_caller

	.globl	graph_hijack_return
	.type	graph_hijack_return, @function
	.p2align 6
graph_hijack_return:
	lea	-8(%rsp), %rsp			/* for the return address */
	save
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	graph_hijack_exit
	mov	%rbp, %rsp
	pop	%rbp
	mov	%rax, 72(%rsp)
	restore
	ret
	.size	graph_hijack_return, . - graph_hijack_return

	.section .note.GNU-stack, "", @progbits
