/* SPDX-License-Identifier: MIT */
/* attach_agent.h - a connection to a process that listens (FTRACE_CONTROL), by the rules of
 * docs/agent.md. Times in microseconds. */
#ifndef ATTACH_AGENT_H
#define ATTACH_AGENT_H

/* Waits until it listens. */
int attach_connect(const char *path);

double attach_start(int socket, const char *settings);
double attach_stop(int socket);
double attach_status(int socket);
double attach_filter(int socket, const char *patterns);

#endif /* ATTACH_AGENT_H */
