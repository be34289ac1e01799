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

uint64_t first_event_ns(const char *path)
{
	uint64_t first = UINT64_MAX;
	struct trace_event event;
	struct trace_file file;
	double rate;

	open_trace(&file, path);
	while (next_event(&file, &event)) {
		if (event.kind == TRACE_ENTRY && event.time < first)
			first = event.time;
	}
	rate = (double)(file.header->latest[1] - file.header->start[1]) /
	       (file.header->latest[0] - file.header->start[0]);
	if (first != UINT64_MAX)
		first = file.header->start[1] +
			(int64_t)(rate * (double)(int64_t)(first - file.header->start[0]));
	close_trace(&file);
	return first;
}
