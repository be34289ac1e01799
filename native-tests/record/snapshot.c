/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - what a snapshot has: a consistent cut over all threads; and that each event is in one file,
 * the recording's or a snapshot's, or is counted as lost, wherever a snapshot interrupts threads.
 */
#include "../modes.h"
#include "../notify.h"
#include "../proc.h"
#include "../signals.h"
#include "../steps.h"
#include "../threads.h"
#include "recording.h"

#include <poll.h>
#include <stdlib.h>

#define THREADS	  8
#define FUNCTIONS 16
#define SNAPSHOTS 30

/* Room for the buffers that a recording begins with, and for no others. */
#define MOST_BUFFERS 16
#define SMALL_BUFFER (128 << 10)
#define SMALL_FILE   ((32 << 10) * (1 + 8 + MOST_BUFFERS * 4))
/* MADV_POPULATE_WRITE, which C libraries before 2.34 do not know. */
#define POPULATE_WRITE 23

static TRACED int leaf(int x)
{
	return x + 1;
}

static TRACED void warm(void)
{
	__asm__ volatile("");
}

static TRACED int node(int x)
{
	return leaf(x) + leaf(x);
}

static const char *snapshot_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "record-%d.snapshot", getpid());
	return path;
}

/* What files have, in all. */
struct totals {
	unsigned long entries, exits, ends, lost;
};

static unsigned long events_of(const struct totals *totals)
{
	return totals->entries + totals->exits + totals->ends;
}

static void add_lost(struct trace_file *file, struct totals *totals)
{
	struct trace_record record;

	first_record(file);
	while (next_record(file, &record))
		if (record.kind == TRACE_LOST_UNITS)
			totals->lost += record_u64(&record, 8);
}

static void add_events(struct trace_file *file, struct totals *totals)
{
	struct trace_event event;

	first_event(file);
	while (next_event(file, &event)) {
		totals->entries += event.kind == TRACE_ENTRY || event.kind == TRACE_FUNCTION;
		totals->exits += event.kind == TRACE_EXIT;
		totals->ends += event.kind == TRACE_END;
	}
	add_lost(file, totals);
}

static void open_snapshot(struct trace_file *file)
{
	open_trace(file, snapshot_path());
	unlink(snapshot_path());
	CHECK_EQ(file->header->state, TRACE_SNAPSHOT);
	CHECK_EQ(file->header->blocks * file->header->block_size, file->size);
}

static void take_snapshot(struct trace_file *file)
{
	unlink(snapshot_path());
	CHECK_EQ(ftrace_snapshot(snapshot_path()), 0);
	open_snapshot(file);
}

static void add_snapshot(struct totals *totals)
{
	struct trace_file file;

	take_snapshot(&file);
	add_events(&file, totals);
	close_trace(&file);
}

static void add_recording(struct totals *totals)
{
	struct trace_file file;

	stop_recording(&file);
	add_events(&file, totals);
	totals->lost += file.header->lost;
	close_trace(&file);
}

/* Takes its events along, with all that is known of them; the recording continues with the next ones. */
static void once(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "node;leaf");
	struct trace_file file;
	struct trace_record record;
	struct totals first = {0}, second = {0};
	bool has_clock = false, has_cause = false, has_thread = false, has_process = false;

	start_recording(&opts);
	node(1);
	take_snapshot(&file);
	CHECK_EQ(check_trace(&file), NULL);
	add_events(&file, &first);
	CHECK_EQ(first.entries, 3);
	CHECK_EQ(first.exits, 3);
	CHECK_EQ(first.lost, 0);
	CHECK(trace_symbol(&file, "node"));
	CHECK(trace_symbol(&file, "leaf"));
	CHECK_EQ(file.header->pid, getpid());
	first_record(&file);
	while (next_record(&file, &record)) {
		has_process |= record.kind == TRACE_PROCESS;
		has_thread |= record.kind == TRACE_THREAD && record_u32(&record, 4) == (uint32_t)gettid();
		if (record.kind == TRACE_CLOCK && record_u32(&record, 24) == 2) {
			has_clock = true;
			CHECK_EQ(record_u64(&record, 0), file.header->latest[0]);
		}
		if (record.kind == TRACE_SNAPSHOT_TAKEN) {
			has_cause = true;
			CHECK_EQ(record_u64(&record, 0), file.header->latest[0]);
			CHECK_EQ(record_u32(&record, 8), strlen("ftrace_snapshot"));
			CHECK(memcmp(record.data + 16, "ftrace_snapshot", strlen("ftrace_snapshot")) == 0);
		}
	}
	CHECK(has_clock && has_cause && has_thread && has_process);
	close_trace(&file);

	leaf(1);
	stop_recording(&file);
	add_events(&file, &second);
	CHECK_EQ(second.entries, 1);
	CHECK_EQ(second.exits, 1);
	close_trace(&file);
}

static void errors(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER);
	struct trace_file file;
	struct totals totals = {0};
	FILE *existing;

	CHECK_EQ(ftrace_snapshot(snapshot_path()), -ESRCH);
	start_recording(&opts);
	leaf(1);
	existing = fopen(snapshot_path(), "w");
	CHECK(existing);
	fclose(existing);
	CHECK_EQ(ftrace_snapshot(snapshot_path()), -EEXIST);
	unlink(snapshot_path());
	CHECK_EQ(ftrace_snapshot("/nowhere/at/all"), -ENOENT);
	CHECK_EQ(ftrace_snapshot(NULL), -EFAULT);
	CHECK_EQ(ftrace_snapshot("fd:x"), -EINVAL);
	add_recording(&totals);
	CHECK_EQ(events_of(&totals), 2);

	/* Room for the rings that a recording begins with, and for no others. */
	memset(&totals, 0, sizeof(totals));
	opts.max_size = SMALL_FILE;
	start_recording(&opts);
	leaf(1);
	for (int i = 0; i < 100; i++) {
		take_snapshot(&file); /* the same memory again and again */
		close_trace(&file);
	}
	leaf(1);
	add_recording(&totals);
	CHECK_EQ(events_of(&totals), 2);
}

static void *wait_for(void *arg)
{
	leaf(1);
	__atomic_add_fetch((unsigned int *)arg, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n((unsigned int *)arg, __ATOMIC_SEQ_CST) == 0);
	leaf(1);
	return NULL;
}

/* No room for other buffers: nothing has changed. */
static void full(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER, .max_size = SMALL_FILE);
	struct totals totals = {0};
	pthread_t threads[12];
	unsigned int ready = 0;

	start_recording(&opts);
	for (int i = 0; i < 12; i++)
		threads[i] = start(wait_for, &ready);
	WAIT_FOR(__atomic_load_n(&ready, __ATOMIC_SEQ_CST) == 12);
	CHECK_EQ(ftrace_snapshot(snapshot_path()), -ENOMEM);
	CHECK(access(snapshot_path(), F_OK) != 0);
	__atomic_store_n(&ready, 0, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 12; i++)
		join(threads[i]);
	add_recording(&totals);
	CHECK_EQ(totals.entries, 24);
	CHECK_EQ(totals.exits, 24);
}

static void *call_leaf(void *tid)
{
	leaf(1);
	*(pid_t *)tid = gettid();
	return NULL;
}

/* One after the other, each until the kernel has forgotten it: before, its ring is not seen as that of an ended thread. */
static void add_threads(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t tid;

		join(start(call_leaf, &tid));
		WAIT_FOR(tgkill(getpid(), tid, 0) != 0);
	}
}

static unsigned long file_size(void)
{
	struct ftrace_tracing_status status = {.size = sizeof(status)};

	CHECK_EQ(ftrace_tracing_get_status(&status), 0);
	return status.file_size;
}

/*
 * Threads come and go, and each leaves its events in a ring. These take no room from snapshots: not if the file cannot
 * grow any more; and if it can, it does so once.
 */
static void ended(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER, .max_size = SMALL_FILE);
	struct totals totals = {0};
	struct trace_file file;
	unsigned long size = 0;

	start_recording(&opts);
	leaf(1);
	for (int round = 0; round < 20; round++) {
		add_threads(24);
		take_snapshot(&file);
		CHECK_EQ(check_trace(&file), NULL);
		add_events(&file, &totals);
		close_trace(&file);
	}
	add_recording(&totals);
	CHECK(totals.entries + totals.lost >= 1 + 20 * 24);
	CHECK(totals.entries <= 1 + 20 * 24);
	CHECK_EQ(totals.exits, totals.entries);

	opts.max_size = 0;
	start_recording(&opts);
	leaf(1);
	for (int round = 0; round < 20; round++) {
		add_threads(24);
		take_snapshot(&file);
		close_trace(&file);
		size = round == 9 ? file_size() : size;
	}
	CHECK_EQ(file_size(), size);
	add_recording(&totals);
}

static int listener;
static bool is_cut;

/* Is held where it has counted the buffers, and has not yet allocated the pages of those that it will need. */
static void *take_snapshots(void *files)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, POPULATE_WRITE, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SMALL_BUFFER, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int fd = notify_of_calls(filter, sizeof(filter) / sizeof(*filter));

	__atomic_store_n(&listener, fd, __ATOMIC_RELEASE);
	for (int i = 0; fd >= 0 && i < SNAPSHOTS; i++)
		take_snapshot((struct trace_file *)files + i);
	__atomic_store_n(&is_cut, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Threads take all buffers, and have ended; none of them begins after that of another has ended, which it would notice. */
static void take_all(void)
{
	pthread_t threads[MOST_BUFFERS];
	uint64_t before = thread_count();
	unsigned int ready = 0;

	for (int i = 0; i < MOST_BUFFERS; i++)
		threads[i] = start(wait_for, &ready);
	WAIT_FOR(__atomic_load_n(&ready, __ATOMIC_SEQ_CST) == MOST_BUFFERS);
	__atomic_store_n(&ready, 0, __ATOMIC_SEQ_CST);
	for (int i = 0; i < MOST_BUFFERS; i++)
		join(threads[i]);
	WAIT_FOR(thread_count() == before);
}

/* Each time that a snapshot has counted them, threads that begin and end take all of them: there still is room. */
static void taken(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER, .max_size = SMALL_FILE);
	static struct trace_file files[SNAPSHOTS];
	struct totals totals = {0};
	unsigned long threads = 0;
	pthread_t thread;

	start_recording(&opts);
	leaf(1);
	thread = start(take_snapshots, files);
	WAIT_FOR(__atomic_load_n(&listener, __ATOMIC_ACQUIRE));
	if (listener < 0)
		skip_without_notifications();
	while (!__atomic_load_n(&is_cut, __ATOMIC_ACQUIRE)) {
		struct pollfd call = {.fd = listener, .events = POLLIN};

		if (poll(&call, 1, 10) != 1 || !(call.revents & POLLIN))
			continue;
		take_all();
		threads += MOST_BUFFERS;
		let_go(listener, next_call(listener).id);
	}
	join(thread);
	for (int i = 0; i < SNAPSHOTS; i++) {
		CHECK_EQ(check_trace(&files[i]), NULL);
		add_events(&files[i], &totals);
		close_trace(&files[i]);
	}
	add_recording(&totals);
	CHECK(threads >= SNAPSHOTS * MOST_BUFFERS);
	CHECK(totals.entries + totals.lost >= 1 + threads);
	CHECK_EQ(totals.exits, totals.entries);
}

/*
 * All calls of numbered() are in one order: the n-th one is of function n % FUNCTIONS, whichever thread
 * makes it. So a set of their entries in which none is missing before another has as many of each function, or
 * one more of the first ones.
 */
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

static pthread_spinlock_t in_order;
static unsigned long made, granted;
static bool quit;

static void *call_in_order(void *arg)
{
	while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&made, __ATOMIC_ACQUIRE) >=
			    __atomic_load_n(&granted, __ATOMIC_ACQUIRE) ||
		    pthread_spin_trylock(&in_order)) {
			sched_yield();
			continue;
		}
		numbered[made % FUNCTIONS]();
		__atomic_store_n(&made, made + 1, __ATOMIC_RELEASE);
		pthread_spin_unlock(&in_order);
	}
	return arg;
}

struct counts {
	unsigned long entries[FUNCTIONS];
	unsigned long lost;
};

static void count_numbered(struct trace_file *file, struct counts *counts)
{
	struct trace_event event;
	struct totals totals = {0};
	uint64_t addresses[FUNCTIONS];

	for (int i = 0; i < FUNCTIONS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "numbered_%d", i);
		addresses[i] = trace_symbol(file, name);
	}
	first_event(file);
	while (next_event(file, &event))
		for (int i = 0; i < FUNCTIONS && event.kind == TRACE_ENTRY; i++)
			counts->entries[i] += addresses[i] == event.argument;
	add_lost(file, &totals);
	counts->lost += totals.lost;
}

static unsigned long sum_of(const struct counts *counts)
{
	unsigned long sum = 0;

	for (int i = 0; i < FUNCTIONS; i++)
		sum += counts->entries[i];
	return sum;
}

/* How many entries are missing, at least: the last one that is there has all before it. */
static unsigned long gaps(const struct counts *counts)
{
	unsigned long length = 0;

	for (unsigned long i = 0; i < FUNCTIONS; i++) {
		unsigned long last = counts->entries[i] ? (counts->entries[i] - 1) * FUNCTIONS + i + 1 : 0;

		length = last > length ? last : length;
	}
	return length - sum_of(counts);
}

static void start_in_order(pthread_t *threads)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "numbered_*", .buffer_size = 1 << 20);

	pthread_spin_init(&in_order, PTHREAD_PROCESS_PRIVATE);
	start_recording(&opts);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(call_in_order, NULL);
}

static void end_in_order(pthread_t *threads)
{
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
}

/*
 * A thread may have at most so many events between two snapshots, or it would overwrite some: those of two grants, as it may
 * use what is left of the last one after the last snapshot. A call has two units, and the buffer room for 65,000.
 */
static void grant(unsigned long calls)
{
	__atomic_store_n(&granted, made + calls, __ATOMIC_RELEASE);
}

static void consistent(void)
{
	pthread_t threads[THREADS];
	struct counts counts = {0};
	struct trace_file file;

	start_in_order(threads);
	for (int i = 0; i < 25; i++) {
		unsigned long before = made, stopped = stats().stopped_threads;

		grant(15000);
		WAIT_FOR(__atomic_load_n(&made, __ATOMIC_ACQUIRE) > before + 300);
		take_snapshot(&file);
		CHECK(stats().stopped_threads - stopped >= THREADS);
		count_numbered(&file, &counts);
		close_trace(&file);
		CHECK(gaps(&counts) <= counts.lost);
		CHECK(sum_of(&counts) > before);
	}
	end_in_order(threads);
	stop_recording(&file);
	count_numbered(&file, &counts);
	close_trace(&file);
	CHECK(sum_of(&counts) <= made);
	CHECK(sum_of(&counts) + counts.lost >= made);
}

/* The negative control: if threads run while a file is copied, it is not consistent. Half of the threads first. */
static void inconsistent(void)
{
	pthread_t threads[THREADS];
	unsigned long found = 0;

	start_in_order(threads);
	for (int round = 0; !found && round < 1000; round++) {
		struct counts counts = {0};
		struct trace_file file;

		for (unsigned int half = 0; half < 2; half++) {
			grant(100);
			WAIT_FOR(__atomic_load_n(&made, __ATOMIC_ACQUIRE) >= granted);
			open_trace(&file, recording_path());
			for (unsigned int i = 0; i < file.block_count; i++)
				file.blocks[i]->sequence *= file.blocks[i]->thread % 2 == half;
			count_numbered(&file, &counts);
			close_trace(&file);
		}
		found = gaps(&counts);
	}
	CHECK(found);
	end_in_order(threads);
	CHECK_EQ(ftrace_tracing_stop(), 0);
	unlink(recording_path());
}

/* Threads that come and go, and call as fast as they can; but not so much that they overwrite their own events. */
#define CALLS_EACH 3000

static void *call_and_end(void *arg)
{
	for (int i = 0; i < CALLS_EACH; i++)
		node(i);
	__atomic_add_fetch((unsigned long *)arg, CALLS_EACH, __ATOMIC_RELEASE);
	return NULL;
}

static void accounted(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "node;leaf");
	struct totals totals = {0};
	unsigned long nodes = 0;
	int snapshots = 0;

	start_recording(&opts);
	for (int round = 0; round < 12; round++) {
		pthread_t threads[THREADS];
		unsigned long until = nodes + THREADS * CALLS_EACH;

		for (int i = 0; i < THREADS; i++)
			threads[i] = start(call_and_end, &nodes);
		do {
			add_snapshot(&totals);
			snapshots++;
		} while (__atomic_load_n(&nodes, __ATOMIC_ACQUIRE) < until);
		for (int i = 0; i < THREADS; i++)
			join(threads[i]);
	}
	add_recording(&totals);
	CHECK_EQ(totals.ends, 0);
	CHECK(events_of(&totals) <= 6 * nodes);
	CHECK(events_of(&totals) + totals.lost >= 6 * nodes);
	/* Each snapshot finds each thread in the middle of at most one event. */
	CHECK(totals.lost <= (unsigned long)snapshots * THREADS);
}

/*
 * A snapshot at each instruction of a traced call: call n is interrupted before its instruction n, by a handler
 * that waits until the snapshot was written.
 */
enum { NO_REQUEST, REQUESTED, TAKEN };

static unsigned int request;
static unsigned long steps, step_of_snapshot;
static bool stepping;
static struct totals stepped;

static void *take_requested(void *arg)
{
	for (;;) {
		while (__atomic_load_n(&request, __ATOMIC_ACQUIRE) != REQUESTED) {
			if (__atomic_load_n(&quit, __ATOMIC_ACQUIRE))
				return arg;
			sched_yield();
		}
		add_snapshot(&stepped);
		__atomic_store_n(&request, TAKEN, __ATOMIC_RELEASE);
	}
}

static bool snapshot_at_step(void)
{
	if (steps++ == step_of_snapshot) {
		__atomic_store_n(&request, REQUESTED, __ATOMIC_RELEASE);
		WAIT_FOR(__atomic_load_n(&request, __ATOMIC_ACQUIRE) == TAKEN);
	}
	return stepping;
}

static void step_call(void)
{
	stepping = true;
	steps = 0;
	raise(SIGUSR1);
	leaf(1);
	stepping = false;
}

/* The thread is known from a call that is not recorded: what is left is that it takes a ring. */
static void *step_in_thread(void *arg)
{
	warm();
	step_call();
	return arg;
}

/*
 * @events: of a call. @fill: so that the place of an event can be the last one of a block, and beyond. @fresh: each call is
 * the first one of a thread.
 */
static void step_with(const struct ftrace_tracing_opts *opts, unsigned int events, bool fill, bool fresh)
{
	unsigned long calls = 0, uncounted = 0;
	pthread_t taker;

	memset(&stepped, 0, sizeof(stepped));
	quit = false;
	start_recording(opts);
	leaf(1);
	calls++;
	step_from(SIGUSR1, snapshot_at_step);
	taker = start(take_requested, NULL);
	for (step_of_snapshot = 0;; step_of_snapshot++) {
		unsigned long had = events_of(&stepped) + stepped.lost, before = calls * events;

		if (fill) {
			/* The snapshot before has left a ring with some events of the call, and of this one. */
			int room = 2044 - 8 + step_of_snapshot % 8;

			for (int i = 0; i < room / (int)events; i++, calls++)
				leaf(1);
			before = calls * events;
		}
		request = NO_REQUEST;
		if (fresh)
			join(start(step_in_thread, NULL));
		else
			step_call();
		calls++;
		if (request == NO_REQUEST)
			break; /* the call has fewer instructions */
		/* All that was before is there; a place that was taken in vain may count as lost. */
		had = events_of(&stepped) + stepped.lost;
		CHECK(had >= before);
		CHECK(had <= before + events + stepped.lost);
		uncounted = stepped.lost;
	}
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	join(taker);
	CHECK(step_of_snapshot > 50);
	add_recording(&stepped);
	CHECK(events_of(&stepped) <= calls * events);
	CHECK(events_of(&stepped) + stepped.lost >= calls * events);
	dprintf(2, "%lu instructions, %lu calls, %lu events, %lu lost\n", step_of_snapshot, calls,
		events_of(&stepped), stepped.lost);
	/* The few instructions between a place and its event, for each of them. */
	CHECK(uncounted <= 60 * events);
	CHECK(uncounted > 0);
}

static void each(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER);

	step_with(&opts, 2, false, false);
}

static void each_block(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER);

	step_with(&opts, 2, true, false);
}

static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	return 1;
}

static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
}

static void each_first(void)
{
	struct ftrace_graph_ops ops = {.size = sizeof(ops), .entryfunc = enter, .retfunc = leave};
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = SMALL_BUFFER);

	CHECK_EQ(ftrace_graph_set_filter(&ops, "warm", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	step_with(&opts, 2, false, true);
	CHECK_EQ(ftrace_unregister_graph(&ops), 0);
}

static void each_general(void)
{
	struct ftrace_tracing_opts opts =
		FTRACE_RECORDING(.filter = "leaf", .buffer_size = 128 << 10, .max_depth = 5);

	step_with(&opts, 2, false, false);
}

/* How long threads stand still: not a test, but for whoever changes this. */
static void *call_until_end(void *arg)
{
	struct sched_param param = {0};

	pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	/* All of its ring is in use; then it waits, so that what else the machine does is not measured. */
	for (int i = 0; i < 150000; i++)
		leaf(1);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&quit, __ATOMIC_ACQUIRE)) {
		poll(NULL, 0, 5);
		leaf(1);
	}
	return arg;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const unsigned long *)a < *(const unsigned long *)b ? -1 : 1;
}

static void measure(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "leaf", .buffer_size = 4 << 20);
	unsigned long cut[21], bare[21];
	pthread_t threads[16];
	struct trace_file file;

	start_recording(&opts);
	for (int i = 0; i < 16; i++)
		threads[i] = start(call_until_end, NULL);
	WAIT_FOR(__atomic_load_n(&made, __ATOMIC_ACQUIRE) == 16);
	for (int i = 0; i < 21; i++) {
		usleep(20000);
		unlink(snapshot_path());
		CHECK_EQ(ftrace_snapshot(snapshot_path()), 0);
		cut[i] = stats().last_stop_ns;
		usleep(20000);
		CHECK_EQ(ftrace_stop_machine(nothing, NULL), 0);
		bare[i] = stats().last_stop_ns;
	}
	unlink(snapshot_path());
	__atomic_store_n(&quit, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 16; i++)
		join(threads[i]);
	stop_recording(&file);
	close_trace(&file);
	qsort(cut, 21, sizeof(*cut), compare);
	qsort(bare, 21, sizeof(*bare), compare);
	printf("snapshot: %lu ns, median %lu; bare stop: %lu ns, median %lu; %.2f, median %.2f\n", cut[0], cut[10], bare[0],
	       bare[10], (double)cut[0] / bare[0], (double)cut[10] / bare[10]);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"once", once},
		{"errors", errors},
		{"full", full},
		{"ended", ended},
		{"taken", taken},
		{"consistent", consistent},
		{"inconsistent", inconsistent},
		{"accounted", accounted},
		{"each", each},
		{"each-block", each_block},
		{"each-first", each_first},
		{"each-general", each_general},
		{"measure", measure},
		{},
	};

	return run_mode(modes, argc, argv);
}
