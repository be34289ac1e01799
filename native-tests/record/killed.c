/* SPDX-License-Identifier: MIT */
/*
 * killed.c - a process is killed at random moments while its threads record, also while a recording starts and stops. Every file
 * can be read then, by the rules of the format and by the command, and has all that was recorded: each thread counts its
 * calls, and the n-th one of a thread is of function n % 16, so that it is known which events must be where.
 *
 * killed last      the last events
 * killed streamed  all events
 * killed many      200 kills of both
 * killed control   an event less, a wrong one, and calls that are not in the file are noticed
 */
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <sys/wait.h>

#define THREADS	   3
#define RECORDINGS 4 /* of a process, one after the other */
#define FUNCTIONS  16
#define SHORT_MS   10

#define NUMBERED(n)                                                                                \
	static TRACED void numbered_##n(void)                                                      \
	{                                                                                          \
		__asm__ volatile("");                                                              \
	}
NUMBERED(0) NUMBERED(1) NUMBERED(2) NUMBERED(3) NUMBERED(4) NUMBERED(5) NUMBERED(6) NUMBERED(7)
NUMBERED(8) NUMBERED(9) NUMBERED(10) NUMBERED(11) NUMBERED(12) NUMBERED(13) NUMBERED(14) NUMBERED(15)

static void (*const numbered[FUNCTIONS])(void) = {
	numbered_0, numbered_1, numbered_2,  numbered_3,  numbered_4,  numbered_5,  numbered_6,	 numbered_7,
	numbered_8, numbered_9, numbered_10, numbered_11, numbered_12, numbered_13, numbered_14, numbered_15,
};

enum phase { NOT_YET, STARTING, STARTED, STOPPING, STOPPED, PHASES };

static const char *const phase_names[PHASES] = {"not started", "starting", "recording", "stopping", "stopped"};

/*
 * struct recording - what is known of a recording, after the kill too
 * @runs_on: the threads call functions while it stops
 */
struct recording {
	enum phase phase;
	bool runs_on;
	struct caller {
		pid_t tid;
		unsigned long begun, made;
	} callers[THREADS];
};

static struct shared {
	unsigned int current;
	bool ended, is_endless; /* it records until it is killed */
	struct recording recordings[RECORDINGS];
} *shared;

static unsigned int flags;
static bool done;
static unsigned long seed;

static unsigned long next_random(unsigned long below)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % below;
}

static const char *path_of(unsigned int recording)
{
	static char path[64];

	snprintf(path, sizeof(path), "record-killed-%d-%u.data", getpid(), recording);
	return path;
}

static void remove_files(void)
{
	for (unsigned int i = 0; i < RECORDINGS; i++)
		unlink(path_of(i));
}

static void *make_calls(void *arg)
{
	struct caller *caller = arg;

	__atomic_store_n(&caller->tid, gettid(), __ATOMIC_RELEASE);
	for (unsigned long n = 0; !__atomic_load_n(&done, __ATOMIC_RELAXED); n++) {
		__atomic_store_n(&caller->begun, n + 1, __ATOMIC_RELEASE);
		numbered[n % FUNCTIONS]();
		__atomic_store_n(&caller->made, n + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void set_phase(struct recording *recording, enum phase phase)
{
	__atomic_store_n(&recording->phase, phase, __ATOMIC_SEQ_CST);
}

static unsigned int free_buffers(void)
{
	struct ftrace_tracing_status status = {.size = sizeof(status)};

	CHECK_EQ(ftrace_tracing_get_status(&status), 0);
	return status.free_buffers;
}

static void end_threads(pthread_t *threads)
{
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
}

static void record_once(struct recording *recording, const char *path)
{
	struct ftrace_tracing_opts opts = {
		.size = sizeof(opts), .path = path, .filter = "numbered_*", .flags = flags, .buffer_size = 512 << 10};
	const struct timespec while_it_records = {.tv_nsec = SHORT_MS * 1000000};
	pthread_t threads[THREADS];

	done = false;
	set_phase(recording, STARTING);
	CHECK_EQ(ftrace_tracing_start(&opts), 0);
	WAIT_FOR(free_buffers() >= THREADS); /* what has none is lost */
	set_phase(recording, STARTED);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(make_calls, recording->callers + i);
	do
		nanosleep(&while_it_records, NULL);
	while (shared->is_endless);
	if (!recording->runs_on)
		end_threads(threads);
	set_phase(recording, STOPPING);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	set_phase(recording, STOPPED);
	if (recording->runs_on)
		end_threads(threads);
}

/* The paths are the parent's. */
static pid_t start_process(bool is_endless)
{
	char paths[RECORDINGS][64];
	pid_t child;

	remove_files();
	memset(shared, 0, sizeof(*shared));
	shared->is_endless = is_endless;
	for (int i = 0; i < RECORDINGS; i++) {
		strcpy(paths[i], path_of(i));
		shared->recordings[i].runs_on = i % 2;
	}
	child = fork();
	CHECK(child >= 0);
	if (child)
		return child;
	for (unsigned int i = 0; i < RECORDINGS; i++) {
		__atomic_store_n(&shared->current, i, __ATOMIC_SEQ_CST);
		record_once(shared->recordings + i, paths[i]);
	}
	__atomic_store_n(&shared->ended, true, __ATOMIC_SEQ_CST);
	_exit(0);
}

static bool has_got_to(unsigned int recording, enum phase phase)
{
	return __atomic_load_n(&shared->recordings[recording].phase, __ATOMIC_SEQ_CST) >= phase;
}

static void wait_a_while(unsigned long ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		sched_yield();
}

/* What a file says of a thread: how many units it has written in all, by the number of its last block. */
static unsigned long units_up_to(struct trace_file *file, unsigned int block)
{
	return (file->blocks[block]->sequence - 1) * file->units + written_units(file, file->blocks[block]);
}

static const char *wrong(const char *what, unsigned long number, unsigned long expected)
{
	static char fault[160];

	snprintf(fault, sizeof(fault), "%s: %lu, expected %lu", what, number, expected);
	return fault;
}

/* Unit n of a thread is the entry, or the exit, of its call n / 2. Without a gap: only the last one can be missing. */
static const char *check_place(struct trace_file *file, unsigned int block, const uint64_t *addresses)
{
	unsigned long first = (file->blocks[block]->sequence - 1) * file->units, written;
	struct trace_event event;

	written = written_units(file, file->blocks[block]);
	for (unsigned int i = 0; i < written; i++) {
		unsigned long n = first + i;

		if (!read_event(file, file->blocks[block], i, &event))
			return wrong("a unit is missing before the last one", i, written);
		if (event.kind != (n % 2 ? TRACE_EXIT : TRACE_ENTRY))
			return wrong("the kind of an event", event.kind, n % 2 ? TRACE_EXIT : TRACE_ENTRY);
		if (event.argument != addresses[n / 2 % FUNCTIONS])
			return wrong("the function of an event", event.argument, addresses[n / 2 % FUNCTIONS]);
	}
	return NULL;
}

/* Every call that had returned has both of its events, and no call more than one that has begun. */
static const char *check_counts(struct trace_file *file, const struct recording *recording)
{
	uint64_t addresses[FUNCTIONS];
	char name[32];

	for (int i = 0; i < FUNCTIONS; i++) {
		snprintf(name, sizeof(name), "numbered_%d", i);
		addresses[i] = trace_symbol(file, name);
		if (!addresses[i] && file->block_count)
			return "events, and no names";
	}
	for (int i = 0; i < THREADS; i++) {
		const struct caller *caller = recording->callers + i;
		unsigned long units = 0;

		for (unsigned int b = 0; b < file->block_count; b++) {
			const char *fault;

			if ((pid_t)file->blocks[b]->tid != caller->tid)
				continue;
			fault = check_place(file, b, addresses);
			if (fault)
				return fault;
			units = units_up_to(file, b);
		}
		if (units < 2 * caller->made)
			return wrong("fewer events than of the calls that were made", units, 2 * caller->made);
		if (units > 2 * caller->begun)
			return wrong("more events than of the calls that have begun", units, 2 * caller->begun);
	}
	return NULL;
}

static const char *check_events(struct trace_file *file)
{
	static struct trace_event event;
	unsigned int thread = 0;
	uint64_t last = 0;

	first_event(file);
	while (next_event(file, &event)) {
		if (!check_event(file, &event, file->unit))
			return file->fault;
		if (event.block->thread == thread && event.time < last)
			return "an event is earlier than the one before";
		thread = event.block->thread;
		last = event.time;
	}
	return NULL;
}

static const char *check_file(struct trace_file *file, const struct recording *recording)
{
	const char *fault = check_events(file);

	if (fault)
		return fault;
	if (file->header->state != TRACE_RECORDING && recording->phase < STOPPING)
		return wrong("the state", file->header->state, TRACE_RECORDING);
	if (file->header->state != TRACE_FINISHED && recording->phase == STOPPED)
		return wrong("the state", file->header->state, TRACE_FINISHED);
	if (file->header->lost)
		return wrong("events without a buffer", file->header->lost, 0);
	/* Of calls while the functions become what they were, some are recorded and some are not. */
	if (recording->runs_on && recording->phase >= STOPPING)
		return NULL;
	return check_counts(file, recording);
}

/* How many calls the command finds. Its exit status must be 0. */
static unsigned long calls_by_command(const char *path)
{
	char command[512], line[256];
	unsigned long sum = 0, calls;
	FILE *output;

	snprintf(command, sizeof(command), "'%s' stat '%s' --format csv 2>/dev/null", COMMAND, path);
	output = popen(command, "re");
	CHECK(output);
	while (fgets(line, sizeof(line), output))
		if (sscanf(line, "%*[^,],%lu", &calls) == 1)
			sum += calls;
	CHECK_EQ(pclose(output), 0);
	return sum;
}

static unsigned long calls_in(struct trace_file *file)
{
	static struct trace_event event;
	unsigned long calls = 0;
	bool open[65536] = {0};

	/* An exit whose entry is not there is a call too. */
	first_event(file);
	while (next_event(file, &event)) {
		calls += event.kind == TRACE_ENTRY || (event.kind == TRACE_EXIT && !open[event.call]);
		open[event.call] = event.kind == TRACE_ENTRY;
	}
	return calls;
}

static struct totals {
	unsigned long kills[PHASES], files, without, events, by_command;
} totals;

/* While it starts, there may be no file yet, or one without a header. */
static bool has_header(const char *path)
{
	char magic[8];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool has = fd >= 0 && read(fd, magic, 8) == 8 && memcmp(magic, "FTRACE\r\n", 8) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static void check_left(unsigned int number)
{
	const struct recording *recording = shared->recordings + number;
	const char *path = path_of(number), *fault;
	struct trace_file file;

	if (recording->phase <= STARTING && !has_header(path)) {
		totals.without++;
		return;
	}
	open_trace(&file, path);
	fault = check_file(&file, recording);
	if (fault)
		dprintf(2, "%s, recording %u: %s\n", phase_names[recording->phase], number, fault);
	CHECK(!fault);
	totals.files++;
	if (number == shared->current) {
		unsigned long calls = calls_by_command(path);

		totals.by_command++;
		CHECK_EQ(calls, calls_in(&file));
		totals.events += calls;
	}
	close_trace(&file);
}

/* Half of the kills while it records, and a quarter each while it starts and stops; at any moment of these. */
static void kill_once(unsigned int number)
{
	static const enum phase phases[] = {STARTING, STARTED, STOPPING, STARTED};
	enum phase phase = phases[number % 4];
	unsigned int recording = next_random(RECORDINGS);
	int status;
	pid_t child = start_process(false);

	WAIT_FOR(has_got_to(recording, phase) || __atomic_load_n(&shared->ended, __ATOMIC_SEQ_CST));
	wait_a_while(next_random(phase == STARTED ? SHORT_MS * 1000000 : 4000000));
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0);
	totals.kills[shared->recordings[shared->current].phase]++;
	for (unsigned int i = 0; i <= shared->current; i++)
		check_left(i);
	remove_files();
}

static void prepare(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	seed = now_ns();
	printf("seed %lu\n", seed);
	fflush(stdout);
}

static void kill_often(unsigned int kills)
{
	for (unsigned int i = 0; i < kills; i++)
		kill_once(i);
	/* On a machine that is busy a process can be past the moment that was meant. */
	for (unsigned int i = 0; i < 200 && !(totals.kills[STARTING] && totals.kills[STARTED] && totals.kills[STOPPING]); i++)
		kill_once(i);
}

static void report(void)
{
	printf("kills:");
	for (int i = 0; i < PHASES; i++)
		printf(" %lu %s%s", totals.kills[i], phase_names[i], i + 1 < PHASES ? "," : "\n");
	printf("%lu files, %lu read by the command too: %lu calls; %lu files had not begun\n", totals.files, totals.by_command,
	       totals.events, totals.without);
	CHECK(totals.kills[STARTING] && totals.kills[STARTED] && totals.kills[STOPPING] && totals.events);
}

static void last(void)
{
	prepare();
	kill_often(20);
	report();
}

static void streamed(void)
{
	prepare();
	flags = FTRACE_TRACING_STREAM;
	kill_often(20);
	report();
}

static void many(void)
{
	prepare();
	kill_often(100);
	flags = FTRACE_TRACING_STREAM;
	kill_often(100);
	report();
}

/* The block that has the last events of a thread. */
static unsigned int last_block_of(struct trace_file *file, pid_t tid)
{
	unsigned int found = 0;

	for (unsigned int b = 0; b < file->block_count; b++)
		if ((pid_t)file->blocks[b]->tid == tid)
			found = b;
	return found;
}

static void expect_fault(struct trace_file *file, const struct recording *recording)
{
	const char *fault = check_file(file, recording);

	CHECK(fault);
	printf("noticed: %s\n", fault);
}

static void control(void)
{
	struct recording *recording;
	struct trace_file file;
	struct trace_block *block;
	struct trace_unit *unit, saved;
	pid_t child;

	prepare();
	recording = shared->recordings;
	child = start_process(true);
	WAIT_FOR(__atomic_load_n(&recording->callers[0].made, __ATOMIC_ACQUIRE) > 3000);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	open_trace(&file, path_of(0));
	CHECK(!check_file(&file, recording));
	block = file.blocks[last_block_of(&file, recording->callers[0].tid) - 1];
	CHECK_EQ(block->tid, recording->callers[0].tid);
	unit = units_of(block) + next_random(file.units - 1);
	saved = *unit;
	unit->when ^= 1;
	expect_fault(&file, recording);
	*unit = saved;
	unit->what ^= 1UL << 63;
	expect_fault(&file, recording);
	*unit = saved;
	CHECK(!check_file(&file, recording));
	recording->callers[0].made += 2; /* two calls that are not in the file */
	recording->callers[0].begun += 2;
	expect_fault(&file, recording);
	close_trace(&file);
	remove_files();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"last", last}, {"streamed", streamed}, {"many", many}, {"control", control}, {},
	};

	return run_mode(modes, argc, argv);
}
