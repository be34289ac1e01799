/* SPDX-License-Identifier: MIT */
/*
 * ftrace/version.h - the version of the library.
 *
 * Use it to check at run time that the library is not older than the headers that the
 * program was compiled with. This header is the only place that holds the version
 * number: the package files, the SONAME and the library take it from here.
 */
#ifndef FTRACE_VERSION_H
#define FTRACE_VERSION_H

/**
 * FTRACE_VERSION_MAJOR, FTRACE_VERSION_MINOR, FTRACE_VERSION_PATCH - the version of the
 * headers
 */
#define FTRACE_VERSION_MAJOR 1
#define FTRACE_VERSION_MINOR 1
#define FTRACE_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ftrace_version - get the version of the loaded library
 *
 * Compare it with the FTRACE_VERSION_* that the program was compiled with.
 *
 * Returns "MAJOR.MINOR.PATCH", a string that is valid as long as the process runs.
 *
 * Context: any.
 */
const char *ftrace_version(void);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_VERSION_H */
