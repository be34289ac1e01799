using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary>What the native file and C# give each other: <c>struct native</c> in Native/native.h.</summary>
/// <remarks>
/// The functions are called as if they were managed: blittable arguments follow the platform's
/// C convention, no transition of the runtime is involved, and so they can be called anywhere.
/// Where the fields are: Native/offsets.h.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.NativeTable_SizeOf)]
internal unsafe struct NativeTable
{
    /// <summary>A raw system call: returns -errno, leaves errno alone.</summary>
    [FieldOffset(Offsets.NativeTable_Syscall)] public delegate*<nint, nint, nint, nint, nint, nint, nint, nint> Syscall;

    /// <summary>The calling thread's words, <c>struct ftrace_nmi_thread</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Thread)] public delegate*<void*> Thread;

    /// <summary>Executes a serializing instruction.</summary>
    [FieldOffset(Offsets.NativeTable_SyncCore)] public delegate*<void> SyncCore;

    /// <summary>Calls a signal handler of the host's.</summary>
    [FieldOffset(Offsets.NativeTable_CallHandler)] public delegate*<void*, int, Siginfo*, void*, void> CallHandler;

    /// <summary>In the result of <see cref="ForbidsBreakpoints"/>: valgrind executes the program.</summary>
    public const int UnderValgrind = Offsets.NativeTable_UnderValgrind;

    /// <summary>Not 0 where no breakpoint may be used: under valgrind, or with a user shadow stack.</summary>
    [FieldOffset(Offsets.NativeTable_ForbidsBreakpoints)] public delegate*<int> ForbidsBreakpoints;

    /// <summary>
    /// Calls a traced function's handler of the host's, of a <c>struct ftrace_ops</c>; or, if the last argument is not 0, the function in
    /// place of all.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_CallOps)] public delegate*<ulong, ulong, void*, void*, int, void> CallOps;

    /// <summary>dl_iterate_phdr(3), in the child of a fork too. The first argument is the function.</summary>
    [FieldOffset(Offsets.NativeTable_IterateObjects)] public delegate* unmanaged[Cdecl]<void*, void*, int> IterateObjects;

    /// <summary>free(3), for what functions of the host's allocate.</summary>
    [FieldOffset(Offsets.NativeTable_Free)] public delegate* unmanaged[Cdecl]<void*, void> Free;

    /// <summary>Where stubs go on: one address a kind.</summary>
    [FieldOffset(Offsets.NativeTable_Callers)] public fixed ulong Callers[Offsets.TraceSlots_Kinds];

    /// <summary>Where Native/trace_entry.S finds the slots.</summary>
    [FieldOffset(Offsets.NativeTable_TraceSlots)] public ulong* TraceSlots;

    /// <summary>The places of Native/trace_entry.S, one a kind, of three words each.</summary>
    [FieldOffset(Offsets.NativeTable_FtraceCalls)] public int* FtraceCalls;

    /// <summary>What is called there in place of a handler, once the place is a jump.</summary>
    [FieldOffset(Offsets.NativeTable_TraceFunction)] public void** TraceFunction;

    /// <summary>The function that does nothing; programs know it by this address.</summary>
    [FieldOffset(Offsets.NativeTable_TraceStub)] public void* TraceStub;

    /// <summary>Of Native/trace_entry.S: where it begins and ends, and where handlers return to. Each a distance from itself.</summary>
    [FieldOffset(Offsets.NativeTable_TraceText)] public int* TraceText;

    /// <summary>The record of threads that have none. Read only.</summary>
    [FieldOffset(Offsets.NativeTable_NoTracer)] public void* NoTracer;

    /// <summary>What it takes to save all vector registers.</summary>
    [FieldOffset(Offsets.NativeTable_VectorsSize)] public ulong VectorsSize;

    /// <summary>An address above all frames of the first thread.</summary>
    [FieldOffset(Offsets.NativeTable_StackTop)] public ulong StackTop;

    /// <summary>
    /// Sleeps until a word is not a value any more, or, with null, for so many nanoseconds. Every signal may come meanwhile, and its handler
    /// leave by siglongjmp(): the runtime must be left for it, and nothing held.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_Idle)] public delegate* unmanaged<uint*, uint, long, void> Idle;

    /// <summary>Where a signal handler returns to.</summary>
    [FieldOffset(Offsets.NativeTable_Restorer)] public void* Restorer;

    /// <summary>
    /// clone(2): the function runs on the given stack, whose end is passed, and ends the process that was made. Returns its id or -errno.
    /// </summary>
    [FieldOffset(Offsets.NativeTable_Clone)] public delegate*<delegate*<void*, void>, void*, void*, nuint, nint> Clone;

    /// <summary>This copy's part in the order of copies, <c>struct turn</c>.</summary>
    [FieldOffset(Offsets.NativeTable_Turn)] public void* Turn;

    /// <summary>Runs the host's function; the runtime must be left for it.</summary>
    [FieldOffset(Offsets.NativeTable_Run)] public delegate* unmanaged<void*, void*, int> Run;

    /// <summary>The gate.</summary>
    [FieldOffset(Offsets.NativeTable_ModifyingCode)] public ulong* ModifyingCode;

    /// <summary>Zeroed memory for <see cref="SharedState"/>, <see cref="Offsets.SharedState_SizeOf"/> bytes: it must be there without asking anybody.</summary>
    [FieldOffset(Offsets.NativeTable_State)] public void* State;

    /// <summary>Where reports go until the host sets a print function of its own; null: nowhere.</summary>
    [FieldOffset(Offsets.NativeTable_Print)] public void* Print;

    /// <summary>First byte of this library in memory.</summary>
    [FieldOffset(Offsets.NativeTable_ImageStart)] public ulong ImageStart;

    /// <summary>The byte behind its last one.</summary>
    [FieldOffset(Offsets.NativeTable_ImageEnd)] public ulong ImageEnd;

    /// <summary>FTRACE_STOP_SIGNAL: 0 if it is not set, else a number, or one of <c>StopSignal</c> in Native/offsets.h, below 0.</summary>
    [FieldOffset(Offsets.NativeTable_StopSignal)] public long StopSignal;

    // What C# gives to the native file. Methods whose addresses are given away are marked.

    /// <summary>What <c>ftrace_nmi_enter()</c> does when the gate is open.</summary>
    [FieldOffset(Offsets.NativeTable_EnterSlow)] public void* EnterSlow;

    /// <summary>What <c>ftrace_nmi_exit()</c> does for an announced NMI.</summary>
    [FieldOffset(Offsets.NativeTable_ExitSlow)] public void* ExitSlow;

    /// <summary>A thread comes to a traced function for the first time.</summary>
    [FieldOffset(Offsets.NativeTable_ClaimTracer)] public void* ClaimTracer;

    /// <summary>A thread comes to a traced function, and a mark is there: the level of nesting that it is at, or -1 not to trace the call.</summary>
    [FieldOffset(Offsets.NativeTable_LookAtMarks)] public void* LookAtMarks;

    /// <summary>A handler has ended, and other marks are there than its.</summary>
    [FieldOffset(Offsets.NativeTable_LeaveMark)] public void* LeaveMark;

    /// <summary>A thread calls the library, and is in a handler or another call by its words: 1 if it is not.</summary>
    [FieldOffset(Offsets.NativeTable_MayCall)] public void* MayCall;

    /// <summary>Blocks the signals whose handlers may leave; 1, and the mask before, if that is not so already.</summary>
    [FieldOffset(Offsets.NativeTable_BlockSignals)] public void* BlockSignals;

    /// <summary>Runs in front of a fork.</summary>
    [FieldOffset(Offsets.NativeTable_ForkPrepare)] public void* ForkPrepare;

    /// <summary>Runs in the parent behind a fork.</summary>
    [FieldOffset(Offsets.NativeTable_ForkParent)] public void* ForkParent;

    /// <summary>Runs in the child of a fork.</summary>
    [FieldOffset(Offsets.NativeTable_ForkChild)] public void* ForkChild;

    /// <summary>Runs in a child that is found to be one by its first call: nothing ran in front of the fork, nor behind it.</summary>
    [FieldOffset(Offsets.NativeTable_ForkFound)] public void* ForkFound;
}
