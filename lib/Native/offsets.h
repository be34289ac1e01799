/* SPDX-License-Identifier: MIT */
/*
 * offsets.h - the layouts and values that C#, C and assembler share. They are defined
 * here and nowhere else; a file that includes this one defines what a line becomes:
 *
 *	FIELD(tag, member, type, field, offset)	a field of a C# type, and of struct tag
 *	VALUE(type, name, value)		a field of a C# type that C does not have, or a constant
 *
 * In C and in assembler type_field is its offset; native.h asserts that the member of
 * struct tag is there. lib/ftrace.csproj makes a C# class from it, for [FieldOffset]:
 * Offsets.type_field; the build fails if a field has the offset of another one. So this
 * file must contain only comments and lines of these two forms.
 */

/* struct native */
FIELD(native, syscall, NativeTable, Syscall, 0)
FIELD(native, thread, NativeTable, Thread, 8)
FIELD(native, sync_core, NativeTable, SyncCore, 16)
FIELD(native, call_handler, NativeTable, CallHandler, 24)
FIELD(native, forbids_breakpoints, NativeTable, ForbidsBreakpoints, 32)
FIELD(native, call_ops, NativeTable, CallOps, 40)
FIELD(native, iterate_objects, NativeTable, IterateObjects, 48)
FIELD(native, free, NativeTable, Free, 56)
FIELD(native, callers, NativeTable, Callers, 64)
FIELD(native, trace_slots, NativeTable, TraceSlots, 96)
FIELD(native, ftrace_calls, NativeTable, FtraceCalls, 104)
FIELD(native, trace_function, NativeTable, TraceFunction, 112)
FIELD(native, trace_stub, NativeTable, TraceStub, 120)
FIELD(native, trace_text, NativeTable, TraceText, 128)
FIELD(native, no_tracer, NativeTable, NoTracer, 136)
FIELD(native, vectors_size, NativeTable, VectorsSize, 144)
FIELD(native, stack_top, NativeTable, StackTop, 152)
FIELD(native, idle, NativeTable, Idle, 160)
FIELD(native, restorer, NativeTable, Restorer, 168)
FIELD(native, clone, NativeTable, Clone, 176)
FIELD(native, turn, NativeTable, Turn, 184)
FIELD(native, run, NativeTable, Run, 192)
FIELD(native, modifying_code, NativeTable, ModifyingCode, 200)
FIELD(native, state, NativeTable, State, 208)
FIELD(native, print, NativeTable, Print, 216)
FIELD(native, image_start, NativeTable, ImageStart, 224)
FIELD(native, image_end, NativeTable, ImageEnd, 232)
FIELD(native, stop_signal, NativeTable, StopSignal, 240)
FIELD(native, enter_slow, NativeTable, EnterSlow, 248)
FIELD(native, exit_slow, NativeTable, ExitSlow, 256)
FIELD(native, claim_tracer, NativeTable, ClaimTracer, 264)
FIELD(native, look_at_marks, NativeTable, LookAtMarks, 272)
FIELD(native, leave_mark, NativeTable, LeaveMark, 280)
FIELD(native, may_call, NativeTable, MayCall, 288)
FIELD(native, block_signals, NativeTable, BlockSignals, 296)
FIELD(native, fork_prepare, NativeTable, ForkPrepare, 304)
FIELD(native, fork_parent, NativeTable, ForkParent, 312)
FIELD(native, fork_child, NativeTable, ForkChild, 320)
FIELD(native, redzone_callers, NativeTable, RedZoneCallers, 328)
FIELD(native, redzone_sites, NativeTable, RedZoneSites, 336)
FIELD(native, site_data, NativeTable, SiteData, 344)
FIELD(native, iterate_other_objects, NativeTable, IterateOtherObjects, 352)
FIELD(native, loader_break, NativeTable, LoaderBreak, 360)
FIELD(native, loader_hook, NativeTable, LoaderHook, 368)
FIELD(native, agent_start, NativeTable, AgentStart, 376)
FIELD(native, agent_end, NativeTable, AgentEnd, 384)
FIELD(native, agent_is_running, NativeTable, AgentIsRunning, 392)
FIELD(native, loader_timeouts, NativeTable, LoaderTimeouts, 400)
FIELD(native, call_set, NativeTable, CallSet, 408)
FIELD(native, call_set_redirected, NativeTable, CallSetRedirected, 416)
FIELD(native, ops_table, NativeTable, OpsTable, 424)
FIELD(native, graph_slots, NativeTable, GraphSlots, 432)
FIELD(native, graph_blocks, NativeTable, GraphBlocks, 440)
FIELD(native, graph_caller, NativeTable, GraphCaller, 448)
FIELD(native, graph_sets, NativeTable, GraphSets, 456)
FIELD(native, graph_refill, NativeTable, GraphRefill, 464)
FIELD(native, graph_is_left, NativeTable, GraphIsLeft, 472)
FIELD(native, first_words, NativeTable, FirstWords, 480)
VALUE(NativeTable, SizeOf, 488)

/* Reasons why breakpoints cannot be used, bits. */
VALUE(NativeTable, ShadowStack, 1)
VALUE(NativeTable, UnderValgrind, 2)

VALUE(SharedState, SizeOf, 1280)

/* Instead of a signal's number in FTRACE_STOP_SIGNAL. */
VALUE(StopSignal, Bad, -1)
VALUE(StopSignal, None, -2)

/* A thread's words. C names those that it uses: native.h. */
FIELD(ftrace_nmi_thread, saved, NmiThread, Saved, 0)
VALUE(NmiThread, StopPending, 8)
FIELD(ftrace_nmi_thread, busy, NmiThread, Busy, 16)
FIELD(ftrace_nmi_thread, attached, NmiThread, Attached, 24)
VALUE(NmiThread, Held, 32)
VALUE(NmiThread, Unblocked, 40)
FIELD(ftrace_nmi_thread, tracer, NmiThread, Tracer, 48)
VALUE(NmiThread, AnnouncedAt, 56)
VALUE(NmiThread, SizeOf, 64)

/* In Busy, instead of a call: the runtime has detached the thread. */
VALUE(LibraryCall, Ended, 1)
/* In struct call: where the return address to the host is. */
VALUE(LibraryCall, Caller, 8)
/* In Attached: the runtime has attached the thread; the thread is in C#, and may hold locks. */
VALUE(LibraryCall, Attached, 1)
VALUE(LibraryCall, Inside, 2)

/* struct turn; and where other copies find it, before the function that a handler returns to. */
FIELD(turn, mutex, StopTurn, Mutex, 0)
FIELD(turn, first, StopTurn, First, 8)
VALUE(StopTurn, SizeOf, 16)
VALUE(StopTurn, MarkOffset, 17)
VALUE(StopTurn, TurnOffset, 9)

/* A thread's record; the order has its reason in TraceThread.cs. */
VALUE(TraceThread, Tid, 0)
VALUE(TraceThread, Claimed, 4)
VALUE(TraceThread, Aside, 8)
VALUE(TraceThread, QuiescentStates, 40)
VALUE(TraceThread, Levels, 48)
VALUE(TraceThread, Mark, 56)
VALUE(TraceThread, Words, 64)
VALUE(TraceThread, StackLow, 72)
VALUE(TraceThread, StackTop, 80)
VALUE(TraceThread, AsideCount, 88)
VALUE(TraceThread, CallsToRecheck, 92)
VALUE(TraceThread, Marks, 96)
VALUE(TraceThread, MaxMarks, 4)
VALUE(TraceThread, GraphCursor, 128)
VALUE(TraceThread, GraphTop, 136)
VALUE(TraceThread, GraphChunks, 144)
VALUE(TraceThread, GraphOverruns, 152)
VALUE(TraceThread, GraphChunkCount, 160)
VALUE(TraceThread, GraphScanAt, 164)
VALUE(TraceThread, GraphSkip, 168)
VALUE(TraceThread, GraphBackoff, 172)
VALUE(TraceThread, SizeOf, 192)

/* Marks: the kinds, in the lowest bits; the offset of the stub; sizes of the frames. */
VALUE(TraceMark, LookAside, 1)
VALUE(TraceMark, Long, 1)
VALUE(TraceMark, Library, 2)
VALUE(TraceMark, ShortStub, 80)
VALUE(TraceMark, SmallestFrame, 100)

/* Instead of level 0: there are marks aside, of handlers on other stacks. */
VALUE(TraceMarks, OutsideWithAside, 256)

/* Slots and their stubs; the flag, in the highest byte of List's flags. */
VALUE(TraceSlot, Entry, 0)
VALUE(TraceSlot, Mask, 8)
VALUE(TraceSlot, List, 16)
VALUE(TraceSlot, ListEntry, 48)
VALUE(TraceSlot, IsUsed, 56)
VALUE(TraceSlot, RetiredIn, 60)
VALUE(TraceSlot, SizeOf, 64)
VALUE(TraceSlot, ListFlagByte, 0x80)
VALUE(TraceSlots, Count, 2048)
VALUE(TraceSlots, Kinds, 4)
VALUE(StubArea, StubSize, 32)
VALUE(StubArea, GraphStubSize, 64)
VALUE(StubArea, GraphSet, 56)

/* The table of ops. */
FIELD(ops_entry, ops, OpsEntry, Ops, 0)
VALUE(OpsEntry, RetiredIn, 8)
VALUE(OpsEntry, SizeOf, 16)

/* Calls over the red zone, redzone.S: how many there can be, the code of one, and its entry in the table. */
VALUE(RedZone, Count, 2048)
VALUE(RedZone, CallerSize, 32)
VALUE(RedZoneSite, Target, 0)
VALUE(RedZoneSite, Back, 8)
VALUE(RedZoneSite, SizeOf, 16)

/*
 * The slots of calls whose exits are traced, in chunks of 15 with a header before them, of the same size;
 * and the blocks, which have the same numbers. No thread gets the first chunk: 4,095 chunks, 61,425 slots.
 * graph.c, graph_blocks.S, lib/Trace/GraphSlot.cs
 */
FIELD(graph_slot, ret, GraphSlot, Ret, 0)
FIELD(graph_slot, ip, GraphSlot, Ip, 8)
FIELD(graph_slot, word, GraphSlot, Word, 16)
FIELD(graph_slot, next, GraphSlot, Next, 24)
FIELD(graph_slot, parent, GraphSlot, Parent, 24)
FIELD(graph_slot, id, GraphSlot, Id, 32)
FIELD(graph_slot, wanted, GraphSlot, Wanted, 40)
FIELD(graph_slot, flags, GraphSlot, Flags, 44)
FIELD(graph_slot, call, GraphSlot, Call, 48)
VALUE(GraphSlot, Site, 48)
VALUE(GraphSlot, ParentIp, 56)
VALUE(GraphSlot, Depth, 64)
VALUE(GraphSlot, CallData, 72)
FIELD(graph_slot, data, GraphSlot, Data, 80)
VALUE(GraphSlot, MaxOps, 6)
VALUE(GraphSlot, Many, 1)
VALUE(GraphSlot, Closing, 2)
VALUE(GraphSlot, Linked, 4)
VALUE(GraphSlot, Claiming, 1)
VALUE(GraphSlot, SizeOf, 128)
FIELD(graph_header, owner, GraphHeader, Owner, 0)
FIELD(graph_header, next, GraphHeader, Next, 8)
FIELD(graph_header, word, GraphHeader, Word, 16)
FIELD(graph_header, cursor, GraphHeader, Cursor, 24)
VALUE(GraphSlots, PerChunk, 16)
VALUE(GraphSlots, Chunks, 4096)
VALUE(GraphSlots, BlockSize, 16)
VALUE(GraphSlots, ReturnOffset, 6)
FIELD(graph_sets, graph, GraphSets, Graph, 0)
FIELD(graph_sets, full, GraphSets, Full, 8)
FIELD(graph_sets, redirected, GraphSets, Redirected, 16)
VALUE(GraphSets, SizeOf, 24)

/* struct ftrace_graph_ops: ftrace/graph.h */
FIELD(ftrace_graph_ops, size, FtraceGraphOps, Size, 0)
FIELD(ftrace_graph_ops, entryfunc, FtraceGraphOps, Entryfunc, 8)
FIELD(ftrace_graph_ops, retfunc, FtraceGraphOps, Retfunc, 16)
FIELD(ftrace_graph_ops, flags, FtraceGraphOps, Flags, 24)
FIELD(ftrace_graph_ops, data, FtraceGraphOps, Data, 32)
FIELD(ftrace_graph_ops, max_depth, FtraceGraphOps, MaxDepth, 40)

/* A site: FTRACE_INSN_SIZE. */
VALUE(X86Instruction, CallSize, 5)

/* The record of an ftrace_call in trace_entry.S; and the table of its addresses, by index. */
VALUE(FtraceCall, Ip, 0)
VALUE(FtraceCall, Redirect, 4)
VALUE(FtraceCall, Done, 8)
VALUE(FtraceCall, SizeOf, 12)
VALUE(TraceText, Begin, 0)
VALUE(TraceText, End, 1)
VALUE(TraceText, Returns, 2)
VALUE(TraceText, ReturnCount, 6)
VALUE(TraceText, ReturnsWithVectors, 8)
VALUE(TraceText, ReturnWithVectorsCount, 4)
VALUE(TraceText, GraphBegin, 12)

/* struct ftrace_ops, struct ftrace_regs: ftrace/trace.h */
FIELD(ftrace_ops, size, FtraceOps, Size, 0)
FIELD(ftrace_ops, func, FtraceOps, Func, 8)
FIELD(ftrace_ops, flags, FtraceOps, Flags, 16)
FIELD(ftrace_ops, data, FtraceOps, Data, 24)
VALUE(FtraceOps, SaveRegs, 2)
FIELD(ftrace_regs, r15, FtraceRegs, R15, 0)
FIELD(ftrace_regs, r14, FtraceRegs, R14, 8)
FIELD(ftrace_regs, r13, FtraceRegs, R13, 16)
FIELD(ftrace_regs, r12, FtraceRegs, R12, 24)
FIELD(ftrace_regs, rbp, FtraceRegs, Rbp, 32)
FIELD(ftrace_regs, rbx, FtraceRegs, Rbx, 40)
FIELD(ftrace_regs, r11, FtraceRegs, R11, 48)
FIELD(ftrace_regs, r10, FtraceRegs, R10, 56)
FIELD(ftrace_regs, r9, FtraceRegs, R9, 64)
FIELD(ftrace_regs, r8, FtraceRegs, R8, 72)
FIELD(ftrace_regs, rax, FtraceRegs, Rax, 80)
FIELD(ftrace_regs, rcx, FtraceRegs, Rcx, 88)
FIELD(ftrace_regs, rdx, FtraceRegs, Rdx, 96)
FIELD(ftrace_regs, rsi, FtraceRegs, Rsi, 104)
FIELD(ftrace_regs, rdi, FtraceRegs, Rdi, 112)
FIELD(ftrace_regs, flags, FtraceRegs, Flags, 120)
FIELD(ftrace_regs, reserved, FtraceRegs, Reserved, 128)
FIELD(ftrace_regs, ip, FtraceRegs, Ip, 136)
FIELD(ftrace_regs, parent_ip, FtraceRegs, ParentIp, 144)
VALUE(FtraceRegs, SizeOf, 152)
