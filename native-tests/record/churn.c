/* SPDX-License-Identifier: MIT */
/*
 * churn.c - 32 threads that come and go, sampled, while snapshots are taken: each event is in one of the files, or counted as lost. In
 * every other recording tracing is turned off and on all the time: then the files are valid. Nothing grows, and the
 * library's runtime collects no garbage.
 *
 *	record-churn [--seconds N] [--threads N] [--hz N] [--seed N] [--control]
 *
 * A ring keeps the last events only, so between two snapshots no more are made than one ring can hold, and no more threads
 * begin than it has blocks for. With --control an event is taken out of a file, and that must be noticed.
 */
#include "../proc.h"
#include "../threads.h"
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>

#define MOST_THREADS 64
#define BUFFER	     (2 << 20) /* 64 blocks of 2044 units */
#define NODES	     4000      /* that may be called between two snapshots, twice: 6 units each */
#define LIVES	     14	       /* threads that may begin meanwhile, twice: each begins with another block */
#define EVENTS	     6UL       /* of a call of node() */
#define GROWTH_KB    4096      /* what an allocator may keep, or not */

static int seconds = 2, most_alive = 32, hz = 1000;
static bool is_control, has_dropped;
static unsigned long seed;

static unsigned long taken, granted; /* calls of node() */
static unsigned long lives, granted_lives;
static bool quit, quit_toggling;

static TRACED int leaf(int x)
{
	return x + 1;
}

static TRACED int node(int x)
{
	return leaf(x) + leaf(x);
}

static unsigned long next_random(unsigned long *random)
{
	*random = *random * 6364136223846793005UL + 1442695040888963407UL;
	return *random >> 33;
}

/* One of what was granted; false: there will be no more. */
static bool take(unsigned long *count, const unsigned long *limit)
{
	const struct timespec pause = {.tv_nsec = 100000};

	for (;;) {
		unsigned long now = __atomic_load_n(count, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&quit, __ATOMIC_ACQUIRE))
			return false;
		if (now < __atomic_load_n(limit, __ATOMIC_ACQUIRE)) {
			if (__atomic_compare_exchange_n(count, &now, now + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				return true;
			continue;
		}
		nanosleep(&pause, NULL);
	}
}

static __attribute__((noipa)) void compute(int turns)
{
	for (volatile int i = 0; i < turns; i++)
		;
}

static void *live(void *arg)
{
	unsigned long random = (unsigned long)arg;

	for (unsigned long left = 1 + next_random(&random) % 400; left > 0 && take(&taken, &granted); left--) {
		node(left);
		compute(200);
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	unsigned long random = (unsigned long)arg;

	while (take(&lives, &granted_lives))
		join(start(live, (void *)next_random(&random)));
	return NULL;
}

static unsigned long toggles;

static void *toggle(void *arg)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	while (!__atomic_load_n(&quit_toggling, __ATOMIC_ACQUIRE)) {
		CHECK_EQ(ftrace_tracing_off(), 0);
		CHECK_EQ(ftrace_tracing_on(), 0);
		toggles++;
		nanosleep(&pause, NULL);
	}
	return arg;
}

/* What the files of a recording have, in all. */
struct totals {
	unsigned long events, samples, lost, snapshots, refused;
};

/* Takes the last event of a call out of the first file that has one. */
static void drop_event(struct trace_file *file)
{
	static struct trace_event event;
	struct trace_unit *unit = NULL;

	if (has_dropped)
		return;
	first_event(file);
	while (next_event(file, &event))
		if (event.kind == TRACE_ENTRY || event.kind == TRACE_EXIT)
			unit = event.unit;
	if (!unit)
		return;
	unit->when ^= 1;
	has_dropped = true;
}

static void add_file(struct trace_file *file, struct totals *totals)
{
	static struct trace_event event;
	struct trace_record record;

	if (is_control)
		drop_event(file);
	first_event(file);
	while (next_event(file, &event)) {
		if (!check_event(file, &event, file->unit))
			dprintf(2, "%s\n", file->fault);
		CHECK(!*file->fault);
		/* Calls that had not returned when tracing was turned off may be reported as left later. */
		totals->events += event.kind == TRACE_ENTRY || event.kind == TRACE_EXIT;
		totals->samples += event.kind == TRACE_SAMPLE;
	}
	first_record(file);
	while (next_record(file, &record))
		if (record.kind == TRACE_LOST_UNITS)
			totals->lost += record_u64(&record, 8);
}

/* What was reserved before another event, and was not written. */
static unsigned long torn_units(struct trace_file *file)
{
	static struct trace_event event;
	unsigned long torn = 0;

	for (unsigned int i = 0; i < file->block_count; i++) {
		struct trace_block *block = file->blocks[i];
		unsigned int last = file->units, unit = 0;

		while (last && !is_written(block, units_of(block) + last - 1))
			last--;
		while (unit < last) {
			bool is_whole = read_event(file, block, unit, &event);

			torn += !is_whole;
			unit += 1 + (is_whole ? units_after(event.unit) : 0);
		}
	}
	return torn;
}

static void add_snapshot(struct totals *totals)
{
	char path[64];
	struct trace_file file;
	int result;

	snprintf(path, sizeof(path), "record-churn-%d.snapshot", getpid());
	unlink(path);
	result = ftrace_snapshot(path);
	/* Threads came faster than buffers, or have so many that there is no room for as many others. */
	if (result == -EAGAIN || result == -ENOMEM) {
		totals->refused++;
		return;
	}
	CHECK_EQ(result, 0);
	open_trace(&file, path);
	unlink(path);
	CHECK_EQ(file.header->state, TRACE_SNAPSHOT);
	add_file(&file, totals);
	close_trace(&file);
	totals->snapshots++;
}

/* After a snapshot; what was granted before may have been used since then. More, if it need not be accounted for. */
static void grant(bool toggled)
{
	unsigned long times = toggled ? 5 : 1;

	__atomic_store_n(&granted, __atomic_load_n(&taken, __ATOMIC_ACQUIRE) + times * NODES, __ATOMIC_RELEASE);
	__atomic_store_n(&granted_lives, __atomic_load_n(&lives, __ATOMIC_ACQUIRE) + times * LIVES, __ATOMIC_RELEASE);
}

static void record(uint64_t ns, bool toggled, struct totals *totals)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "node;leaf", .buffer_size = BUFFER, .hz = hz);
	pthread_t threads[MOST_THREADS], toggler;
	uint64_t end = now_ns() + ns, limit = end + TEST_WAIT_SECONDS * 1000000000ULL;
	struct trace_file file;
	unsigned long torn;

	memset(totals, 0, sizeof(*totals));
	taken = granted = lives = granted_lives = 0;
	quit = quit_toggling = has_dropped = false;
	start_recording(&opts);
	grant(toggled);
	for (int i = 0; i < most_alive; i++)
		threads[i] = start(come_and_go, (void *)next_random(&seed));
	if (toggled)
		toggler = start(toggle, NULL);
	/* On a machine that is busy: until something has happened. */
	while (now_ns() < end ||
	       (now_ns() < limit && (totals->snapshots < 3 || __atomic_load_n(&lives, __ATOMIC_ACQUIRE) < 2U * most_alive))) {
		unsigned long snapshots = totals->snapshots;

		add_snapshot(totals);
		if (totals->snapshots > snapshots)
			grant(toggled);
	}
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	for (int i = 0; i < most_alive; i++)
		join(threads[i]);
	if (toggled) {
		__atomic_store_n(&quit_toggling, true, __ATOMIC_RELEASE);
		join(toggler);
	}
	CHECK_EQ(ftrace_tracing_stop(), 0);
	open_recording(&file);
	add_file(&file, totals);
	totals->lost += file.header->lost;
	torn = torn_units(&file);
	/* Of what a handler does while threads are being stopped. */
	CHECK(torn <= totals->lost);
	close_trace(&file);
	printf("%lu threads, %lu calls, %lu snapshots (%lu refused), %lu samples: %lu events in the files, %lu lost, %lu units torn%s\n", lives,
	       3 * taken, totals->snapshots, totals->refused, totals->samples, totals->events, totals->lost, torn,
	       toggled ? ", while tracing was turned off and on" : "");
	fflush(stdout);
	CHECK(totals->snapshots && totals->events);
}

/* What is lost may have been samples, or have been written after all: then the account is not exact. */
static void check_accounts(const struct totals *totals)
{
	unsigned long made = EVENTS * taken;

	CHECK(totals->events <= made);
	CHECK(totals->events + totals->lost >= made);
}

static unsigned long descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned long count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void churn(void)
{
	uint64_t end = now_ns() + seconds * 1000000000ULL, each = seconds * 100000000ULL;
	unsigned long before = descriptors(), first = 0, memory = 0;
	struct totals totals;

	for (int i = 0; i < 4 || now_ns() < end; i++) {
		record(each, i % 2, &totals);
		if (i % 2 == 0)
			check_accounts(&totals);
		CHECK_EQ(descriptors(), before);
		CHECK_EQ(stats().gc_collections, 0);
		memory = proc_number("/proc/self/status", "\nRssAnon:", 10);
		if (i == 1)
			first = memory;
		if (i > 1)
			CHECK(memory <= first + GROWTH_KB);
	}
	printf("turned off and on %lu times; %lu descriptors; %lu KB of memory after two recordings, %lu KB at the end\n", toggles, before,
	       first, memory);
	CHECK(toggles > 0);
}

/* If nothing is lost, the account is exact; and an event too few is noticed. */
static void control(void)
{
	struct totals totals;

	hz = 0;
	for (int i = 0; i < 50; i++) {
		record(100000000, false, &totals);
		if (totals.lost)
			continue;
		CHECK_EQ(totals.events, EVENTS * taken - 1);
		printf("control: noticed\n");
		return;
	}
	CHECK(!"a recording without losses");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
		{"hz", required_argument, NULL, 'h'},	   {"seed", required_argument, NULL, 'r'},
		{"control", no_argument, NULL, 'c'},	   {},
	};
	int option;

	seed = now_ns();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's': seconds = atoi(optarg); break;
		case 't': most_alive = atoi(optarg); break;
		case 'h': hz = atoi(optarg); break;
		case 'r': seed = strtoul(optarg, NULL, 0); break;
		case 'c': is_control = true; break;
		default: return 64;
		}
	}
	if (seconds < 1 || most_alive < 1 || most_alive > MOST_THREADS)
		return 64;
	printf("seed %lu\n", seed);
	if (is_control)
		control();
	else
		churn();
	return 0;
}
