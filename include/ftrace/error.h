/* SPDX-License-Identifier: MIT */
/*
 * ftrace/error.h - what an error code of this library means.
 *
 * Use it to report errors to users. strerror() describes the same codes, but not as
 * this library uses them: -EDEADLK is not "Resource deadlock avoided" here. Each header
 * says which errors its functions return, and docs/troubleshooting.md what helps.
 *
 *	error = ftrace_register_function(&ops);
 *	if (error)
 *		fprintf(stderr, "cannot trace: %s\n", ftrace_strerror(error));
 */
#ifndef FTRACE_ERROR_H
#define FTRACE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ftrace_strerror - describe an error code
 * @error: a result of this library, -errno; errno without the sign means the same
 *
 * Returns a constant string in English: "no error" for 0, "unknown error" for a code that
 * the library does not return. Programs should compare codes: the text may change.
 *
 * Context: any, also before the library's constructor has run.
 */
const char *ftrace_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_ERROR_H */
