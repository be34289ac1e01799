/* SPDX-License-Identifier: MIT */
/*
 * xray.c - functions that have a sled of XRay, as Clang's -fxray-instrument leaves it; here
 * the assembler makes them, so any compiler builds this. The second argument is a method.
 *
 *   sites    which of them can be traced, and what they become
 *   jump     a thread is at the sled's jump while the function is traced for the first time
 *   inside   a thread is in what the sled jumps over, where XRay has turned it off
 *   on       XRay has turned the sled on, as xray_runtime.c does with XRay itself
 */
#include "../modes.h"
#include "../signals.h"
#include "../steps.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define ENDBR	  "endbr64\n"
#define NOPS	  ".byte 0x90, 0x90, 0x90, 0x90, 0x90\n"
#define SLED	  ".byte 0xeb, 9, 0x66, 0x0f, 0x1f, 0x84, 0, 0, 2, 0, 0\n"
#define OFF	  ".byte 0xeb, 9, 1, 0, 0, 0\n call nothing\n"
#define SLED_SIZE 11

/* A function at an odd address if @at is ".byte 0xcc", as -Os makes them. */
#define FUNCTION(name, at, code)                                                                   \
	int name(int x);                                                                           \
	__asm__(".text\n"                                                                          \
		".p2align 4\n" at "\n"                                                             \
		".globl " #name "\n"                                                               \
		".type " #name ", @function\n" #name ": " code "lea 1(%rdi), %eax\n"               \
		"ret\n"                                                                            \
		".size " #name ", .-" #name "\n")

/* An entry of the table; LLVM's kinds: 0 entry, 1 exit, 2 tail call, 3 entry that logs an argument,
 * 4 event. */
#define ENTRY(function, sled, kind, version)                                                       \
	__asm__(".pushsection xray_instr_map, \"ao\", @progbits, .text\n"                          \
		"1: .quad " sled " - 1b\n"                                                         \
		"2: .quad " function " - 2b\n"                                                     \
		".byte " kind ", 0, " version "\n"                                                 \
		".zero 13\n"                                                                       \
		".popsection\n")

/* The other list; nops before the function count from there. */
#define PATCHABLE(address)                                                                         \
	__asm__(".pushsection __patchable_function_entries, \"awo\", @progbits, .text\n"           \
		".p2align 3\n"                                                                     \
		".quad " address "\n"                                                              \
		".popsection\n")

__asm__(".text\n"
	"nothing: ret\n");

FUNCTION(sled_plain, "", SLED);
ENTRY("sled_plain", "sled_plain", "0", "2");
FUNCTION(sled_logged, "", SLED);
ENTRY("sled_logged", "sled_logged", "3", "2");
FUNCTION(sled_endbr, "", ENDBR SLED);
ENTRY("sled_endbr", "sled_endbr + 4", "0", "2");
FUNCTION(sled_odd, ".byte 0xcc", ".byte 0x90\n" SLED);
ENTRY("sled_odd", "sled_odd + 1", "0", "2");
FUNCTION(sled_odd_endbr, ".byte 0xcc", ENDBR ".byte 0x90\n" SLED);
ENTRY("sled_odd_endbr", "sled_odd_endbr + 5", "0", "2");
FUNCTION(sled_off, "", OFF);
ENTRY("sled_off", "sled_off", "0", "2");

/* Both kinds of room, in each order: only the nops are a site. */
FUNCTION(sled_after_nops, "", NOPS SLED);
PATCHABLE("sled_after_nops");
ENTRY("sled_after_nops", "sled_after_nops + 5", "0", "2");
FUNCTION(sled_before_nops, "", SLED NOPS);
PATCHABLE("sled_before_nops + 11");
ENTRY("sled_before_nops", "sled_before_nops", "0", "2");

/* No sites. */
FUNCTION(not_exit, "", SLED);
ENTRY("not_exit", "not_exit", "1", "2");
FUNCTION(not_tail, "", SLED);
ENTRY("not_tail", "not_tail", "2", "2");
FUNCTION(not_event, "", SLED);
ENTRY("not_event", "not_event", "4", "2");
FUNCTION(not_this_version, "", SLED);
ENTRY("not_this_version", "not_this_version", "0", "1");
FUNCTION(not_this_function, "", SLED);
ENTRY("not_exit", "not_this_function", "0", "2");
FUNCTION(not_at_entry, "", "nop\nnop\nnop\nnop\nnop\nnop\n" SLED);
ENTRY("not_at_entry", "not_at_entry + 6", "0", "2");
FUNCTION(not_of_function, "", "nop\n" SLED);
ENTRY("not_of_function + 1", "not_of_function + 1", "0", "2");
FUNCTION(not_listed, "", SLED);
ENTRY("0x7fffffff00000000", "0x7fffffff00000000", "0", "2");

static const struct {
	const char *name;
	int (*function)(int);
	unsigned offset;
	bool sled;
} sites[] = {
	{"sled_plain", sled_plain, 0, true},
	{"sled_logged", sled_logged, 0, true},
	{"sled_endbr", sled_endbr, 4, true},
	{"sled_odd", sled_odd, 1, true},
	{"sled_odd_endbr", sled_odd_endbr, 5, true},
	{"sled_off", sled_off, 0, true},
	{"sled_after_nops", sled_after_nops, 0, false},
	{"sled_before_nops", sled_before_nops, SLED_SIZE, false},
};
#define SITES (sizeof(sites) / sizeof(*sites))

static const unsigned char nop5[5] = {0x0f, 0x1f, 0x44, 0, 0};
static const unsigned char rest[6] = {0x66, 0x0f, 0x1f, 0x44, 0, 0};

static unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .data = &hits);

static int count_site(const struct ftrace_site *site, void *data)
{
	if (strncmp(site->name, "sled_", 5) == 0)
		++*(size_t *)data;
	CHECK(strncmp(site->name, "not_", 4) != 0);
	return 0;
}

static void check_lookups(void)
{
	for (size_t i = 0; i < SITES; i++) {
		struct ftrace_symbol symbol = {.size = sizeof(symbol)};
		unsigned long start = (unsigned long)sites[i].function;

		CHECK_EQ(ftrace_lookup(start, &symbol, NULL, 0), 0);
		CHECK_EQ(symbol.site, start + sites[i].offset);
	}
}

static void sites_and_code(void)
{
	size_t count = 0;

	check_lookups(); /* before the object is read */
	CHECK_EQ(ftrace_for_each_site(count_site, &count, 0), 0);
	CHECK_EQ(count, SITES);
	check_lookups();
	for (size_t i = 0; i < SITES; i++)
		CHECK_EQ(find_site(sites[i].name).ip, sites[i].function + sites[i].offset);

	for (int round = 0; round < 2; round++) {
		trace(&ops, "sled_*");
		for (size_t i = 0; i < SITES; i++) {
			const unsigned char *code =
				(const unsigned char *)sites[i].function + sites[i].offset;
			int (*original)(int) = (int (*)(int))ftrace_original((unsigned long)code);

			hits = 0;
			CHECK_EQ(sites[i].function(4), 5);
			CHECK_EQ(hits, 1);
			CHECK_EQ(original(4), 5);
			CHECK_EQ(hits, 1);
			CHECK_EQ(*code, 0xe8);
			CHECK(!sites[i].sled || memcmp(code + 5, rest, sizeof(rest)) == 0);
		}
		untrace(&ops);
		for (size_t i = 0; i < SITES; i++) {
			const unsigned char *code =
				(const unsigned char *)sites[i].function + sites[i].offset;

			hits = 0;
			CHECK_EQ(sites[i].function(4), 5);
			CHECK_EQ(hits, 0);
			CHECK_EQ(memcmp(code, nop5, sizeof(nop5)), 0);
			CHECK(!sites[i].sled || memcmp(code + 5, rest, sizeof(rest)) == 0);
		}
	}
	CHECK_EQ(ftrace_set_filter(&ops, "not_*", 0, 1), -ENOENT);
	CHECK_EQ(ftrace_set_filter_ip(&ops, (unsigned long)sled_odd, 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(sled_odd(1), 2);
	CHECK_EQ(hits, 1);
	untrace(&ops);
}

/*
 * A thread that calls a function is interrupted at its sled by SIGUSR2, which is blocked and
 * pending until there; its handler holds it.
 */
static int (*stepped)(int);
static long moved_by;
static int held, let_go;

static void on_sled_step(int signo, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	greg_t *registers = context->uc_mcontext.gregs;

	(void)signo, (void)info;
	if (registers[REG_RIP] != (greg_t)stepped) {
		registers[REG_EFL] |= TRAP_FLAG;
		return;
	}
	registers[REG_EFL] &= ~TRAP_FLAG;
	registers[REG_RIP] += moved_by;
	sigdelset(&context->uc_sigmask, SIGUSR2);
}

static void hold(int signo)
{
	(void)signo;
	__atomic_store_n(&held, 1, __ATOMIC_RELEASE);
	WAIT_FOR(__atomic_load_n(&let_go, __ATOMIC_ACQUIRE));
}

static void *call_stepped(void *arg)
{
	sigset_t hold_signal;

	sigemptyset(&hold_signal);
	sigaddset(&hold_signal, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &hold_signal, NULL), 0);
	send_signal(gettid(), SIGUSR2);
	send_signal(gettid(), SIGUSR1);
	CHECK_EQ(stepped(4), 5);
	return arg;
}

static pthread_t start_held(int (*function)(int), long by)
{
	struct sigaction action = {.sa_sigaction = on_sled_step, .sa_flags = SA_SIGINFO};
	pthread_t thread;

	stepped = function;
	moved_by = by;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	on_signal(SIGUSR2, hold, 0);
	thread = start(call_stepped, NULL);
	WAIT_FOR(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
	return thread;
}

static void let_thread_go(pthread_t thread)
{
	__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
	join(thread);
}

static void jump(void)
{
	pthread_t thread = start_held(sled_plain, 0);

	trace(&ops, "sled_plain");
	let_thread_go(thread);
	CHECK_EQ(hits, 1);
	CHECK_EQ(sled_plain(4), 5);
	CHECK_EQ(hits, 2);
	untrace(&ops);
}

/* Between the two instructions of XRay, which ran when it turned the sled off. */
static void inside(void)
{
	unsigned char before[SLED_SIZE];
	pthread_t thread = start_held(sled_off, 6);

	memcpy(before, (const void *)sled_off, SLED_SIZE);
	CHECK_EQ(ftrace_set_filter(&ops, "sled_off", 0, 1), 0);
	CHECK_EQ(ftrace_register_function(&ops), -EBUSY);
	CHECK_EQ(memcmp(before, (const void *)sled_off, SLED_SIZE), 0);
	let_thread_go(thread);
	CHECK_EQ(hits, 0);
	CHECK_EQ(ftrace_register_function(&ops), 0);
	CHECK_EQ(sled_off(4), 5);
	CHECK_EQ(hits, 1);
	untrace(&ops);
}

static char report[1024];

static void print(const char *line)
{
	snprintf(report, sizeof(report), "%s", line);
}

/* What XRay writes, and what it leaves; before the object is read, and when it has been. */
static void on(void)
{
	static const unsigned char mov[5] = {0x41, 0xba, 1, 0, 0};
	static const unsigned char jump[5] = {0xeb, 9, 1, 0, 0};
	int (*functions[])(int) = {sled_off, sled_plain};
	const char *const names[] = {"sled_off", "sled_plain"};
	unsigned char sled[5];

	memcpy(sled, (const void *)sled_plain, 5);
	CHECK_EQ(ftrace_set_print(print), 0);
	for (int i = 0; i < 2; i++) {
		unsigned long ip = (unsigned long)functions[i];

		hits = 0;
		ops.flags = 0;
		overwrite(ip, mov);
		CHECK_EQ(ftrace_set_filter(&ops, names[i], 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&ops), -EINVAL);
		CHECK(strstr(report, "a call of XRay"));
		CHECK_EQ(memcmp((const void *)ip, mov, 5), 0);
		ops.flags = FTRACE_OPS_FL_SKIP_FOREIGN;
		CHECK_EQ(ftrace_register_function(&ops), 0);
		CHECK_EQ(find_site(names[i]).users, 0);
		CHECK_EQ(memcmp((const void *)ip, mov, 5), 0);
		overwrite(ip, i == 0 ? jump : sled);
		CHECK_EQ(ftrace_update_sites(), 0);
		CHECK_EQ(find_site(names[i]).users, 1);
		CHECK_EQ(functions[i](4), 5);
		CHECK_EQ(hits, 1);
		untrace(&ops);
		CHECK_EQ(functions[i](4), 5);
	}
	CHECK_EQ(ftrace_set_print(NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"sites", sites_and_code},
		{"jump", jump},
		{"inside", inside},
		{"on", on},
		{NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
