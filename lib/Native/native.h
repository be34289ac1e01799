/* SPDX-License-Identifier: MIT */
/*
 * native.h - the part of the library that has to be C, or assembler:
 *
 *	gate.c		the gate, for callers that do not inline it
 *	entry.c		the exported functions: entry into C#, and calls of the host's code
 *	startup.c	the constructor; the environment
 *	runtime.c	replacements for C library functions that the .NET runtime calls
 *	loader.c	the process's objects, in the child of a fork too, and in all namespaces
 *	agent.c		objects are traced while they are opened: hook and thread
 *	loader_hook.S	the entry of the hook
 *	machine.c	features of the processor
 *	trace_entry.S	the trampoline, which traced calls go through; trace.c
 *	graph_entry.S	the same for calls whose exits are traced; graph.c
 *	graph_blocks.S	the blocks that such calls return to
 *	recorder.c	the events of calls, into memory that is a file
 *	marks.c		the host's own marks
 *	sample.c	the handler of samples
 *	keeper.c	the recorder's thread
 *	control.c	the thread that other processes ask by the trace file
 *	connection.c	the thread that serves another process, by a socket: ftrace/agent.h
 *	trigger.c	calls that start a snapshot, or switch recording; the signal that does
 *	listen.c	a socket of its own: FTRACE_CONTROL
 *	record_env.c	recordings that the environment starts; record_path.c: the names of their files;
 *			record_settings.c: what it may say, as others may who start one
 *	redzone.S	calls from the middle of a function, over its red zone
 *	serialize.S	serializing instructions
 *	syscall.S	system calls that do not return as a function does
 *
 * Everything else is C#. Include this file first.
 */
#ifndef NATIVE_H
#define NATIVE_H

/* Offsets and values, defined once: NativeTable_Syscall and the like. */
#ifdef __ASSEMBLER__

#define FIELD(tag, member, type, field, offset)                                                    \
	.set type##_##field, offset;                                                               \
	.set tag##_##member, offset
#define VALUE(type, name, value) .set type##_##name, value
#include "offsets.h"

#else

#define _GNU_SOURCE
#include <ftrace/ftrace.h>

#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#define FIELD(tag, member, type, field, offset) type##_##field = offset,
#define VALUE(type, name, value)		type##_##name = value,
enum {
#include "offsets.h"
};
#undef FIELD
#undef VALUE

#define EXPORT __attribute__((visibility("default")))

/*
 * struct ftrace_nmi_thread, lib/Protocol/NmiThread.cs
 *
 * busy: the struct call of the library call that the thread is in;
 *       LibraryCall_Ended after the runtime has detached the thread
 * attached: LibraryCall_Attached: the runtime has attached the thread; LibraryCall_Inside: it
 *           is in C#, and may hold locks. Higher bits: lib/Nmi/NmiLevels.cs
 * tracer: its record, lib/Trace/TraceThread.cs; initially no_tracer
 */
#define busy	 reserved[1]
#define attached reserved[2]
#define tracer	 reserved[5]

#pragma GCC visibility push(hidden)

/* The ops of a number: lib/Trace/TraceSlots.cs. */
struct ops_entry {
	struct ftrace_ops *ops;
	unsigned long unused;
};

struct trace_thread;
struct graph_slot;
struct graph_sets;
struct recorder;
struct control_session;
struct control_request;
struct ring;
struct clock_times;
struct sampler;
struct trigger;

/* Shared with C#: lib/Linux/NativeTable.cs. A new member is a line in offsets.h. */
extern struct native {
	/* for C# */
	long (*syscall)(long nr, long a, long b, long c, long d, long e, long f);
	struct ftrace_nmi_thread *(*thread)(void);
	void (*sync_core)(void);
	void (*call_handler)(void (*handler)(int, siginfo_t *, void *), int signo, siginfo_t *info,
			     void *context);
	int (*forbids_breakpoints)(void);
	void (*call_ops)(unsigned long ip, unsigned long parent_ip, unsigned long mask,
			 struct ftrace_regs *regs, int redirected);
	int (*iterate_objects)(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);
	void (*free)(void *ptr);
	void (*callers[TraceSlots_Kinds])(void);
	unsigned long *trace_slots;
	const int *ftrace_calls;
	ftrace_func_t *trace_function;
	ftrace_func_t trace_stub;
	const int *trace_text; /* trace_entry.S */
	const unsigned long *no_tracer;
	unsigned long vectors_size;
	unsigned long stack_top; /* of the first thread: above all frames */
	void (*idle)(const unsigned int *word, unsigned int value, long ns);
	void (*restorer)(void);
	long (*clone)(void (*fn)(void *data), void *data, void *stack, unsigned long flags);
	struct turn *turn;
	int (*run)(int (*fn)(void *), void *data);
	unsigned long *modifying_code;
	void *state;
	void (*print)(const char *line); /* until the host sets one; NULL: none */
	const char *image_start;
	const char *image_end;
	long stop_signal; /* FTRACE_STOP_SIGNAL: 0 if it is not set, StopSignal_* */
	/* from C#, data plane */
	void (*enter_slow)(struct ftrace_nmi_thread *thread);
	void (*exit_slow)(struct ftrace_nmi_thread *thread);
	void *(*claim_tracer)(struct ftrace_nmi_thread *thread);
	long (*look_at_marks)(struct ftrace_nmi_thread *thread, unsigned long frame);
	void (*leave_mark)(struct ftrace_nmi_thread *thread, unsigned long mark);
	int (*may_call)(struct ftrace_nmi_thread *thread, unsigned long frame);
	int (*block_signals)(unsigned long *before);
	void (*fork_prepare)(struct ftrace_nmi_thread *thread, long deadline);
	void (*fork_parent)(struct ftrace_nmi_thread *thread);
	void (*fork_child)(struct ftrace_nmi_thread *thread);
	/* for C# */
	const char *redzone_callers;
	unsigned long *redzone_sites;
	unsigned long *(*site_data)(struct ftrace_nmi_thread *thread, unsigned long ip);
	int (*iterate_other_objects)(int (*fn)(struct dl_phdr_info *, size_t, void *), void *data);
	unsigned long (*loader_break)(void);
	void (*loader_hook)(void);
	int (*agent_start)(unsigned long mask);
	void (*agent_end)(void);
	int (*agent_is_running)(void);
	const unsigned long *loader_timeouts;
	ftrace_func_t call_set, call_set_redirected;
	/* from C#, data plane */
	const struct ops_entry *ops_table;
	/* for C# */
	struct graph_slot *graph_slots;
	const char *graph_blocks;
	void (*graph_caller)(void);
	struct graph_sets *graph_sets;
	/* from C#, data plane */
	int (*graph_refill)(struct trace_thread *thread, unsigned long word, int reclaims);
	int (*graph_is_left)(struct trace_thread *thread, const struct graph_slot *slot,
			     unsigned long word);
	const struct ftrace_nmi_thread *first_words; /* of the first thread; NULL: not known */
	struct recorder *recorder;
	struct ring *no_ring;
	struct ftrace_graph_ops *recorder_graph_ops;
	void (*read_clocks)(struct clock_times *times);
	int (*keeper_start)(unsigned long mask);
	void (*keeper_end)(void);
	ftrace_graph_entry_t record_entry, record_function;
	ftrace_graph_return_t record_return;
	int (*record_thread)(struct trace_thread *thread, int on);
	struct ftrace_mark_key *mark_key;
	struct sampler *sampler;
	void (*on_sample)(int signo, siginfo_t *info, void *context);
	int (*control_start)(struct control_session *session, unsigned long mask);
	struct record_fork *record_fork;
	struct trigger *triggers;
	struct ftrace_graph_ops *trigger_ops;
	ftrace_graph_entry_t trigger_entry;
	ftrace_graph_return_t trigger_return;
	void (*record_apply_sets)(void);
	void (*on_snapshot_signal)(int signo, siginfo_t *info, void *context);
	void (*connection_end)(unsigned int number);
	int (*loader_is_consistent)(void);
	void (*agent_ask)(void);
} native;

/*
 * struct graph_slot - a traced call that has not returned yet
 * @ret: the true return address
 * @ip: where the block calls the function
 * @word: the address after the stack's word of the return address; 0: the slot is free
 * @next: while it is free: the offset of the next slot of the same thread that may be free
 * @parent: else: the id of the call that this one is nested in; 0: none
 * @id: its number in the lowest 16 bits; above, how often it was claimed
 * @wanted: the ops that want its exit
 * @flags: GraphSlot_Many: several wanted it, so @data holds the data of each; GraphSlot_Closing:
 *         it was left, and its exit is being reported; GraphSlot_Linked: it is not to be reclaimed
 * @call: what handlers get
 * @data: by the number of the ops
 *
 * While the owner claims the slot, @word has the bit GraphSlot_Claiming, and @ret is that of
 * another call. @word, with a release, is cleared last.
 */
struct graph_slot {
	unsigned long ret;
	unsigned long ip;
	unsigned long word;
	union {
		unsigned long next;
		unsigned long parent;
	};
	unsigned long id;
	unsigned int wanted;
	unsigned int flags;
	struct ftrace_graph_call call;
	void *data[GraphSlot_MaxOps];
};

/*
 * struct graph_header - before the slots of a chunk
 * @owner: GRAPH_OWNER_*, or the thread's record: lib/Trace/GraphSlots.cs
 * @next: the number of the owner's next chunk, plus 1
 * @word: never 0: a cursor that leads here finds a slot that is not free
 * @cursor: the cursor of the owner, by which a thread knows that a slot is its own
 */
struct graph_header {
	unsigned long owner;
	unsigned long next;
	unsigned long word;
	unsigned long *cursor;
};

/*
 * struct graph_sets - sets of ops, by number
 * @graph: ops of ftrace/graph.h
 * @full: ops for which all registers have to be saved
 * @redirected: 1: ftrace_trace_function is called in place of handlers; 2: nothing is
 * @recorded: the set whose calls graph_entry.S records itself: the recorder alone; ~0: there is none
 * @recorded_entries: the same if it records entries only
 * @plain, @plain_entries: what they are unless a trigger has switched recording off
 */
extern struct graph_sets {
	unsigned long graph;
	unsigned long full;
	unsigned long redirected;
	unsigned long recorded;
	unsigned long recorded_entries;
	unsigned long plain;
	unsigned long plain_entries;
} ftrace_graph_sets;

/* What graph.c needs of a thread's record, lib/Trace/TraceThread.cs. */
struct trace_thread {
	unsigned int tid;
	unsigned int claimed;
	char unused[TraceThread_Levels - 8];
	unsigned long levels; /* bit n: a handler runs at this level of nesting of NMIs */
	unsigned long mark;   /* of a handler outside of NMIs */
	char unused_too[TraceThread_StackLow - TraceThread_Mark - sizeof(long)];
	unsigned long stack_low; /* lib/Nmi/ThreadStack.cs */
	unsigned long stack_top;
	char unused_here[TraceThread_GraphCursor - TraceThread_StackTop - sizeof(long)];
	unsigned long cursor; /* the offset of a slot that may be free */
	unsigned long top;    /* the id of the innermost call; 0: none */
	unsigned long chunks;
	unsigned long overruns;
	char unused_again[TraceThread_Ring - TraceThread_GraphOverruns - sizeof(long)];
	struct ring *ring;    /* never NULL: recorder.c */
	unsigned int writing; /* events that the trampolines do not write */
};

/*
 * Copies of the library in one process take turns: all use the stop mutex of the
 * one that stopped threads first. lib/Stop/StopTurn.cs
 */
struct turn {
	unsigned int mutex;
	unsigned int unused;
	struct turn *first; /* whose mutex this copy uses; NULL until its first stop */
};

extern struct turn ftrace_turn;

/* gate.c: the record that threads without one refer to, lib/Trace/TraceThread.cs */
#define NO_TRACER_WORDS (TraceThread_SizeOf / sizeof(long))
extern const unsigned long no_tracer[NO_TRACER_WORDS];

/* entry.c. Until entry_open(0) every call of the library returns an error. */
void entry_start(void);
void entry_open(int error);
int entry_run(int (*fn)(void *), void *data);
void entry_idle(const unsigned int *word, unsigned int value, long ns);
int entry_agent(int (*fn)(void)); /* a call by the agent */
int entry_service(int (*fn)(void *), void *arg);
struct ftrace_nmi_thread *current_thread(void);
void call_handler(void (*handler)(int, siginfo_t *, void *), int signo, siginfo_t *info,
		  void *context);

/* connection.c */
int connection_start(int fd, unsigned int holder);
void connection_end(unsigned int number);
void connection_after_fork(void);
int descriptor_move_up(int fd);

/* listen.c */
void listen_from_environment(void);
void listen_after_fork(void);

/* agent.c */
extern unsigned long loader_timeouts;
int agent_start(unsigned long mask);
void agent_ask(void);
void agent_end(void);
int agent_is_running(void);
void agent_fork_prepare(void);
void agent_fork_parent(void);
void agent_after_fork(void);
void loader_changed(void);

/* loader_hook.S */
void ftrace_loader_hook(void);

/* machine.c */
extern unsigned int ftrace_vectors;
extern unsigned long ftrace_vectors_size;
void measure_vectors(void);
int has_serialize(void);
int has_steady_tsc(void);
int forbids_breakpoints(void);

/* trace.c */
extern unsigned long ftrace_trace_slots;
extern ftrace_func_t ftrace_trace_function;
void *ftrace_claim_tracer(struct ftrace_nmi_thread *thread);
long ftrace_look_at_marks(struct ftrace_nmi_thread *thread, unsigned long frame);
void ftrace_leave_mark(struct ftrace_nmi_thread *thread, unsigned long mark);
unsigned long *no_site_data(struct ftrace_nmi_thread *thread, unsigned long ip);
void call_ops(unsigned long ip, unsigned long parent_ip, unsigned long mask,
	      struct ftrace_regs *regs, int redirected);
void call_set(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *list,
	      struct ftrace_regs *regs);
void call_set_redirected(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *list,
			 struct ftrace_regs *regs);

/* trace_entry.S */
void ftrace_caller(void);
void ftrace_vectors_caller(void);
void ftrace_regs_caller(void);
void ftrace_regs_vectors_caller(void);
extern const int ftrace_calls[];
extern const int ftrace_trace_text[];

void call_others(unsigned long ip, unsigned long parent_ip, unsigned long mask,
		 struct ftrace_regs *regs);

/* graph.c, for graph_entry.S */
extern struct graph_slot ftrace_graph_slots[];
unsigned long ftrace_graph_call(unsigned long *frame, unsigned long mask, struct trace_thread *thread);
unsigned long ftrace_graph_call_full(unsigned long *frame, struct ftrace_regs *regs,
				     struct trace_thread *thread);
unsigned long ftrace_graph_exit(unsigned long *frame, struct trace_thread *thread);
unsigned long ftrace_graph_exit_full(unsigned long *frame, struct ftrace_regs *regs,
				     struct trace_thread *thread);
void ftrace_graph_exit_unseen(unsigned long *frame);

/* graph_entry.S, graph_blocks.S */
void ftrace_graph_caller(void);
extern const char ftrace_graph_blocks[];
extern const unsigned long ftrace_graph_unwind[];

/* redzone.S */
extern const char ftrace_redzone_callers[];
extern unsigned long ftrace_redzone_sites[];

/* serialize.S */
void sync_core_serialize(void);
void sync_core_iret(void);

/* syscall.S */
long raw_clone(void (*fn)(void *data), void *data, void *stack, unsigned long flags);
void ftrace_restore_rt(void);

#pragma GCC visibility pop

/* Returns -errno, and does not change errno. */
static inline long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ __volatile__("syscall"
			     : "=a"(ret)
			     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory");
	return ret;
}

/* The monotonic clock. Any context. */
static inline long now_ns(void)
{
	struct timespec now;

	raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

#define FIELD(tag, member, type, field, offset)                                                    \
	_Static_assert(offsetof(struct tag, member) == (offset),                                   \
		       "struct " #tag " has " #type "." #field " elsewhere than offsets.h");
#define VALUE(type, name, value)
#include "offsets.h"
#undef FIELD
#undef VALUE

_Static_assert(sizeof(struct native) == NativeTable_SizeOf,
	       "offsets.h lacks a member of struct native");
_Static_assert(sizeof(struct ops_entry) == OpsEntry_SizeOf, "struct ops_entry");
_Static_assert(offsetof(struct graph_slot, call.ip) == GraphSlot_Site, "struct graph_slot");
_Static_assert(offsetof(struct graph_slot, call.parent_ip) == GraphSlot_ParentIp, "struct graph_slot");
_Static_assert(offsetof(struct graph_slot, call.depth) == GraphSlot_Depth, "struct graph_slot");
_Static_assert(offsetof(struct graph_slot, call.data) == GraphSlot_CallData, "struct graph_slot");
_Static_assert(sizeof(struct graph_slot) == GraphSlot_SizeOf, "struct graph_slot");
_Static_assert(sizeof(struct graph_header) <= GraphSlot_SizeOf, "struct graph_header");
_Static_assert(sizeof(struct graph_sets) == GraphSets_SizeOf, "struct graph_sets");
_Static_assert(offsetof(struct trace_thread, mark) == TraceThread_Mark, "struct trace_thread");
_Static_assert(offsetof(struct trace_thread, stack_top) == TraceThread_StackTop, "struct trace_thread");
_Static_assert(offsetof(struct trace_thread, top) == TraceThread_GraphTop, "struct trace_thread");
_Static_assert(offsetof(struct trace_thread, overruns) == TraceThread_GraphOverruns, "struct trace_thread");
_Static_assert(offsetof(struct trace_thread, writing) == TraceThread_Writing, "struct trace_thread");
_Static_assert(sizeof(struct turn) == StopTurn_SizeOf, "offsets.h lacks a member of struct turn");
_Static_assert(sizeof(struct ftrace_nmi_thread) == NmiThread_SizeOf, "struct ftrace_nmi_thread");
_Static_assert(sizeof(struct ftrace_regs) == FtraceRegs_SizeOf, "struct ftrace_regs");
_Static_assert(FTRACE_OPS_FL_SAVE_REGS == FtraceOps_SaveRegs, "FTRACE_OPS_FL_SAVE_REGS");
_Static_assert(FTRACE_INSN_SIZE == X86Instruction_CallSize, "FTRACE_INSN_SIZE");

#endif /* __ASSEMBLER__ */
#endif /* NATIVE_H */
