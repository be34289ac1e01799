/* SPDX-License-Identifier: MIT */
/*
 * samples.c - samples: what is in them, which threads they are of, and that the program notices nothing.
 */
#include "../modes.h"
#include "../proc.h"
#include "../signals.h"
#include "../threads.h"
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define HZ 2000

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

/* The same of another thread. */
static uint64_t cpu_of(int tid)
{
	struct timespec used;

	CHECK_EQ(clock_gettime(~tid << 3 | 6, &used), 0); /* CPUCLOCK_PERTHREAD_MASK, CPUCLOCK_SCHED */
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

static volatile bool ended;

/* Functions of known extent: the next one begins where this one ends, in a section of their own. */
#define PLACED __attribute__((noipa, section("placed"), optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")))

extern const char __start_placed[], __stop_placed[];
static void burn(uint64_t ns);
static void burn_for_long(uint64_t ns);

PLACED static void burn(uint64_t ns)
{
	uint64_t end = cpu_ns() + ns;

	while (!ended && cpu_ns() < end)
		for (volatile int i = 0; i < 20000; i++)
			;
}

PLACED static void burn_for_long(uint64_t ns)
{
	burn(ns);
	__asm__ __volatile__("");
}

PLACED __attribute__((patchable_function_entry(5))) static void traced_burn(uint64_t ns)
{
	burn(ns);
	__asm__ __volatile__("");
}

PLACED static void call_traced(uint64_t ns)
{
	traced_burn(ns);
	__asm__ __volatile__("");
}

static bool is_placed(uint64_t address)
{
	return address - (uint64_t)__start_placed < (uint64_t)(__stop_placed - __start_placed);
}

static bool next_sample(struct trace_file *file, struct trace_event *event)
{
	while (next_event(file, event))
		if (event->kind == TRACE_SAMPLE)
			return true;
	return false;
}

static unsigned int count_samples(struct trace_file *file, unsigned int tid)
{
	struct trace_event event;
	unsigned int count = 0;

	first_event(file);
	while (next_sample(file, &event))
		count += event.block->tid == tid;
	return count;
}

/* How many samples a thread has in the file of the running recording. */
static unsigned int samples_so_far(unsigned int tid)
{
	struct trace_file file;
	unsigned int count;

	open_trace(&file, recording_path());
	count = count_samples(&file, tid);
	close_trace(&file);
	return count;
}

static bool uses_timers(struct trace_file *file)
{
	return strcmp(trace_option(file, "sample_clock"), "cpu-timer") == 0;
}

/* The place, the callers, and the traced calls, with true return addresses. */
static void where(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ);
	unsigned int samples = 0, inside = 0, called = 0, whole = 0;
	struct trace_file file;
	struct trace_event event;

	start_recording(&opts);
	call_traced(500000000);
	stop_recording(&file);
	while (next_sample(&file, &event)) {
		unsigned int n = event.data[0], m = event.data[1];

		CHECK_EQ(event.block->tid, gettid());
		samples++;
		inside += is_placed(event.argument);
		for (unsigned int i = 0; i < m; i++)
			called += is_placed(address_at(&event, 4 + 6 * (n + i)));
		/* burn() is called by traced_burn(), and that by call_traced(): true addresses. */
		whole += is_placed(event.argument) && n >= 2 && m == 1 && is_placed(address_at(&event, 4)) &&
			 address_at(&event, 10) == address_at(&event, 4 + 6 * n);
	}
	printf("%u samples, %u in the function, %u of traced calls, %u whole; %s\n", samples, inside, called, whole,
	       trace_option(&file, "sample_clock"));
	CHECK(samples >= 50);
	CHECK(inside >= samples * 3 / 4);
	CHECK(called >= samples * 3 / 4);
	CHECK(whole >= samples / 2);
	CHECK_EQ(atoi(trace_option(&file, "hz")), HZ);
	CHECK_EQ(atoi(trace_option(&file, "samples")), samples);
	CHECK_EQ(atoi(trace_option(&file, "samples_lost")), 0);
	close_trace(&file);
}

static void *burn_always(void *arg)
{
	__atomic_store_n((int *)arg, gettid(), __ATOMIC_RELEASE);
	while (!ended)
		burn_for_long(1000000);
	return NULL;
}

/* Threads that were there before, and those that begin later, although they call no traced function; also after a restart. */
static void threads(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ);
	int before = 0, later = 0;
	pthread_t first = start(burn_always, &before), second;
	struct trace_file file;

	for (int round = 0; round < 2; round++) {
		start_recording(&opts);
		if (round == 0)
			second = start(burn_always, &later);
		WAIT_FOR(samples_so_far(before) > 3 && samples_so_far(later) > 3);
		stop_recording(&file);
		close_trace(&file);
	}
	ended = true;
	join(first);
	join(second);
}

static int count_object(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)info, (void)size;
	++*(int *)data;
	return 0;
}

/* No function is traced, and all objects are known. */
static void alone(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.flags = FTRACE_TRACING_SAMPLE);
	struct trace_file file;
	struct trace_event event;
	struct trace_record record;
	int objects = 0, known = 0;

	start_recording(&opts);
	CHECK_EQ(find_site("traced_burn").users, 0);
	call_traced(200000000);
	stop_recording(&file);
	while (next_event(&file, &event))
		CHECK_EQ(event.kind, TRACE_SAMPLE);
	CHECK(count_samples(&file, gettid()) > 20);
	CHECK_EQ(atoi(trace_option(&file, "hz")), 1000);
	CHECK_EQ(trace_symbol(&file, "burn"), burn);
	CHECK(trace_symbol(&file, "qsort")); /* of the C library; its name may have a version */
	dl_iterate_phdr(count_object, &known);
	first_record(&file);
	while (next_record(&file, &record))
		objects += record.kind == TRACE_OBJECT;
	CHECK_EQ(objects, known);
	close_trace(&file);
}

static void forbid_perf(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static char reported[256];

static void on_print(const char *line)
{
	snprintf(reported, sizeof(reported), "%s", line);
}

/* perf is not permitted: CPU timers, and the rate that they give is in the file and in a report. */
static void timers(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = 100000);
	struct trace_file file;
	int obtained;

	CHECK_EQ(ftrace_set_print(on_print), 0);
	forbid_perf();
	start_recording(&opts);
	call_traced(500000000);
	WAIT_FOR(strstr(reported, "instead of 100000"));
	stop_recording(&file);
	CHECK(uses_timers(&file));
	obtained = atoi(trace_option(&file, "hz_obtained"));
	CHECK(obtained >= 10 && obtained <= 10000);
	CHECK(count_samples(&file, gettid()) >= 5);
	CHECK(count_samples(&file, gettid()) <= (unsigned int)obtained);
	close_trace(&file);
}

static void *burn_blocked(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	__atomic_store_n((int *)arg, gettid(), __ATOMIC_RELEASE);
	while (!ended)
		burn_for_long(1000000);
	sigemptyset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0); /* what is pending would end the process */
	return NULL;
}

static uint64_t pending_of(int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	return proc_number(path, "\nSigPnd:", 16);
}

/* The signal is pending in a thread that blocks it when the recording stops: it is discarded. */
static void blocked(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ);
	struct trace_file file;
	int tid = 0;
	pthread_t thread = start(burn_blocked, &tid);

	WAIT_FOR(__atomic_load_n(&tid, __ATOMIC_ACQUIRE));
	start_recording(&opts);
	WAIT_FOR(pending_of(tid));
	stop_recording(&file);
	CHECK_EQ(pending_of(tid), 0);
	CHECK_EQ(count_samples(&file, tid), 0);
	close_trace(&file);
	ended = true;
	join(thread);
}

static int sample_signal(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn");
	struct sigaction before[65], now;
	struct trace_file file;
	int found = 0;

	start_recording(&opts); /* so that the stop signal is chosen */
	stop_recording(&file);
	close_trace(&file);
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
		CHECK_EQ(sigaction(signo, NULL, &before[signo]), 0);
	opts.hz = HZ;
	start_recording(&opts);
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++) {
		CHECK_EQ(sigaction(signo, NULL, &now), 0);
		if (now.sa_handler != before[signo].sa_handler) {
			CHECK_EQ(found, 0);
			CHECK(before[signo].sa_handler == SIG_DFL);
			CHECK(now.sa_flags & SA_RESTART);
			found = signo;
		}
	}
	stop_recording(&file);
	close_trace(&file);
	CHECK(found);
	CHECK_EQ(raise(found), 0); /* one that comes late ends nothing */
	return found;
}

static int perf_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	CHECK(directory);
	while ((entry = readdir(directory))) {
		char target[64] = "";

		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) > 0)
			count += strcmp(target, "anon_inode:[perf_event]") == 0;
	}
	closedir(directory);
	return count;
}

/* Holds the signal that the thread is about to take, until it is told to let go. */
static int hold_signal(int tid, int signo, int held, int go)
{
	int status;
	char byte;

	CHECK_EQ(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	for (;;) {
		int delivered;

		CHECK_EQ(waitpid(tid, &status, __WALL), tid);
		CHECK(WIFSTOPPED(status));
		delivered = status >> 16 ? 0 : WSTOPSIG(status);
		if (delivered == signo)
			break;
		CHECK_EQ(ptrace(PTRACE_CONT, tid, NULL, (void *)(long)delivered), 0);
	}
	CHECK_EQ(write(held, "h", 1), 1);
	CHECK_EQ(read(go, &byte, 1), 1);
	CHECK_EQ(ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)signo), 0);
	return 0;
}

static void *stop_it(void *unused)
{
	(void)unused;
	CHECK_EQ(ftrace_tracing_stop(), 0);
	return NULL;
}

/* A thread has taken the signal when sampling ends, and delivers it later: a tracer stands in between. */
static void held(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.flags = FTRACE_TRACING_SAMPLE | FTRACE_TRACING_NO_CHILDREN, .hz = HZ);
	int signo = sample_signal(), is_held[2], go[2], status, tid = 0;
	pthread_t thread = start(burn_always, &tid), stop;
	struct trace_file file;
	pid_t tracer;
	char byte;

	CHECK(!pipe(is_held) && !pipe(go));
	WAIT_FOR(__atomic_load_n(&tid, __ATOMIC_ACQUIRE));
	start_recording(&opts);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	tracer = fork();
	CHECK(tracer >= 0);
	if (!tracer) {
		alarm(TEST_WAIT_SECONDS);
		_exit(hold_signal(tid, signo, is_held[1], go[0]));
	}
	close(is_held[1]);
	CHECK_EQ(read(is_held[0], &byte, 1), 1);
	stop = start(stop_it, NULL);
	WAIT_FOR(!perf_descriptors()); /* no signal is sent any more; what follows would wait for the thread */
	CHECK_EQ(write(go[1], "g", 1), 1);
	join(stop);
	CHECK_EQ(waitpid(tracer, &status, 0), tracer);
	CHECK_EQ(status, 0);
	ended = true;
	join(thread);
	open_recording(&file);
	close_trace(&file);
}

/* The limit of pending signals is reached, so the kernel sends SIGIO: nothing ends, and later there are samples again. */
static void limited(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.flags = FTRACE_TRACING_SAMPLE, .hz = HZ);
	struct rlimit before, none;
	struct trace_file file;
	unsigned int samples;

	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &before), 0);
	none = before;
	none.rlim_cur = 0;
	start_recording(&opts);
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	burn(200000000);
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &before), 0);
	samples = samples_so_far(gettid());
	WAIT_FOR((burn(10000000), samples_so_far(gettid()) > samples + 10));
	stop_recording(&file);
	if (!uses_timers(&file))
		CHECK(atol(trace_option(&file, "samples_lost")) > 0);
	close_trace(&file);
}

static volatile int others;

static void on_other(int signo)
{
	(void)signo;
	others++;
}

/* The program's own use of the signal: it is not replaced, and there are no more samples. Somebody else's signal is no sample. */
static void taken(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ);
	int signo = sample_signal();
	struct sigaction now;
	struct trace_file file;

	CHECK_EQ(ftrace_set_print(on_print), 0);
	start_recording(&opts);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(raise(signo), 0);
	on_signal(signo, on_other, 0);
	WAIT_FOR(strstr(reported, "no more samples"));
	others = 0;
	call_traced(50000000);
	CHECK_EQ(others, 0); /* no timer any more */
	CHECK_EQ(raise(signo), 0);
	CHECK_EQ(others, 1);
	stop_recording(&file);
	CHECK_EQ(sigaction(signo, NULL, &now), 0);
	CHECK(now.sa_handler == on_other);
	close_trace(&file);

	/* Another one is chosen. */
	start_recording(&opts);
	call_traced(100000000);
	stop_recording(&file);
	CHECK_EQ(others, 1);
	CHECK(count_samples(&file, gettid()) > 3);
	close_trace(&file);
	on_signal(signo, SIG_DFL, 0);

	for (int other = SIGRTMIN; other <= SIGRTMAX; other++)
		on_signal(other, on_other, 0);
	unlink(opts.path);
	CHECK_EQ(ftrace_tracing_start(&opts), -EBUSY);
}


static void count_descriptors(void)
{
	_exit(perf_descriptors());
}

/*
 * A child that is not recorded writes nothing into the file of its parent, has none of its descriptors, and the
 * signal's default action.
 */
static void forked(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ, .flags = FTRACE_TRACING_NO_CHILDREN);
	int signo = sample_signal(), status;
	struct trace_file file;
	bool perf;
	pid_t child;

	start_recording(&opts);
	burn_for_long(100000000);
	perf = perf_descriptors() > 0;
	for (int i = 0; i < 2; i++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0 && i == 1)
			execl("/proc/self/exe", "samples", "descriptors", NULL);
		if (child == 0) {
			struct sigaction now;

			CHECK_EQ(perf_descriptors(), 0);
			CHECK_EQ(sigaction(signo, NULL, &now), 0);
			CHECK(now.sa_handler == SIG_DFL);
			burn_for_long(50000000);
			_exit(0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	burn_for_long(50000000);
	stop_recording(&file);
	CHECK(perf || uses_timers(&file));
	CHECK_EQ(perf_descriptors(), 0);
	CHECK(count_samples(&file, gettid()) > 3);
	CHECK_EQ(count_samples(&file, child), 0);
	close_trace(&file);
}

/* A child that is recorded is sampled too, into its own file. */
static void children(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ);
	int signo = sample_signal(), status;
	struct trace_file file;
	char path[128];
	pid_t child;

	start_recording(&opts);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction now = {0};

		while (!now.sa_handler && cpu_ns() < 20000000000ULL) {
			burn(1000000);
			CHECK_EQ(sigaction(signo, NULL, &now), 0);
		}
		burn_for_long(200000000);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	stop_recording(&file);
	CHECK_EQ(count_samples(&file, child), 0);
	close_trace(&file);
	snprintf(path, sizeof(path), "%s.%d", opts.path, child);
	open_trace(&file, path);
	unlink(path);
	CHECK(count_samples(&file, child) > 3);
	close_trace(&file);
}

/* System calls are not interrupted, by perf's clock. */
static void calls(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = 10000);
	struct trace_file file;
	bool timers;

	start_recording(&opts);
	for (int i = 0; i < 500; i++) {
		burn(200000);
		errno = 0;
		CHECK_EQ(poll(NULL, 0, 1), 0); /* not restarted, if it were interrupted */
		CHECK_EQ(errno, 0);
	}
	stop_recording(&file);
	timers = uses_timers(&file);
	CHECK(count_samples(&file, gettid()) > 3);
	close_trace(&file);
	if (timers)
		skip("perf_event_open(2) is not permitted");
}

/* Executes for a while with any value in the frame pointer. */
static __attribute__((noipa)) void burn_with(uint64_t frame, long turns)
{
	__asm__ __volatile__("push %%rbp\n\t"
			     "mov %[frame], %%rbp\n"
			     "1:\tdec %[turns]\n\t"
			     "jnz 1b\n\t"
			     "pop %%rbp"
			     : [turns] "+r"(turns)
			     : [frame] "r"(frame)
			     : "cc", "memory");
}

/* What is no frame pointer is not followed: it may point to anything. */
static void frames(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = 10000);
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t loop[2], top, bad[12];
	struct trace_file file;
	int count = 0;

	CHECK(pages != MAP_FAILED);
	CHECK_EQ(munmap(pages + 4096, 4096), 0);
	loop[0] = (uint64_t)loop; /* its own caller */
	loop[1] = (uint64_t)__start_placed;
	top = proc_number("/proc/self/stat", " ", 10);
	bad[count++] = 0;
	bad[count++] = 1;
	bad[count++] = ~0UL;
	bad[count++] = ~7UL;
	bad[count++] = 1UL << 47;
	bad[count++] = 0x8000000000001000UL;
	bad[count++] = (uint64_t)pages + 4096;
	bad[count++] = (uint64_t)pages + 4096 - 8;
	bad[count++] = (uint64_t)loop;
	bad[count++] = (uint64_t)&top - (1 << 20);
	bad[count++] = (uint64_t)&top + (1 << 20);
	bad[count++] = (uint64_t)&top + (4 << 20);
	start_recording(&opts);
	for (int i = 0; i < count; i++) {
		unsigned int before = samples_so_far(gettid());

		for (uint64_t end = cpu_ns() + 10000000000ULL;
		     cpu_ns() < end && samples_so_far(gettid()) < before + 3;)
			burn_with(bad[i], 2000000);
	}
	stop_recording(&file);
	CHECK(count_samples(&file, gettid()) > 12);
	close_trace(&file);
}

/* More threads than there is room for: the samples of those without a ring are counted. */
static void lost(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = HZ, .buffer_size = 8 << 20,
							   .max_size = 18 << 20); /* two rings */
	uint64_t before[3];
	pthread_t threads[3];
	int tids[3] = {0};
	struct trace_file file;

	for (int i = 0; i < 3; i++)
		threads[i] = start(burn_always, &tids[i]);
	for (int i = 0; i < 3; i++)
		WAIT_FOR(__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE));
	start_recording(&opts);
	for (int i = 0; i < 3; i++)
		before[i] = cpu_of(tids[i]);
	for (int i = 0; i < 3; i++) /* enough for many samples, even by CPU timers */
		WAIT_FOR(cpu_of(tids[i]) > before[i] + 50000000);
	stop_recording(&file);
	ended = true;
	for (int i = 0; i < 3; i++)
		join(threads[i]);
	CHECK(atol(trace_option(&file, "samples")) > 0);
	CHECK(atol(trace_option(&file, "samples_lost")) > 0);
	CHECK(file.header->lost > 0);
	close_trace(&file);
}

static void errors(void)
{
	struct ftrace_tracing_opts opts = FTRACE_RECORDING(.filter = "traced_burn", .hz = 100001);
	struct trace_file file;

	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL);
	opts.hz = 100;
	opts.flags = FTRACE_TRACING_SAMPLE;
	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL); /* with a filter */
	opts.filter = NULL;
	opts.notrace = "a";
	CHECK_EQ(ftrace_tracing_start(&opts), -EINVAL);
	CHECK_EQ(access(opts.path, F_OK), -1);
	CHECK_EQ(perf_descriptors(), 0);
	opts.notrace = NULL;
	opts.hz = 1;
	start_recording(&opts);
	stop_recording(&file);
	CHECK_EQ(atoi(trace_option(&file, "hz")), 1);
	close_trace(&file);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{"where", where},   {"threads", threads}, {"alone", alone},   {"timers", timers}, {"blocked", blocked},
		{"taken", taken},   {"forked", forked},	  {"calls", calls},   {"frames", frames}, {"errors", errors},
		{"lost", lost},	    {"children", children},	    		{"descriptors", count_descriptors}, {"held", held}, {"limited", limited},	  {},
	};

	return run_mode(modes, argc, argv);
}
