/* SPDX-License-Identifier: MIT */
/*
 * record.c - a traced call whose entry is recorded, by its address and the time, in memory of the
 * thread's own: against LLVM XRay with a handler that does the same, and against uftrace, which
 * records the exit as well and has another process write it all to a file.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include <ftrace/ftrace.h>

#include "bench.h"
#include "trace_calls.h"
#include "uftrace.h"
#include "xray.h"

#define OUR_CALLS  100000
#define XRAY_CALLS 1000000

#ifndef XRAY_CALL_PEER
#define XRAY_CALL_PEER NULL
#endif

/* The clock that uftrace reads. It may use vector registers: they are kept for it. */
static void record_clock(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *regs)
{
	struct record *record = &recorded.records[recorded.count++ % RECORDS];

	(void)parent_ip, (void)ops, (void)regs;
	record->ip = ip;
	record->time = now_ns();
}

static double time_recorded(ftrace_func_t func, unsigned long flags)
{
	struct ftrace_ops ops = {.size = sizeof(ops), .func = func, .flags = flags};
	uint64_t start, took, last = 0;

	if (ftrace_set_filter(&ops, "bench_traced", 0, 1) || ftrace_register_function(&ops))
		fail("cannot trace bench_traced\n");
	loop_traced(100);
	recorded.count = 0;
	start = now_ns();
	loop_traced(OUR_CALLS);
	took = now_ns() - start;
	if (recorded.count != OUR_CALLS)
		fail("%lu calls were recorded, not %d\n", recorded.count, OUR_CALLS);
	for (unsigned long i = OUR_CALLS - RECORDS; i < OUR_CALLS; i++) {
		const struct record *record = &recorded.records[i % RECORDS];

		if (record->ip != recorded.records[0].ip || record->time < last)
			fail("record %lu is wrong\n", i);
		last = record->time;
	}
	if (ftrace_unregister_function(&ops) || ftrace_free_filter(&ops))
		fail("cannot stop tracing bench_traced\n");
	return (double)took / OUR_CALLS;
}

static void add_record_row(const char *what, const struct series *ours, const char *peer,
			   const struct series *peers)
{
	if (peers->count)
		add_row(&(struct comparison){
			.section = "recorded calls",
			.what = what,
			.unit = "ns/call",
			.ours = ours,
			.peer = peer,
			.peers = peers,
			.relation = AT_MOST,
			.target = 1,
		});
}

void bench_record(void)
{
	static struct series counter, clock, xray_counter, uftrace;
	struct xray xray;
	bool has_uftrace = true;

	if (XRAY_CALL_PEER)
		start_xray(&xray, XRAY_CALL_PEER, 1);
	else
		skip_xray();
	for (int round = 0, rounds = quick ? 3 : 60; round < rounds; round++) {
		double took;

		add_sample(&counter, time_recorded(record_general, FTRACE_OPS_FL_NO_VECTORS));
		add_sample(&clock, time_recorded(record_clock, 0));
		if (XRAY_CALL_PEER)
			add_sample(&xray_counter, xray_record_time(&xray) / XRAY_CALLS);
		took = has_uftrace ? uftrace_time(1) : 0;
		has_uftrace = took != 0;
		if (has_uftrace)
			add_sample(&uftrace, took);
	}
	if (XRAY_CALL_PEER)
		end_xray(&xray);
	if (!has_uftrace)
		leave_out("uftrace", NULL);
	add_record_row("entry, CPU's counter", &counter, "XRay, entry, the same", &xray_counter);
	add_record_row("entry, CPU's counter", &counter, "uftrace, entry and exit", &uftrace);
	add_record_row("entry, clock of uftrace", &clock, "uftrace, entry and exit", &uftrace);
}
