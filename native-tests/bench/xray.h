/* SPDX-License-Identifier: MIT */
/*
 * xray.h - the peers xray_peer and xray_call_peer as child processes.
 */
#ifndef XRAY_H
#define XRAY_H

#include <stdbool.h>
#include <sys/types.h>

struct xray {
	pid_t pid;
	int commands, answers;
};

/* Says that the rows that need it are not measured. */
void skip_xray(void);

/* Exits if the program does not have so many functions. */
void start_xray(struct xray *xray, const char *program, int functions);

/* ns for each function. */
double xray_patch(const struct xray *xray, bool patch);

/* Has it do what it does; ns. */
double xray_time(const struct xray *xray);

/* The same of xray_call_peer, with the handler that records. */
double xray_record_time(const struct xray *xray);

/* Has xray_graph_peer call its functions in a way; ns. */
double xray_way_time(const struct xray *xray, int way);

void end_xray(struct xray *xray);

#endif /* XRAY_H */
