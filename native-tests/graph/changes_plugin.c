/* SPDX-License-Identifier: MIT */
/* changes_plugin.c - an object that is closed while calls are in it. */
__attribute__((noipa)) int call_back(int (*function)(int), int n);

/* Four calls deep. */
__attribute__((noipa)) int call_back(int (*function)(int), int n)
{
	static int depth;
	int result;

	if (++depth == 4) {
		depth = 0;
		result = function(n);
	} else {
		result = call_back(function, n);
	}
	__asm__ __volatile__("" ::: "memory");
	return result + 1;
}
