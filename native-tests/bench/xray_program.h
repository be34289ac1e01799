/* SPDX-License-Identifier: MIT */
/*
 * xray_program.h - what xray_peer.c and xray_call_peer.c share: XRay's interface, a handler
 * that counts, and how they answer.
 */
#ifndef XRAY_PROGRAM_H
#define XRAY_PROGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* From xray/xray_interface.h, which is for C++ only. */
enum xray_status { XRAY_SUCCESS = 1 };

int __xray_set_handler(void (*handler)(int32_t id, int type));
size_t __xray_max_function_id(void);
enum xray_status __xray_patch(void);
enum xray_status __xray_unpatch(void);
enum xray_status __xray_patch_function(int32_t id);
enum xray_status __xray_unpatch_function(int32_t id);

static unsigned long calls;

static inline void count_call(int32_t id, int type)
{
	(void)id;
	(void)type;
	calls++;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void put(uint64_t value)
{
	if (write(STDOUT_FILENO, &value, sizeof(value)) != sizeof(value))
		_exit(1);
}

#endif /* XRAY_PROGRAM_H */
