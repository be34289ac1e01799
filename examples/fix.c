/* SPDX-License-Identifier: MIT */
/* fix.c - a hot fix in a shared object, for hotfix.c. It need not know of the library. */

/* The function that is replaced. Set before the replacement is called for the first time. */
int (*original)(int items);

int replacement(int items);

int replacement(int items)
{
	return original(items) - items;
}
