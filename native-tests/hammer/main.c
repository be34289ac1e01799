/* SPDX-License-Identifier: MIT */
/*
 * The hammer: changes code back and forth while threads and signal handlers
 * execute it, and checks every execution.
 *
 * This process supervises. The work is done by a second process, the same
 * executable, so that a crash or a hang there is a result like any other. The
 * negative control is a third: the same work with what protects it left out
 * (enum control). It must find torn executions, or else finding none means
 * nothing.
 */
#define _GNU_SOURCE
#include "hammer.h"
#include "functions.h"

#include <ftrace/version.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The run's own time is bounded by --seconds and EXTRA_SECONDS; grace is for start and end, and
 * shorter where torn code is expected to hang the process.
 */
#define GRACE_SECONDS	      30
#define CONTROL_GRACE_SECONDS 5
#define CONTROL_SECONDS	      30
#define PROGRESS_NS	      250000000L
#define GRAPH_NMI_SITES	      4 /* each calls up to seven others */

extern char **environ;

static const char usage[] =
	"Usage: hammer [OPTION]...\n"
	"Patch code back and forth while threads and signal handlers execute it, and check\n"
	"every execution. \"NMI\" means a signal handler declared as an NMI (ftrace/nmi.h).\n"
	"\n"
	"  --ops          do not patch; instead, two threads register, filter and unregister\n"
	"                 handlers of functions at random (ftrace/trace.h), and each call\n"
	"                 checks that exactly the right handlers were called; not with\n"
	"                 --sites\n"
	"  --graph        the same, with handlers at both ends of functions (ftrace/graph.h)\n"
	"                 for a third of them; the functions call each other, return, end with\n"
	"                 calls and are left by jumps, and each entry must have one exit\n"
	"  --threads N    threads that execute the code, 1 to 256 (4)\n"
	"  --seconds S    duration, 1 to 86400 (5)\n"
	"  --nmi-hz HZ    timer signals per second and thread, 1 to 20000 (2000)\n"
	"  --sites N      locations, 16 to 65536 (512)\n"
	"  --seed N       seed for placement and order, 0 to 4294967295 (random, printed)\n"
	"  --method M     stop: park all other threads, only NMIs run (default)\n"
	"                 breakpoint: threads and NMIs run on, and execute breakpoints\n"
	"                 (default with --ops and --graph)\n"
	"                 auto: let the library choose, which is stop\n"
	"  --writer W     auto (default)\n"
	"                 proc-mem: write through /proc/self/mem\n"
	"                 mprotect: make pages writable during the change\n"
	"  --mask-all     NMIs run with all signals blocked\n"
	"  --seize        stop threads with ptrace(2), not by a signal\n"
	"                 (FTRACE_STOP_SIGNAL=none); not with breakpoint\n"
	"  --no-control   skip the negative control, which must find torn executions. With\n"
	"                 stop it runs handlers that do not announce themselves. With\n"
	"                 breakpoint and --seize it uses plain stores instead of the\n"
	"                 library. With --ops and --graph it counts each change before\n"
	"                 making it, and must find missing, unexpected and late calls of\n"
	"                 handlers; with --graph it overlooks exits, and must find them lost\n"
	"  --json FILE    also write the results to FILE\n"
	"  -h, --help     print this text\n"
	"  --version      print the version of the library\n"
	"\n"
	"Exit status: 0 pass; 1 torn or stale executions, wrong calls of handlers, garbage\n"
	"collections, or an error of the library; 2 inconclusive: the control found\n"
	"nothing, or no NMI wrote (stop), or no breakpoint was hit, or there was nothing\n"
	"to check (--ops, --graph); 3 not supported on this system; 64 wrong usage.\n";

struct options {
	struct settings settings;
	bool control;
	const char *json;
};

static _Noreturn void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "hammer: %s%s%s; try --help\n", what, value ? ": " : "",
		value ? value : "");
	exit(EXIT_USAGE);
}

static unsigned int parse_number(const char *option, const char *text, unsigned long min,
				 unsigned long max)
{
	char what[80];
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max) {
		snprintf(what, sizeof(what), "--%s takes a number from %lu to %lu", option, min,
			 max);
		usage_error(what, text);
	}
	return (unsigned int)number;
}

static unsigned int parse_name(const char *option, const char *text, const char *const *names,
			       unsigned int count)
{
	char what[80];

	for (unsigned int i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	snprintf(what, sizeof(what), "--%s takes %s, %s or %s", option, names[1], names[2],
		 names[0]);
	usage_error(what, text);
}

static void parse_options(int argc, char **argv, struct options *options)
{
	enum {
		OPS = 1,
		GRAPH,
		THREADS,
		SECONDS,
		NMI_HZ,
		SITES,
		SEED,
		METHOD,
		WRITER,
		MASK_ALL,
		SEIZE,
		NO_CONTROL,
		JSON,
		VERSION,
	};
	static const struct option known[] = {
		{"ops", no_argument, NULL, OPS},
		{"graph", no_argument, NULL, GRAPH},
		{"threads", required_argument, NULL, THREADS},
		{"seconds", required_argument, NULL, SECONDS},
		{"nmi-hz", required_argument, NULL, NMI_HZ},
		{"sites", required_argument, NULL, SITES},
		{"seed", required_argument, NULL, SEED},
		{"method", required_argument, NULL, METHOD},
		{"writer", required_argument, NULL, WRITER},
		{"mask-all", no_argument, NULL, MASK_ALL},
		{"seize", no_argument, NULL, SEIZE},
		{"no-control", no_argument, NULL, NO_CONTROL},
		{"json", required_argument, NULL, JSON},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, VERSION},
		{0},
	};
	struct settings *settings = &options->settings;
	bool sites = false, method = false;
	int option;

	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		sites |= option == SITES;
		method |= option == METHOD;
		switch (option) {
		case OPS:
			settings->ops = true;
			break;
		case GRAPH:
			settings->ops = settings->graph = true;
			settings->nmi_sites = GRAPH_NMI_SITES;
			break;
		case THREADS:
			settings->threads = parse_number("threads", optarg, 1, MAX_THREADS);
			break;
		case SECONDS:
			settings->seconds = parse_number("seconds", optarg, 1, 86400);
			break;
		case NMI_HZ:
			settings->nmi_hz = parse_number("nmi-hz", optarg, 1, 20000);
			break;
		case SITES:
			settings->sites = parse_number("sites", optarg, 16, MAX_SITES);
			break;
		case SEED:
			settings->seed = parse_number("seed", optarg, 0, UINT32_MAX);
			break;
		case METHOD:
			settings->method = parse_name("method", optarg, method_name, METHODS);
			break;
		case WRITER:
			settings->writer = parse_name("writer", optarg, writer_name, WRITERS);
			break;
		case MASK_ALL:
			settings->mask_all = true;
			break;
		case SEIZE:
			settings->seize = true;
			break;
		case NO_CONTROL:
			options->control = false;
			break;
		case JSON:
			options->json = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_PASS);
		case VERSION:
			printf("libftrace %s\n", ftrace_version());
			exit(EXIT_PASS);
		case ':':
			usage_error("option needs a value", argv[optind - 1]);
		default:
			usage_error("unknown option, or wrong use of it", argv[optind - 1]);
		}
	}
	if (optind < argc)
		usage_error("unexpected argument", argv[optind]);
	if (settings->seize && settings->method == FTRACE_METHOD_BREAKPOINT)
		usage_error("--seize works with stops only", NULL);
	if (settings->seize)
		setenv("FTRACE_STOP_SIGNAL", "none", 1); /* for the processes that do the work */
	if (!settings->ops)
		return;
	if (sites)
		usage_error("--sites does not work with --ops and --graph", NULL);
	settings->sites = FUNCTION_COUNT;
	if (!method && !settings->seize)
		settings->method = FTRACE_METHOD_BREAKPOINT;
}

/* Found out now, not after a long run. */
static void check_json(const char *path)
{
	FILE *file = fopen(path, "ae");

	if (!file)
		usage_error("--json: cannot write", path);
	fclose(file);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "hammer: %s: %s\n", what, strerror(errno));
	exit(EXIT_UNSUPPORTED);
}

/* Waits for the process, with an eye on the clock. Returns its wait status. */
static int wait_for(pid_t child, struct run *run, const char *what)
{
	const struct timespec tick = {.tv_nsec = PROGRESS_NS};
	bool terminal = isatty(STDERR_FILENO);
	unsigned int grace =
		run->settings.control == CONTROL_OFF ? GRACE_SECONDS : CONTROL_GRACE_SECONDS;
	struct timespec start;
	sigset_t sigchld;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &start);
	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (terminal)
			report_progress(run, what, seconds_since(&start));
		if (seconds_since(&start) > run->settings.seconds + grace) {
			run->results.hung = true;
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			break;
		}
		sigtimedwait(&sigchld, NULL, &tick);
	}
	if (terminal)
		report_clear_progress();
	return status;
}

static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGILL || signo == SIGBUS || signo == SIGTRAP;
}

/*
 * Starts the process that works and waits for its end. Returns EXIT_PASS,
 * EXIT_TORN or EXIT_UNSUPPORTED; the rest is in run->results.
 */
static int work(struct run *run, int fd, const char *what)
{
	char fd_text[16];
	char *argv[] = {"hammer", "--work", fd_text, NULL};
	struct results *results = &run->results;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t child;
	int status;

	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	errno = posix_spawn(&child, "/proc/self/exe", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (errno)
		die("cannot start /proc/self/exe");

	status = wait_for(child, run, what);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* The handler for faults found no ground to stand on. */
	if (is_fault(WTERMSIG(status)))
		results->crashes++;
	if (results->hung)
		snprintf(results->error, sizeof(results->error), "the run did not end and was killed");
	else
		snprintf(results->error, sizeof(results->error), "ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	return EXIT_TORN;
}

/* Each check has to show that it notices; other functions and results are never wrong here. */
static bool has_found(const struct control_results *control, enum control kind, bool graph)
{
	if (kind != CONTROL_EARLY)
		return control->torn != 0;
	return control->ops_fault[OPS_MISSED] && control->ops_fault[OPS_EXTRA] &&
	       control->ops_fault[OPS_DEAD] && (!graph || control->ops_fault[OPS_LOST]);
}

/*
 * The same without protection, until something torn was found. The handlers
 * come at the highest rate and execute all sites several times: so they are at
 * work most of the time that the text changes. A small number of sites makes
 * it likely that the one being changed is the one being executed. --ops needs none of that.
 */
static void negative_control(struct run *run, int fd, enum control kind,
			     struct control_results *control)
{
	const struct settings asked = run->settings;
	struct timespec start;

	control->done = true;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		memset(run, 0, sizeof(*run));
		run->settings = asked;
		run->settings.control = kind;
		run->settings.seconds = 1;
		run->settings.threads = 4;
		if (kind != CONTROL_EARLY) {
			run->settings.nmi_hz = 20000;
			run->settings.sites = 256;
			run->settings.nmi_sites = 1024;
		}
		run->settings.seed = asked.seed + control->runs;
		control->runs++;
		if (work(run, fd, "control") != EXIT_PASS && !run->results.crashes &&
		    !run->results.hung) {
			fprintf(stderr, "hammer: control: %s\n", run->results.error);
			break;
		}
		control->torn += sum_torn(&run->results);
		for (unsigned int i = 0; i < OPS_FAULTS; i++)
			control->ops_fault[i] += sum_ops_fault(&run->results, i);
		control->seconds = seconds_since(&start);
	} while (!has_found(control, kind, asked.graph) && control->seconds < CONTROL_SECONDS);
}

/* What the protected run has shown; says why, if it is no pass. */
static int judge(const struct run *run, int exit_code)
{
	const struct results *results = &run->results;
	bool breakpoints = results->after.last_method == FTRACE_METHOD_BREAKPOINT;
	uint64_t wrong = sum_torn(results) + sum_stale(results);

	report_anomaly(results);
	if (results->error[0])
		fprintf(stderr, "hammer: %s\n", results->error);
	if (exit_code == EXIT_UNSUPPORTED)
		return exit_code;
	if (sum_torn(results))
		fprintf(stderr, "hammer: torn executions: %llu\n",
			(unsigned long long)sum_torn(results));
	if (sum_stale(results))
		fprintf(stderr, "hammer: old code ran after it had been replaced: %llu times\n",
			(unsigned long long)sum_stale(results));
	for (unsigned int i = 0; i < OPS_FAULTS; i++)
		wrong += sum_ops_fault(results, i);
	if (run->settings.ops && wrong)
		fprintf(stderr, "hammer: wrong calls: %llu\n", (unsigned long long)wrong);
	if (results->after.gc_collections)
		fprintf(stderr, "hammer: garbage collections: %llu\n",
			(unsigned long long)results->after.gc_collections);
	if (exit_code || wrong || results->after.gc_collections)
		return EXIT_TORN;
	if (run->settings.seconds >= PROOF_SECONDS && !proof(run)) {
		fprintf(stderr, "hammer: inconclusive: no %s, so the run proves nothing\n",
			run->settings.ops ? "call met every kind of change"
			: breakpoints	  ? "breakpoint was hit"
					  : "NMI wrote");
		return EXIT_INCONCLUSIVE;
	}
	return EXIT_PASS;
}

static struct run *map_run(int fd)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (run == MAP_FAILED)
		die("mmap");
	return run;
}

static int worker_process(const char *fd_text)
{
	struct run *run = map_run(atoi(fd_text));
	int exit_code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	exit_code = run_main(run);
	/* After an error there are threads left, in any state. */
	if (exit_code)
		_exit(exit_code);
	return exit_code;
}

int main(int argc, char **argv)
{
	struct options options = {
		.settings = {.threads = 4,
			     .seconds = 5,
			     .nmi_hz = 2000,
			     .sites = 512,
			     .nmi_sites = 16,
			     .method = FTRACE_METHOD_STOP_MACHINE},
		.control = true,
	};
	struct control_results control = {0};
	static struct run result;
	struct run *run;
	sigset_t sigchld;
	int fd, exit_code;

	if (argc == 3 && strcmp(argv[1], "--work") == 0)
		return worker_process(argv[2]);
	if (getrandom(&options.settings.seed, sizeof(options.settings.seed), 0) < 0)
		options.settings.seed = (unsigned int)time(NULL);
	parse_options(argc, argv, &options);
	if (options.json)
		check_json(options.json);

	/* Blocked, so that wait_for() can take it; not ignored, so that it is sent. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &sigchld, NULL);

	fd = memfd_create("hammer", 0);
	if (fd < 0 || ftruncate(fd, sizeof(*run)))
		die("memory for the results");
	run = map_run(fd);
	run->settings = options.settings;
	exit_code = work(run, fd, "hammer");
	exit_code = judge(run, exit_code);
	result = *run;

	if (options.control && exit_code == EXIT_PASS) {
		enum control kind = options.settings.ops ? CONTROL_EARLY
				    : options.settings.seize || result.results.after.last_method ==
									FTRACE_METHOD_BREAKPOINT
					    ? CONTROL_PLAIN_STORES
					    : CONTROL_NO_BRACKET;

		negative_control(run, fd, kind, &control);
		if (!has_found(&control, kind, options.settings.graph)) {
			fprintf(stderr, "hammer: inconclusive: %s\n",
				kind == CONTROL_EARLY ? "planted errors were not found"
						      : "no execution was torn without protection");
			exit_code = EXIT_INCONCLUSIVE;
		}
	}
	report_table(&result, &control);
	printf("%-34s %s\n", "result",
	       exit_code == EXIT_PASS		? "pass"
	       : exit_code == EXIT_TORN		? "FAIL"
	       : exit_code == EXIT_INCONCLUSIVE ? "inconclusive"
						: "not supported on this system");
	if (options.json) {
		int ret = report_json(options.json, &result, &control, exit_code);

		if (ret) {
			fprintf(stderr, "hammer: %s: %s\n", options.json, strerror(-ret));
			return EXIT_TORN;
		}
	}
	return exit_code;
}
