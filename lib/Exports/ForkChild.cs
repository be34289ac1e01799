using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>
/// Resets the library's state in the child of a fork, where only the forking thread exists. Runs in that thread, before
/// fork(3) returns to the host, whatever the thread was doing.
/// </summary>
[NoInstr]
internal static unsafe class ForkChild
{
    /// <summary>
    /// In a child that was created without the handlers of pthread_atfork(3), as by the system call: called by Native/entry.c before the
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
