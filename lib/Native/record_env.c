/* SPDX-License-Identifier: MIT */
/*
 * record_env.c - the environment starts a recording: FTRACE_RECORD=FILE, and variables whose
 * names begin so. docs/tracing.md has the list.
 *
 * The program runs all the same if it cannot be recorded, and prints one line. It prints nothing if it
 * was started by a program that was to be recorded too: that one has printed it.
 */
#include "record_env.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_LINE  1024
#define LONGEST_VALUE 200 /* that is printed */
#define NO_RECORDING  "; the program is not recorded\n"

/* The text of a line, which is cut if it is too long. */
struct line {
	char text[LONGEST_LINE];
	size_t length;
};

static void add_text(struct line *line, const char *text, size_t length)
{
	size_t room = sizeof(line->text) - sizeof(NO_RECORDING) - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void add(struct line *line, const char *text)
{
	add_text(line, text, strlen(text));
}

/* What the user has given may be long. */
static void add_value(struct line *line, const char *text)
{
	size_t length = strlen(text);

	add_text(line, text, length < LONGEST_VALUE ? length : LONGEST_VALUE);
}

static unsigned long pending_signals(void)
{
	unsigned long set = 0;

	raw_syscall(SYS_rt_sigpending, (long)&set, sizeof(set), 0, 0, 0, 0);
	return set;
}

/*
 * Ends the line, and prints it. The host can notice nothing but the line: the write does not wait, and
 * signals that it causes are taken back (nobody reads, the file's limit, a background
 * process that may not write to its terminal). A descriptor that is not open for writing is
 * something else than standard error.
 */
static void print(struct line *line)
{
	unsigned long caused = 1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1) | 1UL << (SIGTTOU - 1);
	struct pollfd state = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct timespec at_once = {0};
	unsigned long mask, before;
	long flags = raw_syscall(SYS_fcntl, STDERR_FILENO, F_GETFL, 0, 0, 0, 0);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) ||
	    raw_syscall(SYS_poll, (long)&state, 1, 0, 0, 0, 0) != 1 || !(state.revents & POLLOUT))
		return;
	memcpy(line->text + line->length, NO_RECORDING, sizeof(NO_RECORDING) - 1);
	line->length += sizeof(NO_RECORDING) - 1;
	raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&caused, (long)&mask, sizeof(mask), 0, 0);
	before = pending_signals();
	raw_syscall(SYS_write, STDERR_FILENO, (long)line->text, line->length, 0, 0, 0);
	caused &= ~before;
	while (pending_signals() & caused)
		raw_syscall(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&at_once, sizeof(caused), 0, 0);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
}

/* The variables. */
#define PREFIX "FTRACE_RECORD"

struct settings {
	struct ftrace_tracing_opts opts;
	struct record_start start;
	const char *path;
};

/* Empty is as not set. */
static const char *variable(const char *name)
{
	char full[64] = PREFIX;
	const char *value;

	strcpy(full + strlen(full), name);
	value = secure_getenv(full);
	return value && *value ? value : NULL;
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
static const char *read_settings(struct settings *settings, const char **allowed)
{
	static const char *const modes[] = {"flight", "stream", NULL}, *const plugins[] = {"graph", "function", "sample", NULL},
			      *const clocks[] = {"tsc", "monotonic", NULL};
	struct ftrace_tracing_opts *opts = &settings->opts;
	unsigned int is_stream = 0, plugin = 0, is_off = 0, clock = ftrace_recorder.counts_ns;

	settings->start.children = 1;
	settings->start.child_base = variable("_CHILD_PATH");
	settings->start.trigger = variable("_TRIGGER");
	opts->filter = variable("_FILTER");
	opts->notrace = variable("_NOTRACE");
	*allowed = SIZE_TEXT;
	if (!read_size(variable("_BUFFER"), &opts->buffer_size))
		return "_BUFFER";
	if (!read_size(variable("_MAX_SIZE"), &opts->max_size))
		return "_MAX_SIZE";
	*allowed = COUNT_TEXT;
	if (!read_count(variable("_DEPTH"), &opts->max_depth))
		return "_DEPTH";
	if (!read_count(variable("_HZ"), &opts->hz))
		return "_HZ";
	*allowed = "a number of nanoseconds, or one with us, ms or s";
	if (!read_time(variable("_MIN_TIME"), &opts->min_time_ns))
		return "_MIN_TIME";
	*allowed = "flight or stream";
	if (!read_word(variable("_MODE"), modes, &is_stream))
		return "_MODE";
	*allowed = "graph, function or sample";
	if (!read_word(variable("_PLUGIN"), plugins, &plugin))
		return "_PLUGIN";
	*allowed = "tsc or monotonic";
	if (!read_word(variable("_CLOCK"), clocks, &clock))
		return "_CLOCK";
	ftrace_recorder.counts_ns = clock;
	*allowed = "the name or number of a signal that a program can handle, as USR1";
	if (!read_signal(variable("_SNAPSHOT_SIGNAL"), &opts->snapshot_signal))
		return "_SNAPSHOT_SIGNAL";
	*allowed = FLAG_TEXT;
	if (!read_switch(variable("_CHILDREN"), &settings->start.children))
		return "_CHILDREN";
	if (!read_switch(variable("_OFF"), &is_off))
		return "_OFF";
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
		return "no space is left on the file system; make room, or set " PREFIX "_BUFFER to less";
	case -EDQUOT:
		return "the disk quota is exceeded; make room, or set " PREFIX "_BUFFER to less";
	case -EFBIG:
		return "it would become too large; raise " PREFIX "_MAX_SIZE or the limit of file sizes "
		       "(ulimit -f), or set " PREFIX "_BUFFER to less";
	case -ENOMEM:
		return "not enough memory or address space (ulimit -v); set " PREFIX "_BUFFER to less";
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

static void explain(const struct settings *settings, const char *path, int error)
{
	struct line line = {.length = 0};
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
	add(&line, "ftrace: cannot record to ");
	add_value(&line, path);
	add(&line, ": ");
	if (value) {
		add_value(&line, value);
		add(&line, ": ");
	}
	add(&line, reason ? reason : ftrace_strerror(error));
	print(&line);
}

static void report_value(const char *name, const char *allowed)
{
	struct line line = {.length = 0};

	add(&line, "ftrace: " PREFIX);
	add(&line, name);
	add(&line, "=");
	add_value(&line, variable(name));
	add(&line, ": must be ");
	add(&line, allowed);
	print(&line);
}

#define MOST_TRIES 3 /* another process may create the file meanwhile */

void record_from_environment(void)
{
	struct settings settings = {.opts.size = sizeof(settings.opts), .path = variable("")};
	char name[PATH_MAX];
	const char *wrong, *allowed;
	enum record_file file = RECORD_NONE;
	int error = -EEXIST;

	if (!settings.path)
		return;
	wrong = read_settings(&settings, &allowed);
	if (wrong) {
		if (!record_is_descendant(settings.path))
			report_value(wrong, allowed);
		return;
	}
	for (int tries = 0; tries < MOST_TRIES && error == -EEXIST; tries++) {
		file = record_choose(settings.path, settings.start.child_base, name, sizeof(name));
		if (file == RECORD_NONE || (file == RECORD_CHILD && !settings.start.children))
			return;
		settings.opts.path = name;
		if (!settings.start.child_base && strncmp(settings.path, "fd:", 3) != 0)
			settings.start.child_base = settings.path;
		ftrace_recorder.from_environment = 1;
		error = ftrace_record_start(&settings.opts, &settings.start);
		if (settings.start.stage != RecordStart_InFile)
			break;
	}
	if (error && !(error == -ENOENT && settings.start.stage != RecordStart_InFile && record_is_descendant(settings.path)))
		explain(&settings, name, error);
}
