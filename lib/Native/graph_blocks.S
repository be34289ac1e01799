/* SPDX-License-Identifier: MIT */
/*
 * graph_blocks.S - the blocks that calls return to whose exits are traced, one for each slot
 * (struct graph_slot):
 *
 *	call	*slot.ip		16-byte aligned; the function continues there
 *	push	$offset of the slot	it has returned
 *	jmp	ftrace_graph_return
 *
 * The trampoline (graph_entry.S) jumps here with the stack pointer above the word of the
 * return address, which it has copied to the slot. So the call puts the block's own address
 * into that word; arguments on the stack stay where they are, and each return goes where
 * the processor predicts, because each call has its return.
 *
 * To unwinders the block is a function that has called the traced one, and that was called
 * by its true caller. The stack pointer of the caller is rsp + (rip & 8): the push is the
 * only thing in between. The canonical frame address is 4 more: it must be another one than
 * those of the two functions, because libgcc tells frames apart by it. The return address and
 * the caller's stack pointer are read from the slot, whose address follows from rip, and from
 * a word at the beginning of the chunk of blocks: an address that the loader need not
 * relocate. The stack pointer is given by where it is, and not as a value, because some
 * unwinders do not know values.
 */
#include "native.h"

	.if	GraphSlots_PerChunk * GraphSlots_BlockSize != 256
	.error	"a chunk of blocks is not 256 bytes"
	.endif
	.if	GraphSlot_SizeOf != 8 * GraphSlots_BlockSize
	.error	"a slot is not eight times as large as a block"
	.endif

	.text
	.globl	ftrace_graph_blocks
	.hidden	ftrace_graph_blocks
	.type	ftrace_graph_blocks, @function
	.p2align 8
ftrace_graph_blocks:
	.cfi_startproc
	/* CFA: rsp + 4 + (rip & 8) */
	.cfi_escape 0x0f, 0x07, 0x77,0x04, 0x80,0x00, 0x38, 0x1a, 0x22
	/* rsp is at: header + *header + (rip & 0xf0) * 8 + GraphSlot_Word; header = rip & -256 */
	.cfi_escape 0x10, 0x07, 0x13, 0x80,0x00, 0x12, 0x08,0xf0, 0x1a, 0x33, 0x24, 0x16, 0x0b,0x00,0xff, 0x1a, 0x12,0x06, 0x22, 0x22, 0x23,GraphSlot_Word
	/* the return address likewise, without GraphSlot_Word */
	.cfi_escape 0x10, 0x10, 0x11, 0x80,0x00, 0x12, 0x08,0xf0, 0x1a, 0x33, 0x24, 0x16, 0x0b,0x00,0xff, 0x1a, 0x12,0x06, 0x22, 0x22
	.set	chunk, 0
	.rept	GraphSlots_Chunks
	.quad	ftrace_graph_slots + chunk - .
	.quad	0xcccccccccccccccc
	.set	slot, chunk + GraphSlot_SizeOf
	.rept	GraphSlots_PerChunk - 1
	.byte	0xff, 0x15
	.long	ftrace_graph_slots + slot + GraphSlot_Ip - . - 4
	.byte	0x68
	.long	slot
	.byte	0xe9
	.long	ftrace_graph_return - . - 4
	.set	slot, slot + GraphSlot_SizeOf
	.endr
	.set	chunk, chunk + GraphSlots_PerChunk * GraphSlot_SizeOf
	.endr
	.cfi_endproc
	.size	ftrace_graph_blocks, . - ftrace_graph_blocks

	/*
	 * The same for the unwinder of nongnu.org, which takes the canonical frame address for the stack
	 * pointer of the caller, and does not need another one to tell frames apart: a table of one
	 * function as in .eh_frame_hdr, and what it leads to. Distances are those from the table.
	 */
	.section .rodata
	.globl	ftrace_graph_unwind
	.hidden	ftrace_graph_unwind
	.type	ftrace_graph_unwind, @object
	.p2align 3
ftrace_graph_unwind:
	.long	ftrace_graph_blocks - .
	.long	.Lfde - ftrace_graph_unwind

.Lcie:	.long	2f - 1f
1:	.long	0
	.byte	1				/* version */
	.asciz	"zR"
	.uleb128 1				/* factors of code and data */
	.sleb128 -8
	.byte	16				/* the return address */
	.uleb128 1
	.byte	0x1b				/* distances, of 32 bits */
	.byte	0x0c, 7, 8			/* CFA: rsp + 8 */
	.p2align 3, 0
2:
.Lfde:	.long	2f - 1f
1:	.long	. - .Lcie
	.long	ftrace_graph_blocks - .
	.long	GraphSlots_Chunks * GraphSlots_PerChunk * GraphSlots_BlockSize
	.uleb128 0
	/* CFA: rsp + (rip & 8) */
	.byte	0x0f, 0x07, 0x77,0x00, 0x80,0x00, 0x38, 0x1a, 0x22
	/* the return address, as above */
	.byte	0x10, 0x10, 0x11, 0x80,0x00, 0x12, 0x08,0xf0, 0x1a, 0x33, 0x24, 0x16, 0x0b,0x00,0xff, 0x1a, 0x12,0x06, 0x22, 0x22
	.p2align 3, 0
2:	.long	0
	.size	ftrace_graph_unwind, . - ftrace_graph_unwind

	.section .note.GNU-stack, "", @progbits
