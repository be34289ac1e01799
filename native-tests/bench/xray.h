/* SPDX-License-Identifier: MIT */
/*
 * xray.h - the peer xray_peer as a child process.
 */
#ifndef XRAY_H
#define XRAY_H

#include <stdbool.h>
#include <sys/types.h>

struct xray {
	pid_t pid;
	int commands, answers;
};

void start_xray(struct xray *xray, const char *program);

/* ns for each function. */
double xray_patch(const struct xray *xray, bool patch);

void end_xray(struct xray *xray);

#endif /* XRAY_H */
