/* SPDX-License-Identifier: MIT */
/* content.c FILE - checks a trace file, and prints what it has: events, threads, state. */
#include "trace_file.h"

int main(int argc, char **argv)
{
	struct trace_file file;
	struct trace_event event;
	unsigned int events = 0, threads = 0, last = 0;
	const char *fault;

	CHECK_EQ(argc, 2);
	open_trace(&file, argv[1]);
	CHECK_EQ(file.size % file.header->block_size, 0);
	CHECK(file.header->blocks == 0 || file.header->blocks * file.header->block_size >= file.size);
	fault = check_trace(&file);
	if (fault) {
		dprintf(2, "%s: %s\n", argv[1], fault);
		return 1;
	}
	while (next_event(&file, &event)) {
		threads += events == 0 || event.block->thread != last;
		last = event.block->thread;
		events++;
	}
	printf("%u events, %u threads, state %u\n", events, threads, file.header->state);
	return 0;
}
