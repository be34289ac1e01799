/* SPDX-License-Identifier: MIT */
/*
 * demangler.c - a C++ library that knows one name, and that can be closed: the real
 * ones stay, once they are there.
 */
#include <stdlib.h>
#include <string.h>

char *__cxa_demangle(const char *name, char *buffer, size_t *size, int *status);

char *__cxa_demangle(const char *name, char *buffer, size_t *size, int *status)
{
	static const char own[] = "shared::own(int)";

	if (strlen(name) > 1024)
		abort(); /* as one that runs out of stack */
	*status = strcmp(name, "_ZN6shared3ownEi") == 0 ? 0 : -2;
	if (*status)
		return NULL;
	if (!buffer || *size < sizeof(own)) {
		buffer = realloc(buffer, sizeof(own));
		*size = sizeof(own);
	}
	return memcpy(buffer, own, sizeof(own));
}
