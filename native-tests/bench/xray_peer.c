/* SPDX-License-Identifier: MIT */
/*
 * xray_peer.c - LLVM XRay patches and unpatches 20,000 functions, each time that
 * it is told to: reads 'p' or 'u', writes how long that took. Begins with the
 * number of functions.
 */
#include "functions.h"
#include "xray_program.h"

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

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
