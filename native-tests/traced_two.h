/* SPDX-License-Identifier: MIT */
/* traced_two.h - two functions to trace. */
#ifndef TRACED_TWO_H
#define TRACED_TWO_H

#include "traced.h"

TRACED int tf(int x);
TRACED int tg(int x);

TRACED int tf(int x)
{
	return x + 1;
}

TRACED int tg(int x)
{
	return x + 2;
}

#endif /* TRACED_TWO_H */
