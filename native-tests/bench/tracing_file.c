/* SPDX-License-Identifier: MIT */
#include "../test.h"
#include "../record/trace_file.h"
#include "tracing_file.h"

unsigned long events_of(const char *path, const char *function)
{
	unsigned long events = 0, address;
	struct trace_event event;
	struct trace_file file;

	open_trace(&file, path);
	address = trace_symbol(&file, function);
	while (address && next_event(&file, &event))
		events += event.argument == address;
	close_trace(&file);
	return events;
}
