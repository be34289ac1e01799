using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>
/// What the child of a fork has to forget: only the forking thread is there. Runs in that thread, before
/// fork(2) returns to the host, whatever the thread was doing.
/// </summary>
[NoInstr]
internal static unsafe class ForkChild
{
    /// <summary>
    /// In the child of a fork that did not run the handlers for it, as by the system call: called by the native file before the
    /// child's first call.
    /// </summary>
    public static void RunFound(NmiThread* self)
    {
        Tracing.AfterForkFound();
        Run(self);
    }

    public static void Run(NmiThread* self)
    {
        StopMachine.AfterFork(self);
        BreakpointMethod.AfterFork(self);
        Tracing.AfterFork(self);
        X86Nmi.AfterFork(self);
        PatchGate.AfterFork(self);
    }
}
