/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - the rings of recorder.c; the format of what they hold is in docs/trace-format.md.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include "native.h"

#ifndef __ASSEMBLER__
#include <stdbool.h>

/* 16 bytes of a block: the tag and the time; what happened. */
struct unit {
	unsigned long when; /* written last, and then the unit is valid */
	unsigned long what;
};

/* Before the units of a block: docs/trace-format.md. */
struct block {
	unsigned int magic;
	unsigned short type;
	unsigned short reserved;
	unsigned long sequence;
	unsigned int thread;
	unsigned int tid;
	unsigned long lost;
	unsigned int used;
	unsigned int reserved_too;
	unsigned long first;
	unsigned int reserved_last[4];
};

/*
 * struct ring - a thread's blocks
 * @pos: the address of the next unit, and in the lowest four bits the tag of its block. The only word
 *       that is changed for each event, by one instruction. Beyond @end the unit does not exist
 * @end: where the block of @pos ends; 0: there is none. Changed only together with @pos
 * @start: the first block
 * @blocks: how many, a power of two
 * @thread: the number of the owner in the file, and @tid its id
 * @owner: RING_*, or the record of the thread
 * @paused: the thread has switched recording off, and @end is 0: the index of its last block, plus 1
 * @lost: units
 * @named: the number of the thread whose name is in the file, @name that name, and @renamed how often it has
 *         changed
 * @first: the sequence number of the thread's first block
 * @ending: counts the threads that had a ring and have ended, up to this one; 0: its thread lives
 *
 * A ring whose thread has ended is taken over by another thread, if no ring is free: that one begins with
 * the next block, and the sequence numbers go on. While events are streamed, the keeper sets such a ring
 * free once it has copied what it holds, and none is taken over before.
 *
 * In memory that a fork clears: a child does not write what its parent records.
 */
struct ring {
	unsigned long pos;
	unsigned long end;
	unsigned long start;
	unsigned int blocks;
	unsigned int thread;
	unsigned long owner;
	unsigned int tid;
	unsigned int paused;
	unsigned long lost;
	unsigned int named;
	unsigned int ending;
	unsigned long name[2];
	unsigned int renamed;
	unsigned int unused;
	unsigned long first;
	unsigned int unused_too[8]; /* the processor fetches lines by pairs: those of two threads are in different ones */
};

/*
 * struct recorder - what threads need of the recorder; written by lib/Record/
 * @rings: the rings; @ring_count of them have memory
 * @header: of the file
 * @block_size: of its blocks
 * @active: events are recorded
 * @asked: a futex: the keeper is to look, see lib/Record/Keeper.cs
 * @threads: how many numbers of threads were given
 * @min_time: calls that take less, in units of the clock, are taken back
 * @free_rings: how many rings have no owner, about
 * @streams: the keeper copies full blocks to the end of the file
 * @from_environment: there is nobody but the user to be told what fails
 * @cutting: a snapshot stops all threads, and gives the rings other memory
 * @snapshots: how often the keeper was asked for a snapshot; @cause: 0: by the signal; else, by which trigger
 * @muted: a trigger has switched recording off
 * @off: ftrace_tracing_off() has; @turn_ons: how often the keeper was asked to undo that
 * @counts_ns: times are of CLOCK_MONOTONIC. Changes only while no recording runs
 * @default_counts_ns: unless something else is asked for: because the TSC is not the same clock on all CPUs
 * @reserved_rings: so many free rings are left for the next snapshot, if there are others
 * @header_mutex: lib/Linux/FutexMutex.cs: held while the latest clock is written, and while the header is taken
 *                away. No other lock is taken with it held
 */
struct recorder {
	struct ring *rings;
	char *header;
	unsigned int ring_count;
	unsigned int block_size;
	unsigned int active;
	unsigned int asked;
	unsigned int threads;
	unsigned int free_rings;
	unsigned long min_time;
	unsigned int streams;
	unsigned int from_environment;
	unsigned int cutting;
	unsigned int snapshots;
	unsigned int cause;
	unsigned int muted;
	unsigned int off;
	unsigned int turn_ons;
	unsigned int counts_ns;
	unsigned int default_counts_ns;
	unsigned int reserved_rings;
	unsigned int header_mutex;
};

/*
 * struct trigger - what a call of some functions causes
 * @left: how often it still does; below 0: always
 * @longer: the calls have to take longer than this, in units of the clock; 0: at their entry
 * @action: Trigger_*
 * @is_used: its ops is registered
 */
struct trigger {
	long left;
	unsigned long longer;
	unsigned int action;
	unsigned int is_used;
};

/*
 * struct record_fork - the child of a fork, whose parent records
 * @state: a futex. RecordFork_Forked: the child has its keeper, which begins the child's recording when it
 *         is asked, at the first event: a child that only executes another program has no file; _Asked; _Late:
 *         it was asked, but nobody waits for it any more
 * @at_once: it begins before the first event
 * @lost: units that were not recorded meanwhile
 * @base: how the names of the children's files begin; empty: they are not recorded
 */
struct record_fork {
	unsigned int state;
	unsigned int at_once;
	unsigned long lost;
	char base[RecordFork_BaseSize];
};

/*
 * struct sampler - what the handler of samples needs; written by lib/Record/Sampler.cs
 * @on: samples are written
 * @running: handlers that may use a descriptor
 * @written, @lost: samples
 * @missed: a timer could not send its signal, and has ended
 */
struct sampler {
	unsigned int on;
	unsigned int running;
	unsigned long written;
	unsigned long lost;
	unsigned int missed;
};

/* The same moment by three clocks. */
struct clock_times {
	unsigned long tsc;
	unsigned long monotonic;
	unsigned long realtime;
};

/*
 * struct control_session - of the thread that other processes ask, control.c
 * @page: the first page of the file
 * @requested: in it: counts requests
 * @seen: the one that was answered last
 * @ended: the recording has ended
 */
struct control_session {
	void *page;
	unsigned int *requested;
	unsigned int seen;
	unsigned int ended;
};

/*
 * struct control_request - what another process asks for: docs/control.md
 * @text: @length bytes, and a 0
 * @answer: as many bytes as the longest answer has; @answer_length of them are used
 */
struct control_request {
	unsigned int kind;
	unsigned int flags;
	char *text;
	char *answer;
	unsigned int length;
	unsigned int answer_length;
};

#pragma GCC visibility push(hidden)
extern struct recorder ftrace_recorder;
extern struct ring ftrace_no_ring;
extern struct record_fork ftrace_record_fork;

int record_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs);
void record_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		   struct ftrace_regs *regs);
int record_function(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		    struct ftrace_regs *regs);
unsigned long record_now(void);
void read_clocks(struct clock_times *times);
int record_thread(struct trace_thread *thread, int on);
bool record_data(unsigned int kind, unsigned long argument, const void *data, unsigned int size);
struct trace_thread *own_record(void);

/* graph.c */
unsigned int graph_calls(const struct trace_thread *thread, unsigned long sp, unsigned long *rets,
			 unsigned int max);

/* trigger.c */
extern struct trigger ftrace_triggers[];
extern struct ftrace_graph_ops ftrace_trigger_ops[];
void record_apply_sets(void);
int trigger_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs);
void trigger_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs);
void on_snapshot_signal(int signo, siginfo_t *info, void *context);

/* sample.c */
extern struct sampler ftrace_sampler;
void ftrace_on_sample(int signo, siginfo_t *info, void *context);

/* marks.c */
extern struct ftrace_mark_key ftrace_marks;

/* keeper.c */
int keeper_start(unsigned long mask);
void keeper_end(void);
void keeper_ask(void);
void keeper_after_fork(void);
void keeper_fork_child(void);
void keeper_await_child(unsigned int units);

/* control.c */
int control_start(struct control_session *session, unsigned long mask);

void ftrace_record_slow(struct trace_thread *thread, unsigned long what, unsigned long place);
void ftrace_record_slow_entry(struct trace_thread *thread, unsigned long what, unsigned long place,
			      unsigned long parent_ip);
#pragma GCC visibility pop

#define FIELD(tag, member, type, field, offset)
#define VALUE(type, name, value)
_Static_assert(sizeof(struct unit) == 16, "struct unit");
_Static_assert(sizeof(struct block) == TraceBlock_HeaderSize, "struct block");
_Static_assert(sizeof(struct ring) == Ring_SizeOf, "struct ring");
_Static_assert(sizeof(struct record_fork) == RecordFork_SizeOf, "struct record_fork");
_Static_assert(sizeof(struct sampler) == Sampler_SizeOf, "struct sampler");
_Static_assert(sizeof(struct control_session) == ControlSession_SizeOf, "struct control_session");
_Static_assert(sizeof(struct control_request) == ControlRequest_SizeOf, "struct control_request");
#undef FIELD
#undef VALUE

#endif /* __ASSEMBLER__ */
#endif /* RECORDER_H */
