/* SPDX-License-Identifier: MIT */
/*
 * steps.c - a traced call, one instruction at a time, in each way that it may take.
 *
 * At every instruction of the library's an unwinder finds the traced function, its caller,
 * and all their registers. What the library calls finds the stack aligned and the
 * direction flag clear, and may change what the calling convention gives away: its C#
 * happens to leave vector registers alone, so they are cleared on its behalf. Handlers
 * see every register, and what they write there the function finds.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "registers.h"

#define NO_VECS	     FTRACE_OPS_FL_NO_VECTORS
#define REGS	     FTRACE_OPS_FL_SAVE_REGS
#define KINDS	     4
#define STACK	     65536
#define XSAVE_HEADER 512   /* in what xsave stores */
#define IN_FRONT     256   /* a function of the entries' own, before the first of them */
#define MOST_TEXT    32768 /* of all that */

/* One that is on. There may be another in its handler. */
struct call {
	struct registers in, out, expected;
	unsigned long back;	/* where its caller goes on */
	unsigned long stack;	/* its stack pointer */
	unsigned long previous; /* instruction */
	int steps, calls;	/* instructions of the library's, and calls of its C# */
	struct call *around;
};

static __thread struct call *call;
static unsigned long text, text_end; /* the entries of all kinds, and what belongs to them */
static struct ftrace_ops ops;
static __thread int handled;
static __thread void (*meanwhile)(void); /* by the handler, once */

static bool in_text(unsigned long ip)
{
	return text && ip >= text && ip < text_end;
}

/* What an unwinder finds. */

enum frame { OURS, FUNCTION, CALLER };

struct walk {
	unsigned long ip;
	enum frame next;
	bool called, done; /* called: by an entry */
};

static _Unwind_Reason_Code see_frame(struct _Unwind_Context *context, void *arg)
{
	/* As struct registers has them, by the numbers of DWARF. */
	static const int numbers[] = {0, 3, 2, 1, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	unsigned long ip = _Unwind_GetIP(context), stack = _Unwind_GetCFA(context);
	struct walk *walk = arg;

	switch (walk->next) {
	case OURS:
		walk->next = ip == walk->ip ? FUNCTION : OURS;
		return _URC_NO_REASON;
	case FUNCTION:
		if (in_text(ip) && !walk->called) {
			walk->called = true;
			return _URC_NO_REASON;
		}
		CHECK_EQ(ip, (unsigned long)traced_empty + 5);
		CHECK_EQ(stack, call->stack);
		for (int i = 0; i < 15; i++)
			CHECK_EQ(_Unwind_GetGR(context, numbers[i]), call->expected.general[i]);
		walk->next = CALLER;
		return _URC_NO_REASON;
	default:
		CHECK_EQ(ip, call->back);
		CHECK_EQ(stack, call->stack + 8);
		walk->done = true;
		return _URC_NORMAL_STOP;
	}
}

static void check_unwinding(unsigned long ip)
{
	struct walk walk = {.ip = ip};

	_Unwind_Backtrace(see_frame, &walk);
	if (!walk.done)
		dprintf(2, "no way out of %#lx, %#lx after the first entry\n", ip, ip - text);
	CHECK(walk.done);
}

/* Each instruction. */

static void handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *found,
		    struct ftrace_regs *regs);
static void instead(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *found,
		    struct ftrace_regs *regs);

/* Where C# returns to, in place of what called it. */
void go_on(void);
unsigned long steps_go_on_at;
__asm__(".text\n"
	"go_on:	push steps_go_on_at(%rip)\n"
	"	pushfq\n"
	"	orl $0x100, (%rsp)\n"
	"	popfq\n"
	"	ret\n");

/* As after their first instruction, which is before they have used any. */
static void clear_vectors(ucontext_t *context)
{
	char *state = (char *)context->uc_mcontext.fpregs;

	/* The header says which are not as at the start; bit 0 is x87's. */
	if (vector_kind > 0)
		*(uint64_t *)(state + XSAVE_HEADER) &= 1;
	else
		memset(context->uc_mcontext.fpregs->_xmm, 0, 16 * 16);
}

static void on_trap(int signo, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	greg_t *regs = context->uc_mcontext.gregs;
	unsigned long ip = regs[REG_RIP], previous = call->previous, word;

	(void)signo, (void)info;
	call->previous = ip;
	memcpy(&word, (void *)regs[REG_RSP], sizeof(word));
	if (ip == (unsigned long)traced_empty) {
		call->stack = regs[REG_RSP];
	} else if (ip == call->back) {
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	} else if (in_text(ip)) {
		call->steps++;
		check_unwinding(ip);
	} else if (in_text(previous) && in_text(word)) {
		CHECK_EQ(regs[REG_RSP] & 15, 8);
		CHECK_EQ(regs[REG_EFL] & DIRECTION, 0);
		/* Its own steps tell nothing. */
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
		if (ip != (unsigned long)handler && ip != (unsigned long)instead) {
			clear_vectors(context);
			call->calls++;
			steps_go_on_at = word;
			word = (unsigned long)go_on;
			memcpy((void *)regs[REG_RSP], &word, sizeof(word));
		}
	}
}

/* The first instructions: the call, two of the stub, and the entry's. */
static int first_steps;

static void on_first_trap(int signo, siginfo_t *info, void *data)
{
	greg_t *regs = ((ucontext_t *)data)->uc_mcontext.gregs;

	(void)signo, (void)info;
	if (first_steps == 0 && regs[REG_RIP] != (greg_t)traced_empty)
		return;
	if (first_steps++ < 3)
		return;
	text = regs[REG_RIP] - IN_FRONT;
	regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

static void on_step_of(void (*handle)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};

	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
}

/* The handler. */

static unsigned long *in_order(struct ftrace_regs *regs, int i)
{
	unsigned long *const order[] = {&regs->rax, &regs->rbx, &regs->rcx, &regs->rdx, &regs->rsi,
					&regs->rdi, &regs->rbp, &regs->r8,  &regs->r9,	&regs->r10,
					&regs->r11, &regs->r12, &regs->r13, &regs->r14, &regs->r15};

	return order[i];
}

static void exchange(struct ftrace_regs *regs)
{
	struct registers other;

	CHECK_EQ((unsigned long)&regs->parent_ip, call->stack);
	CHECK_EQ(regs->flags & (SIX_FLAGS | DIRECTION), call->in.flags & (SIX_FLAGS | DIRECTION));
	fill(&other, call->in.general[0]);
	for (int i = 0; i < 15; i++) {
		CHECK_EQ(*in_order(regs, i), call->in.general[i]);
		*in_order(regs, i) = other.general[i];
		call->expected.general[i] = other.general[i];
	}
	regs->flags ^= SIX_FLAGS;
	call->expected.flags ^= SIX_FLAGS;
}

static __attribute__((noipa)) void handle(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_regs *regs)
{
	void (*now)(void) = meanwhile;

	handled++;
	if (call) {
		CHECK_EQ(ip, (unsigned long)traced_empty);
		CHECK_EQ(parent_ip, call->back);
		if (regs)
			exchange(regs);
	}
	meanwhile = NULL;
	if (now)
		now();
}

/* It keeps the vector registers, whoever asks for that. */
static void handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *found,
		    struct ftrace_regs *regs)
{
	char state[16384] __attribute__((aligned(64)));
	volatile uint64_t *header = (uint64_t *)(state + XSAVE_HEADER);

	(void)found;
	if (vector_kind > 0) {
		for (int i = 0; i < 8; i++)
			header[i] = 0; /* no vector register is used for that */
		__asm__ __volatile__("xsave64 %0" : "+m"(state) : "a"(0xe6), "d"(0));
	} else {
		__asm__ __volatile__("fxsave64 %0" : "+m"(state));
	}
	handle(ip, parent_ip, regs);
	if (vector_kind > 0)
		__asm__ __volatile__("xrstor64 %0" ::"m"(state), "a"(0xe6), "d"(0) : "memory");
	else
		__asm__ __volatile__("fxrstor64 %0" ::"m"(state) : "memory");
	if (call)
		__asm__ __volatile__("sub $128, %%rsp; pushfq; orl $0x100, (%%rsp); popfq\n"
				     "lea 128(%%rsp), %%rsp" ::
					     : "memory", "cc");
}

/* In place of all handlers. */
static void instead(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *found,
		    struct ftrace_regs *regs)
{
	handler(ip, parent_ip, found, regs);
}

/* The ways. */

/* Returns how often the library called its C#. */
static int step_through(bool traced, bool odd, unsigned long flags)
{
	static __thread unsigned int seed;
	struct call mine = {.around = call};
	int before = handled;

	fill(&mine.in, ++seed);
	mine.in.flags |= flags | TRAP_FLAG;
	mine.expected = mine.in;
	mine.back = (unsigned long)(odd ? call_with_odd_back : call_with_back);
	call = &mine;
	(odd ? call_with_odd : call_with)(&mine.in, &mine.out);
	call = mine.around;
	CHECK_EQ(handled > before, traced);
	CHECK(mine.steps > 30);
	check_same(&mine.out, &mine.expected);
	return mine.calls;
}

static void not_traced(void)
{
	/* At first it may take a look for where the stack is. */
	step_through(false, false, 0);
	CHECK_EQ(step_through(false, true, 0), 0);
}

/* That it is within a handler is seen by a look only. */
static void not_traced_in_nmi(void)
{
	CHECK_EQ(step_through(false, false, 0), 1);
}

static unsigned long nmi_flags;

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	/* A thread's first one is looked at. */
	CHECK(step_through(true, false, nmi_flags) > 0);
	CHECK_EQ(step_through(true, true, nmi_flags), 0);
	meanwhile = not_traced_in_nmi;
	CHECK_EQ(step_through(true, true, nmi_flags), 0);
	ftrace_nmi_exit();
}

static void *first_calls(void *arg)
{
	CHECK(step_through(true, arg != NULL, 0) > 0);
	CHECK_EQ(step_through(true, arg != NULL, 0), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	return NULL;
}

static void on_new_thread(bool odd, unsigned long flags)
{
	nmi_flags = flags;
	join(start(first_calls, odd ? &ops : NULL));
}

static sigjmp_buf out;

static void leave(int signo)
{
	(void)signo;
	siglongjmp(out, 1);
}

static void be_left(void)
{
	CHECK_EQ(raise(SIGUSR2), 0);
}

static __attribute__((noipa)) void leave_one(void)
{
	meanwhile = be_left;
	if (sigsetjmp(out, 1) == 0)
		traced_empty();
}

static ucontext_t here, there;
static char other_stack[STACK] __attribute__((aligned(4096)));

static void elsewhere(void)
{
	CHECK(step_through(true, false, 0) > 1);
}

static void go_elsewhere(void)
{
	CHECK_EQ(getcontext(&there), 0);
	there.uc_stack.ss_sp = other_stack;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &here;
	makecontext(&there, elsewhere, 0);
	CHECK_EQ(swapcontext(&here, &there), 0);
}

static void in_all_ways(void)
{
	for (int odd = 0; odd < 2; odd++) {
		CHECK_EQ(step_through(true, odd, 0), 0);
		on_new_thread(odd, 0);
		meanwhile = not_traced;
		CHECK_EQ(step_through(true, odd, 0), 0);
		/* Of one that was left the mark is there. */
		leave_one();
		CHECK(step_through(true, odd, 0) > 0);
		/* Of one on another stack, too. */
		meanwhile = go_elsewhere;
		CHECK(step_through(true, odd, 0) > 0);
		step_through(true, odd, 0); /* may look whether there still is one */
	}
	/*
	 * The calling convention has the flag clear where a function is called; assembly
	 * may call its own otherwise. What makes registers is prepared for that.
	 */
	on_new_thread(false, DIRECTION);
	if (ops.flags & REGS)
		step_through(true, false, DIRECTION);
}

int main(void)
{
	struct registers in, nothing;

	find_vector_kind();
	on_signal(SIGUSR1, on_nmi, 0);
	on_signal(SIGUSR2, leave, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	for (int kind = KINDS - 1; kind >= 0; kind--) {
		ops = (struct ftrace_ops)OPS(handler, .flags = kind);
		trace(&ops, "traced_empty");
		if (!text) {
			fill(&in, 1);
			in.flags |= TRAP_FLAG;
			on_step_of(on_first_trap);
			call_with(&in, &nothing);
			on_step_of(on_trap);
			text_end = (unsigned long)ftrace_just_return;
			CHECK(text && text < text_end && text_end - text < MOST_TEXT);
		}
		in_all_ways();
		CHECK_EQ(ftrace_update_ftrace_func(instead), 0);
		in_all_ways();
		CHECK_EQ(ftrace_update_ftrace_func(NULL), 0);
		untrace(&ops);
	}
	return 0;
}
