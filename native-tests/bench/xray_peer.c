/* SPDX-License-Identifier: MIT */
/*
 * xray_peer.c - LLVM XRay patches and unpatches 20,000 functions, each time that
 * it is told to: reads 'p' or 'u', writes how long that took. Begins with the
 * number of functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"

/* From xray/xray_interface.h, which is for C++ only. */
enum xray_status { XRAY_SUCCESS = 1 };

int __xray_set_handler(void (*handler)(int32_t id, int type));
size_t __xray_max_function_id(void);
enum xray_status __xray_patch(void);
enum xray_status __xray_unpatch(void);

static unsigned int calls;

static void count_call(int32_t id, int type)
{
	(void)id;
	(void)type;
	calls++;
}

static uint64_t now_ns(void)
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

int main(void)
{
	static unsigned int counters[16];
	char command;

	__xray_set_handler(count_call);
	put(__xray_max_function_id());
	while (read(STDIN_FILENO, &command, 1) == 1) {
		bool patch = command == 'p';
		uint64_t start = now_ns();
		enum xray_status status = patch ? __xray_patch() : __xray_unpatch();
		uint64_t took = now_ns() - start;

		/* A peer that did nothing would be a fast one. */
		calls = 0;
		function_10000(1, counters);
		if (status != XRAY_SUCCESS || (calls != 0) != patch)
			return 1;
		put(took);
	}
	return 0;
}
