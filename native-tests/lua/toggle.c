/* SPDX-License-Identifier: MIT */
/*
 * toggle.c - all entries of Lua's functions, back and forth, while they run; or, as
 * a method "ops-...", a handler on changing ones of them (ops.c), or as "graph-..."
 * handlers at both ends of these (graph.c).
 *
 * Who runs against whom: the main thread changes the entries; the other threads
 * run Lua; every thread, the main one included, is interrupted by a timer of its
 * own whose handler runs some of the same functions. The handler is declared and
 * brackets itself, so it goes on while its thread is parked.
 *
 * A torn instruction shows as a wrong result in a handler, as a fault, or as
 * wrong output of a script.
 */
#define _GNU_SOURCE
#include "toggle.h"
#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <lua.h>
#include <lobject.h>
#include <lvm.h>

#include <ftrace/ftrace.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NMI_SIGNAL    SIGPROF
#define NMI_HZ	      2000
#define TOGGLE_HZ     400
#define MIN_TOGGLE_HZ 100
#define OPS_HZ	      10
#define MIN_OPS_HZ    5
#define MIN_ENTRIES   500
#define CACHE_LINE    64
#define NSEC_PER_SEC  1000000000L

/* Written by the compiler for -fpatchable-function-entry, bounded by the linker. */
extern const unsigned long __start___patchable_function_entries[];
extern const unsigned long __stop___patchable_function_entries[];

void count_call(void);
_Thread_local volatile unsigned long counted_calls;

static _Thread_local volatile unsigned long thread_nmis;
static _Thread_local volatile unsigned long thread_torn;
static _Thread_local timer_t thread_timer;

static pthread_mutex_t totals_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long total_calls, total_nmis, total_torn;

static const unsigned char nop5[FTRACE_INSN_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
static struct ftrace_patch *to_call, *to_nop;
static const char *const method_name[] = {
	[FTRACE_METHOD_AUTO] = "auto",
	[FTRACE_METHOD_STOP_MACHINE] = "stop",
	[FTRACE_METHOD_BREAKPOINT] = "breakpoint",
};
static enum ftrace_method wanted;
static const struct tracer *const tracers[] = {&ops_tracer, &graph_tracer};
static const struct tracer *ops; /* NULL: entries are patched */
static unsigned long max_sites, min_sites = -1UL;
static size_t nr_entries, nr_straddling;
static unsigned long toggles;
static double toggle_seconds;

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(error == EOPNOTSUPP ? 3 : 1);
}

/* Only functions of Lua that neither look at a state nor change anything; the results are known. */
static bool lua_functions_agree(unsigned int n)
{
	unsigned int ceil_log2 = n > 1 ? 32 - (unsigned int)__builtin_clz(n - 1) : 0;
	lua_Integer floor_div = -(lua_Integer)((n + 6) / 7);
	char utf8[UTF8BUFFSZ];

	return (unsigned int)luaO_ceillog2(n) == ceil_log2 &&
	       luaV_shiftl(n, 7) == (lua_Integer)n * 128 && luaV_idiv(NULL, n, -7) == floor_div &&
	       luaV_mod(NULL, n, -7) == (lua_Integer)n + floor_div * 7 &&
	       luaO_utf8esc(utf8, 0x20ac) == 3 &&
	       memcmp(utf8 + UTF8BUFFSZ - 3, "\xe2\x82\xac", 3) == 0 &&
	       lua_version(NULL) == LUA_VERSION_NUM;
}

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	thread_nmis++;
	if (!lua_functions_agree((unsigned int)thread_nmis * 2654435761u >> 4 | 1))
		thread_torn++;
	ftrace_nmi_exit();
}

/* After half an instruction there is nothing to go back to. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *interrupted = context;
	char text[96];
	int length;

	(void)info;
	/* Integers only: glibc formats them without allocating or locking. */
	length = snprintf(text, sizeof(text), "torn instruction: signal %d at %llx\n", signo,
			  (unsigned long long)interrupted->uc_mcontext.gregs[REG_RIP]);
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(2);
	_exit(1);
}

static void install_handlers(void)
{
	static const int faults[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
	struct sigaction action = {.sa_handler = on_nmi, .sa_flags = SA_RESTART};
	int error;

	sigemptyset(&action.sa_mask);
	if (sigaction(NMI_SIGNAL, &action, NULL))
		fail("sigaction", errno);
	error = ftrace_nmi_add_signal(NMI_SIGNAL);
	if (error)
		fail("ftrace_nmi_add_signal", -error);

	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (sigaction(faults[i], &action, NULL))
			fail("sigaction", errno);
	}
}

static void patch_all(struct ftrace_patch *patches, enum ftrace_method method)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = method};
	int error = ftrace_patch_text(patches, nr_entries, &opts);

	if (!error)
		return;
	for (size_t i = 0; i < nr_entries; i++) {
		if (patches[i].error)
			fprintf(stderr, "entry %zu: %s\n", i, strerror(-patches[i].error));
	}
	fail("ftrace_patch_text", -error);
}

static void set_patch(struct ftrace_patch *patch, unsigned long ip, const unsigned char *old_code,
		      const unsigned char *new_code)
{
	patch->ip = ip;
	patch->len = FTRACE_INSN_SIZE;
	memcpy(patch->old_code, old_code, FTRACE_INSN_SIZE);
	memcpy(patch->new_code, new_code, FTRACE_INSN_SIZE);
}

static void encode_call(unsigned char *code, unsigned long ip, unsigned long target)
{
	long distance = (long)(target - (ip + FTRACE_INSN_SIZE));
	int32_t rel32 = (int32_t)distance;

	if (rel32 != distance)
		fail("an entry is out of reach of its call", ERANGE);
	code[0] = 0xe8;
	memcpy(code + 1, &rel32, sizeof(rel32));
}

static enum ftrace_method parse_method(const char *name)
{
	unsigned int method = 0;

	while (strcmp(name, method_name[method]) != 0)
		if (++method == sizeof(method_name) / sizeof(method_name[0]))
			fail(name, EINVAL);
	return method;
}

static void change_all(void)
{
	unsigned long sites;
	int error;

	if (!ops) {
		patch_all(toggles % 2 ? to_nop : to_call, wanted);
		return;
	}
	error = toggles ? ops->change(toggles) : ops->begin();
	if (error)
		fail(toggles ? "another filter" : "registering", -error);
	sites = ops_sites(true);
	max_sites = sites > max_sites ? sites : max_sites;
	min_sites = sites < min_sites ? sites : min_sites;
}

static void change_none(void)
{
	int error = ops ? ops->end() : 0;

	if (error)
		fail("unregistering", -error);
	if (!ops && toggles % 2)
		patch_all(to_nop, wanted);
}

static void print(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

/* Handlers in place of patches. */
static void init_ops(void)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = wanted};
	int error;

	if (ops_sites(false) != nr_entries) {
		fprintf(stderr, "%zu entries, but the library knows %lu\n", nr_entries,
			ops_sites(false));
		exit(1);
	}
	ftrace_set_print(print);
	error = ftrace_set_patch_opts(&opts);
	if (error)
		fail("ftrace_set_patch_opts", -error);
	install_handlers();
}

void toggle_init(const char *method)
{
	/* What GCC and Clang emit. Anything else is no entry, and must not be overwritten. */
	static const unsigned char gcc_nops[FTRACE_INSN_SIZE] = {0x90, 0x90, 0x90, 0x90, 0x90};
	static const unsigned char clang_nop[FTRACE_INSN_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x08};
	const unsigned long *entries = __start___patchable_function_entries;

	for (size_t i = 0; i < sizeof(tracers) / sizeof(tracers[0]); i++)
		if (strncmp(method, tracers[i]->prefix, strlen(tracers[i]->prefix)) == 0)
			ops = tracers[i];
	wanted = parse_method(method + (ops ? strlen(ops->prefix) : 0));
	nr_entries = (size_t)(__stop___patchable_function_entries - entries);
	if (nr_entries < MIN_ENTRIES) {
		fprintf(stderr, "only %zu entries: the linker dropped some\n", nr_entries);
		exit(1);
	}
	if (ops) {
		init_ops();
		return;
	}
	to_call = calloc(nr_entries, sizeof(*to_call));
	to_nop = calloc(nr_entries, sizeof(*to_nop));
	if (to_call == NULL || to_nop == NULL)
		fail("calloc", ENOMEM);

	for (size_t i = 0; i < nr_entries; i++) {
		const unsigned char *text = (const unsigned char *)entries[i];
		bool gcc = memcmp(text, gcc_nops, sizeof(gcc_nops)) == 0;

		if (!gcc && memcmp(text, clang_nop, sizeof(clang_nop)) != 0) {
			fprintf(stderr, "entry %zu: not the nops of a patchable entry\n", i);
			exit(1);
		}
		set_patch(&to_nop[i], entries[i], gcc ? gcc_nops : clang_nop, nop5);
		nr_straddling += entries[i] % CACHE_LINE > CACHE_LINE - FTRACE_INSN_SIZE;
	}
	install_handlers();
	/* GCC's are five instructions, and those only the stop can take away. */
	patch_all(to_nop, FTRACE_METHOD_STOP_MACHINE);

	for (size_t i = 0; i < nr_entries; i++) {
		unsigned char call[FTRACE_INSN_SIZE];

		encode_call(call, entries[i], (unsigned long)count_call);
		set_patch(&to_call[i], entries[i], nop5, call);
		set_patch(&to_nop[i], entries[i], call, nop5);
	}
}

void toggle_thread_begin(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = NMI_SIGNAL};
	struct itimerspec period = {.it_interval.tv_nsec = NSEC_PER_SEC / NMI_HZ,
				    .it_value.tv_nsec = NSEC_PER_SEC / NMI_HZ};

	event.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &thread_timer))
		fail("timer_create", errno);
	if (timer_settime(thread_timer, 0, &period, NULL))
		fail("timer_settime", errno);
}

void toggle_thread_end(void)
{
	timer_delete(thread_timer);
	pthread_mutex_lock(&totals_lock);
	if (ops && ops->thread_end)
		ops->thread_end();
	total_calls += counted_calls;
	total_nmis += thread_nmis;
	total_torn += thread_torn;
	pthread_mutex_unlock(&totals_lock);
}

static double seconds(const struct timespec *time)
{
	return (double)time->tv_sec + (double)time->tv_nsec / 1e9;
}

void toggle_while(const atomic_uint *running)
{
	struct timespec start, now, next;

	/* The patcher's own thread is interrupted as well. */
	toggle_thread_begin();
	clock_gettime(CLOCK_MONOTONIC, &start);
	next = start;
	while (atomic_load(running) != 0) {
		change_all();
		toggles++;
		/* The rest of the period belongs to Lua: always patching would show less of it. */
		next.tv_nsec += NSEC_PER_SEC / (ops ? OPS_HZ : TOGGLE_HZ);
		if (next.tv_nsec >= NSEC_PER_SEC) {
			next.tv_nsec -= NSEC_PER_SEC;
			next.tv_sec++;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* Late: do not catch up with a burst. */
		if (seconds(&next) < seconds(&now))
			next = now;
		else
			while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) ==
			       EINTR)
				;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	toggle_seconds = seconds(&now) - seconds(&start);
	change_none();
	toggle_thread_end();
}

static void print_count(const char *name, unsigned long count)
{
	fprintf(stderr, "  %-24s %lu\n", name, count);
}

static bool entries_are_nops(void)
{
	bool good = true;

	for (size_t i = 0; !ops && i < nr_entries; i++) {
		if (memcmp((const void *)to_nop[i].ip, nop5, sizeof(nop5)) != 0) {
			fprintf(stderr, "entry %zu did not become a nop again\n", i);
			good = false;
		}
	}
	if (ops && ops_sites(true)) {
		fprintf(stderr, "%lu functions are still traced\n", ops_sites(true));
		good = false;
	}
	return good;
}

int toggle_report(void)
{
	struct ftrace_stats stats = {.size = sizeof(stats)};
	double rate = (double)toggles / toggle_seconds;
	int error = ftrace_get_stats(&stats);
	int min_hz = ops ? MIN_OPS_HZ : MIN_TOGGLE_HZ;
	int failed;

	if (error)
		fail("ftrace_get_stats", -error);
	if (ops && ops->counted)
		total_calls = ops->counted();
	fprintf(stderr, "  %-24s %s\n", "method", method_name[stats.last_method]);
	if (ops) {
		fprintf(stderr, "  %-24s %zu, of which %lu to %lu were traced\n", "functions",
			nr_entries, min_sites, max_sites);
		print_count("changes of the filter", toggles);
	} else {
		fprintf(stderr, "  %-24s %zu, %zu of them across cache lines\n", "entries",
			nr_entries, nr_straddling);
		print_count("toggles of all entries", toggles);
	}
	fprintf(stderr, "  %-24s %.0f\n", ops ? "changes per second" : "toggles per second", rate);
	print_count("locations changed", stats.patches);
	if (stats.last_method == FTRACE_METHOD_STOP_MACHINE)
		fprintf(stderr, "  %-24s %.3f\n", "longest stop, ms",
			(double)stats.max_stop_ns / 1e6);
	print_count("counted calls", total_calls);
	print_count("NMIs", total_nmis);
	print_count("NMIs that wrote", stats.nmi_update_count);
	print_count("deferred stops", stats.deferred_stops);
	print_count("breakpoint hits", stats.breakpoint_hits);
	print_count("torn", total_torn);
	print_count("collections", stats.gc_collections);

	failed = !entries_are_nops();
	if (ops && ops->report && !ops->report())
		failed = 1;
	if (ops && max_sites != nr_entries) {
		fprintf(stderr, "at no time were all functions traced\n");
		failed = 1;
	}
	if (rate < min_hz) {
		fprintf(stderr, "%.0f changes a second, fewer than %d\n", rate, min_hz);
		failed = 1;
	}
	if (total_calls == 0 || total_nmis == 0) {
		fprintf(stderr, "no call was counted, or no NMI arrived: nothing was tested\n");
		failed = 1;
	}
	if (wanted != FTRACE_METHOD_AUTO && stats.last_method != wanted) {
		fprintf(stderr, "the last change was by another method\n");
		failed = 1;
	}
	if (stats.last_method == FTRACE_METHOD_BREAKPOINT && stats.breakpoint_hits == 0) {
		fprintf(stderr, "no breakpoint was hit: nothing was tested\n");
		failed = 1;
	}
	if (total_torn != 0 || stats.gc_collections != 0)
		failed = 1;
	return failed;
}
