/* SPDX-License-Identifier: MIT */
/*
 * strerror.c - what errors mean, by the numbers of this system.
 */
#define NATIVE_H
#define EXPORT
#include "../strerror.c"
