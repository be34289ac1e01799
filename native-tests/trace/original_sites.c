/* SPDX-License-Identifier: MIT */
/* original_sites.c - functions with each kind of entry; for original.c. SUFFIX makes their names
 * differ. */
#define CONCAT(a, b) a##b
#define NAME(a, b)   CONCAT(a, b)
#define TWICE	     NAME(site_twice_, SUFFIX)
#define SUM	     NAME(site_sum_, SUFFIX)

long TWICE(long x);
long SUM(long n);

__attribute__((noipa)) long TWICE(long x)
{
	return 2 * x;
}

__attribute__((noipa, optimize("no-optimize-sibling-calls"))) long SUM(long n)
{
	return n ? n + SUM(n - 1) : 0;
}
