/* SPDX-License-Identifier: MIT */
/*
 * trigger.c - calls that start a snapshot, or switch recording on or off: the handlers of the
 * triggers' ops, set up by lib/Record/Triggers.cs; and the signal that starts a snapshot. The kernel's
 * kernel/trace/trace_functions.c.
 *
 * A trigger that switches off sets recorder.muted. The trampoline does not look at it: the set
 * that it records is taken away as well, so that all calls go to the handlers, which record nothing. Code is not
 * changed, so a trigger that switches on has its effect at once, too.
 *
 * Any context. Compiled for general registers only.
 */
#include "recorder.h"

#include <errno.h>

struct trigger ftrace_triggers[Triggers_Most];
struct ftrace_graph_ops ftrace_trigger_ops[Triggers_Most];

_Static_assert(sizeof(struct trigger) == Trigger_SizeOf, "struct trigger");
_Static_assert(offsetof(struct trigger, longer) == Trigger_Longer, "struct trigger");
_Static_assert(sizeof(struct ftrace_graph_ops) == FtraceGraphOps_SizeOf, "struct ftrace_graph_ops");

/*
 * Makes what the trampoline records agree with recorder.muted and the sets of ops. Whoever changes one of
 * them calls this afterwards; who was overtaken by another one does it again.
 */
void record_apply_sets(void)
{
	struct graph_sets *sets = &ftrace_graph_sets;
	unsigned long plain, entries;
	unsigned int muted;

	do {
		muted = __atomic_load_n(&ftrace_recorder.muted, __ATOMIC_SEQ_CST);
		plain = __atomic_load_n(&sets->plain, __ATOMIC_SEQ_CST);
		entries = __atomic_load_n(&sets->plain_entries, __ATOMIC_SEQ_CST);
		__atomic_exchange_n(&sets->recorded, muted ? ~0UL : plain, __ATOMIC_SEQ_CST);
		__atomic_exchange_n(&sets->recorded_entries, muted ? ~0UL : entries, __ATOMIC_SEQ_CST);
	} while (muted != __atomic_load_n(&ftrace_recorder.muted, __ATOMIC_SEQ_CST) ||
		 plain != __atomic_load_n(&sets->plain, __ATOMIC_SEQ_CST) ||
		 entries != __atomic_load_n(&sets->plain_entries, __ATOMIC_SEQ_CST));
}

static void switch_off(void)
{
	record_data(TraceEvent_Switched, 0, NULL, 0);
	if (!__atomic_exchange_n(&ftrace_recorder.muted, 1, __ATOMIC_SEQ_CST))
		record_apply_sets();
}

static void switch_on(void)
{
	/* That takes a change of code. */
	if (__atomic_load_n(&ftrace_recorder.off, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&ftrace_recorder.turn_ons, 1, __ATOMIC_RELEASE);
		keeper_ask();
	}
	if (!__atomic_exchange_n(&ftrace_recorder.muted, 0, __ATOMIC_SEQ_CST))
		return;
	record_apply_sets();
	record_data(TraceEvent_Switched, 1, NULL, 0);
}

static void ask_for_snapshot(unsigned int cause)
{
	__atomic_store_n(&ftrace_recorder.cause, cause, __ATOMIC_RELAXED);
	__atomic_add_fetch(&ftrace_recorder.snapshots, 1, __ATOMIC_RELEASE);
	keeper_ask();
}

/* Takes one of the times that are left. */
static bool take_time(struct trigger *trigger)
{
	long left = __atomic_load_n(&trigger->left, __ATOMIC_RELAXED);

	while (left > 0)
		if (__atomic_compare_exchange_n(&trigger->left, &left, left - 1, 0, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return left < 0;
}

static void fire(struct trigger *trigger)
{
	if (!ftrace_recorder.active || !take_time(trigger))
		return;
	if (trigger->action == Trigger_Snapshot)
		ask_for_snapshot(trigger - ftrace_triggers + 1);
	else if (trigger->action == Trigger_TraceOff)
		switch_off();
	else
		switch_on();
}

/* After the recorder's handler, whose ops has a lower number: the call that triggers is recorded. */
int trigger_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	struct trigger *trigger = ops->data;

	(void)regs;
	if (!trigger->longer) {
		fire(trigger);
		return 0;
	}
	call->data = (void *)record_now();
	return 1;
}

void trigger_return(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	struct trigger *trigger = ops->data;

	(void)regs;
	if (record_now() - (unsigned long)call->data > trigger->longer)
		fire(trigger);
}

/* The signal that starts a snapshot. It stays after the recording, and does nothing then: one that comes late is not to end the process. */
void on_snapshot_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)info, (void)context;
	if (ftrace_recorder.active)
		ask_for_snapshot(0);
}
