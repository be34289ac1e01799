/* SPDX-License-Identifier: MIT */
/*
 * steps.c - calls whose exits are traced, one instruction at a time. At each of the library's,
 * from the entry over the block to the exit, an unwinder finds the function, while it is being
 * entered, and all its callers, each with its stack pointer and the registers that calls keep.
 * In both handlers backtrace(3) finds the same. Not checked are the instructions of the
 * function's stub, which are made at run time.
 *
 * What is true is known without any unwinder: from the calls and returns that the steps see.
 *
 * steps short     the entry and the exit that do no more than most calls need
 * steps full      with vector registers saved, registers for handlers, other ops
 * steps rare      marks of other handlers, calls that were left, other stacks and threads
 * steps control   a chain that lacks a caller is not taken for true
 */
#include "../../modes.h"
#include "../../object_text.h"
#include "../../signals.h"
#include "../../steps.h"
#include "../../threads.h"
#include "../graphed.h"
#include "frames.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>

#define STEPPED	  __attribute__((noipa, section("stepped")))
#define MAX_CALLS 32
#define NOP	  5
#define STACK	  262144

extern const char __start_stepped[], __stop_stepped[];

/* The functions. */

int step_bottom(int n);
int step_tail(int n);
int step_many(int a, int b, int c, int d, int e, int f, int g, int h);
int step_top(int n);
STEPPED int between(int n);

STEPPED TRACED int step_bottom(int n)
{
	return n + 1;
}

/* Ends with a jump. */
STEPPED TRACED int step_tail(int n)
{
	return step_bottom(n + 1);
}

/* Has arguments on the stack, and changes all registers that calls keep. */
STEPPED TRACED int step_many(int a, int b, int c, int d, int e, int f, int g, int h)
{
	int result = step_bottom(a + b + c + d);

	__asm__ __volatile__("xor %%ebx, %%ebx; xor %%r12d, %%r12d; xor %%r13d, %%r13d\n"
			     "xor %%r14d, %%r14d; xor %%r15d, %%r15d" ::
				     : "rbx", "r12", "r13", "r14", "r15", "cc");
	result += step_tail(e + f + g + h);
	KEEP;
	return result;
}

static void pause_here(void);
static void (*in_between)(void) = pause_here;

/* This one is not traced. */
STEPPED int between(int n)
{
	int result = step_many(n, n, n, n, n, n, n, n);

	in_between();
	return result;
}

STEPPED TRACED int step_top(int n)
{
	int result = step_tail(n);

	result += between(n);
	KEEP;
	return result + 1;
}

#define RESULT_OF(n) (4 * (n) + 1 + 4 * (n) + 2 + (n) + 2 + 1)

static void *const functions[] = {step_bottom, step_tail, step_many, between, step_top};

/* What is true. */

struct call {
	unsigned long site;	  /* 0: not traced */
	unsigned long ret, stack; /* the caller's: where it goes on, and its stack pointer there */
	unsigned long kept[KEPT];
};

enum state { IN_FUNCTION, ENTERING, LEAVING };

/* What is stepped through, from step_through() on. */
struct chain {
	struct call calls[MAX_CALLS];
	int depth;
	enum state state;
	int without;	       /* frames that the block has no function for: before its call */
	struct frames callers; /* those of the outermost call */
	struct chain *around;
};

static __thread struct chain *chain; /* NULL: no steps */

static ucontext_t here, there;
static bool pausing;
static char stack[STACK] __attribute__((aligned(4096)));
static struct object_text library, managed;
static unsigned long steps, handled, wrong;
static bool lacks_caller;

static bool in_library(unsigned long ip)
{
	return ip >= library.start && ip < library.end;
}

/*
 * C#, whose compiler describes how a function begins, and not how it ends. It is called by a
 * thread's first call, when there are no free slots, and for calls that were left. It is not
 * stepped through.
 */
static bool is_managed(unsigned long ip)
{
	return ip >= managed.start && ip < managed.end;
}

/* Of the library's file. */
static void find_managed(void)
{
	static const char name[] = "__managedcode";
	const ElfW(Ehdr) * file;
	const ElfW(Shdr) * sections;
	struct stat status;
	Dl_info info;
	int fd;

	CHECK(dladdr((void *)ftrace_just_return, &info));
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &status) == 0);
	file = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(file != MAP_FAILED);
	sections = (const ElfW(Shdr) *)((const char *)file + file->e_shoff);
	for (int i = 0; i < file->e_shnum; i++) {
		const char *found = (const char *)file + sections[file->e_shstrndx].sh_offset +
				    sections[i].sh_name;

		if (strcmp(found, name) != 0)
			continue;
		managed.start = (unsigned long)info.dli_fbase + sections[i].sh_addr;
		managed.end = managed.start + sections[i].sh_size;
	}
	CHECK(in_library(managed.start) && in_library(managed.end));
	CHECK(!is_managed((unsigned long)ftrace_just_return));
}

static bool is_frame(const struct frame *frame, unsigned long ip, unsigned long stack,
		     const unsigned long *kept, bool after_block)
{
	if (frame->ip != ip)
		return false;
	if (!kept || !frame->stack)
		return true;
	/* libgcc gives the canonical frame address of the block instead, which is 4 more. */
	return (frame->stack == stack || (after_block && frame->stack == stack + 4)) &&
	       memcmp(frame->kept, kept, sizeof(frame->kept)) == 0;
}

/* True if @frames[@at] and all that follow are those of the calls. */
static bool are_callers(const struct frame *frames, int at, int count)
{
	for (int i = chain->depth - 1 - lacks_caller; i >= 0; i--) {
		while (at < count && in_library(frames[at].ip))
			at++;
		if (at == count ||
		    !is_frame(&frames[at], chain->calls[i].ret, chain->calls[i].stack,
			      chain->calls[i].kept, in_library(frames[at - 1].ip)))
			return false;
		at++;
	}
	for (int i = 1; i < chain->callers.count; i++)
		if (at == count || frames[at++].ip != chain->callers.frames[i].ip)
			return false;
	return at == count;
}

/* @frames[@at] is the first after those of handlers. */
static bool is_chain(const struct frame *frames, int at, int count)
{
	const struct call *top = &chain->calls[chain->depth - 1];

	while (at < count && in_library(frames[at].ip))
		at++;
	if (chain->state == LEAVING)
		return are_callers(frames, at, count);
	if (at < count && is_frame(&frames[at], top->site + NOP, top->stack - 8, top->kept, false))
		return are_callers(frames, at + 1, count);
	return chain->without++ == 0 && are_callers(frames, at, count);
}

static void report(const struct frame *frames, int count, const char *where)
{
	if (lacks_caller || wrong > 5)
		return;
	dprintf(2, "%s of call %d at %#lx:", chain->state == ENTERING ? "entry" : "exit",
		chain->depth, chain->calls[chain->depth - 1].site);
	for (int i = 0; i < count; i++)
		dprintf(2, in_library(frames[i].ip) ? " library+%#lx" : " %#lx",
			frames[i].ip - (in_library(frames[i].ip) ? library.start : 0));
	dprintf(2, " %s\n", where);
}

static void check_step(ucontext_t *context)
{
	struct frames found;

	steps++;
	find_interrupted(&found, context);
	if (found.count > 0 && is_chain(found.frames, 0, found.count))
		return;
	wrong++;
	report(found.frames, found.count, "");
}

static void check_handler(void)
{
	struct frames found;
	int at = 0;

	if (!chain)
		return;
	handled++;
	find_callers(&found);
	while (at < found.count && !in_library(found.frames[at].ip))
		at++;
	if (at < found.count && is_chain(found.frames, at, found.count))
		return;
	wrong++;
	report(found.frames, found.count, "in a handler");
}

/* The steps. */

static int on_entry(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		    struct ftrace_regs *regs);
static void on_exit_(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops,
		     struct ftrace_regs *regs);
static void on_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs);

static bool is_handler(unsigned long ip)
{
	return ip == (unsigned long)on_entry || ip == (unsigned long)on_exit_ ||
	       ip == (unsigned long)on_call || ip == (unsigned long)pause_here;
}

static bool is_function(unsigned long ip)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (ip == (unsigned long)functions[i])
			return true;
	return false;
}

static void see_call(const greg_t *regs)
{
	unsigned long stack = regs[REG_RSP], ip = regs[REG_RIP];
	const unsigned long kept[KEPT] = {regs[REG_RBX], regs[REG_RBP], regs[REG_R12],
					  regs[REG_R13], regs[REG_R14], regs[REG_R15]};
	struct call *call;

	/* A jump in place of a return goes to what the caller waits for. */
	if (chain->depth == 0 || chain->calls[chain->depth - 1].stack != stack + 8) {
		CHECK(chain->depth < MAX_CALLS);
		chain->calls[chain->depth++].ret = *(unsigned long *)stack;
	}
	call = &chain->calls[chain->depth - 1];
	call->stack = stack + 8;
	memcpy(call->kept, kept, sizeof(kept));
	call->site = ip;
	chain->without = 0;
	chain->state = ip == (unsigned long)between ? IN_FUNCTION : ENTERING;
}

/* Where C# returns to, in place of what called it. */
void skipped_managed(void);
unsigned long skip_to;
__asm__(".text\n"
	"skipped_managed:\n"
	"	push skip_to(%rip)\n"
	"	pushfq\n"
	"	orl $0x100, (%rsp)\n"
	"	popfq\n"
	"	ret\n");
static void (*const skipped)(void) = skipped_managed;

/*
 * LLVM's unwinder does not know where a signal has interrupted code that changes the stack
 * pointer: it takes what was true one instruction before. Blocks do not change what they note.
 */
static bool is_checked(unsigned long ip)
{
#ifdef LLVM
	/* The return address in a block is in the middle of three instructions. */
	for (int i = -5; i <= 6; i++)
		if (ftrace_graph_ret_addr(ip + i) != ip + i)
			return true;
	return false;
#else
	return ip != 0;
#endif
}

static void on_trap(int signo, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	greg_t *regs = context->uc_mcontext.gregs;
	unsigned long ip = regs[REG_RIP];

	(void)signo, (void)info;
	if (!chain) /* it was left */
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	else if (chain->depth > 0 && ip == chain->calls[chain->depth - 1].ret &&
		 (unsigned long)regs[REG_RSP] == chain->calls[chain->depth - 1].stack) {
		chain->state = IN_FUNCTION;
		if (--chain->depth == 0)
			regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	} else if (is_function(ip)) {
		see_call(regs);
	} else if (ip >= (unsigned long)__start_stepped && ip < (unsigned long)__stop_stepped) {
		chain->state = IN_FUNCTION;
	} else if (is_handler(ip)) {
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	} else if (is_managed(ip)) {
		memcpy(&skip_to, (void *)regs[REG_RSP], sizeof(skip_to));
		memcpy((void *)regs[REG_RSP], &skipped, sizeof(skipped));
		regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	} else if (chain->depth > 0 && in_library(ip)) {
		chain->state = chain->state == ENTERING ? ENTERING : LEAVING;
		if (is_checked(ip))
			check_step(context);
	}
}

/* Handlers are not stepped through. */
static void go_on(void)
{
	if (chain)
		__asm__ __volatile__("sub $128, %%rsp; pushfq; orl $0x100, (%%rsp); popfq\n"
				     "lea 128(%%rsp), %%rsp" ::
					     : "memory", "cc");
}

static __attribute__((noipa)) void step_through(int n)
{
	struct chain mine = {.around = chain};
	int result;

	/* The first is this function, which the outermost call returns to. */
	find_callers(&mine.callers);
	chain = &mine;
	go_on();
	result = step_top(n);
	chain = mine.around;
	CHECK_EQ(mine.depth, 0);
	CHECK_EQ(result, RESULT_OF(n));
}

/* The handlers. */

static bool refuse;
static __thread void (*meanwhile)(void), (*at_exit)(void); /* by a handler, once */

static void handle(void (**once)(void))
{
	void (*now)(void) = *once;

	check_handler();
	*once = NULL;
	if (now)
		now();
}

static __attribute__((noipa)) int on_entry(struct ftrace_graph_call *call,
					   struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	handle(&meanwhile);
	go_on();
	return !refuse;
}

static __attribute__((noipa)) void on_exit_(struct ftrace_graph_call *call,
					    struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)call, (void)ops, (void)regs;
	handle(&at_exit);
	go_on();
}

static __attribute__((noipa)) void on_call(unsigned long ip, unsigned long parent_ip,
					   struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	handle(&meanwhile);
	go_on();
}

static __attribute__((noipa)) void pause_here(void)
{
	struct chain *mine = chain;

	if (pausing) {
		chain = NULL;
		CHECK_EQ(swapcontext(&there, &here), 0);
		chain = mine;
	}
	go_on();
}

/* The ways. */

static struct ftrace_graph_ops graphed = GRAPH_OPS(on_entry, on_exit_),
			       second = GRAPH_OPS(on_entry, on_exit_,
						  .flags = FTRACE_OPS_FL_NO_VECTORS);

/* Of the 7 calls in step_top(). */
static void check_counts(unsigned long least_steps, unsigned long least_handled)
{
#ifdef LLVM
	least_steps = least_handled < 14 ? 0 : 15; /* of 5 blocks */
#endif
	CHECK(steps >= least_steps);
	CHECK(handled >= least_handled);
	CHECK_EQ(wrong, lacks_caller ? steps + handled : 0);
	steps = handled = wrong = 0;
}

static void *first_calls(void *arg)
{
	(void)arg;
	step_through(1);
	return NULL;
}

static void trace_all(unsigned long flags)
{
	graphed.flags = flags;
	graph(&graphed, "step_*");
	join(start(first_calls, NULL));
	check_counts(1000, 14);
	step_through(2);
	check_counts(1000, 14);
	refuse = true;
	step_through(2);
	check_counts(500, 7);
	refuse = false;
}

static void short_entry(void)
{
	trace_all(FTRACE_OPS_FL_NO_VECTORS);
	ungraph(&graphed);
	/* With two ops C code calls the handlers. */
	graph(&second, "step_*");
	trace_all(FTRACE_OPS_FL_NO_VECTORS);
	ungraph(&graphed);
	ungraph(&second);
}

/* Vectors saved, registers for handlers, other ops. */
static void full_entry(void)
{
	struct ftrace_ops other = OPS(on_call, .flags = FTRACE_OPS_FL_NO_VECTORS);

	for (int i = 0; i < GRAPH_KINDS; i++) {
		trace_all(graph_kinds[i]);
		if (graph_kinds[i] == 0) {
			trace(&other, "step_*");
			step_through(2);
			check_counts(1000, 21);
			untrace(&other);
		}
		ungraph(&graphed);
	}
}

static sigjmp_buf out;

static void leave(void)
{
	siglongjmp(out, 1);
}

/* From deep below, so that the next call shows that it was left. */
static __attribute__((noipa)) void leave_call(void)
{
	volatile char deep[STACK / 4];

	deep[0] = 1;
	in_between = leave;
	if (sigsetjmp(out, 1) == 0)
		step_top(deep[0]);
	in_between = pause_here;
}

static void go_there(void)
{
	CHECK_EQ(swapcontext(&here, &there), 0);
}

static void go_back(void)
{
	CHECK_EQ(swapcontext(&there, &here), 0);
}

static void step_there(void)
{
	step_through(4);
}

/* Its handler goes back, and leaves its mark. */
static void call_there(void)
{
	meanwhile = go_back;
	step_bottom(1);
}

static void prepare(void (*function)(void))
{
	CHECK_EQ(getcontext(&there), 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, function, 0);
}

static void go_unseen(void)
{
	struct chain *mine = chain;

	chain = NULL;
	go_there();
	chain = mine;
}

/* The first entry takes the long way if there are calls that were left, and the first exit is a
 * tail call's. */
static void next_entry_goes_unseen(void)
{
	meanwhile = go_unseen;
}

static void next_exit_goes_unseen(void)
{
	at_exit = go_unseen;
}

static void *on_new_thread(void *arg)
{
	(void)arg;
	go_there();
	return NULL;
}

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	step_through(5);
	ftrace_nmi_exit();
}

static void on_nmi_within(void)
{
	CHECK_EQ(raise(SIGUSR1), 0);
}

static void step_within(void)
{
	step_through(6);
}

/* Calls that find marks of other handlers, and such that were left. */
static void rare_ways(void)
{
	on_signal(SIGUSR1, on_nmi, SA_NODEFER);
	for (int i = 0; i < GRAPH_KINDS; i += 3) {
		graphed.flags = graph_kinds[i];
		graph(&graphed, "step_*");

		/* From a handler, which was left by a jump. */
		meanwhile = leave;
		if (sigsetjmp(out, 1) == 0)
			step_bottom(1);
		step_through(1);
		check_counts(1000, 14);

		/* Out of a call. */
		leave_call();
		step_through(1);
		check_counts(1000, 15);

		/* In an NMI, and one within a handler. */
		CHECK_EQ(raise(SIGUSR1), 0);
		check_counts(1000, 14);
		meanwhile = on_nmi_within;
		step_through(1);
		check_counts(2000, 28);

		/* In a handler: these are not traced. */
		meanwhile = step_within;
		step_through(1);
		check_counts(1100, 14);

		/* On another stack, some of them from a handler on this one. */
		prepare(step_there);
		pausing = true;
		go_there();
		pausing = false;
		meanwhile = go_there;
		step_bottom(1);
		check_counts(1000, 0);

		/* They return on a thread that has made no traced call. */
		prepare(step_there);
		pausing = true;
		go_there();
		pausing = false;
		join(start(on_new_thread, NULL));
		check_counts(1000, 14);

		/* Handlers that find another stack's mark when they return. */
		for (int exit = 0; exit < 2; exit++) {
			prepare(call_there);
			if (exit)
				at_exit = next_exit_goes_unseen;
			else
				meanwhile = next_entry_goes_unseen;
			step_through(1);
			go_there();
			check_counts(1000, 14);
		}
		ungraph(&graphed);
	}
}

/* The comparison fails at every step if the caller is missing. */
static void control(void)
{
	lacks_caller = true;
	trace_all(FTRACE_OPS_FL_NO_VECTORS);
	ungraph(&graphed);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"short", short_entry}, {"full", full_entry}, {"rare", rare_ways},
		{"control", control},	{NULL, NULL},
	};
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	void *first[4];

	library = object_text((void *)ftrace_just_return);
	CHECK(library.end);
	find_managed();
	backtrace(first, 4); /* loads what it needs */
	register_blocks();
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	return run_mode(modes, argc, argv);
}
