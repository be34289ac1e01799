/* SPDX-License-Identifier: MIT */
/*
 * modes.h - files with several tests: the first argument names one, the second is the
 * method of the calls that take no options.
 */
#ifndef MODES_H
#define MODES_H

#include "test.h"
#include "ways.h"

#include <string.h>

struct mode {
	const char *name;
	void (*run)(void);
};

static inline int run_mode(const struct mode *modes, int argc, char **argv)
{
	CHECK(argc == 2 || argc == 3);
#ifndef FTRACE_LIBRARY /* linked with it */
	if (argc == 3) {
		CHECK(take_way(argv[2]));
		CHECK_EQ(ftrace_set_patch_opts(&way), 0);
	}
#endif
	while (modes->name && strcmp(argv[1], modes->name) != 0)
		modes++;
	CHECK(modes->name);
	modes->run();
	return 0;
}

#endif /* MODES_H */
