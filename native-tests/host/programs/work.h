/* SPDX-License-Identifier: MIT */
/*
 * work.h - what a host computes: functions of many shapes whose results are the same
 * however often their entries change meanwhile. All names begin with work_, all
 * functions can be traced, in C programs and through libhostwork.so in those of other
 * languages.
 */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

#define WORK_SEEDS 16

/* Some thousand calls, on no lock and no memory but the stack's. */
uint64_t work_unit(uint64_t seed);

/* A unit for @number, whose result must be as the first time; ends the process if it is not. */
void work_verify(unsigned long number);

/* Of all seeds, as they are computed now. */
uint64_t work_checksum(void);

/* Calls back, from a function that is traced. */
uint64_t work_call(uint64_t (*function)(uint64_t), uint64_t value);

/* 1 as long as a tool in the process has more to do; without one for the first @least calls. */
int work_continues(unsigned long least);

#endif /* WORK_H */
