/* SPDX-License-Identifier: MIT */
/* cgo compiles what is in this folder. */
#include "../work.c"
