// SPDX-License-Identifier: MIT
//
// jumps.cpp - what is recorded of calls that do not return, and of stacks that are switched. Each entry has one end in the file:
// its exit, or an end that says why there is none; no number of a call is used twice at a time; and the entries and
// exits of each thread are those that the functions have noted themselves, in this order.
//
// jumps thrown    C++ exceptions, caught by callers, and thrown again
// jumps jumped    longjmp() out of calls
// jumps mixed     both, and calls in place of returns, in random order at random depths
// jumps swapped   swapcontext() between stacks in random order, with exceptions and jumps on each
// jumps handed    the same, by several threads in turn
// jumps control   a file with an event less, a wrong number, or two events in the wrong order, is noticed
#include "../modes.h"
#include "../threads.h"
#include "recording.h"

#include <algorithm>
#include <csetjmp>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

#define THREADS 4
#define FIBERS	6
#define STACK	65536
#define KEEP	__asm__ __volatile__("" ::: "memory")

enum function { LEAF, THROW, CATCH, AGAIN, TAIL, TAIL_TOO, JUMP, SET, MIXED, WORK, FUNCTIONS };

static const char *const names[FUNCTIONS] = {"rj_leaf", "rj_throw", "rj_catch", "rj_again", "rj_tail",
					     "rj_tail_too", "rj_jump", "rj_set", "rj_mixed", "rj_work"};

struct note {
	enum function function;
	bool is_exit;
};

// What a thread has done.
struct log {
	pid_t tid;
	unsigned long left, tails; // calls that have no exit
	std::vector<struct note> notes;
};

static __thread struct log *own_log;

// A stack can go on on another thread: the address of what is the thread's own must not be kept.
static __attribute__((noipa)) struct log *log_here()
{
	return own_log;
}

static __attribute__((noipa)) void note(enum function function, bool is_exit)
{
	log_here()->notes.push_back({function, is_exit});
}

static __attribute__((noipa)) void note_left(long calls)
{
	log_here()->left += calls;
}

static __attribute__((noipa)) void note_tail()
{
	log_here()->tails++;
}

extern "C" {
TRACED int rj_leaf(int n);
TRACED int rj_throw(int n);
TRACED int rj_catch(int n);
TRACED int rj_again(int n);
TRACED int rj_tail(int n);
TRACED int rj_tail_too(int n);
TRACED int rj_jump(int n, jmp_buf out);
TRACED int rj_set(int n);
TRACED int rj_mixed(int n, unsigned int *random);
TRACED int rj_work(int id, int n, bool each);
}

int rj_leaf(int n)
{
	note(LEAF, false);
	note(LEAF, true);
	return n + 1;
}

int rj_throw(int n)
{
	note(THROW, false);
	if (n == 0)
		throw 7;
	rj_leaf(n);
	int result = rj_throw(n - 1);
	note(THROW, true);
	return result + 1;
}

int rj_again(int n)
{
	note(AGAIN, false);
	try {
		rj_throw(n);
	} catch (int) {
		note_left(n + 1);
		rj_leaf(n);
		throw;
	}
	note(AGAIN, true);
	return n;
}

int rj_catch(int n)
{
	note(CATCH, false);
	try {
		if (n % 2)
			rj_throw(n);
		rj_again(n);
	} catch (int) {
		note_left(n % 2 ? n + 1 : 1);
	}
	note(CATCH, true);
	return n;
}

int rj_tail(int n)
{
	note(TAIL, false);
	note_tail();
	return n > 0 ? rj_tail_too(n - 1) : rj_leaf(n);
}

int rj_tail_too(int n)
{
	note(TAIL_TOO, false);
	note_tail();
	return n > 0 ? rj_tail(n - 1) : rj_leaf(n);
}

int rj_jump(int n, jmp_buf out)
{
	note(JUMP, false);
	if (n == 0)
		longjmp(out, 1);
	int result = rj_jump(n - 1, out);
	note(JUMP, true);
	return result + 1;
}

int rj_set(int n)
{
	jmp_buf out;

	note(SET, false);
	if (setjmp(out) == 0)
		rj_jump(n, out);
	note_left(n + 1);
	note(SET, true);
	return n;
}

static unsigned int next_random(unsigned int *random)
{
	*random = *random * 1103515245 + 12345;
	return *random >> 16;
}

int rj_mixed(int n, unsigned int *random)
{
	note(MIXED, false);
	for (unsigned int i = 0; i <= next_random(random) % 3; i++) {
		int depth = next_random(random) % 9;

		switch (next_random(random) % 5) {
		case 0: rj_catch(depth); break;
		case 1: rj_set(depth); break;
		case 2: rj_tail(depth); break;
		case 3: rj_leaf(depth); break;
		default:
			if (n > 0)
				rj_mixed(n - 1, random);
		}
	}
	note(MIXED, true);
	return n;
}

// Stacks.
static struct fiber {
	ucontext_t context, back;
	std::unique_ptr<char[]> stack;
	unsigned int rounds;
	bool ends, ended;
} fibers[FIBERS];

static __attribute__((noipa)) void leave_fiber(int id)
{
	CHECK_EQ(swapcontext(&fibers[id].context, &fibers[id].back), 0);
}

static __attribute__((noipa)) void resume(int id)
{
	CHECK_EQ(swapcontext(&fibers[id].back, &fibers[id].context), 0);
}

int rj_work(int id, int n, bool each)
{
	note(WORK, false);
	if (n != 0)
		rj_work(id, n - 1, each);
	else if (each)
		rj_catch(id % 4);
	else
		rj_set(id % 4);
	if (n == 0 || each)
		leave_fiber(id);
	note(WORK, true);
	return n;
}

static void run_fiber(int id)
{
	struct fiber *fiber = fibers + id;

	for (; !fiber->ends; fiber->rounds++)
		rj_work(id, 2 + (id * 7 + fiber->rounds) % 11, fiber->rounds % 2);
	fiber->ended = true;
	leave_fiber(id);
	CHECK(!"resumed");
}

static void make_fibers()
{
	for (int id = 0; id < FIBERS; id++) {
		struct fiber *fiber = fibers + id;

		fiber->stack = std::make_unique<char[]>(STACK);
		fiber->rounds = 0;
		fiber->ends = fiber->ended = false;
		CHECK_EQ(getcontext(&fiber->context), 0);
		fiber->context.uc_stack.ss_sp = fiber->stack.get();
		fiber->context.uc_stack.ss_size = STACK;
		makecontext(&fiber->context, (void (*)())run_fiber, 1, id);
	}
}

static void end_fibers()
{
	for (int id = 0; id < FIBERS; id++) {
		fibers[id].ends = true;
		while (!fibers[id].ended)
			resume(id);
	}
}

// What a thread does; the last call is there so that calls which were left before it are noticed.
struct worker {
	struct log log;
	void (*work)(unsigned int seed);
	unsigned int seed;
};

static void *run_worker(void *arg)
{
	auto *worker = (struct worker *)arg;

	worker->log.tid = gettid();
	worker->log.notes.reserve(1 << 20);
	own_log = &worker->log;
	worker->work(worker->seed);
	rj_leaf(0);
	return NULL;
}

static void throw_often(unsigned int seed)
{
	for (unsigned int i = 0; i < 300; i++)
		rj_catch((seed + i) % 30);
}

static void jump_often(unsigned int seed)
{
	for (unsigned int i = 0; i < 2000; i++)
		rj_set((seed + i) % 30);
}

static void mix_often(unsigned int seed)
{
	for (unsigned int i = 0; i < 1500; i++)
		rj_mixed(6, &seed);
}

static void swap_often(unsigned int seed)
{
	make_fibers();
	for (int round = 0; round < 3000; round++) {
		resume(next_random(&seed) % FIBERS);
		rj_leaf(round);
	}
	end_fibers();
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int turns;

static void hand_on(unsigned int seed)
{
	for (bool done = false; !done;) {
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		done = turns >= 3000;
		if (!done) {
			turns++;
			resume(next_random(&seed) % FIBERS);
		}
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		rj_catch(turns % 5);
		sched_yield(); // another one gets the lock
	}
}

// What is in the file.
struct event {
	uint64_t time, address;
	pid_t tid;
	enum trace_kind kind;
	unsigned int call, flags;
};

static std::vector<struct event> events_of(struct trace_file *file)
{
	std::vector<struct event> events;
	static struct trace_event event;

	first_event(file);
	while (next_event(file, &event)) {
		unsigned int flags = 0;

		if (event.kind == TRACE_END)
			flags = event.data[2] | event.data[3] << 8;
		events.push_back({event.time, event.argument, (pid_t)event.block->tid, event.kind, event.call, flags});
	}
	return events;
}

static std::string is_at(const char *what, const struct event &event)
{
	return std::string(what) + ": thread " + std::to_string(event.tid) + ", time " + std::to_string(event.time) + ", call " +
	       std::to_string(event.call);
}

// The order of a thread: what it has noted.
static std::string check_order(const std::vector<struct event> &events, const struct log &log, const uint64_t *addresses)
{
	unsigned long at = 0, left = 0, tails = 0;

	for (const struct event &event : events) {
		if (event.tid != log.tid)
			continue;
		if (event.kind == TRACE_END) {
			left += event.flags == FTRACE_GRAPH_UNWOUND;
			tails += event.flags == FTRACE_GRAPH_TAIL;
			continue;
		}
		if (at == log.notes.size())
			return is_at("an event too much", event);
		const struct note &note = log.notes[at++];
		if (note.is_exit != (event.kind == TRACE_EXIT) || addresses[note.function] != event.address)
			return is_at("not in the order of the program", event);
	}
	if (at != log.notes.size())
		return "events are missing at the end";
	if (left != log.left || tails != log.tails)
		return "thread " + std::to_string(log.tid) + ": " + std::to_string(left) + " calls were left, and " +
		       std::to_string(tails) + " ended with a call; by the program " + std::to_string(log.left) + " and " +
		       std::to_string(log.tails);
	return "";
}

// Without switches of stacks the innermost call of a thread ends first.
static std::string check_nesting(const std::vector<struct event> &events, pid_t tid)
{
	std::vector<unsigned int> open;

	for (const struct event &event : events) {
		if (event.tid != tid)
			continue;
		if (event.kind == TRACE_ENTRY) {
			open.push_back(event.call);
			continue;
		}
		if (open.empty() || open.back() != event.call)
			return is_at("not the end of the innermost call", event);
		open.pop_back();
	}
	return "";
}

// The numbers, in the order of time. By now every call has ended.
static std::string check_numbers(std::vector<struct event> events)
{
	std::vector<uint64_t> open(65536);

	std::stable_sort(events.begin(), events.end(),
			 [](const struct event &a, const struct event &b) { return a.time < b.time; });
	for (const struct event &event : events) {
		uint64_t *address = &open[event.call];

		if (event.kind == TRACE_ENTRY) {
			if (*address)
				return is_at("a number that another call has", event);
			*address = event.address;
			continue;
		}
		if (event.kind != TRACE_EXIT && event.kind != TRACE_END)
			return is_at("neither an entry nor an end", event);
		if (*address != event.address)
			return is_at("an end without its entry", event);
		if (event.kind == TRACE_END && event.flags != FTRACE_GRAPH_UNWOUND && event.flags != FTRACE_GRAPH_TAIL)
			return is_at("an end without a reason", event);
		*address = 0;
	}
	if (std::any_of(open.begin(), open.end(), [](uint64_t address) { return address != 0; }))
		return "an entry has no end";
	return "";
}

static struct worker workers[THREADS];

static std::string check_all(struct trace_file *file, bool are_nested)
{
	uint64_t addresses[FUNCTIONS];
	std::string fault;

	for (int i = 0; i < FUNCTIONS; i++)
		CHECK(addresses[i] = trace_symbol(file, names[i]));
	std::vector<struct event> events = events_of(file);
	fault = check_numbers(events);
	for (int i = 0; i < THREADS && fault.empty(); i++) {
		if (!workers[i].work)
			continue;
		fault = check_order(events, workers[i].log, addresses);
		if (fault.empty() && are_nested)
			fault = check_nesting(events, workers[i].log.tid);
	}
	return fault;
}

static int free_buffers()
{
	struct ftrace_tracing_status status = {};

	status.size = sizeof(status);
	CHECK_EQ(ftrace_tracing_get_status(&status), 0);
	return status.free_buffers;
}

static void record(struct trace_file *file, void (*work)(unsigned int seed), int threads)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "rj_*", .buffer_size = 4 << 20);
	pthread_t ids[THREADS];

	start_recording(&opts);
	WAIT_FOR(free_buffers() >= threads); // what has none is lost
	for (int i = 0; i < threads; i++) {
		workers[i].work = work;
		workers[i].seed = i + 1;
		ids[i] = start(run_worker, workers + i);
	}
	for (int i = 0; i < threads; i++)
		join(ids[i]);
	stop_recording(file);
	CHECK_EQ(file->header->lost, 0);
}

static void record_and_check(void (*work)(unsigned int seed), int threads, bool are_nested)
{
	unsigned long calls = 0, left = 0, tails = 0;
	struct trace_file file;

	record(&file, work, threads);
	std::string fault = check_all(&file, are_nested);
	if (!fault.empty())
		dprintf(2, "%s\n", fault.c_str());
	CHECK(fault.empty());
	close_trace(&file);
	for (const struct worker &worker : workers) {
		calls += std::count_if(worker.log.notes.begin(), worker.log.notes.end(),
				       [](const struct note &note) { return !note.is_exit; });
		left += worker.log.left;
		tails += worker.log.tails;
	}
	printf("%lu calls, %lu were left, %lu ended with a call\n", calls, left, tails);
	CHECK(calls > 1000);
}

static void thrown()
{
	record_and_check(throw_often, THREADS, true);
}

static void jumped()
{
	record_and_check(jump_often, THREADS, true);
}

static void mixed()
{
	record_and_check(mix_often, THREADS, true);
}

static void swapped()
{
	record_and_check(swap_often, 1, false);
}

static void handed()
{
	make_fibers();
	record_and_check(
		[](unsigned int seed) {
			hand_on(seed);
			// The last one ends them all.
			if (__atomic_add_fetch(&turns, 1, __ATOMIC_ACQ_REL) == 3000 + THREADS)
				end_fibers();
		},
		THREADS, false);
}

static void expect_fault(struct trace_file *file, const char *what, unsigned long *noticed)
{
	std::string fault = check_all(file, true);

	if (fault.empty())
		dprintf(2, "not noticed: %s\n", what);
	CHECK(!fault.empty());
	++*noticed;
}

static void control()
{
	std::vector<struct trace_unit *> units;
	static struct trace_event event;
	unsigned long noticed = 0;
	struct trace_file file;
	unsigned int random = now_ns();

	printf("seed %u\n", random);
	record(&file, mix_often, 2);
	CHECK(check_all(&file, true).empty());
	first_event(&file);
	while (next_event(&file, &event))
		units.push_back(event.unit);
	for (int i = 0; i < 30; i++) {
		unsigned long at = next_random(&random) % (units.size() - 1);
		struct trace_unit *unit = units[at], *other = units[at + 1], saved = *unit, saved_other = *other;

		unit->when ^= 1; // was not written
		expect_fault(&file, "an event less", &noticed);
		*unit = saved;
		if (!(unit->what & 15) || !(other->what & 15))
			continue;
		unit->what ^= 16; // of another call
		expect_fault(&file, "another number", &noticed);
		*unit = saved;
		if (unit->what == other->what || other != unit + 1)
			continue;
		unit->what = saved_other.what;
		other->what = saved.what;
		expect_fault(&file, "two events in the wrong order", &noticed);
		*unit = saved;
		*other = saved_other;
	}
	CHECK(check_all(&file, true).empty());
	printf("control: all of %lu were noticed\n", noticed);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"thrown", thrown}, {"jumped", jumped}, {"mixed", mixed}, {"swapped", swapped},
		{"handed", handed}, {"control", control}, {},
	};

	return run_mode(modes, argc, argv);
}
