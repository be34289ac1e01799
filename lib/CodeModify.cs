using System.Threading;
using Ftrace.Linux;
using Ftrace.Stop;
using Ftrace.Protocol;
using Ftrace.X86;

namespace Ftrace;

/// <summary>Who may modify code, and the gate: the kernel's prepare and post_process.</summary>
internal static unsafe class CodeModify
{
    /// <summary>Takes the patch mutex and opens the gate.</summary>
    public static int Prepare(NmiThread* self)
    {
        ForkChild.Detect(self);
        PatchState* patch = &SharedState.Get->Patch;
        if (patch->Owner == (ulong)self || StopMachine.IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        FutexMutex.Lock(&patch->Mutex);
        Volatile.Write(ref patch->Owner, (ulong)self);
        NmiProtocol<X86Machine>.Prepare(Native.Table->ModifyingCode);
        return 0;
    }

    /// <summary>Closes the gate; but for breakpoints that are left for good NMIs have to go on announcing themselves.</summary>
    [NoInstr]
    public static void CloseGate()
    {
        if (SharedState.Get->Breakpoint.Killed == 0)
        {
            NmiProtocol<X86Machine>.PostProcess(Native.Table->ModifyingCode);
        }
    }

    /// <summary>Closes the gate and releases the patch mutex.</summary>
    public static int PostProcess(NmiThread* self)
    {
        PatchState* patch = &SharedState.Get->Patch;
        if (StopMachine.IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        if (patch->Owner != (ulong)self)
        {
            return -Errno.EPERM;
        }

        CloseGate();
        Volatile.Write(ref patch->Owner, 0);
        FutexMutex.Unlock(&patch->Mutex);
        return 0;
    }
}
