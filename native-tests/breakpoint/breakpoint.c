/* SPDX-License-Identifier: MIT */
/*
 * breakpoint.c - the breakpoint method, as threads and handlers see it.
 *
 * That somebody meets a breakpoint is certain: before and after each system
 * call of a change somebody executes the site, the patcher itself or a thread that
 * it waits for, so at all stages of the change.
 *
 * emulate     every instruction, as old and as new code: registers, flags, red zone
 * running     threads that block all other signals, while batches are changed
 * blocked     a thread keeps SIGTRAP blocked
 * bracketed   declared handlers whose mask is full, one in the other
 * timers      the same, at 10 kHz
 * unbracketed the same without brackets: the process ends
 * undeclared  handlers that do not block SIGTRAP
 * caller      the caller has SIGTRAP blocked, and meets the breakpoints itself
 * asked       it is taken where it is asked for, and then no other; the default is the stop
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HANDLER SIGUSR2
#define INNER	SIGPROF
#define PAGE	4096ul

/* Stages of a change at which a breakpoint stands: three times, after the write and
 * around the barrier; the last time before the write of the first bytes. */
#define MIN_VISITS 6

static const struct ftrace_patch_opts by_breakpoint = {.size = sizeof(by_breakpoint),
						       .method = FTRACE_METHOD_BREAKPOINT};
static volatile const unsigned char *site; /* the one that is looked at */

static uint64_t hits(void)
{
	return stats().breakpoint_hits;
}

/* emulate */

#define REDZONE_WORDS 14
#define STATUS_FLAGS  0xcd5ul /* carry, parity, adjust, zero, sign, direction, overflow */

/* Where the code of a page stands. The site is at its beginning, and goes on after itself. */
#define NEAR_CODE 96
#define FAR_CODE  512
#define CALLEE	  640

struct registers {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi; /* as mov r32,imm32 numbers them */
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t flags;
};

/*
 * Calls @code with the registers of @in, but for r13 and r14, and notes what it
 * leaves. r14 is the stack pointer at the site.
 */
void run_code(const struct registers *in, struct registers *out, const void *code);
__asm__(".text\n"
	".globl run_code\n"
	".type run_code, @function\n"
	"run_code:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, own_stack(%rip)\n"
	"	mov %rsi, out_registers(%rip)\n"
	"	mov %rdx, code_to_run(%rip)\n"
	"	mov 32(%rdi), %rsp\n"
	"	push 128(%rdi); popfq\n"
	"	lea 1f(%rip), %rax; push %rax\n"
	"	mov %rsp, %r14\n"
	"	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp; mov 48(%rdi), %rsi\n"
	"	mov 64(%rdi), %r8; mov 72(%rdi), %r9; mov 80(%rdi), %r10; mov 88(%rdi), %r11\n"
	"	mov 96(%rdi), %r12; mov 104(%rdi), %r13; mov 120(%rdi), %r15\n"
	"	mov 56(%rdi), %rdi\n"
	"	jmp *code_to_run(%rip)\n"
	"1:	mov %rsi, out_rsi(%rip); pushfq\n"
	"	mov out_registers(%rip), %rsi\n"
	"	mov %rax, 0(%rsi); mov %rcx, 8(%rsi); mov %rdx, 16(%rsi); mov %rbx, 24(%rsi)\n"
	"	mov %rbp, 40(%rsi); mov %rdi, 56(%rsi)\n"
	"	mov %r8, 64(%rsi); mov %r9, 72(%rsi); mov %r10, 80(%rsi); mov %r11, 88(%rsi)\n"
	"	mov %r12, 96(%rsi); mov %r13, 104(%rsi); mov %r14, 112(%rsi); mov %r15, 120(%rsi)\n"
	"	pop 128(%rsi)\n"
	"	mov out_rsi(%rip), %rax; mov %rax, 48(%rsi)\n"
	"	mov %rsp, 32(%rsi)\n"
	"	cld\n"
	"	mov own_stack(%rip), %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".data\n"
	".p2align 3\n"
	"own_stack: .quad 0\n"
	"out_registers: .quad 0\n"
	"out_rsi: .quad 0\n"
	"code_to_run: .quad 0\n"
	".text\n");

enum kind { NOP, CALL, JUMP, SHORT, RET, MOV };

static const struct instruction {
	const char *name;
	enum kind kind;
	unsigned int len;
	unsigned char code[8]; /* displacements are filled in */
	bool only_new;	       /* several instructions */
} instructions[] = {
	{"nop", NOP, 1, {0x90}, false},
	{"ret", RET, 1, {0xc3}, false},
	{"66 nop", NOP, 2, {0x66, 0x90}, false},
	{"cs nop", NOP, 2, {0x2e, 0x90}, false},
	{"jmp rel8", SHORT, 2, {0xeb}, false},
	{"ret, int3", RET, 2, {0xc3, 0xcc}, false},
	{"two nops", NOP, 2, {0x90, 0x90}, true},
	{"nopl (rax)", NOP, 3, {0x0f, 0x1f, 0x00}, false},
	{"nop eax", NOP, 3, {0x0f, 0x1f, 0xc0}, false},
	{"66 66 nop", NOP, 3, {0x66, 0x66, 0x90}, false},
	{"nopl 8(rax)", NOP, 4, {0x0f, 0x1f, 0x40, 0x00}, false},
	{"nopl (rax,rax)", NOP, 4, {0x0f, 0x1f, 0x04, 0x00}, false},
	{"nopw (rax)", NOP, 4, {0x66, 0x0f, 0x1f, 0x00}, false},
	{"nopl 8(rax,rax)", NOP, 5, {0x0f, 0x1f, 0x44, 0x00, 0x00}, false},
	{"nopw 8(rax)", NOP, 5, {0x66, 0x0f, 0x1f, 0x40, 0x00}, false},
	{"66 66 66 66 nop", NOP, 5, {0x66, 0x66, 0x66, 0x66, 0x90}, false},
	{"call", CALL, 5, {0xe8}, false},
	{"jmp rel32", JUMP, 5, {0xe9}, false},
	{"jmp rel8, int3", SHORT, 5, {0xeb, 0, 0xcc, 0xcc, 0xcc}, false},
	{"ret, int3 int3 int3 int3", RET, 5, {0xc3, 0xcc, 0xcc, 0xcc, 0xcc}, false},
	{"mov eax", MOV, 5, {0xb8, 0xef, 0xbe, 0xad, 0xde}, false},
	{"mov ecx", MOV, 5, {0xb9, 0x00, 0x00, 0x00, 0x80}, false},
	{"mov edx", MOV, 5, {0xba, 0xff, 0xff, 0xff, 0x7f}, false},
	{"mov ebx", MOV, 5, {0xbb, 0xff, 0xff, 0xff, 0xff}, false},
	{"mov esp", MOV, 5, {0xbc, 0xf0, 0xde, 0xbc, 0x9a}, false},
	{"mov ebp", MOV, 5, {0xbd, 0x00, 0x00, 0x00, 0x00}, false},
	{"mov esi", MOV, 5, {0xbe, 0x01, 0x02, 0x03, 0x04}, false},
	{"mov edi", MOV, 5, {0xbf, 0xcc, 0xcc, 0xcc, 0xcc}, false},
	{"five nops", NOP, 5, {0x90, 0x90, 0x90, 0x90, 0x90}, true},
	{"two and three", NOP, 5, {0x66, 0x90, 0x0f, 0x1f, 0x00}, true},
	{"ret and rest", RET, 5, {0xc3, 0x0f, 0x1f, 0x40, 0x00}, true},
	{"nopw 8(rax,rax)", NOP, 6, {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00}, false},
	{"jmp rel32, int3", JUMP, 6, {0xe9, 0, 0, 0, 0, 0xcc}, false},
	{"nopl 32(rax)", NOP, 7, {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00}, false},
	{"nopl 32(rip)", NOP, 7, {0x0f, 0x1f, 0x05, 0x00, 0x00, 0x00, 0x00}, false},
	{"cs nopw 8(rax,rax)", NOP, 7, {0x2e, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00}, false},
	{"jmp rel8, int3", SHORT, 7, {0xeb, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc}, false},
	{"nopl 32(rax,rax)", NOP, 8, {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}, false},
	{"nopl 32", NOP, 8, {0x0f, 0x1f, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00}, false},
	{"nopw 32(rax)", NOP, 8, {0x66, 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00}, false},
	{"jmp rel32, int3", JUMP, 8, {0xe9, 0, 0, 0, 0, 0xcc, 0xcc, 0xcc}, false},
};

#define INSTRUCTIONS (sizeof(instructions) / sizeof(*instructions))

/* A trap puts its frame there as well. */
#define STACK_WORDS 16384

static uint64_t site_stack[STACK_WORDS] __attribute__((aligned(64)));
static const struct instruction *old_insn, *new_insn;
static unsigned long seen_old, seen_new, seen_alike;

static void encode(const struct instruction *insn, unsigned char code[8])
{
	const int32_t displacement = (insn->kind == CALL ? CALLEE : FAR_CODE) - 5;

	memcpy(code, insn->code, 8);
	if (insn->kind == CALL || insn->kind == JUMP)
		memcpy(code + 1, &displacement, 4);
	else if (insn->kind == SHORT)
		code[1] = NEAR_CODE - 2;
}

/* A page whose first @len bytes are a site. */
static unsigned char *new_page(const struct instruction *insn)
{
	/* lea N(%r15),%r15; mov %rsp,%r13; mov %r14,%rsp; ret */
	static const unsigned char through[] = {0x4d, 0x8d, 0xbf, 0x00, 0x01, 0x00, 0x00,
						0x49, 0x89, 0xe5, 0x4c, 0x89, 0xf4, 0xc3};
	/* lea N(%r15),%r15; ret */
	static const unsigned char target[] = {0x4d, 0x8d, 0x7f, 0x00, 0xc3};
	static const int targets[] = {CALLEE, FAR_CODE, NEAR_CODE};
	unsigned char *page = text_map(PAGE);

	encode(insn, page);
	memcpy(page + insn->len, through, sizeof(through));
	for (int i = 0; i < 3; i++) {
		memcpy(page + targets[i], target, sizeof(target));
		page[targets[i] + 3] = 1 << i;
	}
	text_seal(page, PAGE);
	return page;
}

/* What an instruction makes of these registers. */
static struct registers expected(const struct instruction *insn, const struct registers *in)
{
	struct registers out = *in;
	uint32_t value;

	out.r14 = in->rsp - 8;
	out.r13 = out.r14;
	switch (insn->kind) {
	case NOP:
		out.r15 += 0x100;
		break;
	case CALL:
		out.r15 += 0x101;
		break;
	case JUMP:
		out.r15 += 2;
		out.r13 = in->r13;
		break;
	case SHORT:
		out.r15 += 4;
		out.r13 = in->r13;
		break;
	case RET:
		out.r13 = in->r13;
		break;
	case MOV:
		out.r15 += 0x100;
		memcpy(&value, insn->code + 1, 4);
		if (insn->code[0] == 0xbc)
			out.r13 = value;
		else
			(&out.rax)[insn->code[0] - 0xb8] = value;
		break;
	}
	return out;
}

static void run_at_site(void)
{
	struct registers in = {.flags = 0x202 | STATUS_FLAGS}, out, as_old, as_new;
	static unsigned int count;
	uint64_t *top = site_stack + STACK_WORDS - 64;
	bool is_old, is_new;

	if (count++ % 2)
		in.flags = 0x202;
	for (unsigned int i = 0; i < 16; i++)
		(&in.rax)[i] = 0x1122334455667788ul * (i + 1) ^ count;
	in.rsp = (uint64_t)top;
	for (int i = 1; i < 32; i++)
		top[-i] = 0xabcdef0000000000ul + i;
	run_code(&in, &out, (const void *)site);
	out.flags &= STATUS_FLAGS;
	in.flags &= STATUS_FLAGS;
	as_old = expected(old_insn, &in);
	as_new = expected(new_insn, &in);
	is_old = memcmp(&out, &as_old, sizeof(out)) == 0;
	is_new = memcmp(&out, &as_new, sizeof(out)) == 0;
	if (!is_old && !is_new) {
		dprintf(2, "%s to %s: neither of them:\n", old_insn->name, new_insn->name);
		for (unsigned int i = 0; i < sizeof(out) / 8; i++)
			dprintf(2, "%2u: %16lx, expected %16lx or %16lx\n", i, (&out.rax)[i],
				(&as_old.rax)[i], (&as_new.rax)[i]);
		_exit(1);
	}
	/* The word below the site's stack pointer, where a call writes, and the rest of the red
	 * zone. */
	if ((is_old ? old_insn : new_insn)->kind == CALL)
		CHECK_EQ(top[-2], (long)site + 5);
	for (int i = 0; i < REDZONE_WORDS; i++)
		CHECK_EQ(top[-4 - i], 0xabcdef0000000000ul + 4 + i);
	if (!memcmp(&as_old, &as_new, sizeof(as_old))) {
		seen_alike++;
		return;
	}
	/* Once new, it is never old again. */
	CHECK(is_new || seen_new == 0);
	if (is_old)
		seen_old++;
	else
		seen_new++;
}

static long emulate_at(long number, bool done)
{
	(void)number, (void)done;
	if (*site == 0xcc)
		run_at_site();
	return 0;
}

/* One change, together with another location. */
static void emulate_change(const struct instruction *from, const struct instruction *to,
			   unsigned char *neighbour)
{
	uint32_t value = call_function(neighbour);
	struct ftrace_patch patches[2] = {{.ip = (unsigned long)site, .len = from->len},
					  value_patch(neighbour, value, VALUE_A + VALUE_B - value)};
	uint64_t before = hits();

	encode(from, patches[0].old_code);
	encode(to, patches[0].new_code);
	old_insn = from;
	new_insn = to;
	seen_old = seen_new = seen_alike = 0;
	CHECK_EQ(change_watched(patches, 2, &by_breakpoint), 0);
	if ((!(seen_old && seen_new) && seen_alike < 2) ||
	    hits() - before != seen_old + seen_new + seen_alike) {
		dprintf(2, "%s to %s: %lu as old, %lu as new, %lu as either, %lu hits\n",
			from->name, to->name, seen_old, seen_new, seen_alike, hits() - before);
		_exit(1);
	}
	old_insn = new_insn;
	run_at_site();
	CHECK_EQ(call_function(neighbour), VALUE_A + VALUE_B - value);
}

static void emulate(void)
{
	unsigned char *neighbour = new_function();
	uint64_t before = hits();
	size_t first = 0;

	watch_calls(emulate_at);
	for (size_t i = 0; i < INSTRUCTIONS; i++) {
		const struct instruction *to = &instructions[i], *from;
		unsigned char *page;

		/* From the one before it, or the first of its length, and back. */
		if (to->len != instructions[first].len)
			first = i;
		from = i > first && !to[-1].only_new ? to - 1 : &instructions[first];
		page = new_page(from);
		site = page;
		emulate_change(from, to, neighbour);
		if (!to->only_new)
			emulate_change(to, from, neighbour);
		munmap(page, PAGE);
	}
	printf("%lu instructions emulated in place of breakpoints\n", hits() - before);
}

/* running */

#define FUNCTIONS 64
#define RUNNERS	  3
#define MIN_HITS  1000

static unsigned char *functions;
static atomic_bool finish;
static atomic_int runners;

static void map_functions(void)
{
	functions = text_map(FUNCTIONS * 64);
	for (int i = 0; i < FUNCTIONS; i++)
		put_function(functions + i * 64, VALUE_A);
	text_seal(functions, FUNCTIONS * 64);
}

static int toggle_functions(uint32_t from, const struct ftrace_patch_opts *opts)
{
	struct ftrace_patch patches[FUNCTIONS];

	for (int i = 0; i < FUNCTIONS; i++)
		patches[i] = value_patch(functions + i * 64, from, VALUE_A + VALUE_B - from);
	return ftrace_patch_text(patches, FUNCTIONS, opts);
}

static void check_functions(void)
{
	for (int i = 0; i < FUNCTIONS; i++)
		check_function(functions + i * 64);
}

static void block_all_but(int signo)
{
	sigset_t mask;

	sigfillset(&mask);
	if (signo)
		sigdelset(&mask, signo);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
}

static void *runs(void *arg)
{
	uint64_t mask;

	(void)arg;
	block_all_but(SIGTRAP);
	mask = signal_mask();
	runners++;
	while (!finish)
		check_functions();
	CHECK_EQ(signal_mask(), mask);
	return NULL;
}

static void running(void)
{
	pthread_t threads[RUNNERS];
	uint64_t stops = stats().stops, deadline;
	long batches = 0;

	map_functions();
	CHECK_EQ(ftrace_set_patch_opts(&by_breakpoint), 0);
	for (int i = 0; i < RUNNERS; i++)
		threads[i] = start(runs, NULL);
	WAIT_FOR(runners == RUNNERS);
	deadline = now_ns() + TEST_WAIT_SECONDS * 1000000000ul;
	for (; batches < 1000 || hits() < MIN_HITS; batches += 2) {
		CHECK(now_ns() < deadline);
		CHECK_EQ(toggle_functions(VALUE_A, &by_breakpoint), 0);
		CHECK_EQ(toggle_functions(VALUE_B, NULL), 0);
		CHECK_EQ(stats().last_method, FTRACE_METHOD_BREAKPOINT);
		CHECK_EQ(stats().last_writer, FTRACE_WRITER_PROC_MEM);
	}
	finish = true;
	for (int i = 0; i < RUNNERS; i++)
		join(threads[i]);
	CHECK_EQ(stats().stops, stops);
	printf("%ld batches, %lu breakpoints met\n", batches, hits());
}

/* blocked */

#define TIMEOUT_MS 200

static atomic_int blocked_tid;
static atomic_bool let_go, gone_on;

static void times_out(int method)
{
	struct ftrace_patch_opts opts = {
		.size = sizeof(opts), .method = method, .timeout_ms = TIMEOUT_MS};
	unsigned char before[FUNCTIONS * 64];
	uint64_t start_ns = now_ns(), mask = signal_mask();
	char perms[5];

	memcpy(before, functions, sizeof(before));
	errno = 4711;
	CHECK_EQ(toggle_functions(VALUE_A, &opts), -ETIMEDOUT);
	CHECK_EQ(errno, 4711);
	CHECK(now_ns() - start_ns >= TIMEOUT_MS * 1000000ul);
	CHECK_EQ(memcmp(functions, before, sizeof(before)), 0);
	page_perms((unsigned long)functions, perms);
	CHECK_EQ(strcmp(perms, "r-xp"), 0);
	CHECK_EQ(signal_mask(), mask);
}

static void *keeps_blocked(void *arg)
{
	sigset_t trap;

	(void)arg;
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &trap, NULL), 0);
	blocked_tid = gettid();
	while (!let_go)
		check_functions();
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &trap, NULL), 0);
	gone_on = true;
	while (!finish)
		check_functions();
	return NULL;
}

static atomic_int entered, left;

/* Entered before the gate was opened, or after it, but before SIGTRAP is known to be deliverable.
 */
static void stays(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	entered++;
	while (!let_go)
		check_functions();
	ftrace_nmi_exit();
	left++;
}

static void on_full_mask(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigfillset(&action.sa_mask);
	CHECK_EQ(sigaction(signo, &action, NULL), 0);
}

static void *runs_unblocked(void *arg)
{
	(void)arg;
	blocked_tid = gettid();
	while (!finish)
		check_functions();
	CHECK_EQ(signal_mask(), 0);
	return NULL;
}

static void blocked(void)
{
	pthread_t thread;

	map_functions();
	/* One that runs when a change has timed out runs into no breakpoint later. */
	thread = start(keeps_blocked, NULL);
	WAIT_FOR(blocked_tid);
	times_out(FTRACE_METHOD_BREAKPOINT);
	/* It can be stopped. */
	CHECK_EQ(toggle_functions(VALUE_A, NULL), 0);
	CHECK_EQ(stats().last_method, FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQ(toggle_functions(VALUE_B, NULL), 0);
	let_go = true;
	WAIT_FOR(gone_on);
	CHECK_EQ(toggle_functions(VALUE_A, &by_breakpoint), 0);
	CHECK_EQ(toggle_functions(VALUE_B, &by_breakpoint), 0);
	finish = true;
	join(thread);

	finish = false;
	blocked_tid = 0;
	on_full_mask(HANDLER, stays);
	CHECK_EQ(ftrace_nmi_add_signal(HANDLER), 0);
	thread = start(runs_unblocked, NULL);
	WAIT_FOR(blocked_tid);
	for (int announced = 0; announced < 2; announced++) {
		let_go = false;
		entered = left = 0;
		if (announced)
			CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		send_signal(blocked_tid, HANDLER);
		WAIT_FOR(entered);
		times_out(FTRACE_METHOD_BREAKPOINT);
		let_go = true;
		WAIT_FOR(left);
		CHECK_EQ(toggle_functions(VALUE_A, &by_breakpoint), 0);
		CHECK_EQ(toggle_functions(VALUE_B, &by_breakpoint), 0);
		if (announced)
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	}
	finish = true;
	join(thread);
}

/* bracketed, unbracketed */

#define TIMER_ROUNDS 2000

static unsigned char *visited;
static atomic_int worker_tid, asked, answered;
static atomic_ulong handled, inner_handled;
static bool brackets = true;
static uint64_t expected_mask;

static void inner(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	check_function(visited);
	inner_handled++;
	ftrace_nmi_exit();
	CHECK(signal_mask() >> (SIGTRAP - 1) & 1);
}

static void outer(int signo)
{
	(void)signo;
	if (brackets)
		ftrace_nmi_enter();
	check_function(visited);
	/* Not blocked here, and taken at once. */
	send_signal(gettid(), INNER);
	check_function(visited);
	handled++;
	if (brackets)
		ftrace_nmi_exit();
	CHECK_EQ(signal_mask(), expected_mask);
	answered = asked;
}

static void install_nested(void)
{
	struct sigaction action = {.sa_handler = outer, .sa_flags = SA_RESTART};

	on_full_mask(INNER, inner);
	sigfillset(&action.sa_mask);
	sigdelset(&action.sa_mask, INNER);
	CHECK_EQ(sigaction(HANDLER, &action, NULL), 0);
	/* What cannot be blocked, and what the C library keeps for itself. */
	expected_mask = ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1) | 1ul << (32 - 1) |
			  1ul << (33 - 1) | 1ul << (INNER - 1));
}

static void ask(void)
{
	asked++;
	send_signal(worker_tid, HANDLER);
	WAIT_FOR(answered == asked);
}

static long ask_at(long number, bool done)
{
	(void)number, (void)done;
	ask();
	return 0;
}

static void *waits(void *arg)
{
	(void)arg;
	worker_tid = gettid();
	/* It executes no site but in handlers. */
	WAIT_FOR(finish);
	CHECK_EQ(signal_mask(), 0);
	return NULL;
}

static void *waits_with_timer(void *arg)
{
	timer_t timer = thread_timer(HANDLER, 10000);

	waits(arg);
	CHECK_EQ(timer_delete(timer), 0);
	return NULL;
}

static void declare_nested(void)
{
	visited = new_function();
	site = visited;
	install_nested();
	CHECK_EQ(ftrace_nmi_add_signal(HANDLER), 0);
	CHECK_EQ(ftrace_nmi_add_signal(INNER), 0);
}

static void bracketed(void)
{
	pthread_t thread;

	declare_nested();
	thread = start(waits, NULL);
	WAIT_FOR(worker_tid);
	watch_calls(ask_at);
	for (int i = 0; i < 100; i++) {
		uint64_t before = hits();
		struct ftrace_patch patch =
			value_patch(visited, i % 2 ? VALUE_B : VALUE_A, i % 2 ? VALUE_A : VALUE_B);

		CHECK_EQ(change_watched(&patch, 1, &by_breakpoint), 0);
		/* Twice by the outer one, once by the inner one. */
		CHECK(hits() - before >= 3 * MIN_VISITS);
	}
	printf("%lu handlers, %lu inner ones, %lu breakpoints met\n", handled, inner_handled,
	       hits());
	finish = true;
	join(thread);
}

static void timers(void)
{
	pthread_t threads[2];

	declare_nested();
	for (int i = 0; i < 2; i++)
		threads[i] = start(waits_with_timer, NULL);
	way.method = FTRACE_METHOD_BREAKPOINT;
	for (int i = 0; i < TIMER_ROUNDS || hits() == 0; i++)
		toggle_twice(visited);
	printf("%lu handlers, %lu inner ones, %lu breakpoints met\n", handled, inner_handled,
	       hits());
	finish = true;
	for (int i = 0; i < 2; i++)
		join(threads[i]);
}

static long ask_at_breakpoint(long number, bool done)
{
	(void)number, (void)done;
	if (*site == 0xcc)
		ask();
	return 0;
}

static void dies_without_brackets(void)
{
	const struct rlimit no_core = {0, 0};
	struct ftrace_patch patch;
	pthread_t thread;

	CHECK_EQ(setrlimit(RLIMIT_CORE, &no_core), 0);
	visited = new_function();
	site = visited;
	install_nested();
	thread = start(waits, NULL);
	WAIT_FOR(worker_tid);
	watch_calls(ask_at_breakpoint);
	patch = value_patch(visited, VALUE_A, VALUE_B);
	CHECK_EQ(change_watched(&patch, 1, &by_breakpoint), 0);
	finish = true;
	join(thread);
	_exit(0);
}

/* The same child twice: with brackets it lives. */
static void unbracketed(void)
{
	for (int i = 0; i < 2; i++) {
		pid_t child;
		int status;

		brackets = i;
		child = fork();
		CHECK(child >= 0);
		if (child == 0)
			dies_without_brackets();
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (brackets)
			CHECK_EQ(status, 0);
		else
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
	}
}

/* asked */

static void undeclared(int signo)
{
	(void)signo;
	check_function(visited);
	answered = asked;
}

/* One change, and the method that it was. */
static uint64_t method_of(struct ftrace_patch patch, const struct ftrace_patch_opts *opts)
{
	uint64_t stops = stats().stops;
	struct ftrace_stats now;

	CHECK_EQ(ftrace_patch_text(&patch, 1, opts), 0);
	now = stats();
	CHECK_EQ(memcmp((void *)patch.ip, patch.new_code, patch.len), 0);
	CHECK_EQ(now.stops - stops, now.last_method == FTRACE_METHOD_STOP_MACHINE);
	return now.last_method;
}

static struct ftrace_patch same_value(void)
{
	return value_patch(visited, VALUE_A, VALUE_A);
}

/* What the caller has promised is not doubted: the method is the one that was asked for. */
static void both_methods(void)
{
	CHECK_EQ(method_of(same_value(), NULL), FTRACE_METHOD_STOP_MACHINE);
	CHECK_EQ(method_of(same_value(), &by_breakpoint), FTRACE_METHOD_BREAKPOINT);
	CHECK_EQ(ftrace_set_patch_opts(&by_breakpoint), 0);
	CHECK_EQ(method_of(same_value(), NULL), FTRACE_METHOD_BREAKPOINT);
	CHECK_EQ(ftrace_set_patch_opts(NULL), 0);
	CHECK_EQ(method_of(same_value(), NULL), FTRACE_METHOD_STOP_MACHINE);
}

/* An error, nothing changed, and no other method in its place. */
static void refused(struct ftrace_patch patch, int error, int of_location)
{
	struct ftrace_stats before = stats(), now;
	unsigned char code[8];

	memcpy(code, (void *)patch.ip, patch.len);
	CHECK_EQ(ftrace_patch_text(&patch, 1, &by_breakpoint), error);
	CHECK_EQ(patch.error, of_location);
	CHECK_EQ(memcmp((void *)patch.ip, code, patch.len), 0);
	now = stats();
	CHECK_EQ(now.stops, before.stops);
	CHECK_EQ(now.patches, before.patches);
	CHECK_EQ(method_of(patch, NULL), FTRACE_METHOD_STOP_MACHINE);
}

static void asked_for(void)
{
	struct sigaction action = {.sa_handler = undeclared}, ours;
	struct ftrace_patch patch;
	unsigned char *page = text_map(PAGE);

	visited = new_function();
	memset(page, 0x90, 5);
	text_seal(page, PAGE);
	both_methods();

	/* Five nops, one after the other; and the one that they become. */
	patch = (struct ftrace_patch){.ip = (unsigned long)page, .len = 5};
	memset(patch.old_code, 0x90, 5);
	memcpy(patch.new_code, (unsigned char[]){0x0f, 0x1f, 0x44, 0, 0}, 5);
	refused(patch, -EOPNOTSUPP, -EOPNOTSUPP);
	memcpy(patch.old_code, patch.new_code, 5);
	CHECK_EQ(method_of(patch, &by_breakpoint), FTRACE_METHOD_BREAKPOINT);
	/* Into something that cannot be emulated. */
	memcpy(patch.new_code, (unsigned char[]){0x48, 0x83, 0xc0, 0x00, 0x90}, 5);
	refused(patch, -EOPNOTSUPP, -EOPNOTSUPP);

	/* Handlers that block SIGTRAP: the caller answers for them. */
	sigaddset(&action.sa_mask, SIGTRAP);
	CHECK_EQ(sigaction(HANDLER, &action, NULL), 0);
	both_methods();
	CHECK_EQ(ftrace_nmi_add_signal(HANDLER), 0);
	both_methods();
	CHECK_EQ(ftrace_nmi_del_signal(HANDLER), 0);
	CHECK_EQ(signal(HANDLER, SIG_DFL) == SIG_ERR, 0);

	/* Somebody else takes SIGTRAP, and gives it back. */
	CHECK_EQ(sigaction(SIGTRAP, NULL, &ours), 0);
	CHECK(ours.sa_handler != SIG_DFL);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	refused(same_value(), -EBUSY, 0);
	CHECK_EQ(sigaction(SIGTRAP, &ours, NULL), 0);
	both_methods();
}

/* A handler that is neither declared nor masks SIGTRAP runs into sites as a thread does. */
static void undeclared_handlers(void)
{
	struct ftrace_patch patch;
	pthread_t thread;

	visited = new_function();
	site = visited;
	on_signal(HANDLER, undeclared, 0);
	thread = start(waits, NULL);
	WAIT_FOR(worker_tid);
	watch_calls(ask_at);
	for (int i = 0; i < 100; i++) {
		uint64_t before = hits();

		patch = value_patch(visited, i % 2 ? VALUE_B : VALUE_A, i % 2 ? VALUE_A : VALUE_B);
		CHECK_EQ(change_watched(&patch, 1, &by_breakpoint), 0);
		CHECK(hits() - before >= MIN_VISITS);
	}
	printf("%lu breakpoints met\n", hits());
	finish = true;
	join(thread);
}

static long meet(long number, bool done)
{
	(void)number, (void)done;
	if (*site == 0xcc)
		check_function(visited);
	return 0;
}

/* It unblocks SIGTRAP for the change, and for no longer. */
static void blocking_caller(void)
{
	struct ftrace_patch patch;
	uint64_t before, mask;
	sigset_t trap;

	visited = new_function();
	site = visited;
	watch_calls(meet);
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &trap, NULL), 0);
	mask = signal_mask();
	for (int i = 0; i < 10; i++) {
		before = hits();
		patch = value_patch(visited, i % 2 ? VALUE_B : VALUE_A, i % 2 ? VALUE_A : VALUE_B);
		CHECK_EQ(change_watched(&patch, 1, &by_breakpoint), 0);
		CHECK(hits() - before >= MIN_VISITS);
		CHECK_EQ(signal_mask(), mask);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {{"emulate", emulate},
					    {"running", running},
					    {"blocked", blocked},
					    {"bracketed", bracketed},
					    {"timers", timers},
					    {"unbracketed", unbracketed},
					    {"undeclared", undeclared_handlers},
					    {"caller", blocking_caller},
					    {"asked", asked_for},
					    {NULL, NULL}};

	return run_mode(modes, argc, argv);
}
