/* SPDX-License-Identifier: MIT */
/*
 * record_settings.c - how a recording is to be made, as texts: from the environment (record_env.c), or from
 * another process (connection.c). Both have the same names and values: docs/tracing.md has the list.
 */
#include "record_settings.h"
#include "recorder.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

/* Setting names in the texts below are as they are in the environment, and begin with @. */
static void add_names(struct line *line, const struct record_source *source, const char *text)
{
	const char *at;

	while ((at = strchr(text, '@'))) {
		line_add_text(line, text, at - text);
		source->add_name(line, at + 1, strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"));
		text = at + 1 + strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	}
	line_add(line, text);
}

/* A decimal number without a sign. Returns what follows it; NULL: there is none, or it is too large. */
static const char *parse_number(const char *text, unsigned long *number)
{
	const char *start = text;

	for (*number = 0; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, *text - '0', number))
			return NULL;
	return text == start ? NULL : text;
}

struct suffix {
	const char *text;
	unsigned long factor;
};

static int parse_with(const struct suffix *suffixes, const char *text, unsigned long *number)
{
	const char *rest = parse_number(text, number);

	for (; rest && suffixes->text; suffixes++)
		if (strcasecmp(rest, suffixes->text) == 0)
			return !__builtin_mul_overflow(*number, suffixes->factor, number);
	return 0;
}

static const struct suffix sizes[] = {
	{"", 1}, {"K", 1UL << 10}, {"M", 1UL << 20}, {"G", 1UL << 30}, {},
};
static const struct suffix times[] = {
	{"", 1}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {},
};
static const struct suffix none[] = {{"", 1}, {}};

static int read_size(const char *text, size_t *size)
{
	return !text || parse_with(sizes, text, size);
}

static int read_time(const char *text, unsigned long *ns)
{
	return !text || parse_with(times, text, ns);
}

static int read_count(const char *text, unsigned int *count)
{
	unsigned long number = 0;

	if (text && (!parse_with(none, text, &number) || number > INT_MAX))
		return 0;
	*count = number;
	return 1;
}

static int read_switch(const char *text, unsigned int *on)
{
	if (!text)
		return 1;
	*on = *text == '1';
	return (*text == '0' || *text == '1') && !text[1];
}

/* One of two or three words; sets its number. */
static int read_word(const char *text, const char *const *words, unsigned int *number)
{
	for (unsigned int i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*number = i;
			return 1;
		}
	}
	return !text;
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP},     {"INT", SIGINT},	{"QUIT", SIGQUIT},   {"ABRT", SIGABRT}, {"USR1", SIGUSR1},
	{"USR2", SIGUSR2},   {"PIPE", SIGPIPE},	{"ALRM", SIGALRM},   {"TERM", SIGTERM}, {"CHLD", SIGCHLD},
	{"CONT", SIGCONT},   {"TSTP", SIGTSTP},	{"TTIN", SIGTTIN},   {"TTOU", SIGTTOU}, {"URG", SIGURG},
	{"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},	{"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH},
	{"IO", SIGIO},	     {"PWR", SIGPWR},
};

#define FIRST_REALTIME 34 /* those before are the C library's */
#define LAST_SIGNAL    64

static int signal_number(const char *text)
{
	unsigned long number;

	if (parse_with(none, text, &number))
		return number <= LAST_SIGNAL ? number : 0;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncmp(text, "RTMIN", 5) == 0) {
		text += 5;
		if (!*text)
			return FIRST_REALTIME;
		return *text == '+' && parse_with(none, text + 1, &number) && number <= LAST_SIGNAL - FIRST_REALTIME ?
			       FIRST_REALTIME + (int)number :
			       0;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (strcmp(text, signals[i].name) == 0)
			return signals[i].number;
	return 0;
}

/* A signal that a program can handle, and that does not come from an error of it. */
static int read_signal(const char *text, int *signo)
{
	static const unsigned long excluded = 1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1) | 1UL << (SIGSEGV - 1) |
					      1UL << (SIGBUS - 1) | 1UL << (SIGILL - 1) | 1UL << (SIGFPE - 1) |
					      1UL << (SIGTRAP - 1) | 1UL << (SIGSYS - 1);

	if (!text)
		return 1;
	*signo = signal_number(text);
	return *signo > 0 && (*signo <= SIGSYS || *signo >= FIRST_REALTIME) && !(excluded >> (*signo - 1) & 1);
}

#define SIZE_TEXT  "a number of bytes, or one with K, M or G"
#define COUNT_TEXT "a whole number"
#define FLAG_TEXT  "0 or 1"

/* Reads all of them. Returns the name of one that is wrong, and sets what it could be; NULL: none. */
const char *record_read_settings(struct record_settings *settings, const struct record_source *source, const char **allowed)
{
	static const char *const modes[] = {"flight", "stream", NULL}, *const plugins[] = {"graph", "function", "sample", NULL},
			      *const clocks[] = {"", "tsc", "monotonic", NULL};
	struct ftrace_tracing_opts *opts = &settings->opts;
	unsigned int is_stream = 0, plugin = 0, is_off = 0, clock = 0;

	settings->start.children = 1;
	settings->start.child_base = source->value(source, "CHILD_PATH");
	settings->start.trigger = source->value(source, "TRIGGER");
	opts->filter = source->value(source, "FILTER");
	opts->notrace = source->value(source, "NOTRACE");
	*allowed = SIZE_TEXT;
	if (!read_size(source->value(source, "BUFFER"), &opts->buffer_size))
		return "BUFFER";
	if (!read_size(source->value(source, "MAX_SIZE"), &opts->max_size))
		return "MAX_SIZE";
	*allowed = COUNT_TEXT;
	if (!read_count(source->value(source, "DEPTH"), &opts->max_depth))
		return "DEPTH";
	if (!read_count(source->value(source, "HZ"), &opts->hz))
		return "HZ";
	*allowed = "a number of nanoseconds, or one with us, ms or s";
	if (!read_time(source->value(source, "MIN_TIME"), &opts->min_time_ns))
		return "MIN_TIME";
	*allowed = "flight or stream";
	if (!read_word(source->value(source, "MODE"), modes, &is_stream))
		return "MODE";
	*allowed = "graph, function or sample";
	if (!read_word(source->value(source, "PLUGIN"), plugins, &plugin))
		return "PLUGIN";
	*allowed = "tsc or monotonic";
	if (!read_word(source->value(source, "CLOCK"), clocks, &clock))
		return "CLOCK";
	settings->start.clock = clock;
	*allowed = "the name or number of a signal that a program can handle, as USR1";
	if (!read_signal(source->value(source, "SNAPSHOT_SIGNAL"), &opts->snapshot_signal))
		return "SNAPSHOT_SIGNAL";
	*allowed = FLAG_TEXT;
	if (!read_switch(source->value(source, "CHILDREN"), &settings->start.children))
		return "CHILDREN";
	if (!read_switch(source->value(source, "OFF"), &is_off))
		return "OFF";
	opts->flags = (is_stream ? FTRACE_TRACING_STREAM : 0) | (plugin == 1 ? FTRACE_TRACING_FUNCTION : 0) |
		      (plugin == 2 ? FTRACE_TRACING_SAMPLE : 0) |
		      (is_off ? FTRACE_TRACING_OFF : 0);
	return NULL;
}

/* Why the file cannot be written, and what helps. */
static const char *file_error(int error, const char *path)
{
	switch (error) {
	case -EEXIST:
		return "the file exists; remove it, or choose another name";
	case -ENOENT:
	case -ENOTDIR:
		return "there is no such directory; create it";
	case -EISDIR:
		return "it is a directory; name a file";
	case -EACCES:
	case -EPERM:
		return "permission denied; choose a directory that you may write to";
	case -EROFS:
		return "the file system is read-only; choose another one";
	case -ENOSPC:
		return "no space is left on the file system; make room, or set @BUFFER to less";
	case -EDQUOT:
		return "the disk quota is exceeded; make room, or set @BUFFER to less";
	case -EFBIG:
		return "it would become too large; raise @MAX_SIZE or the limit of file sizes "
		       "(ulimit -f), or set @BUFFER to less";
	case -ENOMEM:
		return "not enough memory or address space (ulimit -v); set @BUFFER to less";
	case -EMFILE:
	case -ENFILE:
		return "too many files are open; raise the limit (ulimit -n)";
	case -ELOOP:
		return "it is a symbolic link; name the file itself";
	case -ENAMETOOLONG:
		return "the name is too long; choose a shorter one";
	case -ENODEV:
		return "the file system cannot map files; choose another one";
	case -EINVAL:
	case -EBADF:
		return strncmp(path, "fd:", 3) == 0 ?
			       "it is no empty file that is open for reading and writing; open one" :
			       "the file system does not allow it; choose another one";
	default:
		return NULL;
	}
}

void record_explain(struct line *line, const struct record_settings *settings, const struct record_source *source, const char *path,
		    int error)
{
	const char *reason = NULL, *value = NULL;

	switch (settings->start.stage) {
	case RecordStart_InFile:
		reason = file_error(error, path);
		break;
	case RecordStart_InFilter:
		value = settings->opts.filter;
		break;
	case RecordStart_InNotrace:
		value = settings->opts.notrace;
		break;
	case RecordStart_InTrigger:
		value = settings->start.trigger;
		break;
	}
	if (value && (error == -ENOENT || error == -EINVAL))
		reason = error == -ENOENT ? "no function matches; ftrace list PROGRAM shows what can be traced" :
					    "the pattern is malformed; docs/tracing.md has the syntax";
	if (value) {
		line_add_value(line, value);
		line_add(line, ": ");
	}
	add_names(line, source, reason ? reason : ftrace_strerror(error));
}

void record_report_value(struct line *line, const struct record_source *source, const char *name, const char *allowed)
{
	source->add_name(line, name, strlen(name));
	line_add(line, "=");
	line_add_value(line, source->value(source, name));
	line_add(line, ": must be ");
	line_add(line, allowed);
}
