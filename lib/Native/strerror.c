/* SPDX-License-Identifier: MIT */
/*
 * strerror.c - the texts of the errors, for any context: nothing but constants.
 */
#include "native.h"

#include <errno.h>
#include <ftrace/error.h>

EXPORT const char *ftrace_strerror(int error)
{
	/* Not by negating the argument: that of INT_MIN is undefined. */
	switch (error < 0 ? error : -error) {
	case 0:
		return "no error";
	case -EPERM:
		return "the system denies writing to code, or the caller has not prepared the "
		       "change";
	case -ENOENT:
		return "no function or object is found, the filter could not be set, or the ops or "
		       "signal is not known";
	case -EIO:
		return "an earlier change could be neither completed nor undone; nothing is "
		       "changed any more";
	case -E2BIG:
		return "too many locations or patterns, or a structure of a newer version";
	case -EAGAIN:
		return "a limit is reached, or the library is not ready in this process; try again "
		       "later";
	case -ENOMEM:
		return "not enough memory";
	case -EACCES:
		return "not executable memory, memory of the library itself, or a program whose "
		       "file may not be read";
	case -EFAULT:
		return "a pointer is NULL, or the memory cannot be read";
	case -EBUSY:
		return "a thread is in the code, there is no stop signal, or the ops, function or "
		       "static key is in use";
	case -EEXIST:
		return "already registered or declared";
	case -EINVAL:
		return "invalid argument, no size in a structure, malformed pattern, or unexpected "
		       "bytes in the code";
	case -ENOSPC:
		return "too many ops, too many different sets of ops on functions, or too many "
		       "calls that preserve a red zone";
	case -ERANGE:
		return "the function is out of reach of a call, or there is no free address space "
		       "near the code";
	case -EDEADLK:
		return "called in a signal handler, in the handler of a traced function, in a stop "
		       "window, or by a thread that has prepared a change";
	case -ENAMETOOLONG:
		return "the names do not fit in the buffer";
	case -EOVERFLOW:
		return "the count of the static key is at its maximum";
	case -EOPNOTSUPP:
		return "the system does not support this: no usable /proc, no signals, or the "
		       "method is not available";
	case -ESRCH:
		return "no recording is running";
	case -EBADF:
		return "the descriptor is not open";
	case -ENOTSOCK:
		return "the descriptor is not a socket";
	case -ENOTCONN:
		return "the socket is not connected";
	case -EFBIG:
		return "the trace file would be larger than the recording or the process may make it";
	case -ETIMEDOUT:
		return "a thread did not stop, or did not leave a handler, in time";
	default:
		return "unknown error";
	}
}
