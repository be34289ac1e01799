/* SPDX-License-Identifier: MIT */
/*
 * startup.c - starts the runtime without side effects on the host process; the C library
 * functions that the runtime calls meanwhile, and later, are replaced in runtime.c.
 *
 * The object file is the last one on the link line, so that its constructor runs after
 * those of the runtime.
 */
#include "native.h"
#include "loader.h"
#include "record_env.h"
#include "recorder.h"
#include "runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct turn ftrace_turn __attribute__((aligned(64)));

/* All state of the C# side; words that threads share are on cache lines of their own. */
static char state[SharedState_SizeOf] __attribute__((aligned(128)));

extern const char image_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
extern const char image_end[] __asm__("_end") __attribute__((visibility("hidden")));

/* lib/Record/Recorder.cs fills it in. */
static struct ftrace_graph_ops recorder_graph_ops = {.size = sizeof(recorder_graph_ops)};

struct native native = {
	.syscall = raw_syscall,
	.thread = current_thread,
	.call_handler = call_handler,
	.forbids_breakpoints = forbids_breakpoints,
	.call_ops = call_ops,
	.call_set = call_set,
	.call_set_redirected = call_set_redirected,
	.iterate_objects = loader_iterate,
	.iterate_other_objects = loader_iterate_others,
	.loader_break = loader_break,
	.loader_is_consistent = loader_is_consistent,
	.agent_ask = agent_ask,
	.loader_hook = ftrace_loader_hook,
	.agent_start = agent_start,
	.agent_end = agent_end,
	.agent_is_running = agent_is_running,
	.loader_timeouts = &loader_timeouts,
	.free = free,
	.callers = {
		ftrace_regs_vectors_caller,
		ftrace_regs_caller,
		ftrace_vectors_caller,
		ftrace_caller,
	},
	.trace_slots = &ftrace_trace_slots,
	.ftrace_calls = ftrace_calls,
	.trace_function = &ftrace_trace_function,
	.trace_stub = ftrace_stub,
	.trace_text = ftrace_trace_text,
	.no_tracer = no_tracer,
	.site_data = no_site_data,
	.idle = entry_idle,
	.restorer = ftrace_restore_rt,
	.clone = raw_clone,
	.turn = &ftrace_turn,
	.run = entry_run,
	.modifying_code = ftrace_modifying_code,
	.state = state,
	.image_start = image_start,
	.image_end = image_end,
	.graph_slots = ftrace_graph_slots,
	.graph_blocks = ftrace_graph_blocks,
	.graph_caller = ftrace_graph_caller,
	.graph_sets = &ftrace_graph_sets,
	.recorder = &ftrace_recorder,
	.no_ring = &ftrace_no_ring,
	.recorder_graph_ops = &recorder_graph_ops,
	.record_entry = record_entry,
	.record_function = record_function,
	.record_return = record_return,
	.read_clocks = read_clocks,
	.keeper_start = keeper_start,
	.keeper_end = keeper_end,
	.record_thread = record_thread,
	.mark_key = &ftrace_marks,
	.sampler = &ftrace_sampler,
	.on_sample = ftrace_on_sample,
	.control_start = control_start,
	.record_fork = &ftrace_record_fork,
	.triggers = ftrace_triggers,
	.trigger_ops = ftrace_trigger_ops,
	.trigger_entry = trigger_entry,
	.trigger_return = trigger_return,
	.record_apply_sets = record_apply_sets,
	.on_snapshot_signal = on_snapshot_signal,
	.connection_end = connection_end,
	.redzone_callers = ftrace_redzone_callers,
	.redzone_sites = ftrace_redzone_sites,
};

/* The floating-point environment: exception flags, rounding, masks. */
struct fp_environment {
	struct {
		unsigned int words[7];
	} x87;
	unsigned int mxcsr;
};

static void save_fp(struct fp_environment *fp)
{
	/* fnstenv masks all exceptions after it has stored; fldenv undoes that. */
	__asm__ __volatile__("fnstenv %0; fldenv %0; stmxcsr %1" : "=m"(fp->x87), "=m"(fp->mxcsr));
}

static void restore_fp(const struct fp_environment *fp)
{
	__asm__ __volatile__("fldenv %0; ldmxcsr %1" ::"m"(fp->x87), "m"(fp->mxcsr));
}

/* FTRACE_PRINT=stderr. Without stdio, whose lock a thread may hold. */
static void print_stderr(const char *line)
{
	struct iovec text[2] = {{(void *)line, strlen(line)}, {"\n", 1}};

	raw_syscall(SYS_writev, STDERR_FILENO, (long)text, 2, 0, 0, 0);
}

/* A value that is not a number makes every stop fail. */
static long stop_signal(const char *text)
{
	char *end;
	long signo;

	if (!text)
		return 0;
	if (strcmp(text, "none") == 0)
		return StopSignal_None;
	signo = strtol(text, &end, 10);
	return end == text || *end || signo <= 0 ? StopSignal_Bad : signo;
}

static void read_environment(void)
{
	const char *print = secure_getenv("FTRACE_PRINT");

	native.stop_signal = stop_signal(secure_getenv("FTRACE_STOP_SIGNAL"));
	if (print && strcmp(print, "stderr") == 0)
		native.print = print_stderr;
}

void thread_startup(struct native *native);

static void start_runtime(void)
{
	thread_startup(&native);
}

static void start_from_environment(void)
{
	record_from_environment();
	listen_from_environment();
}

/*
 * Starts the runtime, which would otherwise start at the first call. If it cannot start,
 * with ENOMEM, every call of the library returns the error.
 */
__attribute__((constructor)) static void startup(void)
{
	struct fp_environment fp;
	int saved_errno = errno, error;

	measure_vectors();
	native.vectors_size = ftrace_vectors_size;
	native.sync_core = has_serialize() ? sync_core_serialize : sync_core_iret;
	native.stack_top = getauxval(AT_RANDOM);
	ftrace_recorder.counts_ns = ftrace_recorder.default_counts_ns = !has_steady_tsc();
	if (syscall(SYS_gettid) == getpid()) /* gettid() is of glibc 2.30 */
		native.first_words = &ftrace_nmi_thread;
	read_environment();

	entry_start();
	loader_start();
	save_fp(&fp);
	error = runtime_try_start(start_runtime);
	restore_fp(&fp);
	if (error)
		runtime_release();
	entry_open(error);
	if (!error)
		start_from_environment();
	errno = saved_errno;
}
