/* SPDX-License-Identifier: MIT */
/* static_key_plugin.c - a shared object with a key of its own and two of the program's. */
#include "static_key.h"

static FTRACE_IMPORT_STATIC_KEY_TRUE(imported_true, &exported_true.key);
/* Laid out the other way round than the program's branches. */
static FTRACE_IMPORT_STATIC_KEY_TRUE(imported_false, &exported_false.key);

FTRACE_DECLARE_STATIC_KEY_FALSE(own_key);
FTRACE_DEFINE_STATIC_KEY_FALSE(own_key);

static unsigned int follows_true(void)
{
	return BRANCHES(&imported_true);
}

static unsigned int follows_false(void)
{
	return BRANCHES(&imported_false);
}

static unsigned int own(void)
{
	return BRANCHES(&own_key);
}

static int set_own(int on)
{
	return on ? ftrace_static_branch_enable(&own_key) : ftrace_static_branch_disable(&own_key);
}

static int count_imported(void)
{
	return ftrace_static_branch_count(&imported_false);
}

static int inc_imported(void)
{
	return ftrace_static_branch_inc(&imported_false);
}

static int dec_imported(void)
{
	return ftrace_static_branch_dec(&imported_false);
}

const struct plugin plugin = {follows_true,   follows_false, own,	  set_own,
			      count_imported, inc_imported,  dec_imported};
