/* SPDX-License-Identifier: MIT */
/*
 * Functions compiled with -fpatchable-function-entry=5, and the stub that
 * their entries are made to call.
 */
#include "functions.h"

__thread volatile unsigned long function_marks;

/* One instruction, so that a handler comes before or after it. */
__asm__(".pushsection .text\n"
	".globl function_stub\n"
	".type function_stub, @function\n"
	".p2align 4\n"
	"function_stub:\n"
	"	incq %fs:function_marks@tpoff\n"
	"	ret\n"
	".size function_stub, . - function_stub\n"
	".popsection");

#define EIGHT(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7)
/* The numbers are octal: 000 to 077. */
#define ALL(X)                                                                                     \
	EIGHT(X, 00)                                                                               \
	EIGHT(X, 01) EIGHT(X, 02) EIGHT(X, 03) EIGHT(X, 04) EIGHT(X, 05) EIGHT(X, 06) EIGHT(X, 07)

#define DEFINE(n)                                                                                  \
	static __attribute__((noinline)) unsigned long function_##n(unsigned long x)               \
	{                                                                                          \
		return function_body(n, x);                                                        \
	}
ALL(DEFINE)

#define ELEMENT(n) function_##n,
unsigned long (*const function_table[FUNCTION_COUNT])(unsigned long x) = {ALL(ELEMENT)};
