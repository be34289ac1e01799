/* SPDX-License-Identifier: MIT */
/* object.c - what works.c opens and closes. */
int attach_object;
