/* SPDX-License-Identifier: MIT */
/*
 * counted.c - functions that call each other, themselves and each other in turn, in loops, through pointers, and a number of
 * times that the argument decides: compiled with --coverage, so that another one counts them too.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static int is_odd(unsigned int n);

static int is_even(unsigned int n)
{
	return n == 0 || is_odd(n - 1);
}

static int is_odd(unsigned int n)
{
	return n != 0 && is_even(n - 1);
}

static unsigned int fibonacci(unsigned int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static jmp_buf out;

static unsigned int leave(unsigned int n)
{
	if (n == 0)
		longjmp(out, 1);
	return leave(n - 1) + 1;
}

static unsigned int left(unsigned int n)
{
	return setjmp(out) ? n : leave(n);
}

static unsigned int seldom(unsigned int n)
{
	return n;
}

/* One more turn of the loop than there are. */
static unsigned int next(unsigned int n)
{
	return n + 1;
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 1 ? atoi(argv[1]) : 10, sum = 0;
	int numbers[1000];

	for (unsigned int i = 0; i < n; i = next(i)) {
		sum += is_even(i);
		sum += left(i % 7);
	}
	for (unsigned int i = 0; i < 1000; i++)
		numbers[i] = (i * 7919) % 1000;
	qsort(numbers, 1000, sizeof(*numbers), compare);
	printf("%u %u %d\n", sum, fibonacci(n % 20), numbers[999]);
	return n ? 0 : seldom(n);
}
