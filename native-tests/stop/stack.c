/* SPDX-License-Identifier: MIT */
/*
 * stack.c - what the library takes of a painted stack is no more than
 * ftrace/stack.h says, and its own share no more than FTRACE_STACK_OWN.
 *
 * stack stop        a stop, on an alternate stack
 * stack nested      three declared handlers, one in the other, and a stop, or a
 *                   breakpoint; announced or not
 * stack storm       declared handlers at 10 kHz, while code changes, on exactly as
 *                   much as they need
 * stack small       a handler that is not declared, likewise
 * stack breakpoint  breakpoints, on an alternate stack
 * stack call        traced calls, by kind of handler
 */
#include "../modes.h"
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
#include <time.h>
#include <unistd.h>

#define SIZE	    (128 * 1024)
#define PAINT	    0x5a
#define FUNCTIONS   1000
#define HANDLER_OWN 256 /* what a handler of this file takes itself, at most */

static char *memory; /* a painted stack, above a painted hole */
static atomic_int worker_tid;
static atomic_bool finish;

static void paint(void)
{
	memset(memory, PAINT, SIZE);
}

/* The stack's size is @size, and its end that of the memory. */
static char *stack_of(size_t size)
{
	return memory + SIZE - size;
}

static long used(void)
{
	long unused = 0;

	while (unused < SIZE && memory[unused] == PAINT)
		unused++;
	return SIZE - unused;
}

static long size_of(int what)
{
	long size = ftrace_stack_size(what);

	CHECK(size > 0);
	return size;
}

static void within(const char *what, long taken, long bound)
{
	printf("%-48s %6ld of %6ld bytes\n", what, taken, bound);
	if (taken > bound) {
		fflush(stdout);
		_exit(1);
	}
}

static void use_alternate(size_t size)
{
	stack_t stack = {.ss_sp = stack_of(size), .ss_size = size};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

static void leave_alternate(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	CHECK_EQ(sigaltstack(&none, NULL), 0);
}

static unsigned char *functions;

static void map_functions(void)
{
	functions = text_map(FUNCTIONS * 64);
	for (int i = 0; i < FUNCTIONS; i++)
		put_function(functions + i * 64, VALUE_A);
	text_seal(functions, FUNCTIONS * 64);
}

static void change_functions(void)
{
	static struct ftrace_patch patches[FUNCTIONS];

	for (int back = 0; back < 2; back++) {
		for (int i = 0; i < FUNCTIONS; i++)
			patches[i] = value_patch(functions + i * 64, back ? VALUE_B : VALUE_A,
						 back ? VALUE_A : VALUE_B);
		CHECK_EQ(change(patches, FUNCTIONS), 0);
	}
}

static void *spins(void *arg)
{
	use_alternate(SIZE);
	worker_tid = gettid();
	while (!finish)
		check_function(functions);
	leave_alternate();
	return arg;
}

static pthread_t start_worker(void *(*fn)(void *))
{
	pthread_t thread;

	paint();
	worker_tid = 0;
	finish = false;
	thread = start(fn, NULL);
	WAIT_FOR(worker_tid);
	return thread;
}

static void end_worker(pthread_t thread)
{
	finish = true;
	join(thread);
}

static atomic_int handled;

static void nothing(int signo)
{
	(void)signo;
	handled++;
}

/* A handler that does nothing, on that stack: the kernel's frame. */
static long frame(void)
{
	struct sigaction before;
	pthread_t thread = start_worker(spins);
	long taken;

	handled = 0;
	CHECK_EQ(sigaction(SIGUSR1, NULL, &before), 0);
	on_signal(SIGUSR1, nothing, SA_ONSTACK);
	send_signal(worker_tid, SIGUSR1);
	WAIT_FOR(handled);
	end_worker(thread);
	CHECK_EQ(sigaction(SIGUSR1, &before, NULL), 0);
	handled = 0;
	taken = used();
	within("a signal frame", taken, size_of(FTRACE_STACK_SIGNAL));
	return taken;
}

static void stop(void)
{
	long kernel = frame();
	pthread_t thread = start_worker(spins);

	/* Some are over before the thread sleeps. */
	for (int i = 0; i < 200; i++)
		change_functions();
	end_worker(thread);
	within("a stop", used(), size_of(FTRACE_STACK_STOP));
	within("its own share", used() - kernel, FTRACE_STACK_OWN);
}

static void breakpoint(void)
{
	long kernel = frame();
	uint64_t hits = stats().breakpoint_hits;
	pthread_t thread = start_worker(spins);

	way.method = FTRACE_METHOD_BREAKPOINT;
	for (int i = 0; i < 100 || stats().breakpoint_hits - hits < 10; i++)
		change_functions();
	end_worker(thread);
	within("a breakpoint", used(), size_of(FTRACE_STACK_BREAKPOINT));
	within("its own share", used() - kernel, FTRACE_STACK_OWN);
}

/* nested */

static const int nmi_signo[] = {SIGUSR1, SIGUSR2, SIGPROF};
static atomic_bool inside, let_go;

static void nest(int signo)
{
	ftrace_nmi_enter();
	if (signo != nmi_signo[2]) {
		send_signal(gettid(), signo == nmi_signo[0] ? nmi_signo[1] : nmi_signo[2]);
	} else {
		inside = true;
		while (!let_go)
			check_function(functions);
	}
	ftrace_nmi_exit();
}

static void *let_go_later(void *arg)
{
	uint64_t stops = stats().deferred_stops;

	/* The stop is on when the worker has been asked. */
	WAIT_FOR(way.method == FTRACE_METHOD_BREAKPOINT || stats().deferred_stops > stops);
	let_go = true;
	return arg;
}

static void nested(void)
{
	uint64_t end = now_ns() + TEST_WAIT_SECONDS * 1000000000ul;
	long kernel = frame(), most = 0;
	long sum = 3 * (size_of(FTRACE_STACK_SIGNAL) + HANDLER_OWN + size_of(FTRACE_STACK_BRACKET));

	for (int i = 0; i < 3; i++) {
		on_signal(nmi_signo[i], nest, SA_ONSTACK);
		CHECK_EQ(ftrace_nmi_add_signal(nmi_signo[i]), 0);
	}
	for (int announced = 0; announced < 2; announced++) {
		pthread_t thread = start_worker(spins), helper;

		inside = false;
		let_go = false;
		if (announced)
			CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		send_signal(worker_tid, nmi_signo[0]);
		WAIT_FOR(inside);
		if (announced)
			helper = start(let_go_later, NULL);
		change_functions();
		let_go = true;
		if (announced) {
			CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
			join(helper);
		}
		end_worker(thread);
		within(announced ? "three announced handlers, then the stop"
				 : "three handlers and a stop",
		       used(), sum + size_of(FTRACE_STACK_STOP));
		CHECK(used() > 4 * kernel);
	}
	way.method = FTRACE_METHOD_BREAKPOINT;
	for (int i = 0; i < 20 || most <= 4 * kernel; i++) {
		pthread_t thread = start_worker(spins);

		CHECK(now_ns() < end);
		inside = false;
		let_go = false;
		send_signal(worker_tid, nmi_signo[0]);
		WAIT_FOR(inside);
		for (int n = 0; n < 10; n++)
			change_functions();
		let_go = true;
		end_worker(thread);
		most = used() > most ? used() : most;
	}
	within("three handlers and a breakpoint", most, sum + size_of(FTRACE_STACK_BREAKPOINT));
}

/* storm, small: what is below the stack is painted as well, and stays so. */

#define USE	     1024 /* of the handler itself */
#define MIN_HANDLERS 3000

static bool declared;

static void in_storm(int signo)
{
	volatile char bytes[USE - HANDLER_OWN];

	(void)signo;
	if (declared)
		ftrace_nmi_enter();
	memset((char *)bytes, 1, sizeof(bytes));
	check_function(functions);
	check_function(functions + 64 * (handled % FUNCTIONS));
	handled++;
	if (declared)
		ftrace_nmi_exit();
}

static long needed(void)
{
	return size_of(FTRACE_STACK_SIGNAL) + USE + (declared ? size_of(FTRACE_STACK_BRACKET) : 0) +
	       size_of(FTRACE_STACK_STOP);
}

static void *stormed(void *arg)
{
	timer_t timer;

	use_alternate(needed());
	worker_tid = gettid();
	timer = thread_timer(SIGPROF, 10000);
	while (!finish)
		check_function(functions);
	CHECK_EQ(timer_delete(timer), 0);
	leave_alternate();
	return arg;
}

static void run_storm(const char *what)
{
	uint64_t end = now_ns() + TEST_WAIT_SECONDS * 1000000000ul;
	long kernel = frame();
	pthread_t thread;

	on_signal(SIGPROF, in_storm, SA_ONSTACK);
	if (declared)
		CHECK_EQ(ftrace_nmi_add_signal(SIGPROF), 0);
	thread = start_worker(stormed);
	/* Until one was stopped in a handler, or handled a signal while it was. */
	while (handled < MIN_HANDLERS || used() < 2 * kernel ||
	       (declared && stats().nmi_update_count == 0)) {
		CHECK(now_ns() < end);
		change_functions();
	}
	end_worker(thread);
	within(what, used(), needed());
	printf("%d handlers, %lu of them wrote, %lu stops came in one\n", handled,
	       stats().nmi_update_count, stats().deferred_stops);
}

static void storm(void)
{
	declared = true;
	run_storm("declared handlers and stops");
}

static void small(void)
{
	run_storm("handlers and stops");
}

/* call */

/* They do nothing but return. */
void leaf_handler(void);
__asm__(".text\n"
	"leaf_handler: ret\n");

__attribute__((noipa, patchable_function_entry(5))) void traced(void)
{
}

/* Calls @fn on a stack that ends at @top. */
void call_on(void *top, void (*fn)(void));
__asm__(".text\n"
	"call_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rsp\n"
	"	call *%rsi\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n");

static long call_once(void)
{
	paint();
	call_on(memory + SIZE, traced);
	return used();
}

static void *first_and_second(void *arg)
{
	long *taken = arg;

	taken[0] = call_once();
	taken[1] = call_once();
	ftrace_nmi_enter();
	taken[2] = call_once();
	ftrace_nmi_exit();
	return NULL;
}

static void call(void)
{
	static const char *const flags[] = {"any handler", "no vectors", "registers",
					    "registers, no vectors"};
	long vectors = size_of(FTRACE_STACK_CALL_VECTORS);

	for (unsigned int kind = 0; kind < 4; kind++) {
		struct ftrace_ops ops[3];
		long bound = kind & FTRACE_OPS_FL_NO_VECTORS ? size_of(FTRACE_STACK_CALL) : vectors;

		for (int count = 0; count < 3; count++) {
			long taken[3];
			char what[80];

			ops[count] = (struct ftrace_ops){.size = sizeof(*ops),
							 .func = (ftrace_func_t)leaf_handler,
							 .flags = kind};
			CHECK_EQ(ftrace_set_filter(&ops[count], "traced", 0, 1), 0);
			CHECK_EQ(ftrace_register_function(&ops[count]), 0);
			join(start(first_and_second, taken));
			snprintf(what, sizeof(what), "%s, %d of them, first call", flags[kind],
				 count + 1);
			within(what, taken[0], vectors);
			snprintf(what, sizeof(what), "%s, %d of them", flags[kind], count + 1);
			within(what, taken[1], bound);
			snprintf(what, sizeof(what), "%s, %d of them, in an NMI", flags[kind],
				 count + 1);
			within(what, taken[2], vectors);
		}
		for (int count = 0; count < 3; count++)
			CHECK_EQ(ftrace_unregister_function(&ops[count]), 0);
	}
	CHECK_EQ(ftrace_update_ftrace_func((ftrace_func_t)leaf_handler), 0);
	{
		struct ftrace_ops ops = {.size = sizeof(ops),
					 .func = (ftrace_func_t)leaf_handler,
					 .flags = FTRACE_OPS_FL_NO_VECTORS};
		long taken[3];

		CHECK_EQ(ftrace_set_filter(&ops, "traced", 0, 1), 0);
		CHECK_EQ(ftrace_register_function(&ops), 0);
		join(start(first_and_second, taken));
		within("a function in place of all handlers", taken[1], vectors);
		CHECK_EQ(ftrace_unregister_function(&ops), 0);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"stop", stop},	  {"nested", nested},	      {"storm", storm},
		{"small", small}, {"breakpoint", breakpoint}, {"call", call},
		{NULL, NULL}};

	for (int what = -1; what < 16; what++)
		CHECK_EQ(ftrace_stack_size(what) > 0,
			 what >= FTRACE_STACK_SIGNAL && what <= FTRACE_STACK_CALL_VECTORS);
	CHECK_EQ(ftrace_stack_size(0), -EINVAL);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	map_functions();
	return run_mode(modes, argc, argv);
}
