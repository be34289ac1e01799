/* SPDX-License-Identifier: MIT */
/*
 * handlers.h - what is called by the functions of jsoncpp: one handler at their entries
 * (tracer.cpp), or handlers at both ends (graph.cpp). What can fail returns 0 or a
 * negative errno.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

/* In turn; the first is all of them. */
extern const char *const patterns[];
extern const unsigned long nr_patterns;

struct handlers {
	int (*begin)();

	/* Goes over to other functions. The first change is to all of them. */
	int (*change)(unsigned long changes);

	int (*end)();

	/* The calling thread calls no function of jsoncpp any more. */
	void (*thread_end)();

	/* Prints what was counted; false if it shows a failure. */
	bool (*report)();
};

extern const struct handlers graph_handlers;

#endif /* HANDLERS_H */
