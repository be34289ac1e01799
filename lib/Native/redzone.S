/* SPDX-License-Identifier: MIT */
/*
 * redzone.S - where the jump of ftrace_make_call_redzone() leads.
 *
 * A function that calls nothing may keep data in the 128 bytes below the stack pointer,
 * its red zone, where a call in its middle would store the return address. So the site
 * jumps: to a stub near it, which jumps to the site's own code here, lib/Objects/StubArea.cs.
 * That steps over the red zone, calls the function, steps back, and jumps to the instruction
 * after the site. Each site has code of its own, which knows both addresses: so nothing has to
 * be kept on the stack, and every return has its call, which the CPU predicts, and a shadow
 * stack expects.
 *
 * To the unwinder this is a function that the patched one has called, whose return address
 * is not on the stack but in the table below: the operand of the call leads to it. The
 * stack pointer before the jump is the CFA, at whatever instruction a thread is.
 *
 * No register and no flag changes. A site's entry in the table is written once, before the
 * first jump to it, and stays: a thread may be here when the site is a nop again.
 */

#include "native.h"

	.section .bss
	.globl	ftrace_redzone_sites
	.hidden	ftrace_redzone_sites
	.type	ftrace_redzone_sites, @object
	.p2align 6
ftrace_redzone_sites:
	.skip	RedZone_Count * RedZoneSite_SizeOf
	.size	ftrace_redzone_sites, . - ftrace_redzone_sites

#define SITE ftrace_redzone_sites + number * RedZoneSite_SizeOf

	.text
	.globl	ftrace_redzone_callers
	.hidden	ftrace_redzone_callers
	.type	ftrace_redzone_callers, @function
	.p2align 6
ftrace_redzone_callers:
	.cfi_startproc
	/*
	 * DW_CFA_def_cfa_expression: rsp, and 128 more where it has been lowered:
	 * breg7 0, breg16 0, lit31, and, dup, lit5, ge, swap, lit19, lt, and, lit7, shl, plus
	 */
	.cfi_escape 0x0f, 0x10, 0x77, 0x00, 0x80, 0x00, 0x4f, 0x1a, 0x12, 0x35, 0x2a
	.cfi_escape 0x16, 0x43, 0x2d, 0x1a, 0x37, 0x24, 0x22
	/*
	 * DW_CFA_expression for the return address: the entry after what the call reads. The
	 * operand is at 7, signed, and relative to 11:
	 * breg16 0, const1s -32, and, dup, plus_uconst 7, deref_size 4, const1u 32, shl,
	 * const1u 32, shra, plus, plus_uconst 11 + RedZoneSite_Back
	 */
	.cfi_escape 0x10, 0x10, 0x13, 0x80, 0x00, 0x09, 0xe0, 0x1a, 0x12, 0x23, 0x07
	.cfi_escape 0x94, 0x04, 0x08, 0x20, 0x24, 0x08, 0x20, 0x26, 0x22, 0x23, 0x13
	.if	RedZone_CallerSize != 32 || RedZoneSite_Target != 0 || RedZoneSite_Back != 8
	.error	"the expressions say otherwise"
	.endif
	.set	number, 0
	.rept	RedZone_Count
1:	lea	-128(%rsp), %rsp
2:	call	*SITE + RedZoneSite_Target(%rip)
3:	lea	128(%rsp), %rsp
4:	jmp	*SITE + RedZoneSite_Back(%rip)
	.if	2b - 1b != 5 || 3b - 1b != 11 || 4b - 1b != 19
	.error	"the expressions have other offsets"
	.endif
	.set	number, number + 1
	.org	ftrace_redzone_callers + number * RedZone_CallerSize, 0xcc
	.endr
	.if	RedZone_Count != TraceSlots_Count
	.error	"an area of stubs does not have one for each site"
	.endif
	.cfi_endproc
	.size	ftrace_redzone_callers, . - ftrace_redzone_callers

	.section .note.GNU-stack, "", @progbits
