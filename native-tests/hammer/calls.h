/* SPDX-License-Identifier: MIT */
/*
 * Functions that call each other in all ways in which a call can end, and the trail of
 * what has run.
 */
#ifndef CALLS_H
#define CALLS_H

#include "functions.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_VISITS 12

/* The last digit of a function's number is its kind; it calls others of its eight. */
enum {
	CALL_LEAF,	/* 0, 1 and 2 call nothing */
	CALL_NEST = 3,	/* calls 2 and 1 */
	CALL_DEEPER,	/* calls 3 */
	CALL_TAIL,	/* ends with a call of 4 in place of a return */
	CALL_LEFT_FROM, /* calls 5, and 7, which leaves both of them */
	CALL_LEAVES,	/* calls 2, and jumps out */
};

/* One run of a function. The function writes the first line, handlers the others. */
struct visit {
	unsigned int site;
	bool done; /* it returns now, or makes its tail call */
	unsigned long result;
	_Atomic unsigned int entered, wanted, exited; /* bit n: handler n */
	unsigned long ip, parent_ip;
};

/* What one call by the hammer has run, directly or not. */
struct trail {
	unsigned int visits;
	unsigned int nest; /* how many functions are running */
	void *leave[5];	   /* for __builtin_longjmp() */
	struct visit at[MAX_VISITS];
	uint64_t runs[FUNCTION_COUNT]; /* in all */
};

/* Of the code that runs now: handlers of signals put back what they found. */
extern __thread struct trail *volatile call_trail;

/* Patchable. Kinds 6 and 7 do not return: call_trail->leave must be set. */
extern unsigned long (*const call_table[FUNCTION_COUNT])(unsigned long x);

#endif /* CALLS_H */
