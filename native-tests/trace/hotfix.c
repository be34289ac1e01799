/* SPDX-License-Identifier: MIT */
/*
 * hotfix.c - the replacement of a function is taken back, and its object closed.
 *
 * hotfix held       a thread is held inside the replacement: ftrace_check_stack() says
 *                   so, and waits until the thread has left it; then the object is closed
 * hotfix control    the same without the call: the process ends with SIGSEGV
 * hotfix blocked    held, by a thread that blocks all signals
 * hotfix nmi        held, by a thread that is interrupted by an NMI there, and parks on
 *                   its way out
 * hotfix altstack   held, by a thread that is in a signal handler on an alternate stack.
 *                   Control: what is above that stack is not part of it
 * hotfix coroutine  held, on a stack of the program's own
 * hotfix registers  the address is in one register, and nowhere else
 * hotfix kept       the same, of an NMI's handler that parks on its way out
 * hotfix deep       the address is far up on the stack. Control: it is below the stack pointer
 * hotfix first      the same on the first thread's stack, while that thread is in a signal
 *                   handler on an alternate stack, next below the thread's words
 * hotfix steps      a thread stops after each instruction on its way from the handler
 *                   through the replacement, and back to the caller
 * hotfix caller     the calling thread has pointers into the text; it is in the text
 * hotfix errors     wrong arguments and contexts
 */
#include "../modes.h"
#include "../object_text.h"
#include "../stop.h"
#include "../test.h"
#include "../threads.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ALTSTACK_SIZE 65536ul

TRACED int price(int items);

int price(int items)
{
	return 10 * items;
}

static void *fix;
static struct object_text text;
static int (*fix_apply)(void), (*fix_undo)(void), (*fix_leaf)(int);
static int (*fix_check)(unsigned long start, unsigned long end, unsigned int timeout_ms);
static atomic_bool inside, may_leave, is_back, may_end;
static atomic_int worker_tid;
static char last_line[256];

static void keep_line(const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static atomic_int rounds;

static bool is_released(void)
{
	rounds++;
	return may_leave;
}

static void hold(void)
{
	inside = true;
	WAIT_FOR(is_released());
}

static void open_fix(void)
{
	void (**fix_inside)(void);

	fix = dlopen(FIX, RTLD_NOW);
	CHECK(fix);
	fix_apply = (int (*)(void))dlsym(fix, "fix_apply");
	fix_undo = (int (*)(void))dlsym(fix, "fix_undo");
	fix_leaf = (int (*)(int))dlsym(fix, "fix_leaf");
	fix_check = (int (*)(unsigned long, unsigned long, unsigned int))dlsym(fix, "fix_check");
	fix_inside = dlsym(fix, "fix_inside");
	CHECK(fix_apply && fix_undo && fix_leaf && fix_check && fix_inside);
	*fix_inside = hold;
	text = object_text((void *)fix_leaf);
	CHECK(text.end > text.start);
	CHECK_EQ(ftrace_set_print(keep_line), 0);
}

static int check(unsigned int timeout_ms)
{
	last_line[0] = 0;
	return ftrace_check_stack(text.start, text.end, timeout_ms);
}

/* In use, by the worker, and the report says where. */
static void check_used(const char *where)
{
	char thread[32];

	CHECK_EQ(check(0), -EBUSY);
	snprintf(thread, sizeof(thread), "thread %d", worker_tid);
	if (!strstr(last_line, thread) || !strstr(last_line, where)) {
		dprintf(2, "expected \"%s\" and \"%s\" in \"%s\"\n", thread, where, last_line);
		_exit(1);
	}
}

static void begin_worker(void)
{
	worker_tid = gettid();
}

/* What the calls before have left below the stack pointer would become part of the next frames. */
__attribute__((noipa)) static void clear_stack(void)
{
	char below[8192];

	memset(below, 0, sizeof(below));
	__asm__ __volatile__("" ::"r"(below) : "memory");
}

static void end_worker(void)
{
	clear_stack();
	is_back = true;
	WAIT_FOR(may_end);
}

static void *buys(void *arg)
{
	begin_worker();
	CHECK_EQ(price(7), 63);
	end_worker();
	return arg;
}

static void *buys_blocked(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	return buys(arg);
}

/* Applies the fix, lets a thread into it, and takes the fix back. */
static pthread_t hold_one(void *(*function)(void *))
{
	pthread_t thread;

	CHECK_EQ(check(0), 0);
	CHECK_EQ(fix_apply(), 0);
	thread = start(function, NULL);
	WAIT_FOR(inside);
	CHECK_EQ(fix_undo(), 0);
	CHECK_EQ(price(7), 70);
	return thread;
}

/* When the call has looked a few times. */
static void *releases(void *arg)
{
	uint64_t stops = stats().stops;

	WAIT_FOR(stats().stops >= stops + 3);
	may_leave = true;
	return arg;
}

static void close_fix(void)
{
	CHECK_EQ(dlclose(fix), 0);
	CHECK(!dlopen(FIX, RTLD_NOLOAD | RTLD_NOW));
}

static void finish(pthread_t worker)
{
	may_leave = true;
	WAIT_FOR(is_back);
	CHECK_EQ(check(0), 0);
	close_fix();
	may_end = true;
	join(worker);
}

static void run_held(void *(*function)(void *))
{
	uint64_t before;
	pthread_t worker, releaser;

	open_fix();
	worker = hold_one(function);
	check_used("on its stack");
	before = now_ns();
	CHECK_EQ(check(30), -EBUSY);
	CHECK(now_ns() - before >= 30000000);
	CHECK(!is_back);

	releaser = start(releases, NULL);
	CHECK_EQ(check(1000 * TEST_WAIT_SECONDS), 0);
	join(releaser);
	close_fix();
	WAIT_FOR(is_back);
	may_end = true;
	join(worker);
}

static void held(void)
{
	run_held(buys);
}

static void blocked(void)
{
	run_held(buys_blocked);
}

static void control(void)
{
	static const struct rlimit none = {0, 0};
	pthread_t worker;
	int status;
	pid_t child;

	CHECK_EQ(setrlimit(RLIMIT_CORE, &none), 0);
	child = fork();
	if (child == 0) {
		open_fix();
		worker = hold_one(buys);
		close_fix();
		may_leave = true;
		join(worker);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

static atomic_bool handling;

static void on_nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	handling = true;
	while (!stop_is_noted())
		sched_yield();
	ftrace_nmi_exit();
}

static void nmi(void)
{
	struct sigaction action = {.sa_handler = on_nmi, .sa_flags = SA_RESTART};
	pthread_t worker;
	int before;

	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	open_fix();
	worker = hold_one(buys);
	CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
	/* It has left the handler of the stop signal, which blocks that signal, while it waits for
	 * the next stop. */
	before = rounds;
	WAIT_FOR(rounds > before + 1);
	send_signal(worker_tid, SIGUSR1);
	WAIT_FOR(handling);
	check_used("on its stack");
	CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
	finish(worker);
}

static atomic_bool may_return;

static void on_alternate(int signo)
{
	(void)signo;
	handling = true;
	WAIT_FOR(may_return);
	handling = false;
}

static void set_alternate(void)
{
	char *stack = mmap(NULL, 2 * ALTSTACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t alternate = {.ss_sp = stack, .ss_size = ALTSTACK_SIZE};

	CHECK(stack != MAP_FAILED);
	for (volatile unsigned long *at = (void *)(stack + ALTSTACK_SIZE);
	     at < (unsigned long *)(stack + 2 * ALTSTACK_SIZE); at++)
		*at = (unsigned long)fix_leaf;
	CHECK_EQ(sigaltstack(&alternate, NULL), 0);
}

static void *buys_alternate(void *arg)
{
	set_alternate();
	return buys(arg);
}

static void interrupt(void)
{
	may_return = false;
	send_signal(worker_tid, SIGUSR1);
	WAIT_FOR(handling);
}

static void altstack(void)
{
	struct sigaction action = {.sa_handler = on_alternate, .sa_flags = SA_RESTART | SA_ONSTACK};
	pthread_t worker;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	open_fix();
	worker = hold_one(buys_alternate);
	interrupt();
	check_used("on its stack");
	may_return = true;
	WAIT_FOR(!handling);

	/* Control. */
	may_leave = true;
	WAIT_FOR(is_back);
	interrupt();
	CHECK_EQ(check(0), 0);
	may_return = true;
	finish(worker);
}

static ucontext_t before_routine, in_routine;

static void routine(void)
{
	CHECK_EQ(price(7), 63);
}

static void *buys_in_routine(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));

	begin_worker();
	CHECK_EQ(getcontext(&in_routine), 0);
	in_routine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof(stack)};
	in_routine.uc_link = &before_routine;
	makecontext(&in_routine, routine, 0);
	CHECK_EQ(swapcontext(&before_routine, &in_routine), 0);
	end_worker();
	return arg;
}

static void coroutine(void)
{
	pthread_t worker;

	open_fix();
	worker = hold_one(buys_in_routine);
	check_used("on its stack");
	finish(worker);
}

/* hold_REGISTER(): the address is in the register, until the thread may leave. */
#define KEY 0x5a5a5a5a5a5a5a5a

unsigned long hidden_address;
int register_held, register_may_leave;

__asm__(".text\n"
	".macro hold_in register\n"
	".globl hold_\\register\n"
	".type hold_\\register, @function\n"
	"hold_\\register:\n"
	"push %\\register\n"
	"movabs $0x5a5a5a5a5a5a5a5a, %\\register\n"
	"xor hidden_address(%rip), %\\register\n"
	"movl $1, register_held(%rip)\n"
	"1: pause\n"
	"cmpl $0, register_may_leave(%rip)\n"
	"je 1b\n"
	"pop %\\register\n"
	"ret\n"
	".endm\n"
	".irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
	"hold_in \\register\n"
	".endr\n");

#define REGISTERS(X)                                                                               \
	X(rax)                                                                                     \
	X(rbx)                                                                                     \
	X(rcx) X(rdx) X(rsi) X(rdi) X(rbp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)
#define DECLARE(name) void hold_##name(void);
#define ADDRESS(name) hold_##name,
REGISTERS(DECLARE)

static void (*const holds[])(void) = {REGISTERS(ADDRESS)};
static atomic_int round_done;

static void *holds_in_registers(void *arg)
{
	begin_worker();
	for (size_t i = 0; i < sizeof(holds) / sizeof(*holds); i++) {
		holds[i]();
		round_done = i + 1;
		WAIT_FOR(!__atomic_load_n(&register_may_leave, __ATOMIC_ACQUIRE));
	}
	end_worker();
	return arg;
}

static void registers(void)
{
	pthread_t worker;

	open_fix();
	CHECK_EQ(check(0), 0);
	hidden_address = (text.end - 1) ^ KEY;
	worker = start(holds_in_registers, NULL);
	for (size_t i = 0; i < sizeof(holds) / sizeof(*holds); i++) {
		WAIT_FOR(__atomic_load_n(&register_held, __ATOMIC_ACQUIRE));
		check_used("in a register");
		/* The address after the last one does not count. */
		CHECK_EQ(ftrace_check_stack(text.start, text.end - 1, 0), 0);
		register_held = 0;
		__atomic_store_n(&register_may_leave, 1, __ATOMIC_RELEASE);
		WAIT_FOR(round_done == (int)i + 1);
		CHECK_EQ(check(0), 0);
		__atomic_store_n(&register_may_leave, 0, __ATOMIC_RELEASE);
	}
	finish(worker);
}

/* leave_in_REGISTER(): an NMI ends while the address is in a register that calls preserve. */
void leave_nmi(void);

__attribute__((noipa)) void leave_nmi(void)
{
	ftrace_nmi_exit();
}

__asm__(".macro leave_in register\n"
	".globl leave_in_\\register\n"
	".type leave_in_\\register, @function\n"
	"leave_in_\\register:\n"
	"push %\\register\n"
	"movabs $0x5a5a5a5a5a5a5a5a, %\\register\n"
	"xor hidden_address(%rip), %\\register\n"
	"call leave_nmi\n"
	"pop %\\register\n"
	"ret\n"
	".endm\n"
	".irp register, rbx, rbp, r12, r13, r14, r15\n"
	"leave_in \\register\n"
	".endr\n");

#define PRESERVED(X)	    X(rbx) X(rbp) X(r12) X(r13) X(r14) X(r15)
#define DECLARE_LEAVE(name) void leave_in_##name(void);
#define LEAVE(name)	    leave_in_##name,
PRESERVED(DECLARE_LEAVE)

static void (*const leaves[])(void) = {PRESERVED(LEAVE)};
static atomic_int leave;

static void on_nmi_keeping(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	handling = true;
	while (!stop_is_noted())
		sched_yield();
	leaves[leave]();
	handling = false;
}

static void *is_interrupted(void *arg)
{
	begin_worker();
	hold();
	end_worker();
	return arg;
}

static void kept(void)
{
	struct sigaction action = {.sa_handler = on_nmi_keeping, .sa_flags = SA_RESTART};
	pthread_t worker;
	int before;

	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	open_fix();
	hidden_address = (text.end - 1) ^ KEY;
	worker = start(is_interrupted, NULL);
	WAIT_FOR(inside);
	for (; leave < (int)(sizeof(leaves) / sizeof(*leaves)); leave++) {
		CHECK_EQ(check(0), 0);
		CHECK_EQ(ftrace_arch_code_modify_prepare(), 0);
		/* As in nmi(). */
		before = rounds;
		WAIT_FOR(rounds > before + 1);
		send_signal(worker_tid, SIGUSR1);
		WAIT_FOR(handling);
		check_used("on its stack");
		CHECK_EQ(ftrace_arch_code_modify_post_process(), 0);
		WAIT_FOR(!handling);
	}
	finish(worker);
}

#define DEPTH (3 << 20)

/* It stays in memory. */
#define USE(array) __asm__ __volatile__("" ::"r"(array) : "memory")

__attribute__((noipa)) static void wait_far_below(void)
{
	char frames[DEPTH];

	for (long at = DEPTH - 1; at >= 0; at -= 1024)
		frames[at] = 0;
	USE(frames);
	hold();
	USE(frames);
}

__attribute__((noipa)) static void keep_address(void)
{
	unsigned long kept[8192];

	/* Somewhere that the caller's later calls do not overwrite. */
	kept[0] = hidden_address ^ KEY;
	USE(kept);
	wait_far_below();
	USE(kept);
}

static void *waits_deep(void *arg)
{
	begin_worker();
	keep_address();
	end_worker();
	return arg;
}

static void deep(void)
{
	pthread_attr_t attr;
	pthread_t worker;

	open_fix();
	hidden_address = (unsigned long)fix_leaf ^ KEY;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 2 * DEPTH), 0);
	CHECK_EQ(pthread_create(&worker, &attr, waits_deep, NULL), 0);
	WAIT_FOR(inside);
	check_used("on its stack");
	finish(worker);
}

static void *early_stack;

/* Before any library maps memory: next below the first thread's words. */
static void map_early_stack(void)
{
	early_stack = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
}

typedef void initializer(void);
static initializer *const before_libraries __attribute__((section(".preinit_array"), used)) =
	map_early_stack;

static void *checks_first(void *arg)
{
	WAIT_FOR(inside);
	interrupt();
	check_used("on its stack");
	may_return = true;
	WAIT_FOR(!handling);
	may_leave = true;
	return arg;
}

static void first(void)
{
	struct sigaction action = {.sa_handler = on_alternate, .sa_flags = SA_RESTART | SA_ONSTACK};
	stack_t alternate = {.ss_sp = early_stack, .ss_size = ALTSTACK_SIZE};
	pthread_t checker;

	CHECK(early_stack != MAP_FAILED);
	CHECK_EQ(sigaltstack(&alternate, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	open_fix();
	hidden_address = (unsigned long)fix_leaf ^ KEY;
	begin_worker();
	checker = start(checks_first, NULL);
	keep_address();
	join(checker);
}

/* The thread stops after each instruction from the end of the handler on. */
static atomic_int step, stepped;
static atomic_bool is_stepping;
static atomic_ulong step_ip;
static int in_trampoline, in_fix;

static void on_step(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int saved_errno = errno, this_step = ++step;

	(void)signo, (void)info;
	step_ip = regs[REG_RIP];
	/* Back in the caller, which is in no other function of this program. */
	if (this_step > 10 && in_fix != 0 && step_ip - text.start >= text.end - text.start) {
		regs[REG_EFL] &= ~0x100;
		is_stepping = false;
	}
	WAIT_FOR(stepped >= this_step);
	errno = saved_errno;
}

static void step_to_leaf(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops;
	ftrace_regs_redirect(regs, (unsigned long)fix_leaf);
	__asm__ __volatile__("pushfq\n orq $0x100, (%%rsp)\n popfq" ::: "memory", "cc");
}

static void *steps_through(void *arg)
{
	begin_worker();
	CHECK_EQ(price(7), 8);
	end_worker();
	return arg;
}

static void steps(void)
{
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	struct ftrace_ops ops = OPS(step_to_leaf, .flags = FTRACE_OPS_FL_SAVE_REGS);
	struct object_text library = object_text(dlsym(RTLD_DEFAULT, "ftrace_check_stack"));
	pthread_t worker;

	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	open_fix();
	trace(&ops, "price");
	CHECK_EQ(check(0), 0);
	is_stepping = true;
	worker = start(steps_through, NULL);
	for (int i = 1;; i++) {
		WAIT_FOR(step >= i);
		in_trampoline += step_ip - library.start < library.end - library.start;
		in_fix += step_ip - text.start < text.end - text.start;
		if (!is_stepping)
			break;
		check_used("0x");
		stepped = i;
	}
	CHECK(in_trampoline > 20);
	CHECK(in_fix >= 2);
	stepped = step;
	untrace(&ops);
	finish(worker);
}

static void caller(void)
{
	volatile unsigned long pointers[] = {text.start, (unsigned long)fix_leaf,
					     (unsigned long)fix_apply};

	CHECK_EQ(ftrace_check_stack(pointers[0], text.end, 0), 0);
	CHECK_EQ(fix_check(text.start, text.end, 0), -EBUSY);
	CHECK_EQ(fix_check(text.start, text.end, 20), -EBUSY);
	CHECK_EQ(check(0), 0);
	CHECK(pointers[1] != 0);
}

static void run_caller(void)
{
	worker_tid = gettid();
	open_fix();
	caller();
	close_fix();
}

static int check_in_window(void *data)
{
	(void)data;
	return check(0);
}

static int in_handler;

static void check_in_handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	(void)ip, (void)parent_ip, (void)ops, (void)regs;
	in_handler = check(0);
}

static void errors(void)
{
	struct ftrace_ops ops = OPS(check_in_handler, );

	open_fix();
	errno = 4711;
	CHECK_EQ(check(0), 0);
	CHECK_EQ(ftrace_check_stack(text.start, text.start, 0), -EINVAL);
	CHECK_EQ(ftrace_check_stack(text.end, text.start, 0), -EINVAL);
	CHECK_EQ(ftrace_check_stack(0, 0, 0), -EINVAL);
	CHECK_EQ(ftrace_check_stack(0, 1, 0), 0);
	CHECK_EQ(ftrace_stop_machine(check_in_window, NULL), -EDEADLK);
	ftrace_nmi_enter();
	CHECK_EQ(check(0), -EDEADLK);
	ftrace_nmi_exit();
	CHECK_EQ(errno, 4711);
	trace(&ops, "price");
	price(1);
	CHECK_EQ(in_handler, -EDEADLK);
	untrace(&ops);
	close_fix();
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"held", held},		  {"control", control},
		{"blocked", blocked},	  {"nmi", nmi},
		{"altstack", altstack},	  {"coroutine", coroutine},
		{"registers", registers}, {"kept", kept},
		{"deep", deep},		  {"first", first},
		{"steps", steps},	  {"caller", run_caller},
		{"errors", errors},	  {NULL, NULL},
	};

	return run_mode(modes, argc, argv);
}
