/* SPDX-License-Identifier: MIT */
/*
 * recorder.c - events of traced calls, into rings in memory that is the trace file. The
 * format is in docs/trace-format.md, the trampoline that writes most events in graph_entry.S.
 *
 * Only the thread writes to its ring: itself, and handlers of signals that interrupt it anywhere.
 * An event takes its place by one instruction (xadd on ring.pos). If there was no place, the
 * rest is here. The next block is entered in two steps, each one instruction too:
 *
 *	1. its sequence number is replaced, from what it was: its old units are void from now on
 *	2. pos and end are replaced, together, from what they were
 *
 * A handler that interrupts between any two instructions does the same steps, or finds them done;
 * and then those of the interrupted code fail, and it looks again. Nothing is written twice, and
 * no event is lost. A kill in between leaves at most an empty block.
 *
 * Who may run against whom: the keeper (lib/Record/Keeper.cs) gives a ring its memory before
 * ring.owner says that it is free; a thread takes it by a compare-and-swap of ring.owner. Another
 * process may read all of it at any time.
 *
 * A snapshot (lib/Record/SnapshotCut.cs) gives a ring other memory, while all threads stand still: pos,
 * end and start are replaced, by values that no ring has had in this recording. So what was
 * interrupted by that
 *
 *	has read pos			finds another one when it replaces it, and looks again
 *	has taken a place, and is not	finds that it is not in its ring, and takes another one; the first one
 *	sure whether it is good		  looks as if it had not been written, and counts as lost
 *	has its place			writes the event to the old memory. If that was copied already, the
 *					  event counts as lost
 *
 * The old memory stays where it was: as it is until it was copied, then it is no part of the file any
 * more, until the recording ends. In a handler that interrupts a thread that stands still
 * nothing is recorded before the end of the cut: recorder.cutting.
 *
 * Any context. Compiled for general registers only: the trampoline has not saved others. keeper_ask()
 * is called from here.
 */
#include "recorder.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>

struct recorder ftrace_recorder __attribute__((aligned(64)));
struct ring ftrace_no_ring __attribute__((aligned(128)));

_Static_assert(offsetof(struct ring, name) == Ring_Name, "struct ring");
_Static_assert(offsetof(struct ring, first) == Ring_First, "struct ring");
_Static_assert(offsetof(struct block, first) == TraceBlock_First, "struct block");
_Static_assert(offsetof(struct ring, renamed) == Ring_Renamed, "struct ring");
_Static_assert(offsetof(struct recorder, min_time) == Recorder_MinTime, "struct recorder");
_Static_assert(offsetof(struct recorder, snapshots) == Recorder_Snapshots, "struct recorder");
_Static_assert(offsetof(struct recorder, reserved_rings) == Recorder_ReservedRings, "struct recorder");
_Static_assert(offsetof(struct recorder, header_mutex) == Recorder_HeaderMutex, "struct recorder");
_Static_assert(sizeof(struct recorder) == Recorder_SizeOf, "struct recorder");

#define TAG_MASK ((unsigned long)TraceEvent_TagMask)
#define UNIT_DATA 15U /* bytes */
#define LONGEST_EXIT_NS 500000000L

/*
 * No power of two that is the length of a ring, and not more than 2048, is 0 or 1 modulo 13. So a block
 * has another tag than what is left in it, and than the block before it once that is entered.
 */
static inline unsigned long tag_of(unsigned long sequence)
{
	return sequence % 13 + 1;
}

static unsigned long read_ns(int clock)
{
	struct timespec time = {0};

	raw_syscall(SYS_clock_gettime, clock, (long)&time, 0, 0, 0, 0);
	return time.tv_sec * 1000000000UL + time.tv_nsec;
}

static inline unsigned long now(void)
{
	return ftrace_recorder.counts_ns ? read_ns(CLOCK_MONOTONIC) : __builtin_ia32_rdtsc();
}

unsigned long record_now(void)
{
	return now();
}

static inline struct trace_thread *this_thread(void)
{
	return (struct trace_thread *)ftrace_nmi_thread.tracer;
}

/* Not atomic for other threads: see at the top. */
static inline bool replace(unsigned long *word, unsigned long from, unsigned long to)
{
	unsigned long found = from;

	__asm__ __volatile__("cmpxchgq %2, %1"
			     : "+a"(found), "+m"(*word)
			     : "r"(to)
			     : "cc", "memory");
	return found == from;
}

static inline unsigned long take(unsigned long *pos, unsigned long size)
{
	__asm__ __volatile__("xaddq %0, %1" : "+r"(size), "+m"(*pos)::"cc", "memory");
	return size;
}

static inline bool replace_both(struct ring *ring, unsigned long pos, unsigned long end,
				unsigned long new_pos, unsigned long new_end)
{
	bool done;

	__asm__ __volatile__("cmpxchg16b %1"
			     : "=@ccz"(done), "+m"(*(unsigned long(*)[2])ring), "+a"(pos), "+d"(end)
			     : "b"(new_pos), "c"(new_end)
			     : "memory");
	return done;
}

static struct block *block_after(const struct ring *ring, unsigned long end)
{
	unsigned long size = ftrace_recorder.block_size;

	return (struct block *)(end == ring->start + ring->blocks * size ? ring->start : end);
}

static inline void set_thread(struct block *block, const struct ring *ring)
{
	block->thread = ring->thread;
	block->tid = ring->tid;
	block->first = ring->first;
}

/* Where the block ends that was entered last; 0: none was. */
static unsigned long last_end(const struct ring *ring)
{
	if (ring->end)
		return ring->end;
	return ring->paused ? ring->start + ring->paused * (unsigned long)ftrace_recorder.block_size : 0;
}

static inline void write_unit(struct unit *unit, unsigned long when, unsigned long what)
{
	unit->what = what;
	__atomic_store_n(&unit->when, when, __ATOMIC_RELEASE);
}

/*
 * What is skipped gets no tag: else, if this was skipped each time that the block was used, units of 13 times before
 * would have the block's tag again.
 */
static void write_padding(unsigned long place, unsigned int units)
{
	struct unit *unit = (struct unit *)(place & ~TAG_MASK);

	for (unsigned int i = 1; i < units; i++)
		__atomic_store_n(&unit[i].when, 0, __ATOMIC_RELAXED);
	write_unit(unit, now() << 4 | (place & TAG_MASK), TraceEvent_Padding << 4 | (units - 1) << 16);
}

/* A cut may have given the thread its first block already, which is empty. */
static unsigned long first_of(const struct ring *ring, unsigned long last, unsigned long sequence)
{
	const struct block *block = (const struct block *)(last - ftrace_recorder.block_size);

	return last && block->thread == ring->thread ? block->first : sequence;
}

/*
 * The ring is the thread's, but it does not use it yet. What is left of another thread's events stays; their last
 * block is filled up, so that what was not written there is not taken for events that were not written.
 */
static void begin_ring(struct ring *ring, const struct trace_thread *thread)
{
	unsigned long size = ftrace_recorder.block_size;

	ring->thread = __atomic_add_fetch(&ftrace_recorder.threads, 1, __ATOMIC_RELAXED);
	ring->tid = thread->tid;
	ring->ending = 0;
	for (;;) {
		unsigned long pos = __atomic_load_n(&ring->pos, __ATOMIC_RELAXED);
		unsigned long end = __atomic_load_n(&ring->end, __ATOMIC_RELAXED);
		unsigned long last = last_end(ring), sequence = 1;
		struct block *first = (struct block *)__atomic_load_n(&ring->start, __ATOMIC_RELAXED);

		if (last)
			first = block_after(ring, last);
		if (__atomic_load_n(&ring->pos, __ATOMIC_RELAXED) != pos)
			continue;
		if (last)
			sequence = ((struct block *)(last - size))->sequence + 1;
		__atomic_store_n(&first->sequence, 0, __ATOMIC_RELEASE);
		ring->first = first_of(ring, last, sequence);
		set_thread(first, ring);
		__atomic_store_n(&first->sequence, sequence, __ATOMIC_RELEASE);
		if (pos < end)
			write_padding(pos, (end - (pos & ~TAG_MASK)) / sizeof(struct unit));
		if (replace_both(ring, pos, end, (unsigned long)(first + 1) | tag_of(sequence),
				 (unsigned long)first + size))
			break;
	}
	ring->paused = 0;
}

/* Those whose end the keeper has not seen ended last: of them, the one that began first. */
static bool ended_before(const struct ring *ring, const struct ring *other)
{
	unsigned int ending = ring->ending - 1, others = other->ending - 1;

	return ending != others ? ending < others : ring->thread < other->thread;
}

/*
 * A ring that is free; else, unless it is to be copied before, that of the thread which ended first. If snapshots
 * are taken, the last free ones are for them: else each of many threads would turn one into a ring that has something.
 */
static struct ring *find_ring(unsigned long *owner)
{
	bool saves = __atomic_load_n(&ftrace_recorder.free_rings, __ATOMIC_RELAXED) <= ftrace_recorder.reserved_rings;
	unsigned int count = __atomic_load_n(&ftrace_recorder.ring_count, __ATOMIC_ACQUIRE), i;
	struct ring *found = NULL, *saved = NULL;

	for (i = 0; i < count; i++) {
		struct ring *ring = &ftrace_recorder.rings[i];

		*owner = __atomic_load_n(&ring->owner, __ATOMIC_ACQUIRE);
		if (*owner == Ring_Free && !saves)
			return ring;
		if (*owner == Ring_Free)
			saved = ring;
		if (*owner == Ring_Ended && !ftrace_recorder.streams &&
		    (!found || ended_before(ring, found)))
			found = ring;
	}
	*owner = found ? Ring_Ended : Ring_Free;
	return found ? found : saved;
}

/* False if the recording of this ring has ended. Another one, with other rings, may have begun: RingPool.Leave(). */
static bool is_current(const struct ring *ring)
{
	unsigned long offset = (unsigned long)ring - (unsigned long)ftrace_recorder.rings;

	return ftrace_recorder.active && offset < ftrace_recorder.ring_count * sizeof(*ring);
}

/* Once for each thread. What it interrupts may be doing the same: then the first ring that is set counts. */
static struct ring *claim_ring(struct trace_thread *thread)
{
	unsigned long owner, before;
	struct ring *ring;
	bool few;

	while ((ring = find_ring(&owner))) {
		before = owner;
		if (!__atomic_compare_exchange_n(&ring->owner, &owner, (unsigned long)thread, 0,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		begin_ring(ring, thread);
		if (!replace((unsigned long *)&thread->ring, (unsigned long)&ftrace_no_ring,
			     (unsigned long)ring)) {
			__atomic_store_n(&ring->owner, Ring_Ended, __ATOMIC_RELEASE);
			return thread->ring;
		}
		/* With RingPool.Detach(): it takes the ring away, or this finds that the recording has ended. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!is_current(ring)) {
			replace((unsigned long *)&thread->ring, (unsigned long)ring, (unsigned long)&ftrace_no_ring);
			return NULL;
		}
		few = before == Ring_Ended ||
		      __atomic_sub_fetch(&ftrace_recorder.free_rings, 1, __ATOMIC_RELAXED) < Ring_FewFree;
		/* A new thread is to be sampled too. */
		if (few || ftrace_sampler.on)
			keeper_ask();
		return ring;
	}
	return NULL;
}

/* Enters the next block, or finds that what has interrupted this has entered it. */
static void enter_next_block(struct ring *ring, unsigned long pos, unsigned long end)
{
	unsigned long size = ftrace_recorder.block_size;
	unsigned long sequence = ((struct block *)(end - size))->sequence + 1, old;
	struct block *next = block_after(ring, end);

	/* Else the end, or the start, may be those of other memory. */
	if (__atomic_load_n(&ring->pos, __ATOMIC_RELAXED) != pos)
		return;
	old = next->sequence;
	if (old > sequence)
		return;
	if (old != sequence && !replace(&next->sequence, old, sequence))
		return;
	set_thread(next, ring);
	replace_both(ring, pos, end, (unsigned long)(next + 1) | tag_of(sequence),
		     (unsigned long)next + size);
}

/*
 * How many units at a place that was taken are the taker's. The place may be beyond the end of its block, or
 * cross it; or be in a block that what has interrupted the taker has left behind since. A place beyond the
 * end lies in the next block, which has another tag.
 */
static unsigned int units_at(const struct ring *ring, unsigned long place, unsigned int units)
{
	unsigned long size = ftrace_recorder.block_size, offset = (place & ~TAG_MASK) - ring->start;
	const struct block *block = (const struct block *)(ring->start + (offset & -size));
	unsigned long at = offset & (size - 1), room = (size - at) / sizeof(struct unit);

	if (offset >= ring->blocks * size || at < sizeof(*block) ||
	    tag_of(block->sequence) != (place & TAG_MASK))
		return 0;
	return room < units ? room : units;
}

/* The thread is to have a ring, but there was none: what it does is counted as lost. */
static bool lacks_ring(const struct trace_thread *thread)
{
	return thread->ring == &ftrace_no_ring && ftrace_recorder.active && ftrace_recorder.rings->blocks;
}

/* In a handler that may have interrupted a thread that stands still, while a snapshot changes its ring. */
static inline bool is_cut(void)
{
	return ftrace_recorder.cutting && ftrace_nmi_thread.saved != 1;
}

static void count_lost(unsigned int units)
{
	char *header = __atomic_load_n(&ftrace_recorder.header, __ATOMIC_RELAXED);

	if (header) /* else the recording has ended, and has not waited for this thread any longer */
		__atomic_add_fetch((unsigned long *)(header + TraceFile_Lost), units, __ATOMIC_RELAXED);
}

/* The ring of a thread; NULL if it has none: recording is off, or the event is counted as lost. */
static struct ring *ring_of(struct trace_thread *thread, unsigned int units)
{
	struct ring *ring = thread->ring;

	if (ftrace_recorder.muted)
		return NULL;
	if (is_cut()) {
		count_lost(units);
		return NULL;
	}
	if (ring->end)
		return ring;
	if (ftrace_record_fork.state)
		keeper_await_child(units);
	/* What has interrupted this may have taken a ring; else it is off, or the thread is, or the child of a fork. */
	if (!lacks_ring(thread))
		return thread->ring->end ? thread->ring : NULL;
	ring = claim_ring(thread);
	if (!ring && ftrace_recorder.active)
		count_lost(units);
	return ring;
}

/*
 * The place for an event of some units, and its tag; NULL if there is none.
 *
 * @place: one that was taken already, and may not be good; 0: none
 *
 * It is taken by one instruction, so what interrupts this cannot keep it from progress, however often.
 */
static struct unit *reserve_from(struct trace_thread *thread, unsigned long place, unsigned int units,
				 unsigned long *tag)
{
	struct ring *ring = ring_of(thread, units);

	while (ring) {
		unsigned int good = place ? units_at(ring, place, units) : 0;
		unsigned long pos, end;

		if (good == units) {
			*tag = place & TAG_MASK;
			return (struct unit *)(place & ~TAG_MASK);
		}
		if (good)
			write_padding(place, good);
		pos = __atomic_load_n(&ring->pos, __ATOMIC_RELAXED);
		end = __atomic_load_n(&ring->end, __ATOMIC_RELAXED);
		if (pos >= end)
			enter_next_block(ring, pos, end);
		place = take(&ring->pos, units * sizeof(struct unit));
		/* In the block that was looked at: good, even if a snapshot has cut it off since. */
		if (!((place ^ pos) & TAG_MASK) && place >= pos &&
		    (place & ~TAG_MASK) + units * sizeof(struct unit) <= end) {
			*tag = place & TAG_MASK;
			return (struct unit *)(place & ~TAG_MASK);
		}
	}
	return NULL;
}

static struct unit *reserve(struct trace_thread *thread, unsigned int units, unsigned long *tag)
{
	return reserve_from(thread, 0, units, tag);
}

static void write_event(struct trace_thread *thread, unsigned long what, unsigned long place)
{
	unsigned long tag;
	struct unit *unit = reserve_from(thread, place, 1, &tag);

	if (unit)
		write_unit(unit, now() << 4 | tag, what);
}

static void write_entry(struct trace_thread *thread, unsigned long what, unsigned long parent_ip,
			unsigned long place)
{
	unsigned long tag;
	struct unit *unit = reserve_from(thread, place, 2, &tag);

	if (!unit)
		return;
	/* The first one first: it says what the others are. */
	write_unit(unit, now() << 4 | tag, what);
	write_unit(unit + 1, tag | parent_ip << 8, 0);
}

/* The trampoline has taken a place that is not good, or that it is not sure of. */
void ftrace_record_slow(struct trace_thread *thread, unsigned long what, unsigned long place)
{
	write_event(thread, what, place);
}

/* The same for an entry without exit. */
void ftrace_record_slow_entry(struct trace_thread *thread, unsigned long what, unsigned long place,
			      unsigned long parent_ip)
{
	write_entry(thread, what, parent_ip, place);
}

static unsigned long number_of(const struct ftrace_graph_call *call)
{
	const struct graph_slot *slot =
		(const struct graph_slot *)((const char *)call - offsetof(struct graph_slot, call));

	return slot->id & 0xffff;
}

/* The handlers of the recorder's ops, for calls that the trampoline does not record itself. */
int record_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	struct trace_thread *thread = this_thread();
	unsigned long tag;
	struct unit *unit = reserve(thread, 1, &tag);

	(void)ops, (void)regs;
	call->data = (void *)((unsigned long)unit | tag);
	if (unit)
		write_unit(unit, now() << 4 | tag, call->ip << 16 | number_of(call));
	return unit || lacks_ring(thread);
}

/* Takes a call back that was short, if nothing was recorded after its entry. */
static bool take_back(struct trace_thread *thread, unsigned long entry)
{
	struct ring *ring = thread->ring;
	struct unit *unit = (struct unit *)(entry & ~TAG_MASK);

	if (!entry || is_cut() || ring->pos != entry + sizeof(*unit) || now() - (unit->when >> 4) >= ftrace_recorder.min_time)
		return false;
	unit->when = 0;
	replace(&ring->pos, entry + sizeof(*unit), entry);
	return true;
}

void record_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		   struct ftrace_regs *regs)
{
	struct trace_thread *thread = this_thread();
	unsigned long tag;
	struct unit *unit;

	(void)ops, (void)regs;
	if (ftrace_recorder.min_time && take_back(thread, (unsigned long)call->data))
		return;
	if (!call->flags) {
		write_event(thread, 1UL << 63 | call->ip << 16 | number_of(call), 0);
		return;
	}
	unit = reserve(thread, 2, &tag);
	if (!unit)
		return;
	/* The first one first: it says what the others are. */
	write_unit(unit, now() << 4 | tag, call->ip << 16 | 1 << 8 | TraceEvent_End << 4);
	write_unit(unit + 1, tag | number_of(call) << 8 | (unsigned long)call->flags << 24, 0);
}

int record_function(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		    struct ftrace_regs *regs)
{
	(void)ops, (void)regs;
	write_entry(this_thread(), call->ip << 16 | 1 << 8 | TraceEvent_Function << 4, call->parent_ip, 0);
	return 0;
}

/* Ends the block, and has none: the trampoline finds no place. Handlers may enter blocks meanwhile. */
static void pause_ring(struct ring *ring)
{
	for (;;) {
		unsigned long pos = __atomic_load_n(&ring->pos, __ATOMIC_RELAXED);
		unsigned long end = __atomic_load_n(&ring->end, __ATOMIC_RELAXED);

		if (!end)
			return;
		if (pos < end) {
			unsigned int rest = (end - (pos & ~TAG_MASK)) / sizeof(struct unit);
			unsigned long place = take(&ring->pos, rest * sizeof(struct unit));
			unsigned int good = units_at(ring, place, rest);

			if (good)
				write_padding(place, good);
			continue;
		}
		ring->paused = (end - ring->start) / ftrace_recorder.block_size;
		if (replace_both(ring, pos, end, pos, 0))
			return;
	}
}

/* Begins the block after the last one. Handlers count up pos meanwhile, but find no place. */
static void resume_ring(struct ring *ring)
{
	unsigned long size = ftrace_recorder.block_size;

	for (;;) {
		unsigned long pos = __atomic_load_n(&ring->pos, __ATOMIC_RELAXED), end, sequence;
		struct block *next;

		if (ring->end)
			return;
		end = last_end(ring);
		next = block_after(ring, end);
		/* Else the start may be that of other memory. */
		if (__atomic_load_n(&ring->pos, __ATOMIC_RELAXED) != pos)
			continue;
		sequence = ((struct block *)(end - size))->sequence + 1;
		__atomic_store_n(&next->sequence, sequence, __ATOMIC_RELEASE);
		set_thread(next, ring);
		if (replace_both(ring, pos, 0, (unsigned long)(next + 1) | tag_of(sequence),
				 (unsigned long)next + size))
			break;
	}
	ring->paused = 0;
}

/* Switches recording of the calling thread on or off. Returns 0 or -ENOSPC. Thread context. */
int record_thread(struct trace_thread *thread, int on)
{
	struct ring *ring = thread->ring;

	if (ring == &ftrace_no_ring && !on)
		ring = claim_ring(thread);
	if (!ring)
		return -ENOSPC;
	if (ring == &ftrace_no_ring)
		return 0;
	if (on)
		resume_ring(ring);
	else
		pause_ring(ring);
	return 0;
}

/* The record of the thread; NULL if there is none for it. */
struct trace_thread *own_record(void)
{
	if (ftrace_nmi_thread.tracer != (unsigned long)no_tracer)
		return this_thread();
	return native.claim_tracer(&ftrace_nmi_thread);
}

/*
 * An event with data. It is not written by a trampoline, on the thread's stack, so the record says that one is
 * being written: the rings are not freed meanwhile.
 */
bool record_data(unsigned int kind, unsigned long argument, const void *data, unsigned int size)
{
	struct trace_thread *thread = own_record();
	unsigned int units = (size + UNIT_DATA - 1) / UNIT_DATA, i, at = 0;
	struct unit *unit;
	unsigned long tag;

	if (!thread)
		return false;
	/* Before the ring is read, for who takes the rings away: lib/Record/RingPool.cs. */
	__atomic_add_fetch(&thread->writing, 1, __ATOMIC_SEQ_CST);
	unit = reserve(thread, units + 1, &tag);
	if (unit) {
		/* The first one first: it says what the others are. */
		write_unit(unit, now() << 4 | tag, argument << 16 | units << 8 | kind << 4);
		for (i = 1; i <= units; i++) {
			unsigned long words[2] = {tag, 0};

			for (unsigned int byte = 1; byte < sizeof(words) && at < size; byte++)
				((unsigned char *)words)[byte] = ((const unsigned char *)data)[at++];
			write_unit(unit + i, words[0], words[1]);
		}
	}
	__atomic_sub_fetch(&thread->writing, 1, __ATOMIC_RELEASE);
	return unit != NULL;
}

/* Several times: the reading counts that was interrupted least. */
void read_clocks(struct clock_times *times)
{
	unsigned long shortest = ~0UL;

	for (int i = 0; i < 5; i++) {
		unsigned long before = now(), monotonic = read_ns(CLOCK_MONOTONIC), length = now() - before;

		if (length >= shortest)
			continue;
		shortest = length;
		times->tsc = before + length / 2;
		times->monotonic = monotonic;
		times->realtime = read_ns(CLOCK_REALTIME) - (read_ns(CLOCK_MONOTONIC) - monotonic);
	}
}

/* As lib/Linux/FutexMutex.cs; but what holds up the end of a process does not do so for long. */
static bool lock_header(void)
{
	unsigned int *mutex = &ftrace_recorder.header_mutex;
	long deadline = now_ns() + LONGEST_EXIT_NS;

	while (__atomic_exchange_n(mutex, 2, __ATOMIC_ACQUIRE) != 0) {
		struct timespec time = {.tv_nsec = LONGEST_EXIT_NS / 10};

		if (now_ns() > deadline)
			return false;
		raw_syscall(SYS_futex, (long)mutex, FUTEX_WAIT_PRIVATE, 2, (long)&time, 0, 0);
	}
	return true;
}

static void unlock_header(void)
{
	unsigned int *mutex = &ftrace_recorder.header_mutex;

	if (__atomic_exchange_n(mutex, 0, __ATOMIC_RELEASE) == 2)
		raw_syscall(SYS_futex, (long)mutex, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/*
 * The process ends normally: then the file has the clocks at its end. Other threads, and destructors that
 * come later, may still record: docs/trace-format.md. Another thread may just be stopping the recording, and
 * takes the header away; and the keeper notes the clocks too, but not after this.
 */
__attribute__((destructor)) static void finish_file(void)
{
	char *header;

	if (!ftrace_recorder.header || !ftrace_recorder.rings || !ftrace_recorder.rings->blocks)
		return; /* not recording, or a child */
	if (!lock_header())
		return;
	header = ftrace_recorder.header;
	/* Else it is the child of vfork(), which has this memory. */
	if (header && *(unsigned int *)(header + TraceFile_Process) == raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0)) {
		read_clocks((struct clock_times *)(header + TraceFile_Latest));
		*(unsigned int *)(header + TraceFile_State) = TraceFile_Finished;
	}
	unlock_header();
}
