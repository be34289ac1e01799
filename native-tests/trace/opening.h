/* SPDX-License-Identifier: MIT */
/* opening.h - the descriptors by which resolver.c and opening.c meet. */
#ifndef OPENING_H
#define OPENING_H

#define FD_RELOCATING 200
#define FD_GO_ON      201

#endif /* OPENING_H */
