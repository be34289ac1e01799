/* SPDX-License-Identifier: MIT */
/*
 * loader.h - the process's objects, in the child of a fork too.
 */
#ifndef LOADER_H
#define LOADER_H

#include <link.h>

/* Finds the loader's lock. Once, before there can be a fork. */
void loader_start(void);

/*
 * In the child of a fork, however it was made: the lock may belong to a thread that
 * only the parent has.
 */
void loader_after_fork(void);

/* dl_iterate_phdr(3), which does not hang there. */
int loader_iterate(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);

#endif /* LOADER_H */
