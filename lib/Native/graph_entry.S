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

#define BLOCKS_SIZE	(GraphSlots_Chunks * GraphSlots_PerChunk * GraphSlots_BlockSize)
#define CHUNK_SIZE	(GraphSlots_PerChunk * GraphSlot_SizeOf)

	.if	GraphSlot_SizeOf != 1 << 7 || OpsEntry_SizeOf != 1 << 4
	.error	"the shifts are wrong"
	.endif

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

	/* As if the call had gone to the long entry. */
	.macro	graph_full name
.Lfull_\name:
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rcx
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Luncommon_\name
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
	jmp	.Luncommon_\name
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

	/* free_slot(): the slot is in r8, the thread's record in rdx. */
	.macro	graph_free
	mov	%r8, %rax
	and	$-CHUNK_SIZE, %rax
	lea	TraceThread_GraphCursor(%rdx), %rsi
	xor	%ecx, %ecx
	cmp	GraphHeader_Cursor(%rax), %rsi
	jne	.Lother_\@
	lea	ftrace_graph_slots(%rip), %rax
	mov	(%rsi), %rcx
	mov	%r8, %rdi
	sub	%rax, %rdi
	mov	%rdi, (%rsi)
.Lother_\@:
	mov	%rcx, GraphSlot_Next(%r8)
	movq	$0, GraphSlot_Word(%r8)
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

	/*
	 * Recording, recorder.c: a call whose function only the recorder wants is recorded here, without
	 * a handler, with no mark, and with nothing saved but what is changed. There is nothing to
	 * be marked: no code of the host's runs, and a handler of a signal that interrupts this may be
	 * recorded. The rings are not freed before no thread is between record_begin and record_end.
	 * Whatever is not usual is left to the general path, and to recorder.c.
	 */
#define FIRST_STUB	(SAVED_STUB - 16)
#define FIRST_IP	(SAVED_IP - 16)
#define FIRST_PARENT	(SAVED_PARENT - 16)

	/*
	 * Writes the event rcx of the thread rdx, whose tag and time are made here; the place is
	 * taken first, so what comes in between comes after it. Changes rax, rdx, rsi, r9.
	 *
	 * A handler that interrupts this may enter another block. The place is good if the end is the
	 * same before and after, and beyond it.
	 *
	 * With two units, the second one has the address r8, and comes second.
	 */
	.macro	record_event name, units=1
	mov	TraceThread_Ring(%rdx), %rsi
	mov	Ring_End(%rsi), %rax
	mov	$16*\units, %r9d
	xadd	%r9, Ring_Pos(%rsi)
	cmp	Ring_End(%rsi), %rax
	jne	.Lrecord_slow_\name
	.if	\units == 2
	add	$16, %r9
	cmp	%rax, %r9
	lea	-16(%r9), %r9
	.else
	cmp	%rax, %r9
	.endif
	jae	.Lrecord_slow_\name
	rdtsc
	shl	$36, %rdx
	shl	$4, %rax
	or	%rdx, %rax
	mov	%r9d, %edx
	and	$15, %edx
	or	%rdx, %rax
	and	$-16, %r9
	mov	%rcx, 8(%r9)
	mov	%rax, (%r9)
	.if	\units == 2
	shl	$8, %r8
	or	%r8, %rdx
	mov	%rdx, 16(%r9)
	.endif
.Lrecorded_\name:
	.endm

	/* There was no place; r9: the one that is not good. Preserves r8 and rdi, as far as they are needed. */
	.macro	record_slow name, function, keeps_r8=1, keeps_rdi=0
.Lrecord_slow_\name:
	push_reg r10
	push_reg r11
	push_reg rbp
	mov	%rsp, %rbp
	.cfi_remember_state
	.cfi_def_cfa_register %rbp
	.if	\keeps_r8
	push	%r8
	.endif
	.if	\keeps_rdi
	push	%rdi
	.endif
	and	$-16, %rsp
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r9, %rdx
	mov	%r8, %rcx
	cld
	call	\function
	.if	\keeps_r8
	mov	-8(%rbp), %r8
	.endif
	.if	\keeps_rdi
	mov	-16(%rbp), %rdi
	.endif
	mov	%rbp, %rsp
	.cfi_restore_state
	pop_reg rbp
	pop_reg r11
	pop_reg r10
	jmp	.Lrecorded_\name
	.endm

	/* Is the thread outside of NMIs and handlers? rdx: its record. Changes rax and rcx. */
	.macro	record_check other
	mov	ftrace_nmi_thread@gottpoff(%rip), %rax
	mov	%fs:NmiThread_Tracer(%rax), %rdx
	mov	%fs:NmiThread_Saved(%rax), %rcx
	dec	%rcx
	or	TraceThread_Mark(%rdx), %rcx
	jnz	\other
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
	push_saved_first
	mov	FIRST_STUB(%rsp), %rax
	mov	StubArea_GraphSet(%rax), %rax
	mov	(%rax), %r9			/* the ops */
	cmp	ftrace_graph_sets+GraphSets_Recorded(%rip), %r9
	jne	.Lentry_ftrace_graph_caller

	/* Nested in the innermost call, and not called in place of a return? */
	record_check .Lnot_recorded_ftrace_graph_caller
	mov	TraceThread_GraphTop(%rdx), %rcx
	lea	ftrace_graph_slots(%rip), %rdi
	movzwl	%cx, %eax
	shl	$7, %eax
	add	%rdi, %rax
	lea	FIRST_PARENT+8(%rsp), %rsi
	cmp	GraphSlot_Id(%rax), %rcx
	jne	.Lnot_recorded_ftrace_graph_caller
	cmp	GraphSlot_Word(%rax), %rsi
	jae	.Lnot_recorded_ftrace_graph_caller
	mov	FIRST_PARENT(%rsp), %r8
	lea	ftrace_graph_blocks(%rip), %rax
	neg	%rax
	add	%r8, %rax
	cmp	$BLOCKS_SIZE, %rax
	jb	.Lnot_recorded_ftrace_graph_caller

	/* take_slot() */
	add	TraceThread_GraphCursor(%rdx), %rdi
	cmpq	$0, GraphSlot_Word(%rdi)
	jne	.Lnot_recorded_ftrace_graph_caller
	xor	%eax, %eax
	add	$GraphSlot_Claiming, %rsi
	cmpxchg	%rsi, GraphSlot_Word(%rdi)
	jne	.Lnot_recorded_ftrace_graph_caller
	mov	%r8, GraphSlot_Ret(%rdi)
	sub	$GraphSlot_Claiming, %rsi
	mov	%rsi, GraphSlot_Word(%rdi)
	mov	GraphSlot_Next(%rdi), %rax
	mov	%rax, TraceThread_GraphCursor(%rdx)
	addq	$0x10000, GraphSlot_Id(%rdi)

	mov	%rcx, GraphSlot_Parent(%rdi)
	movzwl	%cx, %eax
	shl	$7, %eax
	lea	ftrace_graph_slots(%rip), %rsi
	mov	GraphSlot_Depth(%rsi,%rax), %eax
	inc	%eax
	mov	%rax, GraphSlot_Depth(%rdi)	/* and call.flags */
	mov	%r9, GraphSlot_Wanted(%rdi)	/* and no flags */
	mov	FIRST_IP(%rsp), %rcx
	mov	%rcx, GraphSlot_Ip(%rdi)
	sub	$X86Instruction_CallSize, %rcx
	mov	%rcx, GraphSlot_Site(%rdi)
	mov	%r8, GraphSlot_ParentIp(%rdi)
	movq	$0, GraphSlot_CallData(%rdi)
	mov	GraphSlot_Id(%rdi), %rax
	mov	%rax, TraceThread_GraphTop(%rdx)
	movzwl	%ax, %eax
	shl	$16, %rcx
	or	%rax, %rcx
	/* block_of() */
	mov	%rdi, %r8
	sub	%rsi, %r8
	shr	$3, %r8
	lea	ftrace_graph_blocks(%rip), %rax
	add	%rax, %r8
	record_event call
	mov	%r8, FIRST_STUB(%rsp)
	.cfi_remember_state
	pop_saved_first
	lea	24(%rsp), %rsp			/* stub, ip, and the return address, which the block puts back */
	.cfi_adjust_cfa_offset -24
	jmp	*-24(%rsp)

	.cfi_restore_state
	.cfi_remember_state
	record_slow call, ftrace_record_slow
	.cfi_restore_state

	/* Only its entry is recorded, and from where it is called? */
.Lentry_ftrace_graph_caller:
	cmp	ftrace_graph_sets+GraphSets_RecordedEntries(%rip), %r9
	jne	.Lnot_recorded_ftrace_graph_caller
	record_check .Lnot_recorded_ftrace_graph_caller
	mov	FIRST_IP(%rsp), %rcx
	sub	$X86Instruction_CallSize, %rcx
	shl	$16, %rcx
	add	$TraceEvent_Function << 4 | 1 << 8, %rcx
	mov	FIRST_PARENT(%rsp), %r8
	record_event entry, 2
	.cfi_remember_state
	pop_saved_first
	lea	16(%rsp), %rsp			/* stub, ip */
	.cfi_adjust_cfa_offset -16
	jmp	*-8(%rsp)

	.cfi_restore_state
	.cfi_remember_state
	record_slow entry, ftrace_record_slow_entry, keeps_r8=0
	.cfi_restore_state

.Lnot_recorded_ftrace_graph_caller:
	push_saved_rest
	graph_mark ftrace_graph_caller
	mov	SAVED_STUB(%rsp), %rax
	mov	StubArea_GraphSet(%rax), %rax
	mov	(%rax), %rsi
	test	%rsi, ftrace_graph_sets+GraphSets_Full(%rip)
	jnz	.Lfull_ftrace_graph_caller

	/*
	 * From here on this is ftrace_graph_call() for a function with one ops that has both handlers:
	 * graph.c has the reasons. Whatever is not usual is left to that.
	 */
	lea	-1(%rsi), %rax
	test	%rsi, %rax
	jnz	.Lcall_graph_c
	test	%rsi, %rsi
	jz	.Lcall_graph_c			/* none */
	tzcnt	%rsi, %rax			/* old processors take it for bsf */
	shl	$4, %eax
	add	native+NativeTable_OpsTable(%rip), %rax
	mov	(%rax), %r11
	test	%r11, %r11
	jz	.Lcall_graph_c
	cmpq	$0, FtraceGraphOps_Entryfunc(%r11)
	je	.Lcall_graph_c
	cmpq	$0, FtraceGraphOps_Retfunc(%r11)
	je	.Lcall_graph_c
	cmpl	$0, FtraceGraphOps_MaxDepth(%r11)
	jne	.Lcall_graph_c

	/* Is it nested in the innermost call, and not called in place of a return? */
	mov	TraceThread_GraphTop(%rdx), %rcx
	lea	ftrace_graph_slots(%rip), %r8
	movzwl	%cx, %eax
	shl	$7, %eax
	add	%r8, %rax
	lea	SAVED_PARENT+8(%rsp), %r9
	cmp	GraphSlot_Id(%rax), %rcx
	jne	.Lcall_graph_c
	cmp	GraphSlot_Word(%rax), %r9
	jae	.Lcall_graph_c
	mov	SAVED_PARENT(%rsp), %rdi
	lea	ftrace_graph_blocks(%rip), %r10
	neg	%r10
	add	%rdi, %r10
	cmp	$BLOCKS_SIZE, %r10
	jb	.Lcall_graph_c
	mov	GraphSlot_Depth(%rax), %r10d

	/* take_slot() */
	add	TraceThread_GraphCursor(%rdx), %r8
	cmpq	$0, GraphSlot_Word(%r8)
	jne	.Lcall_graph_c
	xor	%eax, %eax
	add	$GraphSlot_Claiming, %r9
	cmpxchg	%r9, GraphSlot_Word(%r8)
	jne	.Lcall_graph_c
	mov	%rdi, GraphSlot_Ret(%r8)
	sub	$GraphSlot_Claiming, %r9
	mov	%r9, GraphSlot_Word(%r8)
	mov	GraphSlot_Next(%r8), %rax
	mov	%rax, TraceThread_GraphCursor(%rdx)
	addq	$0x10000, GraphSlot_Id(%r8)
	mov	%r8, SAVED_STUB(%rsp)

	inc	%r10d
	mov	SAVED_IP(%rsp), %rax
	mov	%rcx, GraphSlot_Parent(%r8)
	mov	%rsi, GraphSlot_Wanted(%r8)	/* and no flags */
	mov	%r10, GraphSlot_Depth(%r8)	/* and call.flags */
	mov	%rax, GraphSlot_Ip(%r8)
	sub	$X86Instruction_CallSize, %rax
	mov	%rdi, GraphSlot_ParentIp(%r8)
	mov	%rax, GraphSlot_Site(%r8)
	movq	$0, GraphSlot_CallData(%r8)

	push_reg rbp
	mov	%rsp, %rbp
	.cfi_remember_state
	.cfi_def_cfa_register %rbp
	and	$-16, %rsp
	lea	GraphSlot_Call(%r8), %rdi
	mov	%r11, %rsi
	xor	%edx, %edx			/* no registers */
	call	*FtraceGraphOps_Entryfunc(%r11)
.Lreturn_graph_entry_handler:
	mov	%rbp, %rsp
	.cfi_restore_state
	pop_reg rbp

	mov	SAVED_STUB(%rsp), %r8
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rdx
	test	%eax, %eax
	jz	.Lunwanted_ftrace_graph_caller
	mov	GraphSlot_Id(%r8), %rax
	mov	%rax, TraceThread_GraphTop(%rdx)
	/* block_of() */
	lea	ftrace_graph_slots(%rip), %rcx
	sub	%rcx, %r8
	shr	$3, %r8
	lea	ftrace_graph_blocks(%rip), %rax
	add	%r8, %rax
	cmp	%rsp, TraceThread_Mark(%rdx)
	jne	.Lleave_ftrace_graph_caller
	movq	$0, TraceThread_Mark(%rdx)
	incq	TraceThread_QuiescentStates(%rdx)
.Lgo_ftrace_graph_caller:
	mov	%rax, SAVED_STUB(%rsp)
	.cfi_remember_state
	pop_saved
	lea	24(%rsp), %rsp			/* stub, ip, and the return address, which the block puts back */
	.cfi_adjust_cfa_offset -24
	jmp	*-24(%rsp)

	.cfi_restore_state
.Lunwanted_ftrace_graph_caller:
	graph_free
	xor	%eax, %eax
	jmp	.Lunmark_ftrace_graph_caller

.Lcall_graph_c:
	lea	SAVED_STUB(%rsp), %rdi
	graph_short_call ftrace_graph_caller, ftrace_graph_call
	cmp	$GRAPH_FULL, %rax
	je	.Lfull_ftrace_graph_caller
.Lunmark_ftrace_graph_caller:
	graph_unmark ftrace_graph_caller
	test	%rax, %rax
	jnz	.Lgo_ftrace_graph_caller
	.cfi_remember_state
	pop_saved
	lea	16(%rsp), %rsp			/* stub, ip */
	.cfi_adjust_cfa_offset -16
	jmp	*-8(%rsp)
	.cfi_restore_state
	graph_full ftrace_graph_caller
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
	push_saved_first
	mov	FIRST_PARENT(%rsp), %r9d
	lea	ftrace_graph_slots(%rip), %r8
	add	%r9, %r8
	mov	%r8, FIRST_STUB(%rsp)
	mov	GraphSlot_Ret(%r8), %r9
	mov	%r9, FIRST_PARENT(%rsp)
	.cfi_offset rip, -8
	.if	. - ftrace_graph_return > 256 - 16
	.error	"too long"
	.endif

	mov	GraphSlot_Wanted(%r8), %rsi	/* and the flags */
	cmp	ftrace_graph_sets+GraphSets_Recorded(%rip), %rsi
	jne	.Lnot_recorded_ftrace_graph_return
	record_check .Lnot_recorded_ftrace_graph_return
	mov	GraphSlot_Id(%r8), %rax
	cmp	%rax, TraceThread_GraphTop(%rdx)
	jne	.Lnot_recorded_ftrace_graph_return

	/* A handler that leaves by a jump from here on: the end of the call is recorded again, as that of one that was left. */
	movzwl	%ax, %eax
	mov	GraphSlot_Site(%r8), %rcx
	shl	$16, %rcx
	or	%rax, %rcx
	bts	$63, %rcx
	mov	%rdx, %rdi
	record_event return
	mov	%rdi, %rdx
	mov	GraphSlot_Parent(%r8), %rax
	mov	%rax, TraceThread_GraphTop(%rdx)
	graph_free
	.cfi_remember_state
	pop_saved_first
	lea	16(%rsp), %rsp			/* the slot and the site */
	.cfi_adjust_cfa_offset -16
	ret

	.cfi_restore_state
	.cfi_remember_state
	record_slow return, ftrace_record_slow, keeps_rdi=1
	.cfi_restore_state

.Lnot_recorded_ftrace_graph_return:
	push_saved_rest
	graph_mark ftrace_graph_return

	/* From here on this is ftrace_graph_exit() for one ops. */
	mov	GraphSlot_Id(%r8), %rax
	mov	GraphSlot_Wanted(%r8), %rsi
	cmp	%rax, TraceThread_GraphTop(%rdx)
	jne	.Lfull_ftrace_graph_return
	lea	-1(%rsi), %rax
	test	%rsi, %rax
	jnz	.Lreturn_graph_c
	test	%rsi, ftrace_graph_sets+GraphSets_Full(%rip)
	jnz	.Lfull_ftrace_graph_return
	test	%rsi, %rsi
	jz	.Lnone_ftrace_graph_return
	tzcnt	%rsi, %rcx
	shl	$4, %ecx
	add	native+NativeTable_OpsTable(%rip), %rcx
	mov	%rsi, %rax
	mov	(%rcx), %rsi
	test	%rsi, %rsi
	jz	.Lnone_ftrace_graph_return
	test	%eax, GraphSlot_Wanted(%r8)	/* after the load, and cleared before the call: call_returns() */
	jz	.Lnone_ftrace_graph_return
	mov	FtraceGraphOps_Retfunc(%rsi), %rax
	movl	$0, GraphSlot_Wanted(%r8)

	push_reg rbp
	mov	%rsp, %rbp
	.cfi_remember_state
	.cfi_def_cfa_register %rbp
	and	$-16, %rsp
	lea	GraphSlot_Call(%r8), %rdi
	xor	%edx, %edx			/* no registers */
	call	*%rax
.Lreturn_graph_return_handler:
	mov	%rbp, %rsp
	.cfi_restore_state
	pop_reg rbp
	mov	SAVED_STUB(%rsp), %r8
	mov	ftrace_nmi_thread@gottpoff(%rip), %rcx
	mov	%fs:NmiThread_Tracer(%rcx), %rdx

.Lnone_ftrace_graph_return:
	mov	GraphSlot_Parent(%r8), %rax
	mov	%rax, TraceThread_GraphTop(%rdx)
	graph_free
	cmp	%rsp, TraceThread_Mark(%rdx)
	jne	.Lleave_ftrace_graph_return
	movq	$0, TraceThread_Mark(%rdx)
	incq	TraceThread_QuiescentStates(%rdx)
.Lgo_ftrace_graph_return:
	.cfi_remember_state
	pop_saved
	lea	16(%rsp), %rsp			/* the slot and the site */
	.cfi_adjust_cfa_offset -16
	ret

	.cfi_restore_state
.Lreturn_graph_c:
	mov	%rdx, %rsi
	lea	SAVED_STUB(%rsp), %rdi
	graph_short_call ftrace_graph_return, ftrace_graph_exit
	cmp	$GRAPH_FULL, %rax
	je	.Lfull_ftrace_graph_return
	graph_unmark ftrace_graph_return
	jmp	.Lgo_ftrace_graph_return
	graph_full ftrace_graph_return
	graph_leave ftrace_graph_return
	.cfi_endproc
	.size	ftrace_graph_return, . - ftrace_graph_return
