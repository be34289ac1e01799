using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary>The interface between the native code and C#: <c>struct native</c> in Native/native.h.</summary>
/// <remarks>
/// The functions are called as if they were managed: blittable arguments follow the platform's
/// C calling convention, and there is no transition of the runtime, so they can be called anywhere.
/// The offsets of the fields are in Native/offsets.h.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.NativeTable_SizeOf)]
internal unsafe struct NativeTable
{
    /// <summary>A raw system call: returns -errno, and does not change errno.</summary>
    [FieldOffset(Offsets.NativeTable_Syscall)] public delegate*<nint, nint, nint, nint, nint, nint, nint, nint> Syscall;

    /// <summary>The calling thread's words, <c>struct ftrace_nmi_thread</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Thread)] public delegate*<void*> Thread;

    /// <summary>Executes a serializing instruction.</summary>
    [FieldOffset(Offsets.NativeTable_SyncCore)] public delegate*<void> SyncCore;

    /// <summary>Calls a signal handler of the host's.</summary>
    [FieldOffset(Offsets.NativeTable_CallHandler)] public delegate*<void*, int, Siginfo*, void*, void> CallHandler;

    /// <summary>Bit in the result of <see cref="ForbidsBreakpoints"/>: valgrind executes the program.</summary>
    public const int UnderValgrind = Offsets.NativeTable_UnderValgrind;

    /// <summary>Not 0 if breakpoints cannot be used: under valgrind, or with a user shadow stack.</summary>
    [FieldOffset(Offsets.NativeTable_ForbidsBreakpoints)] public delegate*<int> ForbidsBreakpoints;

    /// <summary>
    /// Calls the handlers of a set of ops that are still registered: the address, the caller, which ops, the registers. If the last argument
    /// is not 0, calls the trace function in place of each.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_CallOps)] public delegate*<ulong, ulong, ulong, void*, int, void> CallOps;

    /// <summary>dl_iterate_phdr(3), in the child of a fork too. The first argument is the function.</summary>
    [FieldOffset(Offsets.NativeTable_IterateObjects)] public delegate* unmanaged[Cdecl]<void*, void*, int> IterateObjects;

    /// <summary>free(3), for what functions of the host's allocate.</summary>
    [FieldOffset(Offsets.NativeTable_Free)] public delegate* unmanaged[Cdecl]<void*, void> Free;

    /// <summary>The addresses that stubs jump to: one for each kind of slot.</summary>
    [FieldOffset(Offsets.NativeTable_Callers)] public fixed ulong Callers[Offsets.TraceSlots_Kinds];

    /// <summary>The word from which Native/trace_entry.S reads the address of the slots.</summary>
    [FieldOffset(Offsets.NativeTable_TraceSlots)] public ulong* TraceSlots;

    /// <summary>The <c>ftrace_call</c> records of Native/trace_entry.S, one for each kind, of three words each.</summary>
    [FieldOffset(Offsets.NativeTable_FtraceCalls)] public int* FtraceCalls;

    /// <summary>The word with the trace function, which is called in place of handlers once ftrace_call is a jump.</summary>
    [FieldOffset(Offsets.NativeTable_TraceFunction)] public void** TraceFunction;

    /// <summary>The exported function that does nothing, <c>ftrace_stub()</c>.</summary>
    [FieldOffset(Offsets.NativeTable_TraceStub)] public void* TraceStub;

    /// <summary>
    /// Addresses in Native/trace_entry.S: where it begins and ends, and where handlers return to. Each is a distance from itself.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_TraceText)] public int* TraceText;

    /// <summary>The record that threads without one of their own refer to. Read-only.</summary>
    [FieldOffset(Offsets.NativeTable_NoTracer)] public void* NoTracer;

    /// <summary>Bytes of all vector registers.</summary>
    [FieldOffset(Offsets.NativeTable_VectorsSize)] public ulong VectorsSize;

    /// <summary>An address above all frames of the first thread.</summary>
    [FieldOffset(Offsets.NativeTable_StackTop)] public ulong StackTop;

    /// <summary>
    /// Sleeps until a word changes from a value, or, with null, for so many nanoseconds. No signal is blocked meanwhile, and a handler may
    /// leave by siglongjmp(): the thread leaves the runtime for it, and must not hold anything.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_Idle)] public delegate* unmanaged<uint*, uint, long, void> Idle;

    /// <summary>The code that a signal handler returns to, sa_restorer.</summary>
    [FieldOffset(Offsets.NativeTable_Restorer)] public void* Restorer;

    /// <summary>
    /// clone(2): the new process runs the function on the given stack, whose end is passed, and exits when that returns. Returns its id or
    /// -errno.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_Clone)] public delegate*<delegate*<void*, void>, void*, void*, nuint, nint> Clone;

    /// <summary>This copy's part in the order of copies, <c>struct turn</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Turn)] public void* Turn;

    /// <summary>Runs the host's function in a stop window; the thread leaves the runtime for it.</summary>
    [FieldOffset(Offsets.NativeTable_Run)] public delegate* unmanaged<void*, void*, int> Run;

    /// <summary>The gate.</summary>
    [FieldOffset(Offsets.NativeTable_ModifyingCode)] public ulong* ModifyingCode;

    /// <summary>Zeroed memory for <see cref="SharedState"/>, <see cref="Offsets.SharedState_SizeOf"/> bytes; static, so that it cannot fail.</summary>
    [FieldOffset(Offsets.NativeTable_State)] public void* State;

    /// <summary>The print function until the host sets one; null: none.</summary>
    [FieldOffset(Offsets.NativeTable_Print)] public void* Print;

    /// <summary>First byte of this library in memory.</summary>
    [FieldOffset(Offsets.NativeTable_ImageStart)] public ulong ImageStart;

    /// <summary>The byte after its last one.</summary>
    [FieldOffset(Offsets.NativeTable_ImageEnd)] public ulong ImageEnd;

    /// <summary>FTRACE_STOP_SIGNAL: 0 if it is not set, else a number, or one of <c>StopSignal</c> in Native/offsets.h, below 0.</summary>
    [FieldOffset(Offsets.NativeTable_StopSignal)] public long StopSignal;

    // Set by C#, called by the native code. Methods whose addresses are taken are data plane.

    /// <summary>What <c>ftrace_nmi_enter()</c> does when the gate is open.</summary>
    [FieldOffset(Offsets.NativeTable_EnterSlow)] public void* EnterSlow;

    /// <summary>What <c>ftrace_nmi_exit()</c> does for an announced NMI.</summary>
    [FieldOffset(Offsets.NativeTable_ExitSlow)] public void* ExitSlow;

    /// <summary>Called when a thread calls a traced function for the first time.</summary>
    [FieldOffset(Offsets.NativeTable_ClaimTracer)] public void* ClaimTracer;

    /// <summary>
    /// Called when a thread that has a mark calls a traced function: returns the level of nesting, or -1 if the call must not be traced.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_LookAtMarks)] public void* LookAtMarks;

    /// <summary>Called when a handler has ended, and its mark is not the only one.</summary>
    [FieldOffset(Offsets.NativeTable_LeaveMark)] public void* LeaveMark;

    /// <summary>Called when a thread calls the library, and its words say that it is in a handler or another call: returns 1 if it is not.</summary>
    [FieldOffset(Offsets.NativeTable_MayCall)] public void* MayCall;

    /// <summary>Blocks the signals whose handlers may leave by siglongjmp(). Returns 1, and the mask before; 0 in a stop window.</summary>
    [FieldOffset(Offsets.NativeTable_BlockSignals)] public void* BlockSignals;

    /// <summary>Runs before a fork. It waits no longer than until the second argument, by the monotonic clock.</summary>
    [FieldOffset(Offsets.NativeTable_ForkPrepare)] public void* ForkPrepare;

    /// <summary>Runs in the parent after a fork.</summary>
    [FieldOffset(Offsets.NativeTable_ForkParent)] public void* ForkParent;

    /// <summary>Runs in the child of a fork; if that is recognized at its first call, nothing ran before the fork, nor after it.</summary>
    [FieldOffset(Offsets.NativeTable_ForkChild)] public void* ForkChild;

    // Set by the native code again.

    /// <summary>The code of all sites in Native/redzone.S, <see cref="Offsets.RedZone_CallerSize"/> bytes each.</summary>
    [FieldOffset(Offsets.NativeTable_RedZoneCallers)] public byte* RedZoneCallers;

    /// <summary>The table that this code reads.</summary>
    [FieldOffset(Offsets.NativeTable_RedZoneSites)] public void* RedZoneSites;

    /// <summary>The host's word of a site, for handlers.</summary>
    [FieldOffset(Offsets.NativeTable_SiteData)] public void* SiteData;

    /// <summary>As <see cref="IterateObjects"/>, for the objects in other namespaces. Called in a callback of that one.</summary>
    [FieldOffset(Offsets.NativeTable_IterateOtherObjects)] public delegate* unmanaged[Cdecl]<void*, void*, int> IterateOtherObjects;

    /// <summary>The address of the function that the loader calls when its lists of objects have changed; 0: not known.</summary>
    [FieldOffset(Offsets.NativeTable_LoaderBreak)] public delegate* unmanaged<ulong> LoaderBreak;

    /// <summary>0 while a thread is adding objects to the loader's lists or removing some: not all that belong together may be there.</summary>
    [FieldOffset(Offsets.NativeTable_LoaderIsConsistent)] public delegate* unmanaged<int> LoaderIsConsistent;

    /// <summary>What that function is to jump to, Native/loader_hook.S.</summary>
    [FieldOffset(Offsets.NativeTable_LoaderHook)] public void* LoaderHook;

    /// <summary>
    /// Starts the thread that the hook asks, unless there is one, and waits until it can be asked. It blocks the signals of the argument.
    /// Returns 0 or -errno. Called with no lock held.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_AgentStart)] public delegate* unmanaged<ulong, int> AgentStart;

    /// <summary>Lets that thread look for objects, and does not wait.</summary>
    [FieldOffset(Offsets.NativeTable_AgentAsk)] public delegate* unmanaged<void> AgentAsk;

    /// <summary>Ends that thread, if there is one.</summary>
    [FieldOffset(Offsets.NativeTable_AgentEnd)] public delegate* unmanaged<void> AgentEnd;

    /// <summary>Not 0 if there is one. In the child of a fork there is none.</summary>
    [FieldOffset(Offsets.NativeTable_AgentIsRunning)] public delegate* unmanaged<int> AgentIsRunning;

    /// <summary>How often the loader went on before the agent was done.</summary>
    [FieldOffset(Offsets.NativeTable_LoaderTimeouts)] public ulong* LoaderTimeouts;

    /// <summary>The handler of a set of ops: the argument is its <c>TraceSlot.List</c>.</summary>
    [FieldOffset(Offsets.NativeTable_CallSet)] public delegate* unmanaged<ulong, ulong, void*, void*, void> CallSet;

    /// <summary>The same with the trace function in place of each handler.</summary>
    [FieldOffset(Offsets.NativeTable_CallSetRedirected)] public delegate* unmanaged<ulong, ulong, void*, void*, void> CallSetRedirected;

    /// <summary>The table of ops.</summary>
    [FieldOffset(Offsets.NativeTable_OpsTable)] public void* OpsTable;

    /// <summary>The slots of Native/graph.c.</summary>
    [FieldOffset(Offsets.NativeTable_GraphSlots)] public void* GraphSlots;

    /// <summary>The blocks of Native/graph_blocks.S.</summary>
    [FieldOffset(Offsets.NativeTable_GraphBlocks)] public byte* GraphBlocks;

    /// <summary>The trampoline of calls whose exits are traced.</summary>
    [FieldOffset(Offsets.NativeTable_GraphCaller)] public ulong GraphCaller;

    /// <summary>Sets of ops, <c>struct graph_sets</c>.</summary>
    [FieldOffset(Offsets.NativeTable_GraphSets)] public void* GraphSets;

    /// <summary>Looks for free slots; set by C#.</summary>
    [FieldOffset(Offsets.NativeTable_GraphRefill)] public void* GraphRefill;

    /// <summary>Finds out whether a call was left; set by C#.</summary>
    [FieldOffset(Offsets.NativeTable_GraphIsLeft)] public void* GraphIsLeft;

    /// <summary>The words of the first thread; null: not known.</summary>
    [FieldOffset(Offsets.NativeTable_FirstWords)] public void* FirstWords;

    /// <summary>What threads need of the recorder, <c>struct recorder</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Recorder)] public void* Recorder;

    /// <summary>The ring of threads that have none.</summary>
    [FieldOffset(Offsets.NativeTable_NoRing)] public void* NoRing;

    /// <summary>The recorder's ops of ftrace/graph.h.</summary>
    [FieldOffset(Offsets.NativeTable_RecorderGraphOps)] public void* RecorderGraphOps;

    /// <summary>Reads the clocks into three words: the TSC, CLOCK_MONOTONIC, CLOCK_REALTIME.</summary>
    [FieldOffset(Offsets.NativeTable_ReadClocks)] public delegate* unmanaged<void*, void> ReadClocks;

    /// <summary>Starts the recorder's thread, which blocks the signals of the argument. Returns 0 or -errno.</summary>
    [FieldOffset(Offsets.NativeTable_KeeperStart)] public delegate* unmanaged<ulong, int> KeeperStart;

    /// <summary>Ends it, and waits for that.</summary>
    [FieldOffset(Offsets.NativeTable_KeeperEnd)] public delegate* unmanaged<void> KeeperEnd;

    /// <summary>Switches recording of the calling thread, which has this record, on or off. Returns 0 or -ENOSPC: it has no ring.</summary>
    [FieldOffset(Offsets.NativeTable_RecordThread)] public delegate* unmanaged<void*, int, int> RecordThread;

    /// <summary>Starts the thread that other processes ask, with its session; it blocks the signals of the last argument. Returns 0 or -errno.</summary>
    [FieldOffset(Offsets.NativeTable_ControlStart)] public delegate* unmanaged<void*, ulong, int> ControlStart;

    /// <summary>The handlers of the recorder: at entries.</summary>
    [FieldOffset(Offsets.NativeTable_RecordEntry)] public void* RecordEntry;

    /// <summary>At entries, if exits are not recorded.</summary>
    [FieldOffset(Offsets.NativeTable_RecordFunction)] public void* RecordFunction;

    /// <summary>At exits.</summary>
    [FieldOffset(Offsets.NativeTable_RecordReturn)] public void* RecordReturn;

    /// <summary>The key that those of all marks follow, <c>struct ftrace_mark_key</c>, with the functions.</summary>
    [FieldOffset(Offsets.NativeTable_MarkKey)] public void* MarkKey;

    /// <summary>What the handler of samples needs, <c>struct sampler</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Sampler)] public void* Sampler;

    /// <summary>That handler.</summary>
    [FieldOffset(Offsets.NativeTable_OnSample)] public void* OnSample;

    /// <summary><c>struct record_fork</c>, Native/recorder.h.</summary>
    [FieldOffset(Offsets.NativeTable_RecordFork)] public void* RecordFork;

    /// <summary>The triggers, <c>struct trigger</c>, and their ops.</summary>
    [FieldOffset(Offsets.NativeTable_Triggers)] public void* Triggers;

    [FieldOffset(Offsets.NativeTable_TriggerOps)] public void* TriggerOps;

    /// <summary>The handlers of triggers: at entries.</summary>
    [FieldOffset(Offsets.NativeTable_TriggerEntry)] public void* TriggerEntry;

    /// <summary>At exits.</summary>
    [FieldOffset(Offsets.NativeTable_TriggerReturn)] public void* TriggerReturn;

    /// <summary>Makes what the trampoline records agree with what triggers have switched, and the sets of ops.</summary>
    [FieldOffset(Offsets.NativeTable_RecordApplySets)] public delegate*<void> RecordApplySets;

    /// <summary>The handler of the signal that starts a snapshot.</summary>
    [FieldOffset(Offsets.NativeTable_OnSnapshotSignal)] public void* OnSnapshotSignal;

    /// <summary>Ends the connection of that number, if there is one: Native/connection.c.</summary>
    [FieldOffset(Offsets.NativeTable_ConnectionEnd)] public delegate* unmanaged<uint, void> ConnectionEnd;
}
