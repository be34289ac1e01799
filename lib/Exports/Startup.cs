using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.JumpLabel;
using Ftrace.Linux;
using Ftrace.Sites;
using Ftrace.Text;
using Ftrace.Trace;
using Ftrace.X86;

namespace Ftrace.Exports;

/// <summary>Called once by the native file's constructor.</summary>
internal static unsafe class Startup
{
    [UnmanagedCallersOnly(EntryPoint = "thread_startup", CallConvs = [typeof(CallConvCdecl)])]
    public static void Start(NativeTable* native)
    {
        Native.Attach(native);
        SharedState.Attach((SharedState*)native->State);
        SharedState.Get->Trace.Print = native->Print;
        SharedState.Get->Stop.Pid = (int)Native.Syscall(SyscallNumber.Getpid);
        PatchBatch.WarmUp();
        SymbolTable.WarmUp();
        ObjectReader.WarmUp();
        JumpTable.WarmUp();

        native->EnterSlow = &X86Nmi.EnterSlow;
        native->ExitSlow = &X86Nmi.ExitSlow;
        native->ClaimTracer = &TraceThreads.Claim;
        native->LookAtMarks = &TraceMarks.Look;
        native->LeaveMark = &TraceMarks.Leave;
        native->MayCall = &LibraryCall.MayBegin;
        native->BlockSignals = &LibraryCall.BlockSignals;
        native->ForkPrepare = &Tracing.ForkPrepare;
        native->ForkParent = &Tracing.ForkParent;
        native->ForkChild = &ForkChild.Run;
        native->ForkFound = &ForkChild.RunFound;
    }

    /// <summary>A thread's first call: being called is all it takes for the runtime to note the thread.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_attach", CallConvs = [typeof(CallConvCdecl)])]
    public static void Attach()
    {
    }
}
