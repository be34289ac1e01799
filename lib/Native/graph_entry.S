/* SPDX-License-Identifier: MIT */
/*
 * graph_entry.S - the trampolines of calls whose exits are traced; included by trace_entry.S,
 * whose frames, marks and rules are also theirs.
 *
 * The entry of the function is a jump to a stub of the function's own, which pushes what a
 * call at the entry and a stub of a slot would have pushed:
 *
 *	push	where the function continues
 *	push	stub
 *	jmp	*ftrace_graph_caller
 *
 * So on entry the stack is as that of the other trampolines. It is a jump, and the trampoline
 * ends with a jump to a block (graph_blocks.S) or to the function, so that the processor's
 * stack of return addresses has no entry for it. There are no late calls: the set of ops is
 * that of the function, and is read after the mark.
 *
 * At the exit the block leaves the offset of the slot where the return address was. The true
 * one is put there first; below, there are the function's site and the slot, as if they were
 * pushed by a stub. What is saved is the same, although a caller expects most registers to be
 * changed: compilers that know a function may rely on those that it leaves alone (-fipa-ra).
 */

	/* The call of graph.c in a long entry. */
	.macro	graph_call name, kind
	.cfi_remember_state
	.cfi_def_cfa_register %r13
	save_vectors
	lea	FtraceRegs_Reserved(%r13), %rdi
	mov	%r13, %rsi
	mov	%rbp, %rdx
	cld
	.if	\kind == GRAPH_CALL
	call	ftrace_graph_call_full
	.else
	call	ftrace_graph_exit_full
	.endif
.Lreturn_\name:
	mov	%rax, %r14
	restore_vectors
	mov	%r13, %rsp
	.cfi_restore_state
	.endm

	/* The end of a long entry. */
	.macro	graph_out name, kind
	.if	\kind == GRAPH_CALL
	cmp	$GRAPH_UNSEEN, %r14
	ja	1f
	pop_regs
	lea	24(%rsp), %rsp			/* flags, stub, ip */
	.cfi_adjust_cfa_offset -24
	jmp	*-8(%rsp)			/* ip */
	.cfi_restore_state
	.cfi_remember_state
1:	mov	%r14, FtraceRegs_Reserved(%rsp)
	pop_regs
	lea	32(%rsp), %rsp			/* and the return address, which the block puts back */
	.cfi_adjust_cfa_offset -32
	jmp	*-24(%rsp)
	.else
	cmp	$GRAPH_UNSEEN, %r14
	jne	.Lseen_\name
	save_vectors
	.cfi_def_cfa_register %r13
	lea	FtraceRegs_Reserved(%r13), %rdi
	cld
	call	ftrace_graph_exit_unseen
	restore_vectors
	mov	%r13, %rsp
	.cfi_def_cfa_register %rsp
.Lseen_\name:
	pop_regs
	lea	24(%rsp), %rsp			/* flags, slot, site */
	.cfi_adjust_cfa_offset -24
	ret
	.endif
	.endm

	/* Sets the mark in a short entry: rdx is the thread's record. */
	.macro	graph_mark name
	mov	ftrace_nmi_thread@gottpoff(%rip), %rax
	mov	%fs:NmiThread_Tracer(%rax), %rdx
	mov	%fs:NmiThread_Saved(%rax), %rcx
	dec	%rcx				/* 1: not in an NMI */
	or	TraceThread_Mark(%rdx), %rcx
	jnz	.Luncommon_\name
	mov	%rsp, TraceThread_Mark(%rdx)
	.endm

	/* Clears it after the call of graph.c, whose result is in rax. */
	.macro	graph_unmark name
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rcx
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Lleave_\name			/* another stack's mark */
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
.Lleft_\name:
	.endm

	/* There are other marks besides ours. */
	.macro	graph_leave name
.Lleave_\name:
	push_reg rbp
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rax
	save_vectors
	mov	%fs:0, %rdi
	add	ftrace_nmi_thread@gottpoff(%rip), %rdi
	lea	8(%rbp), %rsi
	cld
	call	ftrace_leave_mark
	restore_vectors
	mov	-8(%rbp), %rax
	mov	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	pop_reg rbp
	jmp	.Lleft_\name
	.endm

	.macro	push_saved
	push_reg rax
	lahf
	seto	%al
	push	%rax
	.cfi_adjust_cfa_offset 8
	.irp	reg, rdi, rsi, rdx, rcx, r8, r9, r10, r11
	push_reg \reg
	.endr
	.endm

	/* Calls a function of graph.c from a short entry. */
	.macro	graph_short_call name, function
	push_reg rbp
	mov	%rsp, %rbp
	.cfi_remember_state
	.cfi_def_cfa_register %rbp
	and	$-16, %rsp
	cld
	call	\function
.Lreturn_\name:
	mov	%rbp, %rsp
	.cfi_restore_state
	pop_reg rbp
	.endm

	entry	ftrace_graph_regs_caller, 1, GRAPH_CALL
	entry	ftrace_graph_regs_return, 1, GRAPH_RETURN

	.p2align 6
	uncommon ftrace_graph_caller, ftrace_graph_regs_caller, GRAPH_CALL
	.globl	ftrace_graph_caller
	.hidden	ftrace_graph_caller
	.type	ftrace_graph_caller, @function
	.p2align 6
ftrace_graph_caller:
	push_saved
	graph_mark ftrace_graph_caller
	mov	SAVED_STUB(%rsp), %rax
	mov	StubArea_GraphSet(%rax), %rax
	mov	(%rax), %rsi			/* the ops */
	test	%rsi, ftrace_graph_sets+GraphSets_Full(%rip)
	jnz	.Lfull_ftrace_graph_caller
	lea	SAVED_STUB(%rsp), %rdi
	graph_short_call ftrace_graph_caller, ftrace_graph_call
	cmp	$GRAPH_FULL, %rax
	je	.Lfull_ftrace_graph_caller
	graph_unmark ftrace_graph_caller
	test	%rax, %rax
	jz	1f
	mov	%rax, SAVED_STUB(%rsp)
	.cfi_remember_state
	pop_saved
	lea	24(%rsp), %rsp			/* stub, ip, and the return address, which the block puts back */
	.cfi_adjust_cfa_offset -24
	jmp	*-24(%rsp)
	.cfi_restore_state
	.cfi_remember_state
1:	pop_saved
	lea	16(%rsp), %rsp			/* stub, ip */
	.cfi_adjust_cfa_offset -16
	jmp	*-8(%rsp)
	.cfi_restore_state
.Lfull_ftrace_graph_caller:
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rcx
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Luncommon_ftrace_graph_caller
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
	jmp	.Luncommon_ftrace_graph_caller
	graph_leave ftrace_graph_caller
	.cfi_endproc
	.size	ftrace_graph_caller, . - ftrace_graph_caller

	.p2align 6
	uncommon ftrace_graph_return, ftrace_graph_regs_return, GRAPH_RETURN
	.cfi_endproc

	/*
	 * Until the true return address is where it was, it is in the slot, whose offset is there.
	 * The slots are found as in graph_blocks.S: by rip, and by a word at a multiple of 256.
	 */
	.globl	ftrace_graph_return
	.hidden	ftrace_graph_return
	.type	ftrace_graph_return, @function
	.p2align 8
	.quad	ftrace_graph_slots - .
	.cfi_startproc
	.cfi_def_cfa_offset 8
	/* *(CFA - 8) + header + *header; header = rip & -256 */
	.cfi_escape 0x10, 0x10, 0x0d, 0x38, 0x1c, 0x06, 0x80,0x00, 0x0b,0x00,0xff, 0x1a, 0x12, 0x06, 0x22, 0x22
	.p2align 4, 0x90
ftrace_graph_return:
	lea	-16(%rsp), %rsp			/* the site and the slot */
	.cfi_adjust_cfa_offset 16
	push_saved
	mov	SAVED_PARENT(%rsp), %esi
	lea	ftrace_graph_slots(%rip), %rdi
	add	%rdi, %rsi
	mov	%rsi, SAVED_STUB(%rsp)
	mov	GraphSlot_Site(%rsi), %rdi
	mov	%rdi, SAVED_IP(%rsp)
	mov	GraphSlot_Ret(%rsi), %rdi
	mov	%rdi, SAVED_PARENT(%rsp)
	.cfi_offset rip, -8
	.if	. - ftrace_graph_return > 256 - 16
	.error	"too long"
	.endif
	graph_mark ftrace_graph_return
	mov	%rdx, %rsi
	lea	SAVED_STUB(%rsp), %rdi
	graph_short_call ftrace_graph_return, ftrace_graph_exit
	cmp	$GRAPH_FULL, %rax
	je	.Lfull_ftrace_graph_return
	graph_unmark ftrace_graph_return
	.cfi_remember_state
	pop_saved
	lea	16(%rsp), %rsp			/* the slot and the site */
	.cfi_adjust_cfa_offset -16
	ret
	.cfi_restore_state
.Lfull_ftrace_graph_return:
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rcx
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Luncommon_ftrace_graph_return
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
	jmp	.Luncommon_ftrace_graph_return
	graph_leave ftrace_graph_return
	.cfi_endproc
	.size	ftrace_graph_return, . - ftrace_graph_return
