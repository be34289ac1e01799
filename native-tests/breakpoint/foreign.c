/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - traps that are the host's: its own int3 in both forms, single steps,
 * signals that somebody sends. The host's handler and the process get them as if
 * the library were not there: each case runs in a child that never changed text,
 * and in one that did so by breakpoints, and both tell the same.
 */
#include "../proc.h"
#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../text.h"
#include "../threads.h"
#include "../ways.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define MOST_RECORDS 64
#define OTHER	     SIGUSR2 /* in the handler's mask */

static const struct form {
	const char *name;
	bool handler;
	int flags;
	bool ignored;
} forms[] = {
	{"default", false, 0, false},
	{"ignored", false, 0, true},
	{"plain", true, 0, false},
	{"siginfo", true, SA_SIGINFO, false},
	{"restart", true, SA_SIGINFO | SA_RESTART, false},
	{"nodefer", true, SA_SIGINFO | SA_NODEFER, false},
	{"resethand", true, SA_SIGINFO | SA_RESETHAND, false},
	{"onstack", true, SA_SIGINFO | SA_ONSTACK, false},
	{"all", true, SA_SIGINFO | SA_NODEFER | SA_RESETHAND | SA_ONSTACK, false},
};

/* What a handler sees. */
struct record {
	int signo, code, sender_is_self, value;
	long address, offset; /* of the signal; of the instruction pointer from the event */
	unsigned long trap, error, flags, saved_mask, mask;
	bool on_stack;
};

struct report {
	int records;
	struct record record[MOST_RECORDS];
	long result; /* of the event, if it has one */
	bool survived;
};

static struct report *report;
static const struct form *form;
static unsigned long event_address;
static char alternate[65536];
static int pipes[2];

static void note(int signo, siginfo_t *info, void *context)
{
	struct record *record = &report->record[report->records++];
	ucontext_t *uc = context;
	greg_t *regs = uc->uc_mcontext.gregs;
	char here;

	CHECK(report->records < MOST_RECORDS);
	record->signo = signo;
	record->mask = signal_mask();
	record->on_stack = &here >= alternate && &here < alternate + sizeof(alternate);
	if (!(form->flags & SA_SIGINFO))
		return;
	record->code = info->si_code;
	record->sender_is_self = info->si_code <= 0 && info->si_pid == getpid();
	record->value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
	record->address = info->si_code > 0 ? (long)info->si_addr - (long)event_address : 0;
	if ((info->si_code > 0 && info->si_addr == NULL))
		record->address = 0;
	record->offset = regs[REG_RIP] - event_address;
	record->trap = regs[REG_TRAPNO];
	record->error = regs[REG_ERR];
	record->flags = regs[REG_EFL];
	memcpy(&record->saved_mask, &uc->uc_sigmask, sizeof(record->saved_mask));
	/* Where a sent signal arrives is the C library's affair. */
	if (info->si_code <= 0)
		record->offset = record->trap = record->error = record->flags = 0;
	if (info->si_code == TRAP_TRACE && report->records >= 3)
		regs[REG_EFL] &= ~(long)TRAP_FLAG;
}

static void note_plain(int signo)
{
	struct record *record = &report->record[report->records++];

	CHECK(report->records < MOST_RECORDS);
	record->signo = signo;
	record->mask = signal_mask();
}

#define EVENT(name, text)                                                                          \
	extern const char name##_at[] __attribute__((visibility("hidden")));                       \
	static void name(void)                                                                     \
	{                                                                                          \
		event_address = (unsigned long)name##_at;                                          \
		__asm__ __volatile__("xor %%eax, %%eax\n"                                          \
				     ".globl " #name "_at\n" #name "_at: " text                    \
				     :                                                             \
				     :                                                             \
				     : "rax", "memory", "cc");                                     \
	}

EVENT(one_byte, "int3\n")
EVENT(two_bytes, ".byte 0xcd, 0x03\n")
EVENT(twice, "int3\nint3\n")
EVENT(steps, "sub $128, %%rsp; pushfq; orl $0x100, (%%rsp); popfq; nop; nop; nop; nop; nop; nop\n"
	     "pushfq; andl $0xfffffeff, (%%rsp); popfq; add $128, %%rsp\n")

static void sent_to_process(void)
{
	kill(getpid(), SIGTRAP);
}

static void sent_to_thread(void)
{
	send_signal(gettid(), SIGTRAP);
}

static void queued(void)
{
	sigqueue(getpid(), SIGTRAP, (union sigval){.sival_int = 4711});
}

/* While a breakpoint's own code says so: sent with the code of a trap. */
static void counterfeit(void)
{
	siginfo_t info = {.si_signo = SIGTRAP, .si_code = SI_KERNEL};

	report->result = syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGTRAP, &info);
}

static atomic_int reader_tid;

static void *interrupts(void *arg)
{
	(void)arg;
	WAIT_FOR(asleep(reader_tid));
	send_signal(reader_tid, SIGTRAP);
	/* If the call goes on, or was not interrupted, it is to end as well. */
	WAIT_FOR(report->records > 0);
	WAIT_FOR(asleep(reader_tid) || report->result);
	if (!report->result)
		CHECK_EQ(write(pipes[1], "x", 1), 1);
	return NULL;
}

static void in_a_call(void)
{
	pthread_t thread;
	char byte;
	long ret;

	CHECK_EQ(pipe(pipes), 0);
	reader_tid = gettid();
	thread = start(interrupts, NULL);
	ret = read(pipes[0], &byte, 1);
	report->result = ret == 1 ? 1 : -errno;
	join(thread);
}

static void blocked_and_sent(void)
{
	sigset_t trap;

	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &trap, NULL), 0);
	sent_to_thread();
	sent_to_thread();
	report->result = report->records;
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &trap, NULL), 0);
}

static const struct event {
	const char *name;
	void (*run)(void);
} events[] = {
	{"int3", one_byte},
	{"int $3", two_bytes},
	{"int3, int3", twice},
	{"single steps", steps},
	{"kill", sent_to_process},
	{"tgkill", sent_to_thread},
	{"sigqueue", queued},
	{"sent with SI_KERNEL", counterfeit},
	{"in a system call", in_a_call},
	{"while blocked", blocked_and_sent},
};

static void install(void)
{
	struct sigaction action = {.sa_flags = form->flags};
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	sigaddset(&action.sa_mask, OTHER);
	if (form->flags & SA_SIGINFO)
		action.sa_sigaction = note;
	else
		action.sa_handler = form->handler ? note_plain : form->ignored ? SIG_IGN : SIG_DFL;
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
}

/* Returns the status of a child to which the event happens two times. */
static int run(const struct event *event, bool with_library, struct report *result)
{
	const struct rlimit no_core = {0, 0};
	pid_t child;
	int status;

	memset(report, 0, sizeof(*report));
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sigset_t some;

		CHECK_EQ(setrlimit(RLIMIT_CORE, &no_core), 0);
		alarm(TEST_WAIT_SECONDS);
		install();
		if (with_library) {
			unsigned char *function = new_function();

			way.method = FTRACE_METHOD_BREAKPOINT;
			toggle_twice(function);
		}
		sigemptyset(&some);
		sigaddset(&some, SIGHUP);
		CHECK_EQ(sigprocmask(SIG_BLOCK, &some, NULL), 0);
		event->run();
		report->survived = true;
		if (event->run != in_a_call)
			event->run();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	*result = *report;
	return status;
}

static void compare(const struct event *event)
{
	struct report without, with;
	int native = run(event, false, &without), ours = run(event, true, &with);

	if (event->run == in_a_call)
		CHECK_EQ(without.result, form->flags & SA_RESTART ? 1 : -EINTR);
	if (native == ours && memcmp(&without, &with, sizeof(with)) == 0)
		return;
	dprintf(2, "%s, %s: status %#x without, %#x with the library\n", form->name, event->name,
		native, ours);
	dprintf(2, "result %ld, %ld; survived the first %d, %d; handled %d, %d\n", without.result,
		with.result, without.survived, with.survived, without.records, with.records);
	for (int i = 0; i < without.records || i < with.records; i++) {
		struct record *a = &without.record[i], *b = &with.record[i];

		dprintf(2,
			"%d: signal %d %d, code %d %d, self %d %d, value %d %d, address %ld %ld, "
			"offset %ld %ld, trap %lu %lu, error %lu %lu, flags %#lx %#lx, "
			"saved mask %#lx %#lx, mask %#lx %#lx, on stack %d %d\n",
			i, a->signo, b->signo, a->code, b->code, a->sender_is_self,
			b->sender_is_self, a->value, b->value, a->address, b->address, a->offset,
			b->offset, a->trap, b->trap, a->error, b->error, a->flags, b->flags,
			a->saved_mask, b->saved_mask, a->mask, b->mask, a->on_stack, b->on_stack);
	}
	_exit(1);
}

int main(void)
{
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(report != MAP_FAILED);
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		form = &forms[f];
		for (size_t e = 0; e < sizeof(events) / sizeof(*events); e++) {
			/* A call that is not interrupted never ends. */
			if (events[e].run == in_a_call && !form->handler)
				continue;
			/* A handler cannot tell it from a trap, which is not to be ignored. */
			if (events[e].run == counterfeit && form->ignored)
				continue;
			compare(&events[e]);
		}
	}
	return 0;
}
