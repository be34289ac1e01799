/* SPDX-License-Identifier: MIT */
/*
 * version.c - the library and the header agree about the version; prints it. And what
 * the library says of an error, with either sign, is its own.
 */
#include "../test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	char header[64];

	snprintf(header, sizeof(header), "%d.%d.%d", FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR,
		 FTRACE_VERSION_PATCH);
	CHECK_EQ(strcmp(ftrace_version(), header), 0);
	CHECK_EQ(strcmp(ftrace_strerror(0), "no error"), 0);
	for (int error = 1; error < 4096; error++)
		CHECK(ftrace_strerror(error) == ftrace_strerror(-error));
	CHECK(strstr(ftrace_strerror(-EDEADLK), "stop window"));
	CHECK_EQ(strcmp(ftrace_strerror(ENOTTY), "unknown error"), 0);
	CHECK_EQ(strcmp(ftrace_strerror(INT_MAX), "unknown error"), 0);
	CHECK_EQ(strcmp(ftrace_strerror(INT_MIN), "unknown error"), 0);
	puts(ftrace_version());
	return 0;
}
