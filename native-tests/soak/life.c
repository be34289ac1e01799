/* SPDX-License-Identifier: MIT */
/*
 * life.c - one process that uses all that the library has, at random, for as long as it is told, while threads call its
 * functions and a signal handler that is declared as an NMI interrupts them.
 *
 *	soak-life PLUGIN
 *
 * Each line of its input, "MILLISECONDS SEED", is a turn. After it the process prints what it has done, and what it has: memory,
 * descriptors, threads and mappings, without what a turn may have; soak.sh compares them (growth.awk). Results that are not as without
 * the library end it with 1.
 *
 * SOAK_LEAK=memory, descriptors, threads or mappings: each round leaves one, which must be noticed.
 */
#include "../proc.h"
#include "../signals.h"
#include "../threads.h"
#include "../traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define CALLERS	   4
#define PATCHED	   4
#define NMI_HZ	   500
#define MOST_SLEPT 200000 /* ns */
#define LEFT	   (256 << 10)

static const char *plugin;
static unsigned long seed, rounds;
static atomic_bool quit;
static atomic_ulong calls;

static unsigned int below(unsigned int limit)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % limit;
}

/* The functions: what they return does not depend on who traces them. */

static TRACED int leaf(int x)
{
	return 3 * x + 1;
}

static TRACED int node(int x)
{
	return leaf(x) + leaf(x + 1);
}

static TRACED int deep(int x)
{
	return x ? leaf(x) + deep(x - 1) : 0;
}

FTRACE_DEFINE_STATIC_KEY_FALSE(is_slow);

static TRACED int branch(int x)
{
	if (ftrace_static_branch_unlikely(&is_slow))
		return leaf(x);
	return 3 * x + 1;
}

static void nmi(int signo)
{
	(void)signo;
	ftrace_nmi_enter();
	CHECK_EQ(leaf(2), 7);
	ftrace_nmi_exit();
}

static void *call_all(void *arg)
{
	const struct timespec time = {.tv_nsec = 200000};
	timer_t timer = thread_timer(SIGUSR1, NMI_HZ);
	unsigned long own = 0;

	errno = 4711;
	while (!quit) {
		CHECK_EQ(node(1), 11);
		CHECK_EQ(deep(4), 34);
		CHECK_EQ(branch(5), 16);
		ftrace_mark("turn");
		CHECK_EQ(errno, 4711);
		if (++own % 64 == 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL); /* there may be fewer CPUs than threads */
	}
	calls += own;
	CHECK_EQ(timer_delete(timer), 0);
	return arg;
}

static void pause_some(void)
{
	const struct timespec time = {.tv_nsec = below(MOST_SLEPT)};

	nanosleep(&time, NULL);
}

/* A round of the things to do. Each leaves nothing. */

static const char *const patterns[] = {"leaf", "node", "deep", "*", "d*", "branch", "le?f"};

static const char *pattern(void)
{
	return patterns[below(sizeof(patterns) / sizeof(*patterns))];
}

static void trace_some(void)
{
	static unsigned long hits[3];
	struct ftrace_ops ops[3] = {OPS(count_hit, .data = &hits[0]), OPS(count_hit, .data = &hits[1]),
				    OPS(count_hit, .data = &hits[2], .flags = FTRACE_OPS_FL_SAVE_REGS)};
	unsigned int count = 1 + below(3);

	for (unsigned int i = 0; i < count; i++)
		trace(&ops[i], pattern());
	CHECK_EQ(filter(&ops[0], "leaf"), 0);
	hits[0] = 0;
	CHECK_EQ(leaf(1), 4);
	CHECK(hits[0] > 0);
	pause_some();
	CHECK_EQ(ftrace_set_notrace(&ops[0], "node", 0, 1), 0);
	for (unsigned int i = 0; i < count; i++)
		untrace(&ops[i]);
}

static int enter(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)regs;
	call->data = ops;
	return 1;
}

static void leave(struct ftrace_graph_call *call, struct ftrace_graph_ops *ops, struct ftrace_regs *regs)
{
	(void)regs;
	CHECK(call->data == ops);
	__atomic_add_fetch((unsigned long *)ops->data, 1, __ATOMIC_RELAXED);
}

static void trace_both_ends(void)
{
	static unsigned long exits;
	struct ftrace_graph_ops ops = {.size = sizeof(ops), .entryfunc = enter, .retfunc = leave, .data = &exits};

	CHECK_EQ(ftrace_graph_set_filter(&ops, "leaf", 0, 1), 0);
	CHECK_EQ(ftrace_register_graph(&ops), 0);
	exits = 0;
	CHECK_EQ(node(1), 11);
	CHECK(exits >= 2);
	pause_some();
	CHECK_EQ(ftrace_unregister_graph(&ops), 0);
	CHECK_EQ(ftrace_graph_set_filter(&ops, NULL, 0, 1), 0);
}

static TRACED int patched(int x)
{
	return x;
}

static void nothing(void)
{
}

static void patch(void)
{
	struct ftrace_patch_opts opts = {.size = sizeof(opts), .method = below(2) ? FTRACE_METHOD_STOP_MACHINE : FTRACE_METHOD_BREAKPOINT};
	struct find site = find_site("patched");

	CHECK_EQ(ftrace_set_patch_opts(&opts), 0);
	for (int i = 0; i < PATCHED; i++) {
		CHECK_EQ(ftrace_make_call(site.ip, (unsigned long)nothing), 0);
		CHECK_EQ(patched(i), i);
		CHECK_EQ(ftrace_make_nop(site.ip, (unsigned long)nothing), 0);
	}
	CHECK_EQ(ftrace_set_patch_opts(NULL), 0);
}

static void switch_branch(void)
{
	ftrace_static_branch_enable(&is_slow);
	CHECK_EQ(branch(1), 4);
	ftrace_static_branch_disable(&is_slow);
	CHECK_EQ(branch(1), 4);
}

static const char *file_name(const char *what)
{
	static char names[2][64];
	char *name = names[*what == 's'];

	snprintf(name, sizeof(names[0]), "soak-life-%d.%s", getpid(), what);
	unlink(name);
	return name;
}

static void record(void)
{
	const char *path = file_name("data"), *snapshot = file_name("snapshot");
	struct ftrace_tracing_opts opts = {.size = sizeof(opts),
					   .path = path,
					   .buffer_size = 64 << 10,
					   .flags = below(2) ? FTRACE_TRACING_STREAM : 0,
					   .hz = below(2) ? 200 : 0};
	int error;

	CHECK_EQ(ftrace_tracing_start(&opts), 0);
	pause_some();
	CHECK_EQ(ftrace_tracing_off(), 0);
	CHECK_EQ(ftrace_tracing_on(), 0);
	if (!(opts.flags & FTRACE_TRACING_STREAM)) {
		error = ftrace_snapshot(snapshot);
		CHECK(error == 0 || error == -EAGAIN);
	}
	CHECK_EQ(ftrace_tracing_stop(), 0);
	unlink(path);
	unlink(snapshot);
}

static void open_object(void)
{
	static unsigned long hits;
	struct ftrace_ops ops = OPS(count_hit, .data = &hits, .flags = FTRACE_OPS_FL_PENDING);
	int (*twice)(int);
	void *object;

	trace(&ops, "plug_twice");
	object = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
	CHECK(object);
	twice = (int (*)(int))dlsym(object, "plug_twice");
	CHECK(twice);
	CHECK_EQ(twice(21), 42);
	untrace(&ops);
	CHECK_EQ(dlclose(object), 0);
}

static void *live(void *arg)
{
	CHECK_EQ(node(1), 11);
	return arg;
}

static void churn(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		threads[i] = start(live, NULL);
	for (int i = 0; i < 8; i++)
		join(threads[i]);
}

static void fork_child(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(node(1), 11);
		trace_some();
		_exit(23);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 23);
}

/* Wrong requests change nothing. */
static void fail(void)
{
	struct ftrace_ops ops = OPS(count_hit);
	struct find site = find_site("leaf");

	CHECK_EQ(ftrace_set_filter(&ops, "no_such_function", 0, 0), -ENOENT);
	CHECK_EQ(ftrace_register_function(&ops), -ENOENT);
	CHECK_EQ(ftrace_free_filter(&ops), 0);
	CHECK(ftrace_make_call(site.ip + 1, (unsigned long)nothing) < 0);
	CHECK_EQ(ftrace_snapshot("soak-life.none"), -ESRCH);
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned int weight;
} things[] = {
	{"trace", trace_some, 4}, {"graph", trace_both_ends, 4}, {"patch", patch, 2},	    {"branch", switch_branch, 3},
	{"record", record, 3},	  {"open", open_object, 2},	 {"threads", churn, 2},	    {"fork", fork_child, 1},
	{"errors", fail, 1},
};

#define THINGS (sizeof(things) / sizeof(*things))

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void leave_one(const char *what)
{
	static void *volatile left;

	if (strcmp(what, "memory") == 0)
		memset(left = malloc(LEFT), 1, LEFT);
	else if (strcmp(what, "descriptors") == 0)
		CHECK(dup(0) >= 0 || errno == EMFILE);
	else if (strcmp(what, "threads") == 0 && thread_count() < 1000)
		start(stay, NULL);
	else if (strcmp(what, "mappings") == 0)
		CHECK(mmap(NULL, 4096, rounds % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void turn(int milliseconds)
{
	uint64_t end = now_ns() + milliseconds * 1000000ULL;
	const char *leak = getenv("SOAK_LEAK");
	unsigned int done[THINGS] = {0}, weights = 0;
	pthread_t threads[CALLERS];

	for (unsigned int i = 0; i < THINGS; i++)
		weights += things[i].weight;
	quit = false;
	for (int i = 0; i < CALLERS; i++)
		threads[i] = start(call_all, NULL);
	while (now_ns() < end) {
		unsigned int thing = 0;

		for (unsigned int at = below(weights); at >= things[thing].weight; thing++)
			at -= things[thing].weight;
		things[thing].run();
		done[thing]++;
		rounds++;
		if (leak)
			leave_one(leak);
	}
	quit = true;
	for (int i = 0; i < CALLERS; i++)
		join(threads[i]);
	printf("done %lu rounds", rounds);
	for (unsigned int i = 0; i < THINGS; i++)
		printf(", %s %u", things[i].name, done[i]);
	printf("; %lu calls\n", (unsigned long)calls);
}

static unsigned int entries(const char *folder)
{
	DIR *files = opendir(folder);
	unsigned int count = 0;

	CHECK(files);
	while (readdir(files))
		count++;
	closedir(files);
	return count;
}

static unsigned int lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int count = 0;
	int c;

	CHECK(file);
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

int main(int argc, char **argv)
{
	int milliseconds;

	CHECK(argc == 2);
	plugin = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	on_signal(SIGUSR1, nmi, 0);
	CHECK_EQ(ftrace_nmi_add_signal(SIGUSR1), 0);
	while (scanf("%d %lu", &milliseconds, &seed) == 2) {
		turn(milliseconds);
		printf("has %lu memory, %u descriptors, %lu threads, %u mappings\n",
		       (unsigned long)proc_number("/proc/self/status", "\nRssAnon:", 10), entries("/proc/self/fd"),
		       (unsigned long)thread_count(), lines("/proc/self/maps"));
	}
	return 0;
}
