/* SPDX-License-Identifier: MIT */
/*
 * loader.h - the process's objects, in the child of a fork too, and in all namespaces.
 */
#ifndef LOADER_H
#define LOADER_H

#include <link.h>

/* Finds the loader's lock. Called once, before there can be a fork. */
void loader_start(void);

/*
 * In the child of a fork, however it was created: the lock may be held by a thread that
 * exists only in the parent.
 */
void loader_after_fork(void);

/* dl_iterate_phdr(3), but it does not hang there. */
int loader_iterate(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);

/*
 * The same for the objects in other namespaces. Called in a callback of the function
 * above: the lock must be held. The counts are not filled in.
 */
int loader_iterate_others(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);

/* The function that the loader calls whenever its lists have changed; 0: not known. */
unsigned long loader_break(void);

/*
 * No namespace's list is being changed: each object is there together with those that it needs.
 * Any context; the answer can become wrong at once, unless the lock is held.
 */
int loader_is_consistent(void);

#endif /* LOADER_H */
