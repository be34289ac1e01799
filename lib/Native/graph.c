/* SPDX-License-Identifier: MIT */
/*
 * graph.c - calls whose exits are traced (ftrace/graph.h): called by graph_entry.S at the
 * entry and at the exit of each. The kernel's kernel/trace/fgraph.c.
 *
 * A call has a slot from its entry to its exit. A thread takes slots from chunks of its own,
 * which lib/Trace/GraphSlots.cs gives it; whichever thread the call returns on frees the slot.
 * So no order of the returns is assumed, and stacks may move between threads.
 *
 * A handler of a signal may interrupt any of this and make traced calls itself, with the
 * same slots. So a slot is claimed by an instruction that finds it free, and what is
 * linked from the cursor is only a proposal. The instruction need not be atomic for other
 * threads, which free slots, but do not claim them.
 *
 * Calls are also linked from the inner to the outer, by ids, which name a call and not a
 * slot. So a link whose call has ended leads nowhere, instead of to another call. The link
 * shows which calls were left without a return: those that are inner ones of the current
 * call, although they lie where the stack has been taken down.
 *
 * The functions without "full" in their name are called with the vector registers not saved.
 * They do only what most calls need, or nothing: then they return GRAPH_FULL, and are
 * called again with all registers saved, under the other name. The most usual calls, of
 * functions with one ops, do not even get here: graph_entry.S has these functions again, for
 * such calls.
 */
#include "recorder.h"

#include <errno.h>
#include <stdbool.h>

#define GRAPH_PLAIN 0 /* the exit is not traced: no block */
#define GRAPH_FULL  1
#define MAX_STEPS   64

struct graph_slot ftrace_graph_slots[GraphSlots_Chunks * GraphSlots_PerChunk]
	__attribute__((aligned(4096)));
struct graph_sets ftrace_graph_sets = {
	.recorded = ~0UL, .recorded_entries = ~0UL, .plain = ~0UL, .plain_entries = ~0UL,
};

/* The offset of a slot, and of a block, from the first. */
static inline unsigned long slot_offset(const struct graph_slot *slot)
{
	return (const char *)slot - (const char *)ftrace_graph_slots;
}

static inline unsigned long block_of(const struct graph_slot *slot)
{
	return (unsigned long)ftrace_graph_blocks +
	       slot_offset(slot) / (GraphSlot_SizeOf / GraphSlots_BlockSize);
}

/* The slot in whose block an address is; NULL if it is in none. */
static inline struct graph_slot *slot_around(unsigned long ip)
{
	unsigned long offset = ip - (unsigned long)ftrace_graph_blocks;

	if (offset >= GraphSlots_Chunks * GraphSlots_PerChunk * GraphSlots_BlockSize)
		return NULL;
	return ftrace_graph_slots + offset / GraphSlots_BlockSize;
}

static inline struct graph_slot *slot_at(unsigned long offset)
{
	return (struct graph_slot *)((char *)ftrace_graph_slots + offset);
}

/* The call with an id; NULL if it has ended. */
static inline struct graph_slot *slot_with_id(unsigned long id)
{
	struct graph_slot *slot = ftrace_graph_slots + (id & 0xffff);

	return id && slot->id == id && slot->word ? slot : NULL;
}

/* Changes a word that has the value @from. Not atomic for other threads: see at the top. */
static inline bool replace(unsigned long *word, unsigned long from, unsigned long to)
{
	unsigned long found = from;

	__asm__ __volatile__("cmpxchgq %2, %1"
			     : "+a"(found), "+m"(*word)
			     : "r"(to)
			     : "cc", "memory");
	return found == from;
}

/* A slot for a call that returns to *ret; NULL if that takes more than a few instructions. */
static inline struct graph_slot *take_slot(struct trace_thread *thread, const unsigned long *ret)
{
	struct graph_slot *slot = slot_at(thread->cursor);

	if (slot->word)
		return NULL;
	if (!replace(&slot->word, 0, (unsigned long)(ret + 1) | GraphSlot_Claiming))
		return NULL;
	slot->ret = *ret;
	/* Who looks for calls that were left compares it with the stack from here on. */
	__atomic_store_n(&slot->word, (unsigned long)(ret + 1), __ATOMIC_RELEASE);
	thread->cursor = slot->next;
	slot->id += 0x10000;
	return slot;
}

/* True if a slot is in a chunk of the thread's. */
static inline bool is_own(const struct trace_thread *thread, const struct graph_slot *slot)
{
	unsigned long chunk = (unsigned long)slot & -(unsigned long)(GraphSlots_PerChunk * GraphSlot_SizeOf);

	return ((const struct graph_header *)chunk)->cursor == &thread->cursor;
}

/*
 * Only the owner links a slot. If another thread did, the owner could have ended meanwhile, and its
 * record be a third thread's. The owner finds what others have freed when it runs out of slots.
 */
static inline void free_slot(struct trace_thread *thread, struct graph_slot *slot)
{
	if (thread && is_own(thread, slot)) {
		slot->next = thread->cursor;
		thread->cursor = slot_offset(slot);
	} else {
		slot->next = 0; /* it was the parent */
	}
	__atomic_store_n(&slot->word, 0, __ATOMIC_RELEASE);
}

static inline struct ftrace_graph_ops *ops_of(int number)
{
	return __atomic_load_n((struct ftrace_graph_ops **)&native.ops_table[number].ops,
			       __ATOMIC_ACQUIRE);
}

/* Calls the handlers of the entry of a set of ops. Returns the set of those that want the exit. */
static unsigned int call_entries(struct graph_slot *slot, unsigned long mask,
				 struct ftrace_regs *regs)
{
	const struct ftrace_graph_call call = slot->call;
	unsigned int wanted = 0;

	for (; mask; mask &= mask - 1) {
		int number = __builtin_ctzl(mask);
		struct ftrace_graph_ops *ops = ops_of(number);

		if (!ops || (ops->max_depth && call.depth >= ops->max_depth))
			continue;
		slot->call = call;
		if (ops->entryfunc &&
		    !ops->entryfunc(&slot->call, ops,
				    ops->flags & FTRACE_OPS_FL_SAVE_REGS ? regs : NULL))
			continue;
		if (!ops->retfunc)
			continue;
		slot->data[number] = slot->call.data;
		wanted |= 1U << number;
	}
	if (wanted)
		slot->call.data = slot->data[__builtin_ctz(wanted)];
	return wanted;
}

/* Calls the handlers of the exit. */
static void call_returns(struct graph_slot *slot, unsigned int flags, struct ftrace_regs *regs)
{
	unsigned int mask = slot->wanted;

	slot->call.flags = flags;
	for (; mask; mask &= mask - 1) {
		int number = __builtin_ctz(mask);
		struct ftrace_graph_ops *ops = ops_of(number);

		/* After the load: if another ops has the number by now, the bit was cleared before. */
		if (!ops || !(__atomic_load_n(&slot->wanted, __ATOMIC_RELAXED) & 1U << number))
			continue;
		/* Before the call: a handler of a signal may leave by a jump, and the call is closed again. */
		__atomic_and_fetch(&slot->wanted, ~(1U << number), __ATOMIC_RELAXED);
		if (slot->flags & GraphSlot_Many)
			slot->call.data = slot->data[number];
		ops->retfunc(&slot->call, ops,
			     ops->flags & FTRACE_OPS_FL_SAVE_REGS ? regs : NULL);
	}
}

/*
 * True if the innermost call is one that a call which returns to @word - 8 is nested in, or if there is
 * none: the first header looks like a call with the id 0 at the end of all memory, of depth -1.
 */
static inline bool is_nested(const struct trace_thread *thread, unsigned long word, unsigned int *depth)
{
	const struct graph_slot *above = ftrace_graph_slots + (thread->top & 0xffff);

	*depth = above->call.depth + 1;
	return above->id == thread->top && above->word > word;
}

/* Calls the handlers. Returns false if no ops wants the exit. */
static bool enter_slot(struct graph_slot *slot, unsigned long *frame, unsigned long ip,
		       unsigned long mask, struct ftrace_regs *regs)
{
	slot->call.ip = ip;
	slot->call.parent_ip = slot->ret;
	slot->call.flags = 0;
	slot->call.data = NULL;
	mask &= ftrace_graph_sets.graph;
	slot->flags = mask & (mask - 1) ? GraphSlot_Many : 0;
	slot->wanted = call_entries(slot, mask, regs);
	slot->ip = frame[1]; /* a handler may have changed it */
	return slot->wanted != 0;
}

/*
 * An entry. @frame: the address of the stub, where the function continues, and the return
 * address. Returns GRAPH_PLAIN, GRAPH_FULL, or the block.
 */
unsigned long ftrace_graph_call(unsigned long *frame, unsigned long mask, struct trace_thread *thread)
{
	struct graph_slot *slot;
	unsigned int depth;

	if (slot_around(frame[2]) || !is_nested(thread, (unsigned long)(frame + 3), &depth))
		return GRAPH_FULL;
	mask &= ftrace_graph_sets.graph;
	if (!mask)
		return GRAPH_PLAIN;
	slot = take_slot(thread, frame + 2);
	if (!slot)
		return GRAPH_FULL;

	slot->parent = thread->top;
	slot->call.depth = depth;
	if (!enter_slot(slot, frame, frame[1] - FTRACE_INSN_SIZE, mask, NULL)) {
		free_slot(thread, slot);
		return GRAPH_PLAIN;
	}
	thread->top = slot->id;
	return block_of(slot);
}

/* An exit. @frame: the slot, a free word, and the return address. Returns GRAPH_FULL, or another value. */
unsigned long ftrace_graph_exit(unsigned long *frame, struct trace_thread *thread)
{
	struct graph_slot *slot = (struct graph_slot *)frame[0];

	if (thread->top != slot->id || (slot->wanted & ftrace_graph_sets.full))
		return GRAPH_FULL;
	call_returns(slot, 0, NULL);
	thread->top = slot->parent;
	free_slot(thread, slot);
	return GRAPH_PLAIN;
}

/* True if this runs in a handler of a signal that has interrupted handlers, or what calls them. */
static bool interrupts_handlers(const struct trace_thread *thread)
{
	int level = 63 - __builtin_clzl(ftrace_nmi_thread.saved);

	return level && (thread->mark || thread->levels & ~(1UL << level));
}

/* Takes a call that ends out of the links. */
static void unlink_call(struct trace_thread *thread, const struct graph_slot *slot)
{
	struct graph_slot *inner = slot_with_id(thread->top);

	if (thread->top == slot->id || !inner) {
		/* The parent of a call that began on another thread is that one's. */
		thread->top = is_own(thread, slot) ? slot->parent : 0;
		return;
	}
	/* Calls on other stacks, which go on. */
	for (int i = 0; inner && i < MAX_STEPS; i++) {
		if (inner->parent == slot->id)
			inner->parent = slot->parent;
		inner = slot_with_id(inner->parent);
	}
}

/*
 * Closes the innermost calls, if they were left: those that lie below the stack pointer, which is
 * below @word. Those on other stacks may go on.
 *
 * A handler of a signal may interrupt this, and find the same calls. It closes a call before it
 * is marked, or leaves the marked one and all outer ones to whom it has interrupted, so
 * that each is closed once, and the inner ones first. The mark of a closer that was itself left is
 * void.
 */
static void close_all_left(struct trace_thread *thread, unsigned long word)
{
	struct graph_slot *slot;
	unsigned long id;

	for (;;) {
		id = thread->top;
		slot = slot_with_id(id);
		if (!slot && replace(&thread->top, id, 0))
			return;
		if (!slot)
			continue;
		if (slot->word > word || !native.graph_is_left(thread, slot, word))
			return;
		if ((slot->flags & GraphSlot_Closing) && interrupts_handlers(thread))
			return;
		slot->flags |= GraphSlot_Closing;
		if (thread->top != id) {
			slot->flags &= ~GraphSlot_Closing;
			continue;
		}
		call_returns(slot, FTRACE_GRAPH_UNWOUND, NULL);
		unlink_call(thread, slot);
		free_slot(thread, slot);
	}
}

/* How many calls a call is nested in that returns to @word - 8. */
static unsigned int depth_of(const struct trace_thread *thread, unsigned long word)
{
	struct graph_slot *slot = slot_with_id(thread->top);

	for (int i = 0; slot && slot->word <= word && i < MAX_STEPS; i++)
		slot = slot_with_id(slot->parent);
	return slot && slot->word > word ? slot->call.depth + 1 : 0;
}

/*
 * The function was called in place of a return by one whose exit is traced: that one has ended. Its
 * slot, and the block, which it will return to, become those of this call.
 */
static bool end_in_tail_call(struct graph_slot *slot, unsigned long word)
{
	if (slot->word != word)
		return false; /* the stack was copied */
	call_returns(slot, FTRACE_GRAPH_TAIL, NULL);
	return true;
}

static struct graph_slot *find_slot(struct trace_thread *thread, const unsigned long *ret)
{
	unsigned long word = (unsigned long)(ret + 1);
	struct graph_slot *slot = take_slot(thread, ret);

	if (slot)
		return slot;
	/* What it has interrupted may be closing calls: their slots are not to be taken away. */
	if (native.graph_refill(thread, word, !interrupts_handlers(thread)))
		slot = take_slot(thread, ret);
	thread->overruns += !slot;
	return slot;
}

/* The same as ftrace_graph_call(), for all calls. */
unsigned long ftrace_graph_call_full(unsigned long *frame, struct ftrace_regs *regs,
				     struct trace_thread *thread)
{
	unsigned long word = (unsigned long)(frame + 3);
	unsigned long ip = frame[1] - FTRACE_INSN_SIZE; /* before handlers, which may change it */
	unsigned long mask = **(unsigned long **)(frame[0] + StubArea_GraphSet);
	struct graph_slot *slot = slot_around(frame[2]);

	/* Not the call that ends in this one, if it does. */
	close_all_left(thread, slot ? word - 1 : word);
	if (slot && end_in_tail_call(slot, word)) {
		call_others(ip, slot->ret, mask & ~ftrace_graph_sets.graph, regs);
		enter_slot(slot, frame, ip, mask, regs);
		return GRAPH_PLAIN;
	}
	call_others(ip, frame[2], mask & ~ftrace_graph_sets.graph, regs);
	if (slot || !(mask & ftrace_graph_sets.graph))
		return GRAPH_PLAIN;
	slot = find_slot(thread, frame + 2);
	if (!slot)
		return GRAPH_PLAIN;
	slot->call.depth = depth_of(thread, word);
	slot->parent = thread->top;
	if (!enter_slot(slot, frame, ip, mask, regs)) {
		free_slot(thread, slot);
		return GRAPH_PLAIN;
	}
	thread->top = slot->id;
	return block_of(slot);
}

/* The same as ftrace_graph_exit(), for all calls. Returns 0. */
unsigned long ftrace_graph_exit_full(unsigned long *frame, struct ftrace_regs *regs,
				     struct trace_thread *thread)
{
	struct graph_slot *slot = (struct graph_slot *)frame[0];

	if (thread->top != slot->id)
		close_all_left(thread, slot->word - 1);
	frame[1] = slot->call.ip;
	call_returns(slot, 0, regs);
	frame[2] = slot->ret; /* a handler may have changed it */
	unlink_call(thread, slot);
	free_slot(thread, slot);
	return 0;
}

/* An exit that no handler may see: the thread is in one, or has no record. */
void ftrace_graph_exit_unseen(unsigned long *frame)
{
	free_slot(NULL, (struct graph_slot *)frame[0]);
}

/* Where the calls that the thread is in return to, the innermost first; not those that were left, below @sp. */
unsigned int graph_calls(const struct trace_thread *thread, unsigned long sp, unsigned long *rets,
			 unsigned int max)
{
	const struct graph_slot *slot = slot_with_id(thread->top);
	unsigned int count = 0;

	for (int i = 0; slot && count < max && i < MAX_STEPS; i++) {
		if (slot->word > sp)
			rets[count++] = slot->ret;
		slot = slot_with_id(slot->parent);
	}
	return count;
}

EXPORT unsigned long ftrace_graph_ret_addr(unsigned long addr)
{
	const struct graph_slot *slot = slot_around(addr);

	return slot && addr == block_of(slot) + GraphSlots_ReturnOffset ? slot->ret : addr;
}

EXPORT long ftrace_graph_unwind_table(unsigned long *start_ip, unsigned long *end_ip,
				      unsigned long *table)
{
	if (!start_ip || !end_ip || !table)
		return -EFAULT;
	*start_ip = (unsigned long)ftrace_graph_blocks;
	*end_ip = *start_ip + GraphSlots_Chunks * GraphSlots_PerChunk * GraphSlots_BlockSize;
	*table = (unsigned long)ftrace_graph_unwind;
	return 1;
}
