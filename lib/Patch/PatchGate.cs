using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>Who may modify code, and the gate: the kernel's prepare and post_process.</summary>
internal static unsafe class PatchGate
{
    /// <summary>True if the thread has prepared: it may modify code.</summary>
    [NoInstr]
    public static bool IsOwner(NmiThread* self) => PatchState.Shared->Owner == (ulong)self;

    /// <summary>Takes the patch mutex and opens the gate.</summary>
    public static int Prepare(NmiThread* self)
    {
        PatchState* patch = PatchState.Shared;
        if (IsOwner(self) || StopMachine.IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        FutexMutex.Lock(&patch->Mutex);
        Open(patch, self);
        return 0;
    }

    /// <summary>The same, unless another thread has the mutex. Not in a stop window.</summary>
    public static bool TryPrepare(NmiThread* self)
    {
        PatchState* patch = PatchState.Shared;
        if (!FutexMutex.TryLock(&patch->Mutex))
        {
            return false;
        }

        Open(patch, self);
        return true;
    }

    private static void Open(PatchState* patch, NmiThread* self)
    {
        Volatile.Write(ref patch->Owner, (ulong)self);
        TextPages.Reserve(); // before any window; who changes text in one finds out whether there was memory
        NmiProtocol<X86Machine>.Prepare(Native.Table->ModifyingCode);
    }

    /// <summary>Closes the gate and releases the patch mutex.</summary>
    public static int PostProcess(NmiThread* self)
    {
        PatchState* patch = PatchState.Shared;
        if (StopMachine.IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        if (!IsOwner(self))
        {
            return -Errno.EPERM;
        }

        Close();
        Volatile.Write(ref patch->Owner, 0);
        FutexMutex.Unlock(&patch->Mutex);
        return 0;
    }

    [NoInstr]
    private static void Close() => NmiProtocol<X86Machine>.PostProcess(Native.Table->ModifyingCode, &PatchState.Shared->Killed);

    /// <summary>In the child of a fork: who had the mutex is not there, unless it is this thread.</summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        PatchState* patch = PatchState.Shared;
        if (!IsOwner(self))
        {
            Close();
            patch->Owner = 0;
            patch->Mutex = 0;
        }
    }
}
