/* SPDX-License-Identifier: MIT */
/* pending.h - what pending.c knows of pending_plugin.c. */
#ifndef PENDING_H
#define PENDING_H

#define PEND_CALLS 3

#endif /* PENDING_H */
