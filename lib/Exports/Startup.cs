using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;
using Ftrace.Record;
using Ftrace.Text;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>Called once by the constructor in Native/startup.c.</summary>
internal static unsafe class Startup
{
    [UnmanagedCallersOnly(EntryPoint = "thread_startup", CallConvs = [typeof(CallConvCdecl)])]
    public static void Start(NativeTable* native)
    {
        Native.Attach(native);
        SharedState.Attach(native->State);
        HostPrint.Set(null);
        StopState.Shared->Pid = (int)Native.Syscall(SyscallNumber.Getpid);
        PatchBatch.WarmUp();
        SymbolTable.WarmUp();
        ObjectReader.WarmUp();
        JumpTable.WarmUp();

        native->EnterSlow = (delegate*<NmiThread*, void>)&X86Nmi.EnterSlow;
        native->ExitSlow = (delegate*<NmiThread*, void>)&X86Nmi.ExitSlow;
        native->ClaimTracer = (delegate*<NmiThread*, TraceThread*>)&TraceThreads.Claim;
        native->LookAtMarks = (delegate*<NmiThread*, ulong, long>)&TraceMarks.Look;
        native->LeaveMark = (delegate*<NmiThread*, ulong, void>)&TraceMarks.Leave;
        native->MayCall = (delegate*<NmiThread*, ulong, int>)&LibraryCall.MayBegin;
        native->BlockSignals = (delegate*<ulong*, int>)&LibraryCall.BlockSignals;
        native->ForkPrepare = (delegate*<NmiThread*, long, void>)&Tracing.ForkPrepare;
        native->ForkParent = (delegate*<NmiThread*, void>)&Tracing.ForkParent;
        native->ForkChild = (delegate*<NmiThread*, void>)&ForkChild.Run;
        native->SiteData = (delegate*<NmiThread*, ulong, ulong*>)&SiteData.Of;
        native->GraphRefill = (delegate*<TraceThread*, ulong, int, int>)&GraphSlots.Refill;
        native->GraphIsLeft = (delegate*<TraceThread*, GraphSlot*, ulong, int>)&GraphSlots.IsLeft;
    }

    /// <summary>The agent looks at the objects that are being opened, and traces them.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_agent_look", CallConvs = [typeof(CallConvCdecl)])]
    public static int Look() => Tracing.Look(isAgain: false);

    /// <summary>The same once more, after a temporary error.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_agent_look_again", CallConvs = [typeof(CallConvCdecl)])]
    public static int LookAgain() => Tracing.Look(isAgain: true);

    /// <summary>The agent frees what objects that were closed have left.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_agent_reclaim", CallConvs = [typeof(CallConvCdecl)])]
    public static int Reclaim()
    {
        Tracing.ReclaimBriefly();
        return 0;
    }

    /// <summary>The recorder's thread works for a moment.</summary>
    /// <returns>After how many microseconds it is to work again.</returns>
    [UnmanagedCallersOnly(EntryPoint = "thread_keeper_work", CallConvs = [typeof(CallConvCdecl)])]
    public static int KeeperWork() => Keeper.Work();

    /// <summary>The thread that other processes ask looks for a request.</summary>
    /// <returns>0: it can sleep until there is another one.</returns>
    [UnmanagedCallersOnly(EntryPoint = "thread_control_work", CallConvs = [typeof(CallConvCdecl)])]
    public static int ControlWork(ControlSession* session) => ControlArea.Work(session);

    /// <summary>A thread's first call. It does nothing: the runtime attaches a thread when it enters.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_attach", CallConvs = [typeof(CallConvCdecl)])]
    public static void Attach()
    {
    }
}
