/* SPDX-License-Identifier: MIT */
/*
 * frames.h - the frames that an unwinder finds: the one that is linked as
 * _Unwind_Backtrace(), which is libgcc's, or LLVM's with LLVM; with NONGNU that of nongnu.org.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <ftrace/ftrace.h>
#include <stdbool.h>
#include <ucontext.h>

#define MAX_FRAMES 64
#define KEPT	   6 /* registers that calls keep: rbx rbp r12-r15 */

struct frame {
	unsigned long ip, stack, kept[KEPT];
};

struct frames {
	unsigned long from; /* the first frame's ip; those before are left out */
	int count;
	struct frame frames[MAX_FRAMES];
};

/* By the numbers of DWARF, which are those of nongnu's unwinder too. */
static const int kept_numbers[KEPT] = {3, 6, 12, 13, 14, 15};

#ifdef NONGNU
#define UNW_LOCAL_ONLY
#include <libunwind.h>

static inline void walk(struct frames *found, unw_cursor_t *cursor)
{
	unw_word_t value;

	found->count = 0;
	do {
		struct frame *frame = &found->frames[found->count];

		if (unw_get_reg(cursor, UNW_REG_IP, &value) != 0 || value == 0)
			return;
		frame->ip = value;
		frame->stack = unw_get_reg(cursor, UNW_REG_SP, &value) == 0 ? value : 0;
		for (int i = 0; i < KEPT; i++)
			frame->kept[i] = unw_get_reg(cursor, kept_numbers[i], &value) ? 0 : value;
	} while (++found->count < MAX_FRAMES && unw_step(cursor) > 0);
}

/* Of what a signal has interrupted. */
static inline void find_interrupted(struct frames *found, ucontext_t *context)
{
	unw_cursor_t cursor;

	found->count = 0;
	if (unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME) == 0)
		walk(found, &cursor);
}

/* Without it, the chain ends after the caller of a traced function that has no frame pointer. */
static inline void register_blocks(void)
{
#ifdef TABLE
	static unw_dyn_info_t info = {.format = UNW_INFO_FORMAT_REMOTE_TABLE};

	info.u.rti.table_len =
		ftrace_graph_unwind_table(&info.start_ip, &info.end_ip, &info.u.rti.table_data);
	info.u.rti.segbase = info.u.rti.table_data;
	_U_dyn_register(&info);
#endif
}

static inline void find_callers(struct frames *found)
{
	unw_context_t context;
	unw_cursor_t cursor;

	found->count = 0;
	if (unw_getcontext(&context) == 0 && unw_init_local(&cursor, &context) == 0)
		walk(found, &cursor);
}
#else
#include <execinfo.h>
#include <unwind.h>

static inline void register_blocks(void)
{
}

static inline _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *data)
{
	struct frames *found = (struct frames *)data;
	struct frame *frame = &found->frames[found->count];

	frame->ip = _Unwind_GetIP(context);
	if (found->count == 0 && found->from && frame->ip != found->from)
		return _URC_NO_REASON;
	if (frame->ip == 0)
		return _URC_NORMAL_STOP; /* the end of the stack */
	if (++found->count == MAX_FRAMES)
		return _URC_NORMAL_STOP;
	frame->stack = _Unwind_GetCFA(context);
	for (int i = 0; i < KEPT; i++)
		frame->kept[i] = _Unwind_GetGR(context, kept_numbers[i]);
	return _URC_NO_REASON;
}

/* Called in a handler of the signal. */
static inline void find_interrupted(struct frames *found, ucontext_t *context)
{
	found->count = 0;
	found->from = context->uc_mcontext.gregs[REG_RIP];
	_Unwind_Backtrace(add_frame, found);
}

#ifdef LLVM
static inline void find_callers(struct frames *found)
{
	found->count = 0;
	found->from = 0;
	_Unwind_Backtrace(add_frame, found);
}
#else
/* It uses libgcc's unwinder, and gives no registers. */
static inline void find_callers(struct frames *found)
{
	void *ips[MAX_FRAMES];

	found->count = backtrace(ips, MAX_FRAMES);
	for (int i = 0; i < found->count; i++)
		found->frames[i] = (struct frame){.ip = (unsigned long)ips[i]};
}
#endif
#endif

#endif /* FRAMES_H */
