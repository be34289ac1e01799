using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Record;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>
/// Resets the library's state in the child of a fork, where only the forking thread exists. Runs in that thread, before
/// fork(3) returns to the host, whatever the thread was doing; or, if the handlers of pthread_atfork(3) did not run, before the child's
/// first call.
/// </summary>
[NoInstr]
internal static unsafe class ForkChild
{
    public static void Run(NmiThread* self)
    {
        StopMachine.AfterFork(self);
        BreakpointMethod.AfterFork(self);
        Tracing.AfterFork(self);
        Recorder.AfterFork(self);
        X86Nmi.AfterFork(self);
        PatchGate.AfterFork(self);
        Sampler.AfterFork();
    }
}
