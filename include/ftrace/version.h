/* SPDX-License-Identifier: MIT */
/*
 * ftrace/version.h - the version of the library.
 *
 * This header is the one place where the version is written down: the package
 * files, the SONAME and the library itself take it from here.
 */
#ifndef FTRACE_VERSION_H
#define FTRACE_VERSION_H

#define FTRACE_VERSION_MAJOR 1
#define FTRACE_VERSION_MINOR 0
#define FTRACE_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ftrace_version - the version of the library that is loaded
 *
 * Compare with the FTRACE_VERSION_* that the program was compiled with.
 *
 * Returns "MAJOR.MINOR.PATCH", a string that lives as long as the process.
 *
 * Context: any.
 */
const char *ftrace_version(void);

#ifdef __cplusplus
}
#endif

#endif /* FTRACE_VERSION_H */
