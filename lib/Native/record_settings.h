/* SPDX-License-Identifier: MIT */
/*
 * record_settings.h - how a recording is to be made, as texts.
 */
#ifndef RECORD_SETTINGS_H
#define RECORD_SETTINGS_H

#include "line.h"
#include "record_env.h"

/*
 * struct record_source - where the texts come from
 * @value: that of a setting; NULL: it is not set. Its name is the end of that of the variable: "MAX_SIZE"
 * @add_name: adds what the user knows the setting as
 */
struct record_source {
	const char *(*value)(const struct record_source *source, const char *name);
	void (*add_name)(struct line *line, const char *name, size_t length);
};

struct record_settings {
	struct ftrace_tracing_opts opts;
	struct record_start start;
};

#pragma GCC visibility push(hidden)
/* Reads all of them. Returns the name of one that is wrong, and sets what it could be; NULL: none. */
const char *record_read_settings(struct record_settings *settings, const struct record_source *source, const char **allowed);

/* Adds what is wrong with a value, or why a recording could not be started, and what helps. */
void record_report_value(struct line *line, const struct record_source *source, const char *name, const char *allowed);
void record_explain(struct line *line, const struct record_settings *settings, const struct record_source *source, const char *path,
		    int error);
#pragma GCC visibility pop

#endif /* RECORD_SETTINGS_H */
