/* SPDX-License-Identifier: MIT */
/*
 * ftrace/agent.h - serve another process that wants to trace this one.
 *
 * `ftrace attach` calls this in a process that it has stopped: no program needs to call it. A program may do so to be traced by
 * something that it is connected with already; FTRACE_CONTROL=PATH (docs/agent.md) makes the library listen on a socket.
 */
#ifndef FTRACE_AGENT_H
#define FTRACE_AGENT_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ftrace_agent_start - serve the process at the other end of a socket
 * @fd: a connected socket, AF_UNIX and SOCK_SEQPACKET. If this returns 0 it is the library's
 *
 * A thread of the library, ftrace-agent, answers the requests that come: docs/agent.md. Who is at the other end can have this process
 * recorded, to a file that it sends. When the connection ends, for whatever reason, the recording that was started by it ends, all
 * functions become what they were, and the thread ends.
 *
 * There is one connection at a time. If another one is held, -EBUSY is returned, after an answer was sent that says
 * by whom. The child of a fork has no connection.
 *
 * Returns 0 or
 *   -EBADF     @fd is no open descriptor
 *   -ENOTSOCK  it is no socket
 *   -EINVAL    it is another kind of socket
 *   -ENOTCONN  it is not connected
 *   -EBUSY     there is a connection already
 *   -EDEADLK   called in a signal handler, in a call of the library, or in a stop window
 *   -EAGAIN    no thread can be created; or the library's constructor has not run
 *   -ENOMEM    not enough memory, or the library could not start
 * After an error @fd is as it was, and the caller's.
 *
 * Context: thread. All signals may be blocked. Does not enter the library's runtime, creates one thread, and needs 16 KB of stack.
 */
int ftrace_agent_start(int fd);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_AGENT_H */
