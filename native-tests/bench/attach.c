/* SPDX-License-Identifier: MIT */
/*
 * attach.c - attaching to a process that runs: how long the borrowed thread stands still, and the
 * other threads; the time until the first event, and of a change; what is left after detaching. The
 * peer is gdb, which calls dlopen() in the process.
 *
 * The library is loaded into a process once, so those samples need a new process each
 * (attach_target.c). With two CPUs or more, the thread that looks for gaps has the last one for
 * itself, except where all threads are busy.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ftrace/version.h>

#include "attach_agent.h"
#include "attach_shared.h"
#include "bench.h"
#include "command.h"
#include "tracing_file.h"

#define SECTION	     "attach"
#define IDLE_US	     1000
#define BUSY_US	     50000
#define BUSY_THREADS 9
#define GDB_LIMIT_MS 5000
#define GDB_FAILURES 5	/* after that it is not tried any more */
#define HELD	     93 /* exit status: another one is attached, or just leaving */
#define SETTLED_US   20000
#define FILTER	     "attach_turn"
#define SELDOM	     "attach_seldom"
#define CHANGES	     10
#define COMMANDS     5
#define LAPS	     10

/* Calls that can be traced and lines of the C library in a lap: attach_target.c. */
#define LAP_CALLS  (20000 * 4.0)
#define LAP_LINES  2000.0
#define LONG_TIMES 12

#ifndef FTRACE_COMMAND
#define FTRACE_COMMAND NULL
#endif

extern char **environ;

struct target {
	pid_t pid;
	int in, out; /* of work */
	struct attach_shared *shared;
};

enum process {
	UNTOUCHED,
	AGAIN,	  /* untouched, too: what differs from 1 is noise */
	THREADED, /* untouched, and has had a second thread: glibc is slower from then on */
	ATTACHED,
	RECORDED,
	PROCESSES,
};

static const char *const process_names[PROCESSES] = {
	[UNTOUCHED] = "untouched",
	[AGAIN] = "another untouched process",
	[THREADED] = "has had a thread",
	[ATTACHED] = "after detach",
	[RECORDED] = "after detach, was recorded",
};

static struct series idle_loads, idle_again, idle_gdb, idle_took, gdb_took;
static struct series busy_loads, busy_again, busy_gdb;
static struct series load_gaps, load_quiet, start_gaps, stop_gaps, start_quiet;
static struct series first_events, filter_commands, version_commands, filter_requests,
	status_requests, start_requests, stop_requests;
static struct series call_times[PROCESSES], library_times[PROCESSES], call_ratios[PROCESSES],
	library_ratios[PROCESSES], threaded_ratios[PROCESSES];
static cpu_set_t all_cpus, other_cpus;
static int last_cpu, gdb_runs, gdb_failures;
static bool has_gdb = true;

static const char *library(void)
{
	Dl_info info;

	if (!dladdr(ftrace_version, &info))
		fail("cannot find the library\n");
	return info.dli_fname;
}

static void find_cpus(void)
{
	if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus))
		fail("sched_getaffinity: %s\n", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &all_cpus))
			last_cpu = cpu;
	}
	other_cpus = all_cpus;
	if (CPU_COUNT(&all_cpus) > 1)
		CPU_CLR(last_cpu, &other_cpus);
}

static void stay_on(const cpu_set_t *cpus)
{
	sched_setaffinity(0, sizeof(*cpus), cpus);
}

static void wait_running(const struct target *target, unsigned int threads)
{
	uint64_t until = now_ns() + COMMAND_LIMIT_MS * 1000000ull;

	while (__atomic_load_n(&target->shared->running, __ATOMIC_ACQUIRE) < threads) {
		if (now_ns() > until)
			fail("a target does not start\n");
		usleep(1000);
	}
	/* They go to sleep now, or to work. */
	usleep(SETTLED_US);
}

static struct target start_target(const char *kind, unsigned int threads, char **environment)
{
	int fd = memfd_create("attach", MFD_CLOEXEC), in[2], out[2], error;
	struct target target = {.in = -1, .out = -1};
	char cpu[16];
	char *argv[] = {ATTACH_TARGET, (char *)kind, !strcmp(kind, "spin") ? cpu : NULL, NULL};
	posix_spawn_file_actions_t actions;

	snprintf(cpu, sizeof(cpu), "%d", last_cpu);
	if (fd < 0 || ftruncate(fd, sizeof(*target.shared)) || pipe2(in, O_CLOEXEC) ||
	    pipe2(out, O_CLOEXEC))
		fail("cannot create files: %s\n", strerror(errno));
	target.shared =
		mmap(NULL, sizeof(*target.shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (target.shared == MAP_FAILED)
		fail("no memory\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, ATTACH_FD);
	error = posix_spawn(&target.pid, argv[0], &actions, NULL, argv,
			    environment ? environment : environ);
	if (error)
		fail("%s: %s\n", argv[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	close(in[0]);
	close(out[1]);
	target.in = in[1];
	target.out = out[0];
	wait_running(&target, threads);
	return target;
}

/* What gdb was killed in may have ended. */
static void kill_target(struct target *target)
{
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	close(target->in);
	close(target->out);
	munmap(target->shared, sizeof(*target->shared));
}

static void end_target(struct target *target)
{
	int status;

	if (waitpid(target->pid, &status, WNOHANG) != 0)
		fail("a target has ended: status %#x\n", status);
	kill_target(target);
}

/* Attaches and leaves. Returns how long the borrowed thread has stood still, in us. */
static double probe(const struct target *target, bool is_there, double *ms)
{
	char pid[16], text[1024] = "";
	char *argv[] = {FTRACE_COMMAND, "attach-probe", pid, NULL};
	int status = HELD, was_there = -1;
	double us = 0;

	snprintf(pid, sizeof(pid), "%d", target->pid);
	for (int i = 0; i < 1000 && status == HELD; i++) {
		status = run_command(argv, text, sizeof(text), ms);
		if (status == HELD)
			usleep(10000);
	}
	if (status || sscanf(text, "path=%*s was_loaded=%d still_us=%lf", &was_there, &us) != 2)
		fail("ftrace attach-probe has failed (%d): %s\n", status, text);
	if (was_there != is_there)
		fail("the library was%s loaded before\n", was_there ? "" : " not");
	return us;
}

static bool is_loaded(const struct target *target)
{
	char path[40], line[512];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", target->pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/libftrace.so");
	if (maps)
		fclose(maps);
	return found;
}

static void clear_gap(const struct target *target)
{
	__atomic_store_n(&target->shared->longest, 0, __ATOMIC_RELAXED);
}

static double gap_us(const struct target *target)
{
	uint64_t now = now_ns(), until = now + COMMAND_LIMIT_MS * 1000000ull;

	/* The gap that it may be in right now. */
	while (__atomic_load_n(&target->shared->latest, __ATOMIC_RELAXED) <= now) {
		if (now_ns() > until)
			fail("a target stands still\n");
		usleep(100);
	}
	return __atomic_load_n(&target->shared->longest, __ATOMIC_RELAXED) / 1e3;
}

/* The same by gdb. Returns how long the process has stood still, in us; 0: it does not work. */
static double load_by_gdb(const struct target *target, double *ms)
{
	char pid[16], call[512], text[4096] = "";
	char *argv[] = {"gdb",	  "-nx", "-batch", "-iex", "set debuginfod enabled off",
			"-p",	  pid,	 "-ex",	   call,   "-ex",
			"detach", NULL};
	struct command command;
	int status;

	if (!has_gdb || gdb_failures >= GDB_FAILURES)
		return 0;
	snprintf(pid, sizeof(pid), "%d", target->pid);
	snprintf(call, sizeof(call), "call (void*)dlopen(\"%s\", 2)", library());
	clear_gap(target);
	gdb_runs++;
	command = start_command(argv);
	status = await_command(&command, GDB_LIMIT_MS, text, sizeof(text), ms);
	if (status == 127 || command.pid < 0) {
		has_gdb = false;
		return 0;
	}
	if (status || !is_loaded(target)) {
		gdb_failures++;
		return 0;
	}
	return gap_us(target);
}

static void measure_idle(void)
{
	struct target target = start_target("idle", 1, NULL);
	double us, ms;

	us = probe(&target, false, &ms);
	add_sample(&idle_loads, us);
	add_sample(&idle_took, ms);
	us = probe(&target, true, &ms);
	add_sample(&idle_again, us);
	end_target(&target);
}

static void measure_others(void)
{
	struct target target = start_target("spin", 1, NULL);
	double us, ms;

	clear_gap(&target);
	probe(&target, false, &ms);
	add_sample(&load_gaps, gap_us(&target));
	clear_gap(&target);
	usleep(ms * 1000);
	add_sample(&load_quiet, gap_us(&target));
	end_target(&target);

	target = start_target("spin", 1, NULL);
	us = load_by_gdb(&target, &ms);
	if (us) {
		add_sample(&idle_gdb, us);
		add_sample(&gdb_took, ms);
	}
	kill_target(&target);
}

static void measure_busy(void)
{
	struct target target = start_target("busy", BUSY_THREADS, NULL);
	double us, ms;

	add_sample(&busy_loads, probe(&target, false, &ms));
	add_sample(&busy_again, probe(&target, true, &ms));
	end_target(&target);

	target = start_target("busy", BUSY_THREADS, NULL);
	us = load_by_gdb(&target, &ms);
	if (us)
		add_sample(&busy_gdb, us);
	kill_target(&target);
}

static const char *path_of(const char *suffix)
{
	static char path[64];

	snprintf(path, sizeof(path), P_tmpdir "/ftrace-bench-%d.%s", getpid(), suffix);
	return path;
}

/* The requests alone, in a process that listens. */
static void measure_requests(int rounds)
{
	char preload[512], control[128];
	char *environment[] = {preload, control, NULL};
	struct target target;
	int connection;
	double us;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library());
	snprintf(control, sizeof(control), "FTRACE_CONTROL=%s", path_of("socket"));
	target = start_target("spin", 1, environment);
	connection = attach_connect(path_of("socket"));
	for (int round = 0; round < rounds; round++) {
		clear_gap(&target);
		us = attach_start(connection, "filter=" FILTER "\nbuffer=1M\n");
		add_sample(&start_requests, us);
		add_sample(&start_gaps, gap_us(&target));
		clear_gap(&target);
		usleep(us);
		add_sample(&start_quiet, gap_us(&target));
		for (int i = 0; i < CHANGES; i++) {
			add_sample(&status_requests, attach_status(connection));
			add_sample(&filter_requests,
				   attach_filter(connection, i & 1 ? "attach_t*" : FILTER));
		}
		clear_gap(&target);
		add_sample(&stop_requests, attach_stop(connection));
		add_sample(&stop_gaps, gap_us(&target));
	}
	close(connection);
	end_target(&target);
	unlink(path_of("socket"));
}

static void measure_session(void)
{
	char pid[16], file[64], text[4096] = "", said[4096] = "";
	char *record[] = {FTRACE_COMMAND, "record", "-P", pid, "-f", SELDOM, "-o", file, NULL};
	char *filter[] = {FTRACE_COMMAND, "filter", pid, SELDOM, NULL},
	     *version[] = {FTRACE_COMMAND, "--version", NULL};
	struct target target = start_target("spin", 1, NULL);
	struct command command;
	uint64_t first;
	int status;
	double ms;

	snprintf(pid, sizeof(pid), "%d", target.pid);
	snprintf(file, sizeof(file), "%s", path_of("data"));
	unlink(file);
	command = start_command(record);
	/* Its first words: attached to PID. */
	if (read(command.output, said, sizeof(said) - 1) <= 0)
		fail("ftrace record says nothing\n");
	if (!strstr(said, "attached to"))
		fail("ftrace record has failed: %s\n", said);
	for (int i = 0; i < COMMANDS; i++) {
		if (run_command(filter, text, sizeof(text), &ms))
			fail("ftrace filter has failed: %s\n", text);
		add_sample(&filter_commands, ms);
		if (run_command(version, text, sizeof(text), &ms))
			fail("ftrace --version has failed: %s\n", text);
		add_sample(&version_commands, ms);
	}
	kill(command.pid, SIGINT);
	status = await_command(&command, COMMAND_LIMIT_MS, text, sizeof(text), &ms);
	if (status)
		fail("ftrace record of a session has failed (%d): %s%s\n", status, said, text);
	first = first_event_ns(file);
	unlink(file);
	if (first < command.start || first > command.start + COMMAND_LIMIT_MS * 1000000ull)
		fail("the first event is none of this recording\n");
	add_sample(&first_events, (first - command.start) / 1e6);
	end_target(&target);
}

static double lap(struct target *target, char what)
{
	uint64_t took;

	if (write(target->in, &what, 1) != 1 ||
	    read(target->out, &took, sizeof(took)) != sizeof(took))
		fail("a target does not work\n");
	return took;
}

/* The fastest of some laps, taking turns: what else the machine does is not what is asked for. */
static void measure_laps(struct target *targets, char what, struct series *times, double calls)
{
	double fastest[PROCESSES], ns;

	for (enum process process = 0; process < PROCESSES; process++)
		fastest[process] = INFINITY;
	for (int i = 0; i < LAPS; i++) {
		for (enum process process = 0; process < PROCESSES; process++) {
			ns = lap(&targets[process], what);
			fastest[process] = ns < fastest[process] ? ns : fastest[process];
		}
	}
	for (enum process process = 0; process < PROCESSES; process++)
		add_sample(&times[process], fastest[process] / calls);
}

static void find_range(const struct series *series, double *low, double *high)
{
	*low = *high = series->values[0];
	for (int i = 1; i < series->count; i++) {
		*low = series->values[i] < *low ? series->values[i] : *low;
		*high = series->values[i] > *high ? series->values[i] : *high;
	}
}

/* The median of the latest rounds. */
static void add_ratios(struct series *ratios, const struct series *times, enum process peer,
		       int rounds)
{
	for (enum process process = AGAIN; process < PROCESSES; process++) {
		struct series latest = {0};

		for (int i = times[process].count - rounds; i < times[process].count; i++)
			add_sample(&latest, times[process].values[i] / times[peer].values[i]);
		add_sample(&ratios[process], median_of(&latest));
	}
}

/* Attaches to it for a second, and records what it calls. */
static void record_target(struct target *target)
{
	char pid[16], file[64], said[4096] = "", text[4096] = "";
	char *argv[] = {FTRACE_COMMAND, "record", "-P", pid, "--seconds", "1", "-o", file, NULL};
	struct command command;
	int status;
	double ms;

	snprintf(pid, sizeof(pid), "%d", target->pid);
	snprintf(file, sizeof(file), "%s", path_of("data"));
	unlink(file);
	command = start_command(argv);
	if (read(command.output, said, sizeof(said) - 1) <= 0 || !strstr(said, "attached to"))
		fail("ftrace record does not attach: %s\n", said);
	lap(target, 'c');
	status = await_command(&command, COMMAND_LIMIT_MS, text, sizeof(text), &ms);
	if (status)
		fail("ftrace record of a second has failed (%d): %s%s\n", status, said, text);
	if (!events_of(file, FILTER))
		fail("no event was recorded before detaching\n");
	unlink(file);
}

static void measure_after(int rounds)
{
	struct target targets[PROCESSES];
	cpu_set_t last;
	double ms;

	CPU_ZERO(&last);
	CPU_SET(last_cpu, &last);
	stay_on(&last);
	for (enum process process = 0; process < PROCESSES; process++)
		targets[process] = start_target(process == THREADED ? "threaded" : "work", 1, NULL);
	stay_on(&other_cpus);
	probe(&targets[ATTACHED], false, &ms);
	record_target(&targets[RECORDED]);
	for (int i = 0; i < rounds; i++) {
		measure_laps(targets, 'c', call_times, LAP_CALLS);
		measure_laps(targets, 'l', library_times, LAP_LINES);
	}
	for (enum process process = 0; process < PROCESSES; process++)
		end_target(&targets[process]);
	add_ratios(call_ratios, call_times, UNTOUCHED, rounds);
	add_ratios(library_ratios, library_times, UNTOUCHED, rounds);
	add_ratios(threaded_ratios, library_times, THREADED, rounds);
}

/* A target in the unit of the row; the peer is for information. */
static void add_within(const char *what, const char *unit, const struct series *ours,
		       const char *peer, const struct series *peers, double target)
{
	add_row(&(struct comparison){
		.section = SECTION,
		.what = what,
		.unit = unit,
		.n = 1,
		.ours = ours,
		.peer = peer,
		.peers = peers,
		.relation = WITHIN,
		.target = target,
	});
}

static void add_against(const char *what, const char *unit, const struct series *ours,
			const char *peer, const struct series *peers, double target)
{
	add_row(&(struct comparison){
		.section = SECTION,
		.what = what,
		.unit = unit,
		.n = 1,
		.ours = ours,
		.peer = peer,
		.peers = peers,
		.relation = AT_MOST,
		.target = target,
	});
}

static void add_after_row(const char *what, const char *unit, const struct series *times,
			  const struct series *ratios, enum process process, enum process peer)
{
	bool is_peer = process == AGAIN || process == THREADED;
	char name[64], text[128];
	double low, high;

	snprintf(name, sizeof(name), "%s, %s", what, process_names[process]);
	add_against(name, unit, &times[process], process_names[peer], &times[peer],
		    is_peer ? 0 : 1.01);
	find_range(&ratios[process], &low, &high);
	snprintf(text, sizeof(text), "%s: the ratio by processes: %.4g to %.4g", name, low, high);
	add_note(SECTION, text);
}

void bench_attach(void)
{
	int rounds = quick ? 2 : 20;

	if (!FTRACE_COMMAND) {
		leave_out("ftrace", "no command ftrace beside the library");
		return;
	}
	setenv("FTRACE_LIBRARY", library(), 1);
	find_cpus();
	for (int round = 0; round < rounds; round++) {
		stay_on(&other_cpus);
		measure_others();
		stay_on(&all_cpus);
		measure_idle();
		measure_busy();
	}
	stay_on(&other_cpus);
	measure_requests(quick ? 2 : 40);
	for (int round = 0; round < (quick ? 1 : 10); round++) {
		measure_session();
		measure_after(quick ? 2 : LONG_TIMES);
	}
	stay_on(&all_cpus);
	unsetenv("FTRACE_LIBRARY");

	if (!has_gdb)
		leave_out("gdb", NULL);
	if (gdb_failures) {
		char text[96];

		snprintf(text, sizeof(text), "gdb has not loaded the library in %d of %d runs.",
			 gdb_failures, gdb_runs);
		add_note(SECTION, text);
		if (!idle_gdb.count || !busy_gdb.count)
			leave_out("gdb", text);
	}
	add_within("a thread stands still, idle process", "us", &idle_loads, "gdb, dlopen",
		   &idle_gdb, IDLE_US);
	add_within("a thread stands still, idle process, again", "us", &idle_again, NULL, NULL,
		   IDLE_US);
	add_within("a thread stands still, 9 busy threads", "us", &busy_loads, "gdb, dlopen",
		   &busy_gdb, BUSY_US);
	add_within("a thread stands still, 9 busy threads, again", "us", &busy_again, NULL, NULL,
		   BUSY_US);
	add_against("another thread stands still, loading", "us", &load_gaps, "not attached",
		    &load_quiet, 0);
	add_against("another thread stands still, recording starts", "us", &start_gaps,
		    "not attached", &start_quiet, 0);
	add_against("another thread stands still, recording ends", "us", &stop_gaps, "not attached",
		    &start_quiet, 0);
	add_within("attach and leave, whole command", "ms", &idle_took, "gdb, dlopen", &gdb_took,
		   0);
	add_within("recording started by a request", "us", &start_requests, NULL, NULL, 0);
	add_within("recording ended by a request", "us", &stop_requests, NULL, NULL, 0);
	add_within("attach to first event", "ms", &first_events, "ftrace --version",
		   &version_commands, 0);
	add_against("filter changed by ftrace filter", "ms", &filter_commands, "ftrace --version",
		    &version_commands, 0);
	add_against("filter changed by a request", "us", &filter_requests, "request of the status",
		    &status_requests, 0);
	for (enum process process = AGAIN; process < PROCESSES; process++) {
		if (process != THREADED)
			add_after_row("call", "ns", call_times, call_ratios, process, UNTOUCHED);
	}
	for (enum process process = AGAIN; process < PROCESSES; process++)
		add_after_row("malloc, free, fputc", "ns", library_times, library_ratios, process,
			      UNTOUCHED);
	add_after_row("malloc, free, fputc", "ns", library_times, threaded_ratios, ATTACHED,
		      THREADED);
	add_after_row("malloc, free, fputc", "ns", library_times, threaded_ratios, RECORDED,
		      THREADED);
}
