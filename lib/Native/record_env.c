/* SPDX-License-Identifier: MIT */
/*
 * record_env.c - the environment starts a recording: FTRACE_RECORD=FILE, and variables whose
 * names begin so. docs/tracing.md has the list.
 *
 * The program runs all the same if it cannot be recorded, and prints one line. It prints nothing if it
 * was started by a program that was to be recorded too: that one has printed it.
 */
#include "record_settings.h"
#include "recorder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The variables. */
#define PREFIX	     RECORD_VARIABLE
#define NO_RECORDING "; the program is not recorded\n"

/* Empty is as not set. */
static const char *variable(const char *name)
{
	char full[64] = PREFIX;
	const char *value;

	strcpy(full + strlen(full), name);
	value = secure_getenv(full);
	return value && *value ? value : NULL;
}

static const char *variable_of(const struct record_source *source, const char *name)
{
	char end[40] = "_";

	(void)source;
	strcpy(end + 1, name);
	return variable(end);
}

static void add_variable(struct line *line, const char *name, size_t length)
{
	char end[40] = "";

	memcpy(end, name, length);
	line_add(line, PREFIX "_");
	line_add(line, end);
}

static const struct record_source environment = {.value = variable_of, .add_name = add_variable};

static void explain(const struct record_settings *settings, const char *path, int error)
{
	struct line line = {.length = 0};

	line_add(&line, "ftrace: cannot record to ");
	line_add_value(&line, path);
	line_add(&line, ": ");
	record_explain(&line, settings, &environment, path, error);
	line_print(&line, NO_RECORDING);
}

static void report_value(const char *name, const char *allowed)
{
	struct line line = {.length = 0};

	line_add(&line, "ftrace: ");
	record_report_value(&line, &environment, name, allowed);
	line_print(&line, NO_RECORDING);
}

#define MOST_TRIES 3 /* another process may create the file meanwhile */

void record_from_environment(void)
{
	struct record_settings settings = {.opts.size = sizeof(settings.opts)};
	const char *path = variable("");
	char name[PATH_MAX];
	const char *wrong, *allowed;
	enum record_file file = RECORD_NONE;
	int error = -EEXIST;

	if (!path)
		return;
	wrong = record_read_settings(&settings, &environment, &allowed);
	if (wrong) {
		if (!record_is_descendant(RECORD_VARIABLE, path))
			report_value(wrong, allowed);
		return;
	}
	if (settings.start.clock)
		ftrace_recorder.default_counts_ns = settings.start.clock - 1;
	for (int tries = 0; tries < MOST_TRIES && error == -EEXIST; tries++) {
		file = record_choose(path, settings.start.child_base, name, sizeof(name));
		if (file == RECORD_NONE || (file == RECORD_CHILD && !settings.start.children))
			return;
		settings.opts.path = name;
		if (!settings.start.child_base && strncmp(path, "fd:", 3) != 0)
			settings.start.child_base = path;
		ftrace_recorder.from_environment = 1;
		error = ftrace_record_start(&settings.opts, &settings.start);
		if (settings.start.stage != RecordStart_InFile)
			break;
	}
	if (error && !(error == -ENOENT && settings.start.stage != RecordStart_InFile && record_is_descendant(RECORD_VARIABLE, path)))
		explain(&settings, name, error);
}
