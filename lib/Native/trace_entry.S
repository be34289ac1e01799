/* SPDX-License-Identifier: MIT */
/*
 * trace_entry.S - the trampoline, which the call at a traced function's entry goes to.
 *
 * A call reaches 2 GB, and this library may be farther away. So each object has
 * stubs near it, one for each slot, of two instructions:
 *
 *	push	stub
 *	jmp	*ftrace_caller
 *
 * To the unwinder this is a function that the traced one has called at its first
 * instruction, so it needs no information about the stubs, which are written at run
 * time.
 *
 * On entry:
 *	 0(%rsp)  the address of the stub, whose index is that of the slot
 *	 8(%rsp)  the return address in the traced function
 *	16(%rsp)  its caller's return address
 *
 * All registers, the flags and, in the entries with "vectors" in their name, the vector
 * registers are restored before the traced function continues: the compiler may know
 * that the function does not change some of those which are call-clobbered.
 *
 * The entries with "regs" in their name build a struct ftrace_regs. The others do only
 * what most calls need, and do not save what the handler preserves; in uncommon cases
 * they restore everything and jump to an entry that builds one.
 *
 * The thread sets the mark in its record, which says that it is in a handler, before it
 * reads the slot. So a thread that removes a handler either sees the mark, or this thread
 * sees that the handler is gone. The barrier between the two is on the other side, a
 * membarrier: lib/Protocol/GracePeriod.cs.
 *
 * The mark is the address of the saved registers, so it belongs to a stack: a signal
 * handler of the program may leave by siglongjmp(), or continue on another stack, and the
 * next traced call finds a mark although it does not come from a handler. A call clears
 * only its own mark.
 *
 * A thread may be held up between the call and the mark for so long that the slot
 * has other handlers when it resumes. So, after the mark, it checks that the call is
 * still in the text; if not, the handlers of the site are called (a late call).
 *
 * The kernel's ftrace_call, the instruction that ftrace_update_ftrace_func() changes, is
 * in each entry: with a nop the handler is called; with a jump the trace function is
 * called in place of all handlers, with the vector registers saved, because it may be any
 * function; with a jump past the call nothing is called. It is not a call that is changed:
 * the indirect call could be replaced only while all threads stand still, and a second jump
 * would delay the handler. It comes after the mark, so a grace period also waits for a trace
 * function that was replaced.
 */

#include "native.h"

#define STUB_MASK	(TraceSlots_Count * StubArea_StubSize - 1)

/* The ops for calls that come late, after the last slot. */
#define LATE_OPS	(TraceSlots_Count * TraceSlot_SizeOf + TraceSlot_List)

/* Kinds of entries. */
	.set	OPS, 0
	.set	GRAPH_CALL, 1
	.set	GRAPH_RETURN, 2

	/* graph.c; and, instead of the address of a block: no handler may see this call. */
	.set	GRAPH_FULL, 1
	.set	GRAPH_UNSEEN, 2

	.if	TraceSlot_SizeOf != 2 * StubArea_StubSize
	.error	"a slot is not twice as large as a stub"
	.endif

	.macro	push_reg reg
	push	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %\reg, 0
	.endm

	.macro	pop_reg reg
	pop	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore %\reg
	.endm

	/*
	 * Moves all vector registers to the stack and back. One by one: xsave and
	 * xrstor take many times longer.
	 */
	.macro	move_vectors to
	cmpl	$1, ftrace_vectors(%rip)
	je	1f
	jb	2f
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\to\()_stack vmovdqa64, %zmm\n, \n*64
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	\to\()_stack kmovq, %k\n, 32*64+\n*8
	.endr
	jmp	3f
1:	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\to\()_stack vmovdqa, %ymm\n, \n*32
	.endr
	jmp	3f
2:	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\to\()_stack movdqa, %xmm\n, \n*16
	.endr
3:
	.endm

	.macro	to_stack move, register, offset
	\move	\register, \offset(%rsp)
	.endm

	.macro	from_stack move, register, offset
	\move	\offset(%rsp), \register
	.endm

	.macro	save_vectors
	sub	ftrace_vectors_size(%rip), %rsp
	and	$-64, %rsp
	move_vectors to
	.endm

	.macro	restore_vectors
	move_vectors from
	.endm

	/* A table entry: the address of a label, as the distance from the entry to it. */
	.macro	distance where, label
	.org	\where
	.long	\label - .
	.endm

	/* Five bytes, and where a jump there may lead. lib/Trace/FtraceCall.cs */
	.macro	ftrace_call name
.Lftrace_call_\name:
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	.pushsection .rodata
.Lrecord_\name:
	distance .Lrecord_\name+FtraceCall_Ip, .Lftrace_call_\name
	distance .Lrecord_\name+FtraceCall_Redirect, .Lredirect_\name
	distance .Lrecord_\name+FtraceCall_Done, .Ldone_\name
	.popsection
	.endm

	.macro	redirect name, vectors_name
.Lredirect_\name:
	mov	ftrace_trace_function(%rip), %rax
	testb	$TraceSlot_ListFlagByte, FtraceOps_Flags+7(%rdx)
	cmovnz	FtraceOps_Data(%rdx), %rax
	jmp	.Lfunc_\vectors_name
	.endm

	/* Restores what a long entry has saved, but for the flags' place and what is above. */
	.macro	pop_regs
	/* popfq takes longer than all the rest. A function may rely on these six flags only. */
	mov	FtraceRegs_Flags(%rsp), %eax
	mov	%eax, %ecx
	shr	$11, %ecx
	and	$1, %ecx
	shl	$8, %eax
	mov	%cl, %al
	add	$0x7f, %al			/* overflow, if it was 1 */
	sahf
	.irp	reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
	pop_reg \reg
	.endr
	.endm

	/*
	 * kind: OPS, or one of graph_entry.S: GRAPH_CALL, GRAPH_RETURN. In those r14 is the result
	 * of the call of graph.c, or GRAPH_UNSEEN.
	 */
	.macro	entry name, vectors, kind=OPS
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	.if	\kind == GRAPH_RETURN
	.cfi_def_cfa_offset 24
	.else
	.cfi_def_cfa_offset 16
	.endif
	pushfq
	.cfi_adjust_cfa_offset 8
	.set	at, FtraceRegs_Flags
	.irp	reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
	push_reg \reg
	.set	at, at - 8
	.if	at != ftrace_regs_\reg
	.error	"\reg is elsewhere in struct ftrace_regs"
	.endif
	.endr

	/* rbx: the thread's words, rbp: its record, r12: the level of nesting, r13: the registers. */
	.if	\kind != OPS
	mov	$GRAPH_UNSEEN, %r14d
	.endif
	mov	%fs:0, %rbx
	add	ftrace_nmi_thread@gottpoff(%rip), %rbx
	mov	%rsp, %r13
	mov	NmiThread_Tracer(%rbx), %rbp
	cmpl	$0, TraceThread_Claimed(%rbp)
	je	.Lunknown_\name
.Lknown_\name:
	bsr	NmiThread_Saved(%rbx), %r12
	jz	.Llook_\name			/* more levels than bits: some were left by a jump */
	test	%r12d, %r12d
	jnz	.Lnmi_\name
	cmpq	$0, TraceThread_Mark(%rbp)
	jne	.Lmarked_\name
.Lmark_\name:
	lea	TraceMark_Long(%rsp), %rax
	mov	%rax, TraceThread_Mark(%rbp)
.Llook_for_ops_\name:
	.if	\kind != OPS
	graph_call \name, \kind
	.else
	mov	FtraceRegs_Reserved(%rsp), %rdx
	mov	FtraceRegs_Ip(%rsp), %rdi
	movslq	-4(%rdi), %rax			/* where the call in the text goes */
	add	%rdi, %rax
	cmp	%rdx, %rax
	jne	.Llate_\name
	and	$STUB_MASK, %edx
	lea	(%rdx,%rdx), %rdx		/* 32 bytes to 64 */
	add	ftrace_trace_slots(%rip), %rdx
	mov	TraceSlot_Entry(%rdx), %rdx
	mov	(%rdx), %rdx			/* the ops */
	test	%rdx, %rdx
	jz	.Ldone_\name

	.cfi_def_cfa_register %r13
.Lcall_\name:
	ftrace_call	\name
	mov	FtraceOps_Func(%rdx), %rax
.Lfunc_\name:
	.if	\vectors
	save_vectors
	.else
	and	$-16, %rsp			/* for the call */
	.endif

	mov	FtraceRegs_Ip(%r13), %rdi
	sub	$X86Instruction_CallSize, %rdi
	mov	FtraceRegs_ParentIp(%r13), %rsi
	xor	%ecx, %ecx
	testb	$FtraceOps_SaveRegs, FtraceOps_Flags(%rdx)	/* not set for all: uncommon calls get here too */
	cmovnz	%r13, %rcx
	cld
	call	*%rax
.Lreturn_\name:

	.if	\vectors
	restore_vectors
	.endif
	mov	%r13, %rsp
	.cfi_def_cfa_register %rsp
	.endif

.Ldone_\name:
	test	%r12d, %r12d
	jnz	.Ldone_other_\name
	mov	ftrace_nmi_thread@gottpoff(%rip), %rax
	mov	%fs:NmiThread_Tracer(%rax), %rbp
	lea	TraceMark_Long(%rsp), %rax
	cmp	%rax, TraceThread_Mark(%rbp)
	jne	.Lleave_\name
	movq	$0, TraceThread_Mark(%rbp)
	incq	TraceThread_QuiescentStates(%rbp)
.Lout_\name:
	.cfi_remember_state
	.if	\kind != OPS
	graph_out \name, \kind
	.else
	pop_regs
	lea	16(%rsp), %rsp			/* flags and slot; leaves the flags alone */
	.cfi_adjust_cfa_offset -16
	ret
	.endif

	.cfi_restore_state
	.if	\kind == OPS
	redirect	\name, ftrace_regs_vectors_caller

	/* Any handlers may be called: the vector registers are saved. */
.Llate_\name:
	mov	ftrace_trace_slots(%rip), %rdx
	add	$LATE_OPS, %rdx
	jmp	.Lcall_ftrace_regs_vectors_caller
	.endif

	/* The thread's first traced call. */
.Lunknown_\name:
	.cfi_def_cfa_register %r13
	save_vectors
	mov	%rbx, %rdi
	call	ftrace_claim_tracer
	mov	%rax, %rbp
	restore_vectors
	mov	%r13, %rsp
	.cfi_def_cfa_register %rsp
	test	%rbp, %rbp
	jnz	.Lknown_\name
	jmp	.Lout_\name

	/* There is a mark: mostly of a handler that calls a traced function. */
.Lmarked_\name:
	mov	%rbp, %rcx
	call	ftrace_is_around
	je	.Lout_\name
	/* The full check: returns the level of nesting, or -1 if the call comes from a handler. */
.Llook_\name:
	.cfi_def_cfa_register %r13
	save_vectors
	mov	%rbx, %rdi
	mov	%r13, %rsi
	cld
	call	ftrace_look_at_marks
	mov	%rax, %r12
	restore_vectors
	mov	%r13, %rsp
	.cfi_def_cfa_register %rsp
	test	%r12, %r12
	js	.Lout_\name
	jz	.Lmark_\name
	cmp	$TraceMarks_OutsideWithAside, %r12d
	je	.Lmark_\name

	/* In an NMI. The full check if its level is marked, and from time to time in any case. */
.Lnmi_\name:
	decl	TraceThread_CallsToRecheck(%rbp)
	js	.Llook_\name
	mov	TraceThread_Levels(%rbp), %rax
	bts	%r12, %rax
	jc	.Llook_\name
	cmp	$TraceThread_MaxMarks, %r12d
	ja	1f
	lea	TraceMark_Long(%rsp), %rdx
	mov	%rdx, TraceThread_Marks-8(%rbp,%r12,8)
1:	mov	%rax, TraceThread_Levels(%rbp)
	jmp	.Llook_for_ops_\name
.Ldone_other_\name:
	cmp	$TraceMarks_OutsideWithAside, %r12d
	je	.Lleave_\name
	mov	TraceThread_Levels(%rbp), %rax
	btr	%r12, %rax
	mov	%rax, TraceThread_Levels(%rbp)
	or	TraceThread_Mark(%rbp), %rax
	jnz	.Lout_\name
	incq	TraceThread_QuiescentStates(%rbp)
	jmp	.Lout_\name

	/* There are other marks besides ours. */
.Lleave_\name:
	.cfi_def_cfa_register %r13
	save_vectors
	mov	%fs:0, %rdi			/* the stack may have come from another thread */
	add	ftrace_nmi_thread@gottpoff(%rip), %rdi
	lea	TraceMark_Long(%r13), %rsi
	cld
	call	ftrace_leave_mark
	restore_vectors
	mov	%r13, %rsp
	.cfi_def_cfa_register %rsp
	jmp	.Lout_\name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	/* What a short entry saves, and first of it what is enough to record a call. */
	.macro	push_saved_first
	push_reg rax
	/* Cheaper than pushfq: the six flags that a function may rely on. */
	lahf
	seto	%al
	push	%rax
	.cfi_adjust_cfa_offset 8
	.irp	reg, rdi, rsi, rdx, rcx, r8, r9
	push_reg \reg
	.endr
	.endm

	.macro	push_saved_rest
	push_reg r10
	push_reg r11
	.endm

	.macro	push_saved
	push_saved_first
	push_saved_rest
	.endm

	/* Restores what a short entry has saved. The stub's address remains on the stack. */
	.macro	pop_saved_first
	.irp	reg, r9, r8, rcx, rdx, rsi, rdi
	pop_reg \reg
	.endr
	pop	%rax
	.cfi_adjust_cfa_offset -8
	add	$0x7f, %al			/* overflow, if it was 1 */
	sahf
	pop_reg rax
	.endm

	.macro	pop_saved
	pop_reg r11
	pop_reg r10
	pop_saved_first
	.endm

#define SAVED_STUB	TraceMark_ShortStub
#define SAVED_IP	TraceMark_ShortStub + 8
#define SAVED_PARENT	TraceMark_ShortStub + 16

	/* Uncommon cases, in reach of short jumps from the first instructions. */
	.macro	uncommon name, regs, kind=OPS
	.cfi_startproc
	.cfi_def_cfa_offset 16
	.if	\kind == GRAPH_RETURN
	.cfi_def_cfa_offset 24
	.endif
	.cfi_remember_state
	.cfi_adjust_cfa_offset TraceMark_ShortStub
	.set	at, 0
	.irp	reg, r11, r10, r9, r8, rcx, rdx, rsi, rdi
	.cfi_rel_offset \reg, at
	.set	at, at + 8
	.endr
	.cfi_rel_offset rax, at + 8
	.if	at + 16 != TraceMark_ShortStub
	.error	"the stub is elsewhere in lib/Trace/TraceMark.cs"
	.endif
	.if	\kind == OPS
.Lmarked_\name:
	cmpq	$1, %fs:NmiThread_Saved(%rax)
	jne	.Luncommon_\name
	call	ftrace_is_around
	je	.Lout_\name			/* a handler that calls a traced function */
	.endif
	/* As if the call had gone to the other entry. */
.Luncommon_\name:
	pop_saved
	jmp	\regs
	.cfi_restore_state
	.endm

	/*
	 * Sets ZF if the mark of the record in rcx is that of a handler which is running farther
	 * up on this stack, or of the library itself. Without ZF it may still be. Changes rax,
	 * rdx, rsi and rdi.
	 *
	 * Reads only memory between the stack pointer and the top of the thread's own stack: the
	 * mark may be on another stack, which may be unmapped.
	 */
	.type	ftrace_is_around, @function
	.p2align 4
ftrace_is_around:
	.cfi_startproc
	mov	TraceThread_Mark(%rcx), %rdx
	test	$TraceMark_Library, %dl
	jnz	1f
	lea	-TraceMark_SmallestFrame(%rdx), %rax
	cmp	%rsp, %rdx
	jbe	4f
	cmp	%rsp, %rax
	jbe	4f
	cmp	TraceThread_StackTop(%rcx), %rdx
	jae	4f
	cmp	TraceThread_StackLow(%rcx), %rsp
	jb	4f
	/* Is the handler's return address there? */
	lea	-8(%rdx), %rax			/* rbp is there */
	test	$TraceMark_Long, %dl
	jz	3f
	lea	-TraceMark_Long(%rdx), %rax
3:	mov	%rax, %rsi
	and	$-16, %rax
	mov	-8(%rax), %rax
	lea	.Lreturn_ftrace_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_regs_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_graph_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_graph_return(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_graph_entry_handler(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_graph_return_handler(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	sub	ftrace_vectors_size(%rip), %rsi
	and	$-64, %rsi
	cmp	%rsp, %rsi
	jbe	4f
	mov	-8(%rsi), %rax
	lea	.Lreturn_ftrace_vectors_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_regs_vectors_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_graph_regs_caller(%rip), %rdi
	cmp	%rdi, %rax
	je	2f
	lea	.Lreturn_ftrace_graph_regs_return(%rip), %rdi
	cmp	%rdi, %rax
2:	ret
1:	cmp	%eax, %eax
	ret
4:	test	%rsp, %rsp
	ret
	.cfi_endproc
	.size	ftrace_is_around, . - ftrace_is_around

	/*
	 * While caches and predictors are warm, the time of a call is that of branch prediction: a
	 * cycle for each 64 bytes of text, one or two for a branch, and three more for a branch whose
	 * target differs from it above bit 36, as with those from a program to here and from here
	 * to its handler (measured, AMD Zen 4). So the instructions from the entry to the call are
	 * 115 bytes, in two lines, and those after it 58, in the next.
	 */
	.macro	short_entry name, vectors, regs
	.p2align 6
	uncommon \name, \regs
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 6
	.skip	13, 0xcc
\name:
	push_saved

	/* Is the thread in an NMI or in a handler? Without a record it has no_tracer's mark. */
	mov	ftrace_nmi_thread@gottpoff(%rip), %rax
	mov	%fs:NmiThread_Tracer(%rax), %rcx
	mov	%fs:NmiThread_Saved(%rax), %rdx
	dec	%rdx				/* 1: not in an NMI */
	or	TraceThread_Mark(%rcx), %rdx
	jnz	.Lmarked_\name
	mov	%rsp, TraceThread_Mark(%rcx)
	mov	SAVED_IP(%rsp), %rdi
	/* Where the call in the text goes. 32 bits are enough: the stub is within 2 GB. */
	mov	-4(%rdi), %eax
	add	%edi, %eax
	cmp	SAVED_STUB(%rsp), %eax
	jne	.Llate_\name
	.if	STUB_MASK != 0xffff
	.error	"an area of stubs is not 64 KB"
	.endif
	movzwl	%ax, %eax
	mov	ftrace_trace_slots(%rip), %rdx
	mov	TraceSlot_Entry(%rdx,%rax,2), %rdx	/* 32 bytes to 64 */
	mov	(%rdx), %rdx			/* the ops */
	test	%rdx, %rdx
	jz	.Ldone_\name

	ftrace_call	\name
	mov	FtraceOps_Func(%rdx), %rax
.Lfunc_\name:
	sub	$X86Instruction_CallSize, %rdi
	mov	SAVED_PARENT(%rsp), %rsi
	push_reg rbp
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	.if	\vectors
	save_vectors
	.else
	and	$-16, %rsp			/* for the call */
	.endif
	xor	%ecx, %ecx			/* no registers */
	call	*%rax
.Lreturn_\name:
	.if	\vectors
	restore_vectors
	.endif
	mov	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	pop_reg rbp

	/* The handler may have changed rcx. */
	mov	ftrace_nmi_thread@gottpoff(%rip), %rax
	mov	%fs:NmiThread_Tracer(%rax), %rcx
.Ldone_\name:
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Lleave_\name			/* another stack's mark: see at the top */
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
.Lout_\name:
	.cfi_remember_state
	pop_saved
	lea	8(%rsp), %rsp			/* the stub; leaves the flags alone */
	.cfi_adjust_cfa_offset -8
	ret

	.cfi_restore_state
.Llate_\name:
	cmp	%rsp, TraceThread_Mark(%rcx)
	jne	.Luncommon_\name
	movq	$0, TraceThread_Mark(%rcx)
	incq	TraceThread_QuiescentStates(%rcx)
	jmp	.Luncommon_\name
	redirect	\name, ftrace_vectors_caller
.Lleave_\name:
	push_reg rbp
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	save_vectors
	mov	%fs:0, %rdi
	add	ftrace_nmi_thread@gottpoff(%rip), %rdi
	lea	8(%rbp), %rsi
	cld
	call	ftrace_leave_mark
	restore_vectors
	mov	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	pop_reg rbp
	jmp	.Lout_\name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.section .rodata
	.globl	ftrace_calls
	.hidden	ftrace_calls
	.type	ftrace_calls, @object
	.p2align 2
ftrace_calls:

	.text
.Ltext_begin:
	entry	ftrace_regs_caller, 0
	entry	ftrace_regs_vectors_caller, 1
	short_entry ftrace_caller, 0, ftrace_regs_caller
	short_entry ftrace_vectors_caller, 1, ftrace_regs_vectors_caller

.Lgraph_begin:
#include "graph_entry.S"
.Ltext_end:
	.section .rodata
	.size	ftrace_calls, . - ftrace_calls

	/* Addresses for C#, which examines threads: lib/Nmi/TraceText.cs. */
	.globl	ftrace_trace_text
	.hidden	ftrace_trace_text
	.type	ftrace_trace_text, @object
	.p2align 2
ftrace_trace_text:
	distance ftrace_trace_text+4*TraceText_Begin, .Ltext_begin
	distance ftrace_trace_text+4*TraceText_End, .Ltext_end
	distance ftrace_trace_text+4*TraceText_Returns, .Lreturn_ftrace_caller
	distance ftrace_trace_text+4*TraceText_Returns+4, .Lreturn_ftrace_regs_caller
	distance ftrace_trace_text+4*TraceText_Returns+8, .Lreturn_ftrace_graph_caller
	distance ftrace_trace_text+4*TraceText_Returns+12, .Lreturn_ftrace_graph_return
	distance ftrace_trace_text+4*TraceText_Returns+16, .Lreturn_graph_entry_handler
	distance ftrace_trace_text+4*TraceText_Returns+20, .Lreturn_graph_return_handler
	distance ftrace_trace_text+4*TraceText_ReturnsWithVectors, .Lreturn_ftrace_vectors_caller
	distance ftrace_trace_text+4*TraceText_ReturnsWithVectors+4, .Lreturn_ftrace_regs_vectors_caller
	distance ftrace_trace_text+4*TraceText_ReturnsWithVectors+8, .Lreturn_ftrace_graph_regs_caller
	distance ftrace_trace_text+4*TraceText_ReturnsWithVectors+12, .Lreturn_ftrace_graph_regs_return
	distance ftrace_trace_text+4*TraceText_GraphBegin, .Lgraph_begin
	.size	ftrace_trace_text, . - ftrace_trace_text
	.text

	/* For a handler that prevents a function from running: set ip to this to return to its caller. */
	.globl	ftrace_just_return
	.type	ftrace_just_return, @function
	.p2align 4
ftrace_just_return:
	.cfi_startproc
	ret
	.cfi_endproc
	.size	ftrace_just_return, . - ftrace_just_return

	/* A handler that does nothing; ftrace_update_ftrace_func() recognizes it. */
	.globl	ftrace_stub
	.type	ftrace_stub, @function
	.p2align 4
ftrace_stub:
	.cfi_startproc
	ret
	.cfi_endproc
	.size	ftrace_stub, . - ftrace_stub

	.section .note.GNU-stack, "", @progbits
