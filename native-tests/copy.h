/* SPDX-License-Identifier: MIT */
/*
 * copy.h - the library a second time in this process: a copy of its file.
 */
#ifndef COPY_H
#define COPY_H

#include "test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Opens a copy of the file at a path. Its name begins as that of the library. */
static inline void *open_copy(const char *library)
{
	char path[] = "/tmp/libftrace-copy-XXXXXX", buffer[65536];
	int from = open(library, O_RDONLY | O_CLOEXEC), to = mkstemp(path);
	void *copy;
	long length;

	CHECK(from >= 0 && to >= 0);
	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		CHECK_EQ(write(to, buffer, (size_t)length), length);
	CHECK_EQ(length, 0);
	close(from);
	close(to);
	copy = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	unlink(path);
	if (!copy)
		dprintf(2, "%s\n", dlerror());
	CHECK(copy);
	return copy;
}

#endif /* COPY_H */
