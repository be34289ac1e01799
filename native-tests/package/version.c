/* SPDX-License-Identifier: MIT */
/* version.c - the library and the header agree about the version; prints it. */
#include "../test.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
	char header[64];

	snprintf(header, sizeof(header), "%d.%d.%d", FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR,
		 FTRACE_VERSION_PATCH);
	CHECK_EQ(strcmp(ftrace_version(), header), 0);
	puts(ftrace_version());
	return 0;
}
