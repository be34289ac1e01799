/* SPDX-License-Identifier: MIT */
/*
 * trace_functions.c - a shared object with 100,000 functions, f_100000 to f_199999, each with
 * the five nops of GCC's -fpatchable-function-entry=5. In assembly: a compiler takes minutes.
 */
__asm__(".altmacro\n"
	".macro function n\n"
	"	.globl	f_\\n\n"
	"	.type	f_\\n, @function\n"
	"	.p2align 4\n"
	"f_\\n:\n"
	"	nop; nop; nop; nop; nop\n"
	"	lea	(%rdi,%rdi,2), %rax\n"
	"	ret\n"
	"	.size	f_\\n, . - f_\\n\n"
	"	.pushsection __patchable_function_entries, \"awo\", @progbits, .text\n"
	"	.quad	f_\\n\n"
	"	.popsection\n"
	".endm\n"
	".text\n"
	".set	number, 100000\n"
	".rept	100000\n"
	"	function %number\n"
	"	.set number, number + 1\n"
	".endr\n"
	/* What the peer has them call. */
	"	.globl	return_at_once\n"
	"	.type	return_at_once, @function\n"
	"return_at_once:\n"
	"	ret\n"
	"	.size	return_at_once, . - return_at_once\n");
