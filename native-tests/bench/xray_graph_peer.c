/* SPDX-License-Identifier: MIT */
/*
 * xray_graph_peer.c - the functions of the part "graph" with an XRay handler at their entry and
 * exit. Reads '0' and so on, a way to call them, writes how long that took.
 */
#define _GNU_SOURCE
#include "graph_loops.h"

#define KIND		graph_xray
#define TRACED		__attribute__((xray_always_instrument))
#define NOT_TRACED	__attribute__((xray_never_instrument))
#define ENTER(function) (void)0
#define LEAVE		(void)0

#include "graph_functions.h"
#include "xray_program.h"

__thread unsigned long graph_counted;

static void count_both(int32_t id, int type)
{
	(void)id;
	(void)type;
	graph_counted++;
}

int main(void)
{
	char command;

	__xray_set_handler(count_both);
	put(__xray_max_function_id());
	if (__xray_patch() != XRAY_SUCCESS)
		return 1;
	graph_begin();
	graph_xray_loop(ONE_FUNCTION);
	while (read(STDIN_FILENO, &command, 1) == 1) {
		unsigned long counted;
		double ns = graph_time(graph_xray_loop, (enum graph_way)(command - '0'), &counted);

		/* A peer that did nothing would be a fast one. */
		if (counted != 2 * GRAPH_CALLS)
			return 1;
		put((uint64_t)(ns * GRAPH_CALLS));
	}
	return 0;
}
