/* SPDX-License-Identifier: MIT */
/*
 * serialize.S - two ways to execute a serializing instruction.
 *
 * Intel SDM vol. 3A 8.1.3 and 8.3, AMD APM vol. 2 7.6.4: a CPU that executes
 * modified code must execute a serializing instruction first. In user mode
 * these are SERIALIZE (not on all CPUs), IRET and CPUID. CPUID exits from a virtual
 * machine, which takes microseconds, so an IRET to the next instruction is used, as in
 * the kernel's sync_core(). With a user shadow stack IRET would need a frame there; then
 * CPUID is used.
 */

	.text
	.globl	sync_core_serialize
	.hidden	sync_core_serialize
	.type	sync_core_serialize, @function
	.p2align 4
sync_core_serialize:
	.cfi_startproc
	.byte	0x0f, 0x01, 0xe8		/* serialize */
	ret
	.cfi_endproc
	.size	sync_core_serialize, . - sync_core_serialize

	.globl	sync_core_iret
	.hidden	sync_core_iret
	.type	sync_core_iret, @function
	.p2align 4
sync_core_iret:
	.cfi_startproc
	xor	%eax, %eax
	.byte	0xf3, 0x48, 0x0f, 0x1e, 0xc8	/* rdsspq %rax; a nop without shadow stack */
	test	%rax, %rax
	jnz	2f
	mov	%rsp, %rdx
	mov	%ss, %eax
	push	%rax
	.cfi_adjust_cfa_offset 8
	push	%rdx
	.cfi_adjust_cfa_offset 8
	pushfq
	.cfi_adjust_cfa_offset 8
	mov	%cs, %eax
	push	%rax
	.cfi_adjust_cfa_offset 8
	lea	1f(%rip), %rax
	push	%rax
	.cfi_adjust_cfa_offset 8
	iretq
	.cfi_adjust_cfa_offset -40
1:	ret
2:	mov	%rbx, %rsi
	.cfi_register %rbx, %rsi
	xor	%eax, %eax
	cpuid
	mov	%rsi, %rbx
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size	sync_core_iret, . - sync_core_iret

	.section .note.GNU-stack, "", @progbits
