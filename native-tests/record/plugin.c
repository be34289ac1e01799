/* SPDX-License-Identifier: MIT */
/* plugin.c - an object that program.c opens; built twice, with another name for the function. */
#define TRACED __attribute__((noipa, patchable_function_entry(5)))

TRACED int NAME(int n);
int plugin_calls(int count);

TRACED int NAME(int n)
{
	return n + 1;
}

__attribute__((patchable_function_entry(0))) int plugin_calls(int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum = NAME(sum);
	return sum;
}
