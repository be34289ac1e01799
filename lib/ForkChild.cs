using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Stop;
using Ftrace.Protocol;
using Ftrace.Trace;

namespace Ftrace;

/// <summary>
/// What the child of a fork has to forget: only the forking thread is there. Runs in that thread, before
/// fork(2) returns to the host, whatever the thread was doing.
/// </summary>
[NoInstr]
internal static unsafe class ForkChild
{
    /// <summary>In a child that <see cref="RunFound"/> has not run in: the native file has looked before each call, so there is none.</summary>
    public static void Detect(NmiThread* self)
    {
        if (Native.Syscall(SyscallNumber.Getpid) != SharedState.Get->Stop.Pid)
        {
            Run(self);
        }
    }

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
        SharedState* state = SharedState.Get;
        StopMachine.AfterFork(self);
        BreakpointPatcher.AfterFork(self);
        Tracing.AfterFork(self);
        self->StopPending = 0;

        // The NMIs of other threads are gone; those that this thread is in will count down.
        state->Protocol.NmiRunning = 0;
        for (ulong saved = self->Saved; NmiThread.IsAnnounced(saved); saved &= saved - 1)
        {
            state->Protocol.NmiRunning++;
        }

        if (state->Patch.Owner != (ulong)self)
        {
            CodeModify.CloseGate();
            state->Patch.Owner = 0;
            state->Patch.Mutex = 0;
        }
    }
}
