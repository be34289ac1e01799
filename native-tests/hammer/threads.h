/* SPDX-License-Identifier: MIT */
/*
 * The threads that execute the sites, and the timer signals that interrupt
 * them.
 */
#ifndef THREADS_H
#define THREADS_H

#include "hammer.h"

/* Both return 0 or -errno, and results->error says what failed. */

/* Installs the handlers and declares the signals. */
int threads_init(struct run *run);

/*
 * Starts the threads and arms all timers, the caller's too; returns when all run.
 * @change: not NULL: one more thread calls it, with 1, until it returns an error
 */
int threads_start(int (*change)(unsigned int changer));

/* The caller's part: executes every site once. */
void threads_execute_own(void);

/* Ends the threads and deletes all timers. */
void threads_stop(void);

#endif /* THREADS_H */
