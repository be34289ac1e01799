/* SPDX-License-Identifier: MIT */
/*
 * midsite.c - a thread that stands in the middle of a site of several
 * instructions when the stop comes.
 *
 * Exact: a handler sets its return address into the site, waits with the stop
 * signal blocked until that signal is pending, and returns. The kernel restores
 * address and mask and delivers the signal before the instruction there runs.
 * The new code is one instruction whose inner bytes are int3, so a thread that
 * goes on inside of it dies.
 *
 * Then hidden: the thread stands in the handler of another signal, which has
 * interrupted it there, or one in the handler of that. The memory of its stacks is
 * in several mappings, which go on with what cannot be read. Control: if the library
 * cannot see what the handler has interrupted, the thread dies.
 *
 * Then remainders: what is left of a handler that has ended lies in the live frame
 * of a parked thread, and looks as if a thread would return into a site. Where that is
 * one instruction, nobody can: it is neither a reason to refuse the change, nor moved.
 *
 * Then at random: a thread runs in circles inside such a site.
 *
 * midsite          threads are stopped by a signal
 * midsite seize    they block every signal, and are seized
 */
#include "../stop.h"
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define SITE_SIZE 5

static unsigned char *site, *bystander;
static int stop_signal;
static atomic_int offset;
static atomic_bool in_place, go;
static bool seizing;

static void jump_into_site(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	uc->uc_mcontext.gregs[REG_RIP] = (long)site + offset;
	/* The stop signal is blocked in here, but not in the frame that is restored. */
	CHECK(!sigismember(&uc->uc_sigmask, stop_signal));
	in_place = true;
	wait_until_pending(stop_signal);
}

/*
 * Runs the site from @offset on and returns eax and edi, which are 0 and the
 * process's id before. The handler runs before the ud2, and continues in the
 * site, whose ret takes the address of label 1. The red zone is left alone.
 */
static void run_site(uint32_t *eax, uint32_t *edi)
{
	long process = getpid(), thread = gettid(), number = SYS_tgkill;

	__asm__ __volatile__("sub $128, %%rsp\n"
			     "lea 1f(%%rip), %%rcx\n"
			     "push %%rcx\n"
			     "mov %[signo], %%edx\n"
			     "syscall\n"
			     "ud2\n"
			     "1: add $128, %%rsp\n"
			     : "+a"(number), "+D"(process), "+S"(thread)
			     : [signo] "i"(SIGUSR1)
			     : "rcx", "rdx", "r11", "memory", "cc");
	*eax = number;
	*edi = process;
}

static void *thread_main(void *arg)
{
	uint32_t *registers = arg;

	WAIT_FOR(go);
	run_site(&registers[0], &registers[1]);
	return NULL;
}

/* Lets a thread go into the site, to be stopped in the way in question. */
static void let_go(void)
{
	if (!seizing)
		gain_trust();
	go = true;
	WAIT_FOR(in_place);
}

static unsigned char *new_site(const unsigned char code[SITE_SIZE])
{
	unsigned char *text = text_map(4096);

	memcpy(text, code, SITE_SIZE);
	text[SITE_SIZE] = 0xc3;
	text_seal(text, 4096);
	return text;
}

#define MOST_MISSED 20

static void exact(void)
{
	static const struct row {
		const char *name;
		unsigned char code[SITE_SIZE];
		int offset;
		int result;
	} rows[] = {
		{"five nops, at 0", {0x90, 0x90, 0x90, 0x90, 0x90}, 0, 0},
		{"five nops, at 1", {0x90, 0x90, 0x90, 0x90, 0x90}, 1, 0},
		{"five nops, at 2", {0x90, 0x90, 0x90, 0x90, 0x90}, 2, 0},
		{"five nops, at 3", {0x90, 0x90, 0x90, 0x90, 0x90}, 3, 0},
		{"five nops, at 4", {0x90, 0x90, 0x90, 0x90, 0x90}, 4, 0},
		{"two and three, at 2", {0x66, 0x90, 0x0f, 0x1f, 0x00}, 2, 0},
		{"three and two, at 3", {0x0f, 0x1f, 0x00, 0x66, 0x90}, 3, 0},
		{"one nop, at 0", {0x0f, 0x1f, 0x44, 0x00, 0x00}, 0, 0},
		/* inc %edi; the thread has still to execute it */
		{"nop, inc, nops, at 1", {0x90, 0xff, 0xc7, 0x90, 0x90}, 1, -EBUSY},
		{"nops, inc, at 1", {0x90, 0x90, 0x90, 0xff, 0xc7}, 1, -EBUSY},
		{"nops, inc, at 3", {0x90, 0x90, 0x90, 0xff, 0xc7}, 3, -EBUSY},
		{"nop, inc, nops, at 0", {0x90, 0xff, 0xc7, 0x90, 0x90}, 0, 0},
	};
	struct sigaction action = {.sa_sigaction = jump_into_site, .sa_flags = SA_SIGINFO};

	sigaddset(&action.sa_mask, stop_signal);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	int missed = 0;

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i / 2];
		uint32_t registers[2];
		struct ftrace_patch patches[2];
		pthread_t thread;
		int result;

		site = new_site(row->code);
		offset = row->offset;
		in_place = go = stop_is_over = false;
		patches[0] = value_patch(bystander, VALUE_A, VALUE_B);
		patches[0].error = 4711;
		/* mov $0xcccccccc,%eax */
		patches[1] = (struct ftrace_patch){.ip = (unsigned long)site,
						   .len = SITE_SIZE,
						   .new_code = {0xb8, 0xcc, 0xcc, 0xcc, 0xcc},
						   .error = 4711};
		memcpy(patches[1].old_code, row->code, SITE_SIZE);

		thread = start(thread_main, registers);
		let_go();
		result = i % 2 ? change(patches, 2)
			       : ftrace_modify_code(patches[1].ip, patches[1].old_code,
						    patches[1].new_code);
		stop_is_over = true;
		join(thread);
		/*
		 * A stop that makes no progress for some time is given up and tried
		 * again, on a machine that is busy; meanwhile the thread has gone on
		 * through the old code. Then this was not the case in question.
		 */
		if (result == 0 && registers[0] != 0xcccccccc && missed < MOST_MISSED &&
		    (row->offset == 0 || (row->result && registers[1] - (uint32_t)getpid() == 1))) {
			missed++;
			if (i % 2)
				CHECK_EQ(set_value(bystander, VALUE_B, VALUE_A), 0);
			munmap(site, 4096);
			i--;
			continue;
		}
		if (result != row->result) {
			dprintf(2, "%s: expected %d, got %d\n", row->name, row->result, result);
			_exit(1);
		}
		if (i % 2) {
			CHECK_EQ(patches[0].error, 0);
			CHECK_EQ(patches[1].error, row->result);
			CHECK_EQ(call_function(bystander), row->result ? VALUE_A : VALUE_B);
			if (row->result == 0)
				CHECK_EQ(set_value(bystander, VALUE_B, VALUE_A), 0);
		}
		/* Before the site it runs the new code; in the middle, what is left. */
		CHECK_EQ(registers[0] == 0xcccccccc, row->offset == 0);
		CHECK_EQ(registers[1] - (uint32_t)getpid(), row->result ? 1 : 0);
		CHECK_EQ(memcmp(site, row->result ? row->code : patches[1].new_code, SITE_SIZE), 0);
		munmap(site, 4096);
	}
}

/* What lies between the thread that stops and the place that it returns to. */
static const struct hidden {
	const char *name;
	bool on_other_stack; /* the innermost handler */
	bool nested;	     /* that of one signal interrupts that of another */
	bool announced;	     /* the innermost one is an NMI, and stops when it ends */
	bool deep;	     /* each handler's frame is large */
	bool concealed;	     /* looks like nothing that the kernel saved */
} hiding[] = {
	{"a handler", false, false, false, false, false},
	{"a handler on its own stack", true, false, false, false, false},
	{"a handler in a handler", false, true, false, false, false},
	{"a handler in a handler, on its own stack", true, true, false, false, false},
	{"an NMI", false, false, true, false, false},
	{"an NMI on its own stack", true, false, true, false, false},
	{"an NMI in a handler", false, true, true, false, false},
	{"an NMI in a handler, on its own stack", true, true, true, false, false},
	{"a deep handler", false, false, false, true, false},
	{"a deep handler in a deep handler", false, true, false, true, false},
	{"nothing to be seen", false, false, false, false, true},
};

static const struct hidden *hidden;
static atomic_bool released;

/* In the innermost handler, until the stop has come, or is over. */
static void hold(void)
{
	/* What is left of a handler that has ended, its stack pointer overwritten. */
	ucontext_t remainder = {0};

	remainder.uc_mcontext.gregs[REG_EFL] = 0x202;
	remainder.uc_mcontext.gregs[REG_CSGSFS] = 0x33;
	__asm__ __volatile__("" ::"r"(&remainder) : "memory");
	if (!hidden->announced) {
		in_place = true;
		WAIT_FOR(released);
		return;
	}
	ftrace_nmi_enter();
	in_place = true;
	let_in(stop_signal);
	ftrace_nmi_exit();
}

#define DEEP (600 * 1024)

/* Calls @fn with a large frame below the handler's, in the middle of which is another mapping. */
static __attribute__((noinline)) void call_deep(void (*fn)(void))
{
	char frame[DEEP];
	unsigned long middle = (unsigned long)&frame[DEEP / 2] & ~4095UL;

	CHECK_EQ(madvise((void *)middle, 4096, MADV_DONTDUMP), 0);
	fn();
	CHECK_EQ(madvise((void *)middle, 4096, MADV_DODUMP), 0);
	__asm__ __volatile__("" : : "r"(frame) : "memory");
}

static void inner(int signo)
{
	(void)signo;
	if (hidden->deep)
		call_deep(hold);
	else
		hold();
}

static void (*innermost)(int) = inner;

static void interrupt(void)
{
	send_signal(gettid(), SIGUSR2);
}

static void outer(int signo, siginfo_t *info, void *context)
{
	void (*next)(void) = hidden->nested ? interrupt : hold;
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	uc->uc_mcontext.gregs[REG_RIP] = (long)site + offset;
	if (hidden->concealed)
		uc->uc_flags |= 1ul << 8;
	if (hidden->deep)
		call_deep(next);
	else
		next();
	uc->uc_flags &= 0xff;
}

/*
 * Stacks after whose end their mapping goes on with memory that cannot be read: a
 * guard, as the C library installs them under the next stack, or no more of a file.
 */
#define STACK_SIZE    (4UL << 20)
#define GUARD_SIZE    4096UL
#define INSTALL_GUARD 102 /* MADV_GUARD_INSTALL, since Linux 6.13 */

static char *guarded_stack(void)
{
	char *memory = mmap(NULL, STACK_SIZE + GUARD_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(memory != MAP_FAILED);
	madvise(memory + STACK_SIZE, GUARD_SIZE, INSTALL_GUARD);
	return memory;
}

static char *stack_in_file(size_t size)
{
	int file = memfd_create("stack", MFD_CLOEXEC);
	char *memory;

	CHECK_EQ(ftruncate(file, size), 0);
	memory = mmap(NULL, size + GUARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(memory != MAP_FAILED);
	close(file);
	return memory;
}

static void *hidden_main(void *arg)
{
	size_t size = 1 << 18;
	char *memory = stack_in_file(size);
	stack_t stack = {.ss_sp = memory, .ss_size = size}, none = {.ss_flags = SS_DISABLE};
	uint32_t *registers = arg;

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	WAIT_FOR(go);
	run_site(&registers[0], &registers[1]);
	CHECK_EQ(sigaltstack(&none, NULL), 0);
	munmap(memory, size + GUARD_SIZE);
	return NULL;
}

static void hide(const unsigned char code[SITE_SIZE], int at, int expected)
{
	static const unsigned char other[SITE_SIZE] = {0xb8, 0xcc, 0xcc, 0xcc, 0xcc};
	int inner_flags = hidden->on_other_stack ? SA_ONSTACK : 0;
	struct sigaction action = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO};
	char *stack = guarded_stack();
	uint32_t registers[2];
	pthread_attr_t attributes;
	pthread_t thread;
	int result;

	/* Until the innermost handler wants it, a stop would come too early for an NMI. */
	if (hidden->announced || seizing)
		sigaddset(&action.sa_mask, stop_signal);
	action.sa_flags |= hidden->nested ? 0 : inner_flags;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	action.sa_handler = innermost;
	action.sa_flags = inner_flags;
	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	site = new_site(code);
	offset = at;
	in_place = released = go = stop_is_over = false;
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
	CHECK_EQ(pthread_create(&thread, &attributes, hidden_main, registers), 0);
	pthread_attr_destroy(&attributes);
	let_go();
	result = ftrace_modify_code((unsigned long)site, code, other);
	released = stop_is_over = true;
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	join(thread);
	munmap(stack, STACK_SIZE + GUARD_SIZE);
	if (result != expected) {
		dprintf(2, "%s: expected %d, got %d\n", hidden->name, expected, result);
		_exit(1);
	}
	CHECK(registers[0] != 0xcccccccc);
	CHECK_EQ(registers[1] - (uint32_t)getpid(), expected ? 1 : 0);
	munmap(site, 4096);
}

static void hidden_frames(void)
{
	static const unsigned char nops[SITE_SIZE] = {0x90, 0x90, 0x90, 0x90, 0x90};
	static const unsigned char inc[SITE_SIZE] = {0x90, 0xff, 0xc7, 0x90, 0x90};

	for (size_t i = 0; i < sizeof(hiding) / sizeof(*hiding); i++) {
		int status;
		pid_t child;

		hidden = &hiding[i];
		if (!hidden->concealed) {
			for (int at = 1; at < SITE_SIZE; at++)
				hide(nops, at, 0);
			if (!hidden->announced)
				hide(inc, 1, -EBUSY);
			continue;
		}
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			signal(SIGTRAP, SIG_DFL);
			hide(nops, 2, 0);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
	}
}

/* What remains of a handler: as the kernel saved it, but that nobody returns to it. */
static void plant(ucontext_t *remainder, unsigned long ip, unsigned long sp)
{
	memset(remainder, 0, sizeof(*remainder));
	remainder->uc_mcontext.gregs[REG_RIP] = (long)ip;
	remainder->uc_mcontext.gregs[REG_RSP] = (long)sp;
	remainder->uc_mcontext.gregs[REG_EFL] = 0x202;
	remainder->uc_mcontext.gregs[REG_CSGSFS] = 0x33;
	__asm__ __volatile__("" ::"r"(remainder) : "memory");
}

static void *keep_remainder(void *arg)
{
	unsigned long *address = arg;
	ucontext_t remainder;

	plant(&remainder, *address, 0);
	in_place = true;
	WAIT_FOR(released);
	__asm__ __volatile__("" ::"r"(&remainder) : "memory");
	*address = remainder.uc_mcontext.gregs[REG_RIP];
	return NULL;
}

/* Changes @code, in the @at-th byte of which a remainder would return. */
static int change_with_remainder(const unsigned char code[SITE_SIZE], int at, bool nops_beside,
				 bool *moved)
{
	static const unsigned char nops[SITE_SIZE] = {0x90, 0x90, 0x90, 0x90, 0x90};
	static const unsigned char other[SITE_SIZE] = {0xb8, 0xcc, 0xcc, 0xcc, 0xcc};
	struct ftrace_patch patches[2] = {{.len = SITE_SIZE}, {.len = SITE_SIZE}};
	unsigned char *text = text_map(4096);
	unsigned long address;
	pthread_t thread;
	int result;

	memcpy(text, code, SITE_SIZE);
	memcpy(text + 16, nops, SITE_SIZE);
	text_seal(text, 4096);
	patches[0].ip = (unsigned long)text;
	memcpy(patches[0].old_code, code, SITE_SIZE);
	memcpy(patches[0].new_code, other, SITE_SIZE);
	patches[1].ip = (unsigned long)text + 16;
	memcpy(patches[1].old_code, nops, SITE_SIZE);
	memcpy(patches[1].new_code, other, SITE_SIZE);
	address = patches[0].ip + at;
	in_place = released = false;
	thread = start(keep_remainder, &address);
	WAIT_FOR(in_place);
	result = change(patches, 1 + nops_beside);
	released = true;
	join(thread);
	CHECK_EQ(patches[0].error, result);
	CHECK_EQ(memcmp(text, result ? code : other, SITE_SIZE), 0);
	CHECK(address == patches[0].ip + at || address == patches[0].ip + SITE_SIZE);
	*moved = address != patches[0].ip + at;
	munmap(text, 4096);
	return result;
}

static void remainders(void)
{
	static const struct row {
		const char *name;
		unsigned char code[SITE_SIZE];
		int result;
		bool moved;
	} rows[] = {
		{"call", {0xe8, 0x12, 0x34, 0x56, 0x00}, 0, false},
		{"call by the length of nops", {0xe8, 0x90, 0x90, 0x90, 0x90}, 0, false},
		{"jmp", {0xe9, 0x00, 0x00, 0x00, 0x00}, 0, false},
		{"mov", {0xb8, 0x90, 0x90, 0x90, 0x90}, 0, false},
		{"one nop", {0x0f, 0x1f, 0x44, 0x00, 0x00}, 0, false},
		{"one nop from each of its bytes", {0x66, 0x66, 0x66, 0x66, 0x90}, 0, false},
		/* Here somebody may return. */
		{"five nops", {0x90, 0x90, 0x90, 0x90, 0x90}, 0, true},
		{"nops, inc", {0x90, 0x90, 0x90, 0xff, 0xc7}, -EBUSY, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int n = 0; n < 2 * (SITE_SIZE - 1); n++) {
			int at = 1 + n / 2;
			bool moved;
			int result = change_with_remainder(rows[i].code, at, n % 2, &moved);

			if (result != rows[i].result || moved != rows[i].moved) {
				dprintf(2, "a remainder in %s at %d%s: %d, %smoved\n", rows[i].name,
					at, n % 2 ? ", nops beside it" : "", result,
					moved ? "" : "not ");
				_exit(1);
			}
		}
	}
}

/* Those that lead to stacks which are not there do not hide one that is. */
#define MANY 40

static void hold_with_many(int signo)
{
	ucontext_t many[MANY];

	(void)signo;
	for (int i = 0; i < MANY; i++)
		plant(&many[i], 0x1000, (i + 1) * (16ul << 20));
	in_place = true;
	WAIT_FOR(released);
	__asm__ __volatile__("" ::"r"(many) : "memory");
}

static void many_remainders(void)
{
	static const unsigned char nops[SITE_SIZE] = {0x90, 0x90, 0x90, 0x90, 0x90};

	hidden = &hiding[3];
	innermost = hold_with_many;
	hide(nops, 2, 0);
	innermost = inner;
}

#define CIRCLES (6 * 500)

/* A circle of which the site is the larger part. */
static unsigned char *circle;
static atomic_bool finish;

static void *run_circle(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(seizing ? SIG_SETMASK : SIG_UNBLOCK, &all, NULL), 0);
	while (!finish)
		((void (*)(int))(uintptr_t)circle)(100000);
	return NULL;
}

static void at_random(void)
{
	static const unsigned char codes[][SITE_SIZE] = {
		{0x90, 0x90, 0x90, 0x90, 0x90}, /* five nops */
		{0x0f, 0x1f, 0x44, 0x00, 0x00}, /* one nop */
		{0x90, 0x90, 0x90, 0x90, 0x90}, /* five nops */
		{0xe9, 0x00, 0x00, 0x00, 0x00}, /* jmp +0 */
		{0x66, 0x90, 0x0f, 0x1f, 0x00}, /* two nops */
		{0xb8, 0xcc, 0xcc, 0xcc, 0xcc}, /* mov */
	};
	const unsigned char tail[] = {0xff, 0xcf,	      /* dec %edi */
				      0x75, 0x100 - 9, 0xc3}; /* jnz circle; ret */
	pthread_t thread;

	circle = text_map(4096);
	memcpy(circle, codes[0], SITE_SIZE);
	memcpy(circle + SITE_SIZE, tail, sizeof(tail));
	text_seal(circle, 4096);
	thread = start(run_circle, NULL);
	for (int i = 0; i < CIRCLES; i++)
		CHECK_EQ(
			ftrace_modify_code((unsigned long)circle, codes[i % 6], codes[(i + 1) % 6]),
			0);
	finish = true;
	join(thread);
}

int main(int argc, char **argv)
{
	uint64_t seized;

	seizing = argc > 1 && strcmp(argv[1], "seize") == 0;
	bystander = new_function();
	stop_signal = find_stop_signal();
	exact();
	hidden_frames();
	remainders();
	many_remainders();
	seized = stats().seized_threads;
	at_random();
	CHECK(!seizing || stats().seized_threads - seized >= CIRCLES);
	return 0;
}
