/* SPDX-License-Identifier: MIT */
/*
 * count-call.S - where the entries of Lua's functions call to when they are on.
 *
 * It runs before the function's first instruction, in any thread and in signal
 * handlers, so it may change nothing but the counter: no register, no flag. The
 * counter is the thread's own. A handler that counts in between leaves it
 * as its one instruction finds it, so no locked instruction is needed.
 */
	.text
	.globl	count_call
	.type	count_call, @function
	.balign	16
count_call:
	pushfq
	incq	%fs:counted_calls@tpoff
	popfq
	ret
	.size	count_call, . - count_call

	.section .note.GNU-stack, "", @progbits
