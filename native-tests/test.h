/* SPDX-License-Identifier: MIT */
/*
 * test.h - what every test needs: checks, bounded waits, and the library's counters.
 *
 * A failed check prints where, what was expected and what came, and ends the
 * process with 1. It uses no lock of stdio, so it may be used in handlers and
 * while other threads are parked.
 */
#ifndef TEST_H
#define TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <ftrace/ftrace.h>

#define TEST_SKIPPED	  77 /* SKIP_RETURN_CODE in CMakeLists.txt */
#define TEST_WAIT_SECONDS 60

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(actual, expected)                                                                 \
	do {                                                                                       \
		long actual_ = (long)(actual), expected_ = (long)(expected);                       \
		if (actual_ != expected_) {                                                        \
			dprintf(2, "%s:%d: %s: expected %ld (%#lx), got %ld (%#lx)\n", __FILE__,   \
				__LINE__, #actual, expected_, expected_, actual_, actual_);        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Other threads or the kernel make it true; how soon does not matter. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		uint64_t deadline_ = now_ns() + TEST_WAIT_SECONDS * 1000000000ULL;                 \
		while (!(condition)) {                                                             \
			if (now_ns() > deadline_) {                                                \
				dprintf(2, "%s:%d: waited %d s in vain for %s\n", __FILE__,        \
					__LINE__, TEST_WAIT_SECONDS, #condition);                  \
				_exit(1);                                                          \
			}                                                                          \
			sched_yield();                                                             \
		}                                                                                  \
	} while (0)

static inline __attribute__((noreturn)) void skip(const char *why)
{
	dprintf(2, "skipped: %s\n", why);
	_exit(TEST_SKIPPED);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline struct ftrace_stats stats(void)
{
	struct ftrace_stats now = {.size = sizeof(now)};

	CHECK_EQ(ftrace_get_stats(&now), 0);
	return now;
}

#endif /* TEST_H */
