/* SPDX-License-Identifier: MIT */
/*
 * control.c - a recording that other processes change, by its file. Whatever they write there, the
 * program is not harmed.
 */
#include "../modes.h"
#include "../threads.h"
#include "control.h"
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static TRACED int inner(int x)
{
	return x + 1;
}

static TRACED int outer(int x)
{
	return inner(x) + inner(x);
}

static struct control_page *start_controlled(unsigned int flags)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "outer", .flags = flags);
	struct control_page *page;

	start_recording(&opts);
	page = open_control(opts.path);
	CHECK_EQ(page->magic, 0x54435446);
	CHECK_EQ(page->version, 1);
	return page;
}

struct counts {
	unsigned int inner, outer;
};

static __attribute__((noinline)) struct counts stop_and_count_here(void)
{
	static struct trace_file file;
	static struct trace_event event;
	struct counts counts = {};
	uint64_t inner_ip, outer_ip;

	stop_recording(&file);
	inner_ip = trace_symbol(&file, "inner");
	outer_ip = trace_symbol(&file, "outer");
	first_event(&file);
	while (next_event(&file, &event)) {
		counts.inner += event.kind == TRACE_ENTRY && event.argument == inner_ip;
		counts.outer += event.kind == TRACE_ENTRY && event.argument == outer_ip;
	}
	close_trace(&file);
	return counts;
}

/* What calls have left on the stack looks like calls that have not returned: a stop waits for those. */
static __attribute__((noinline)) void clear_stack(void)
{
	char area[16384];

	memset(area, 0, sizeof(area));
	__asm__ __volatile__("" ::"r"(area) : "memory");
}

static struct counts stop_and_count(void)
{
	clear_stack();
	return stop_and_count_here();
}

/* Every request does what the function of the same name does. */
static void requests(void)
{
	struct control_page *page = start_controlled(0);
	struct counts counts;

	outer(1); /* outer */
	CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	CHECK(answer_has(page, "state=on\nmode=flight\n") && answer_has(page, "\nthreads=1\n"));
	CHECK_EQ(ask(page, CONTROL_OFF, 0, ""), 0);
	CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	CHECK(answer_has(page, "state=off\n"));
	outer(1);
	CHECK_EQ(ask(page, CONTROL_ON, 0, ""), 0);
	CHECK_EQ(ask(page, CONTROL_FILTER, 0, "inner"), 0);
	outer(1); /* inner, inner */
	CHECK_EQ(ask(page, CONTROL_FILTER, CONTROL_ADD, "outer;nothing"), 0);
	outer(1); /* outer, inner, inner */
	CHECK_EQ(ask(page, CONTROL_NOTRACE, 0, "inner"), 0);
	outer(1); /* outer */
	CHECK_EQ(ask(page, CONTROL_NOTRACE, 0, ""), 0);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "1"), 0);
	outer(1); /* outer */
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "0"), 0);
	CHECK_EQ(ask(page, CONTROL_MIN_TIME, 0, "3600000000000"), 0);
	CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	CHECK(answer_has(page, "\nmin_time_ns=3600000000000\n"));
	outer(1);

	CHECK_EQ(ask(page, CONTROL_FILTER, 0, "["), EINVAL);
	CHECK_EQ(ask(page, CONTROL_FILTER, 2, "inner"), EINVAL);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, ""), EINVAL);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "1 "), EINVAL);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "-1"), EINVAL);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "2147483648"), EINVAL);
	CHECK_EQ(ask(page, CONTROL_MIN_TIME, 0, "99999999999999999999"), EINVAL);
	CHECK_EQ(ask(page, 1000, 0, ""), EOPNOTSUPP);
	CHECK_EQ(ask(page, 0, 0, ""), EOPNOTSUPP);
	write_request(page, CONTROL_FILTER, 0, "in");
	page->request.text[1] = '\0';
	post_request(page);
	WAIT_FOR(__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) == page->requested);
	CHECK_EQ(page->answer.error, EINVAL);
	write_request(page, CONTROL_OFF, 0, "");
	page->request.length = 1025;
	post_request(page);
	WAIT_FOR(__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) == page->requested);
	CHECK_EQ(page->answer.error, E2BIG);
	CHECK_EQ(ask(page, CONTROL_MIN_TIME, 0, "0"), 0);
	counts = stop_and_count();
	CHECK_EQ(counts.outer, 4);
	CHECK_EQ(counts.inner, 4);
	CHECK_EQ(page->magic, 0);
	CHECK_EQ(stats().gc_collections, 0);
}

/* Anything in the area, in any state: the program goes on, and the next request is answered. */
static void hostile(void)
{
	struct control_page *page = start_controlled(0);
	char *area = (char *)&page->requested;
	unsigned int seed = getpid();

	printf("seed %u\n", seed);
	for (int round = 0; round < 3000; round++) {
		switch (rand_r(&seed) % 4) {
		case 0: /* all of it */
			for (size_t i = 0; i < sizeof(*page) - 264; i++)
				area[i] = rand_r(&seed);
			break;
		case 1: /* what looks like a request */
			page->request.kind = rand_r(&seed) % 12;
			page->request.flags = rand_r(&seed) % 3;
			page->request.length = rand_r(&seed) % 1100;
			break;
		case 2:
			page->request.length = rand_r(&seed) << 16 | rand_r(&seed);
			break;
		default: /* the same again, and what comes before its end */
			page->request.text[rand_r(&seed) % 1024] = rand_r(&seed);
			page->answer.length = rand_r(&seed);
		}
		post_request(page);
		outer(round);
		if (round % 100 == 0)
			CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	}
	CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	CHECK(answer_has(page, "mode=flight\n"));
	CHECK_EQ(ask(page, CONTROL_MIN_TIME, 0, "0"), 0);
	CHECK_EQ(ask(page, CONTROL_DEPTH, 0, "0"), 0);
	CHECK_EQ(ask(page, CONTROL_NOTRACE, 0, ""), 0);
	CHECK_EQ(ask(page, CONTROL_FILTER, 0, "outer"), 0);
	CHECK_EQ(ask(page, CONTROL_ON, 0, ""), 0);
	outer(1);
	CHECK(stop_and_count().outer > 0);
	CHECK_EQ(stats().gc_collections, 0);
}

/* Processes that are killed while they ask: at any moment. */
static void killed(void)
{
	struct control_page *page = start_controlled(0);

	for (int round = 0; round < 100; round++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			for (;;) {
				write_request(page, round % 2 ? CONTROL_STATUS : CONTROL_FILTER, 0, "inner;outer");
				post_request(page);
			}
		}
		WAIT_FOR(__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) != 0);
		page->answered = 0;
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, NULL, 0), child);
		/* What it has asked may be answered meanwhile. */
		WAIT_FOR(__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) == page->requested ||
			 ask(page, CONTROL_STATUS, 0, "") == 0);
		CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
		CHECK(answer_has(page, "mode=flight\n"));
	}
	stop_and_count();
}

static int count_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	int count = 0;

	CHECK(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

/* A recording that stops while it is asked: nobody waits, and no thread and no memory stays. */
static void stopped(void)
{
	int before = count_threads();

	for (int round = 0; round < 20; round++) {
		struct control_page *page = start_controlled(round % 2 ? FTRACE_TRACING_STREAM : 0);

		write_request(page, round % 3 ? CONTROL_OFF : CONTROL_FILTER, 0, round % 3 ? "" : "inner");
		post_request(page);
		outer(round);
		stop_and_count();
		munmap(page, 4096);
	}
	WAIT_FOR(count_threads() <= before);
}

/* A child has no thread that answers, and what it stops is not its parent's. */
static void forked(void)
{
	struct control_page *page = start_controlled(0);
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		ftrace_tracing_stop();
		outer(1);
		exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(page->magic, 0x54435446);
	CHECK_EQ(ask(page, CONTROL_STATUS, 0, ""), 0);
	CHECK(answer_has(page, "state=on\n"));
	outer(1);
	CHECK_EQ(stop_and_count().outer, 1);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"requests", requests},
		{"hostile", hostile},
		{"killed", killed},
		{"stopped", stopped},
		{"forked", forked},
		{},
	};

	return run_mode(modes, argc, argv);
}
