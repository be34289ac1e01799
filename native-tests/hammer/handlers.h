/* SPDX-License-Identifier: MIT */
/*
 * Handlers that come and go on the compiled functions (--ops, --graph), and who changes
 * them.
 *
 * Two threads, the changers, each have handlers of their own. They register, filter and
 * unregister these at random; all handlers meet on the same 64 functions.
 *
 *   handler->version   odd while its changer is in the library for it
 *   handler->sites     the functions that it is on, by what the changer asked for
 *   handler->ends      odd while it is being unregistered
 *
 * What is registered is a life. After unregistration it is dead: a handler that runs
 * for it then, or still does, is one too many. Before its memory serves again, other
 * lives come, and it is poisoned meanwhile.
 *
 *   struct handler, life   written by its changer, read by all
 *   all else               written before other threads exist, then constant
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "../general_regs.h"
#include "functions.h"
#include "sites.h"

#define HANDLERS (CHANGERS * 6)
#define LIVES	 16
#define LEVELS	 4 /* a thread, and each of the three signals */

struct life {
	union { /* first: a handler gets its address */
		struct ftrace_ops ops;
		struct ftrace_graph_ops graph;
	};
	unsigned int handler;
	unsigned int number;
	_Atomic bool alive;
};

/* What was asked for. Bit n: function n. */
struct filter {
	uint64_t chosen, left_out;
	bool any;
	unsigned int rules;
};

struct handler {
	_Alignas(64) _Atomic unsigned long version;
	_Atomic uint64_t sites;
	_Atomic unsigned long ends;
	/* the changer's */
	_Alignas(64) struct filter filter;
	struct life life[LIVES];
	unsigned int current;
	bool used; /* the current life has been registered */
	bool registered;
	bool graph; /* by ftrace/graph.h */
};

/* The functions, and what is called at their ends. */
struct traced {
	const char *prefix; /* of their names; two octal digits follow */
	unsigned long (*const *table)(unsigned long x);
	ftrace_func_t func;
	ftrace_graph_entry_t entry; /* NULL: there are no handlers by ftrace/graph.h */
	ftrace_graph_return_t exit;
};

extern struct handler handlers[HANDLERS];
extern unsigned long site_ip[FUNCTION_COUNT];

/* All return 0 or what the library returned; results->error says what failed. */

/* Finds the functions. Only one thread may run. */
int handlers_init(struct run *run, const struct traced *traced);

/* Registers, filters or unregisters one of the handlers of @changer, at random. */
int handlers_change(unsigned int changer);

/* Unregisters all. */
int handlers_end(void);

/* Whether the text is as it was. */
int handlers_check_text(void);

/* The first one that is found is kept. */
void handlers_record(const struct executor *who, bool nmi, enum ops_fault fault,
		     unsigned int handler, unsigned int site, unsigned int hits);

#endif /* HANDLERS_H */
