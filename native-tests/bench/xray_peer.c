/* SPDX-License-Identifier: MIT */
/*
 * xray_peer.c - LLVM XRay patches and unpatches 20,000 functions, each time that
 * it is told to: reads 'p' or 'u', writes how long that took. Or the first 1, 10 and so on, each
 * by a call of its own, which is the only way to choose functions: reads '0', '1' and so on,
 * patches and unpatches them, and writes how long that took for both. Begins with the number of
 * functions.
 */
#include "functions.h"
#include "xray_program.h"

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* 0: it has failed. */
static uint64_t patch_some(char digit)
{
	size_t count = 1;
	uint64_t start;

	for (; digit > '0'; digit--)
		count *= 10;
	start = now_ns();
	for (size_t id = 1; id <= count; id++) {
		if (__xray_patch_function(id) != XRAY_SUCCESS)
			return 0;
	}
	for (size_t id = 1; id <= count; id++) {
		if (__xray_unpatch_function(id) != XRAY_SUCCESS)
			return 0;
	}
	return now_ns() - start;
}

int main(void)
{
	static unsigned int counters[16];
	char command;

	__xray_set_handler(count_call);
	put(__xray_max_function_id());
	while (read(STDIN_FILENO, &command, 1) == 1) {
		bool patch = command == 'p';
		uint64_t start;

		if (command >= '0' && command <= '9') {
			put(patch_some(command));
			continue;
		}
		start = now_ns();
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
