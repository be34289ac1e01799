/* SPDX-License-Identifier: MIT */
/*
 * pending.c - FTRACE_OPS_FL_PENDING: functions of objects that are opened later are traced
 * before their constructors run, with no call by the host.
 *
 *   constructor   opened, closed, opened again; nothing is left behind afterwards
 *   relocations   of an object whose relocations are packed
 *   namespace     by dlmopen()
 *   failed        an object that cannot be opened
 *   cxx           by a C++ name, of an object that brings its C++ library along
 *   mangled       by a C++ name, and there is no C++ library
 *   late          the library is kept from tracing the object for longer than it may take
 *   bracket       by the thread that opens it
 *   fork          a child has the hook, but not the thread that it asks
 *   unstoppable   beside a thread that cannot be stopped
 *   closed        the same, while a closed object's record could be freed; without membarrier
 *   left          a signal handler leaves the call that removes the hook, while that waits for
 *                 handlers
 *   storm         one thread opens and closes, another one makes children that do so
 *   debugger      a breakpoint is where the hook would be
 *   debugged      a breakpoint comes to where the hook is
 *
 * On a loaded machine the library's thread may get no CPU in time. That is counted; what
 * has to be exact is tried until it was in time.
 */
#include "../calls.h"
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"
#include "pending.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define RET  0xc3
#define JMP  0xe9
#define INT3 0xcc

static unsigned long hits;
static struct ftrace_ops ops = OPS(count_hit, .flags = FTRACE_OPS_FL_PENDING, .data = &hits);
static const char *plugin_path = PLUGIN;

static unsigned long timeouts(void)
{
	return stats().loader_timeouts;
}

/* Where the loader calls a debugger, if that is how this one looks. */
static unsigned char *hook_place(void)
{
	unsigned char *at = NULL;

	for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
		if (entry->d_tag == DT_DEBUG)
			at = (unsigned char *)((struct r_debug *)entry->d_un.d_ptr)->r_brk;
	CHECK(at);
	return memcmp(at, "\xf3\x0f\x1e\xfa", 4) == 0 ? at + 4 : at;
}

static void *open_base(void)
{
	return dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
}

static void *open_other(void)
{
	return dlmopen(LM_ID_NEWLM, plugin_path, RTLD_NOW | RTLD_LOCAL);
}

static void *(*open_plugin)(void) = open_base;

/* Opens it, and counts what its constructor calls. */
static void *open_and_count(void)
{
	void *plugin;

	hits = 0;
	plugin = open_plugin();
	if (!plugin)
		dprintf(2, "%s\n", dlerror());
	CHECK(plugin);
	return plugin;
}

static void *open_in_time(void)
{
	for (uint64_t end = now_ns() + TEST_WAIT_SECONDS * 1000000000ULL; now_ns() < end;) {
		unsigned long before = timeouts();
		void *plugin = open_and_count();

		if (timeouts() == before)
			return plugin;
		CHECK_EQ(dlclose(plugin), 0);
	}
	dprintf(2, "the library was never in time\n");
	_exit(1);
}

static int step(void *plugin, int x)
{
	int (*function)(int) = (int (*)(int))dlsym(plugin, "pend_step");

	CHECK(function);
	return function(x);
}

static void begin(void)
{
	CHECK_EQ(*hook_place(), RET);
	trace(&ops, "pend_step");
	CHECK_EQ(*hook_place(), JMP);
	CHECK_EQ(thread_count(), 2);
}

static void end(void)
{
	untrace(&ops);
	CHECK_EQ(*hook_place(), RET);
	WAIT_FOR(thread_count() == 1);
}

/* constructor, relocations, namespace */

static void open_twice(void)
{
	unsigned char original[16];
	void *plugin;

	memcpy(original, hook_place(), sizeof(original));
	begin();
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, PEND_CALLS + 1);
	CHECK_EQ(find_site("pend_step").users, 1);
	CHECK_EQ(dlclose(plugin), 0);
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, PEND_CALLS + 1);
	end();
	CHECK(memcmp(original, hook_place(), sizeof(original)) == 0);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, PEND_CALLS + 1);
	CHECK_EQ(dlclose(plugin), 0);
	plugin = open_and_count();
	CHECK_EQ(hits, 0);
	CHECK_EQ(dlclose(plugin), 0);
}

static void constructor(void)
{
	unsigned long second_hits = 0;
	struct ftrace_ops second =
		OPS(count_hit, .flags = FTRACE_OPS_FL_PENDING, .data = &second_hits);
	struct ftrace_ops usual = OPS(count_hit, .data = &second_hits);
	void *plugin;
	pid_t tid;

	/* Only with the flag, and not an address. */
	CHECK_EQ(filter(&usual, "pend_step"), -ENOENT);
	CHECK_EQ(ftrace_set_filter_ip(&second, 1, 0, 0), -ENOENT);
	CHECK_EQ(ftrace_free_filter(&second), 0);
	open_twice();

	/* Until the last one is gone. */
	begin();
	trace(&second, "pend_*");
	tid = thread_named("ftrace");
	CHECK(blocks(tid, SIGTERM) && blocks(tid, SIGUSR1) && !blocks(tid, SIGTRAP));
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK(second_hits >= PEND_CALLS);
	CHECK_EQ(dlclose(plugin), 0);
	untrace(&second);
	CHECK_EQ(*hook_place(), JMP);
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(dlclose(plugin), 0);
	end();
	CHECK_EQ(stats().seized_threads, 0);
	CHECK_EQ(stats().gc_collections, 0);
}

static void relocations(void)
{
	plugin_path = PACKED_PLUGIN;
	if (!*plugin_path)
		skip("needs a linker that packs relative relocations (binutils 2.38)");
	open_twice();
}

static void other_namespace(void)
{
	if (atof(gnu_get_libc_version()) < 2.35)
		skip("glibc before 2.35 does not list the objects of other namespaces");
	open_plugin = open_other;
	open_twice();
}

/* failed */

static void failed(void)
{
	void *plugin;

	begin();
	for (int i = 0; i < 3; i++) {
		CHECK(!dlopen(UNRESOLVED_PLUGIN, RTLD_NOW));
		CHECK(strstr(dlerror(), "pend_undefined"));
		CHECK_EQ(find_site("pend_step").count, 0);
		CHECK(!dlopen("./there-is-no-such-file.so", RTLD_NOW));
		plugin = open_in_time();
		CHECK_EQ(hits, PEND_CALLS);
		CHECK_EQ(find_site("pend_step").count, 1);
		CHECK_EQ(dlclose(plugin), 0);
	}
	end();
}

/* cxx: the C++ library may not be able to demangle before it is relocated. */

static void cxx(void)
{
	const unsigned char *function;
	void *plugin;

	trace(&ops, "shared::cxx_only");
	plugin = dlopen(CXX_PLUGIN, RTLD_NOW);
	CHECK(plugin);
	function = dlsym(plugin, "_ZN6shared8cxx_onlyEi");
	CHECK(function);
	WAIT_FOR((dlclose(open_plugin()), *(volatile const unsigned char *)function == 0xe8));
	hits = 0;
	CHECK_EQ(((int (*)(int))function)(1), 2);
	CHECK_EQ(hits, 1);
	untrace(&ops);
}

/* mangled: nothing is expected to come, so nothing is late. */

static void mangled(void)
{
	trace(&ops, "pend::step");
	plugin_path = MANGLED_PLUGIN;
	CHECK_EQ(dlclose(open_in_time()), 0);
	CHECK_EQ(hits, 0);
	untrace(&ops);
}

/* late, bracket */

static atomic_bool prepared, go_on;

static void *holds_patch_mutex(void *arg)
{
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	prepared = true;
	WAIT_FOR(go_on);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	return arg;
}

static void late(void)
{
	unsigned long before;
	pthread_t thread;
	void *plugin;

	begin();
	thread = start(holds_patch_mutex, NULL);
	WAIT_FOR(prepared);
	before = timeouts();
	plugin = open_and_count();
	CHECK_EQ(timeouts(), before + 1);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, 0);
	go_on = true;
	join(thread);
	WAIT_FOR((step(plugin, 1), hits) != 0);
	CHECK_EQ(dlclose(plugin), 0);
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(dlclose(plugin), 0);
	end();
}

static void bracket(void)
{
	unsigned long before;
	void *plugin;

	begin();
	before = timeouts();
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	plugin = open_and_count();
	CHECK_EQ(dlclose(plugin), 0);
	plugin = open_and_count();
	CHECK_EQ(hits, 0);
	CHECK_EQ(timeouts(), before + 3);
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	WAIT_FOR((step(plugin, 1), hits) != 0);
	CHECK_EQ(dlclose(plugin), 0);
	end();
}

/* fork, storm */

static void check_child(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void in_child(void)
{
	unsigned long before = timeouts();
	void *plugin;

	CHECK_EQ(thread_count(), 1);
	plugin = open_and_count();
	CHECK_EQ(timeouts(), before); /* it did not wait in vain */
	CHECK_EQ(hits, 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, 1);
	CHECK_EQ(thread_count(), 2);
	CHECK_EQ(dlclose(plugin), 0);
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(dlclose(plugin), 0);
	end();
}

static void forks(void)
{
	void *plugin;
	pid_t pid;

	begin();
	pid = fork();
	if (pid == 0) {
		alarm(TEST_WAIT_SECONDS);
		in_child();
		_exit(0);
	}
	check_child(pid);
	plugin = open_in_time();
	CHECK_EQ(hits, PEND_CALLS);
	CHECK_EQ(dlclose(plugin), 0);
	end();
}

static atomic_bool stop;
static atomic_ulong opened;

static void *opens(void *arg)
{
	for (; !stop; opened++) {
		void *plugin = open_plugin();

		CHECK(plugin);
		CHECK_EQ(dlclose(plugin), 0);
	}
	return arg;
}

static void storm(void)
{
	pthread_t thread;

	begin();
	thread = start(opens, NULL);
	for (int i = 0; i < 100; i++) {
		unsigned long before = opened;
		pid_t pid = fork();

		if (pid == 0) {
			alarm(TEST_WAIT_SECONDS);
			CHECK_EQ(ftrace_update_sites(), 0);
			untrace(&ops);
			CHECK_EQ(*hook_place(), RET);
			_exit(0);
		}
		check_child(pid);
		WAIT_FOR(opened != before);
	}
	stop = true;
	join(thread);
	CHECK_EQ(dlclose(open_in_time()), 0);
	CHECK_EQ(hits, PEND_CALLS);
	end();
	CHECK_EQ(stats().gc_collections, 0);
}

/* left */

TRACED void held_up(void);
TRACED void held_up(void)
{
}

static sigjmp_buf out;
static pid_t main_tid;

/* Blocked in the call, the signal arrives in the wait, which does not end before. */
static void hold_up(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *held,
		    struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)held, (void)regs;
	prepared = true;
	WAIT_FOR(blocks(main_tid, SIGUSR1));
	send_signal(main_tid, SIGUSR1);
	WAIT_FOR(go_on);
}

static void *is_held_up(void *arg)
{
	held_up();
	return arg;
}

static void leave(int signo)
{
	(void)signo;
	siglongjmp(out, 1);
}

static void left(void)
{
	struct ftrace_ops held = OPS(hold_up);
	pthread_t thread;

	main_tid = gettid();
	on_signal(SIGUSR1, leave, 0);
	begin();
	trace(&held, "held_up");
	thread = start(is_held_up, NULL);
	WAIT_FOR(prepared);
	if (sigsetjmp(out, 1) == 0) {
		ftrace_unregister_function(&ops);
		CHECK(!"left");
	}
	CHECK_EQ(*hook_place(), RET);
	WAIT_FOR(thread_count() == 2);
	go_on = true;
	join(thread);
	untrace(&held);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	open_twice();
}

/* unstoppable, closed */

static int end_child[2];
static atomic_bool begins;
static unsigned int unstopped;

static void count_unstopped(const char *line)
{
	unstopped += strstr(line, "cannot stop thread") != NULL;
}

/* A child that has this memory, and its thread waits for it. */
static void *waits_in_vfork(void *arg)
{
	char byte;
	pid_t pid;

	main_tid = gettid();
	begins = true;
	pid = vfork();
	if (pid == 0) {
		syscall(SYS_read, end_child[0], &byte, 1);
		_exit(0);
	}
	check_child(pid);
	return arg;
}

static pthread_t start_unstoppable(void)
{
	pthread_t thread;
	char path[64], stat[PROC_SIZE];

	if (access("/proc/self/syscall", R_OK) != 0)
		skip("the kernel has no /proc/PID/syscall");
	CHECK_EQ(pipe(end_child), 0);
	thread = start(waits_in_vfork, NULL);
	WAIT_FOR(begins);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", main_tid);
	WAIT_FOR((read_proc(path, stat), strstr(stat, ") D ")));
	return thread;
}

static void end_unstoppable(pthread_t thread)
{
	CHECK_EQ(write(end_child[1], "", 1), 1);
	join(thread);
}

/* Where it sleeps until it is asked for something; 0: it has not done yet what it was asked for. */
static unsigned long agent_sleeps_at(pid_t tid)
{
	unsigned long call, address, operation, value, timeout;
	char path[64], text[PROC_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	read_proc(path, text);
	if (sscanf(text, "%lu %lx %lx %lx %lx", &call, &address, &operation, &value, &timeout) != 5)
		return 0;
	return call == SYS_futex && timeout == 0 ? address : 0;
}

static void unstoppable(void)
{
	unsigned long idle;
	pthread_t thread;
	void *plugin;
	pid_t tid;

	CHECK_EQ(ftrace_set_print(count_unstopped), 0);
	begin();
	tid = thread_named("ftrace");
	WAIT_FOR((idle = agent_sleeps_at(tid)) != 0);
	thread = start_unstoppable();
	plugin = open_and_count();
	CHECK_EQ(hits, 0);
	WAIT_FOR(agent_sleeps_at(tid) == idle);
	CHECK_EQ(unstopped, 1);
	end_unstoppable(thread);
	CHECK_EQ(dlclose(plugin), 0);
	CHECK_EQ(dlclose(open_in_time()), 0);
	CHECK_EQ(hits, PEND_CALLS);
	end();
}

static void closed(void)
{
	unsigned long idle;
	pthread_t thread;
	void *plugin;
	pid_t tid;

	forbid_call(SYS_membarrier, ENOSYS);
	CHECK_EQ(ftrace_set_print(count_unstopped), 0);
	begin();
	tid = thread_named("ftrace");
	WAIT_FOR((idle = agent_sleeps_at(tid)) != 0);
	plugin = open_in_time();
	thread = start_unstoppable();
	CHECK_EQ(dlclose(plugin), 0);
	WAIT_FOR(agent_sleeps_at(tid) == idle);
	CHECK_EQ(unstopped, 0);
	end_unstoppable(thread);
	CHECK_EQ(dlclose(open_in_time()), 0);
	CHECK_EQ(hits, PEND_CALLS);
	end();
}

/* debugger, debugged */

static unsigned char *breakpoint;
static unsigned long breaks;

/* Steps over it as a debugger does that has nothing to do there: the ret. */
static void on_trap(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signo, (void)info;
	CHECK_EQ(regs[REG_RIP], (long)breakpoint + 1);
	breaks++;
	regs[REG_RIP] = *(long *)regs[REG_RSP];
	regs[REG_RSP] += 8;
}

static unsigned char exchange(unsigned char *at, unsigned char byte)
{
	unsigned char before = *at;
	void *page = (void *)((unsigned long)at & -4096UL);

	CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	*at = byte;
	CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
	return before;
}

static void handle_traps(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	breakpoint = hook_place();
}

/* Found as without a hook. */
static void found_by_next_call(void)
{
	void *plugin = open_and_count();

	CHECK_EQ(hits, 0);
	CHECK(breaks > 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(step(plugin, 1), 2);
	CHECK_EQ(hits, 1);
	CHECK_EQ(dlclose(plugin), 0);
}

static unsigned int lines;

static void count_lines(const char *line)
{
	lines += strstr(line, "loader") != NULL;
}

static void debugger(void)
{
	unsigned char byte;

	handle_traps();
	CHECK_EQ(ftrace_set_print(count_lines), 0);
	byte = exchange(breakpoint, INT3);
	trace(&ops, "pend_step");
	CHECK_EQ(*breakpoint, INT3);
	CHECK_EQ(lines, 1);
	CHECK_EQ(thread_count(), 1);
	found_by_next_call();
	CHECK_EQ(lines, 1);
	/* When it is gone, the next call sets the hook. */
	exchange(breakpoint, byte);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(*breakpoint, JMP);
	CHECK_EQ(dlclose(open_in_time()), 0);
	CHECK_EQ(hits, PEND_CALLS);
	end();
}

static void debugged(void)
{
	unsigned char byte;

	handle_traps();
	begin();
	byte = exchange(breakpoint, INT3);
	found_by_next_call();
	untrace(&ops);
	WAIT_FOR(thread_count() == 1);
	CHECK_EQ(*breakpoint, INT3);
	/* It takes its breakpoint back: a jump that does nothing. */
	exchange(breakpoint, byte);
	CHECK_EQ(*breakpoint, JMP);
	CHECK_EQ(dlclose(open_and_count()), 0);
	CHECK_EQ(hits, 0);
	CHECK_EQ(ftrace_update_sites(), 0);
	CHECK_EQ(*breakpoint, RET);
	open_twice();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"constructor", constructor},
		{"relocations", relocations},
		{"namespace", other_namespace},
		{"failed", failed},
		{"cxx", cxx},
		{"mangled", mangled},
		{"late", late},
		{"bracket", bracket},
		{"fork", forks},
		{"left", left},
		{"unstoppable", unstoppable},
		{"closed", closed},
		{"storm", storm},
		{"debugger", debugger},
		{"debugged", debugged},
		{NULL, NULL},
	};

	alarm(2 * TEST_WAIT_SECONDS); /* a deadlock must not take the whole time of a test */
	return run_mode(modes, argc, argv);
}
