/* SPDX-License-Identifier: MIT */
/* until.c - preloaded: the programs of host/programs go on until the file exists that ATTACH_UNTIL names (work_continues() of work.c). */
#include <stdlib.h>
#include <unistd.h>

int toggler_done(void);

int toggler_done(void)
{
	return access(getenv("ATTACH_UNTIL"), F_OK) == 0;
}
