using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// The order of several copies of this library in one process: <c>struct turn</c> in Native/native.h. All copies use the stop mutex of the
/// one that stopped threads first: two copies that stop each other's patchers would wait for each other.
/// </summary>
/// <remarks>
/// A copy finds the others by the handlers of their stop signals: before the function that such a handler returns to (sa_restorer) are a
/// word that marks it, and the distance to the copy's own turn. Nothing else is known to all copies, which may be in different
/// namespaces of the loader.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.StopTurn_SizeOf)]
internal unsafe struct StopTurn
{
    /// <summary>A <see cref="FutexMutex"/>.</summary>
    [FieldOffset(Offsets.StopTurn_Mutex)] public uint Mutex;

    /// <summary>The turn whose mutex this copy uses; null: it has not stopped any thread yet.</summary>
    [FieldOffset(Offsets.StopTurn_First)] public StopTurn* First;

    private const ulong Mark = 0x01_00_65_63_61_72_74_66; // "ftrace\0\1"
    private const ulong MarkOffset = Offsets.StopTurn_MarkOffset;
    private const ulong TurnOffset = Offsets.StopTurn_TurnOffset;
    private const int LooksAtOther = 1000;

    private static StopTurn* Own => (StopTurn*)Native.Table->Turn;

    /// <summary>Takes the stop mutex. The caller's signals must be unblocked: the owner of the mutex may be stopping this thread.</summary>
    public static void Lock()
    {
        for (; ; )
        {
            StopTurn* turn = Current;
            FutexMutex.Lock(&turn->Mutex);
            if (turn == Current)
            {
                return;
            }

            FutexMutex.Unlock(&turn->Mutex);
        }
    }

    public static void Unlock() => FutexMutex.Unlock(&Current->Mutex);

    /// <summary>Releases this copy's own mutex, which is not used any more.</summary>
    public static void UnlockOwn() => FutexMutex.Unlock(&Own->Mutex);

    private static StopTurn* Current => (StopTurn*)Volatile.Read(ref *(nint*)&Own->First) is var first && first != null ? first : Own;

    /// <summary>
    /// Looks for copies that stopped threads before, after this copy's handler was installed, and finds out whose mutex is to be used. Called
    /// with this copy's own mutex held.
    /// </summary>
    /// <returns>True if it is another copy's: that mutex has to be taken now.</returns>
    public static bool FindFirst(int ownSignal)
    {
        if (Own->First != null)
        {
            return false;
        }

        StopTurn* first = Own;
        for (int signo = SignalSet.Count; signo >= SignalSet.FirstRealTime; signo--)
        {
            StopTurn* other = TurnOf(signo);
            if (other == null || other == Own)
            {
                continue;
            }

            // A copy that has its handler but no turn yet is looking for us at this moment: the one with the higher signal is first.
            for (int looks = 0; Volatile.Read(ref *(nint*)&other->First) == 0 && looks < LooksAtOther && signo > ownSignal; looks++)
            {
                Native.Syscall(SyscallNumber.SchedYield);
            }

            var others = (StopTurn*)Volatile.Read(ref *(nint*)&other->First);
            if (others != null || signo > ownSignal)
            {
                first = others != null ? others : other;
                break;
            }
        }

        Volatile.Write(ref *(nint*)&Own->First, (nint)first);
        return first != Own;
    }

    /// <summary>In the child of a fork: no other thread holds the mutex.</summary>
    [NoInstr]
    public static void AfterFork() => ((StopTurn*)Native.Table->Turn)->Mutex = 0;

    private static StopTurn* TurnOf(int signo)
    {
        KernelSigaction action;
        if (KernelSigaction.Exchange(signo, null, &action) != 0 || action.Handler <= KernelSigaction.Ignore
            || (action.Flags & KernelSigaction.SaRestorer) == 0 || action.Restorer < MarkOffset)
        {
            return null;
        }

        ulong mark = action.Restorer - MarkOffset;
        ulong turn = action.Restorer - TurnOffset;
        return OwnMemory.CanRead(mark) && OwnMemory.CanRead(turn) && *(ulong*)mark == Mark
            ? (StopTurn*)(turn + *(ulong*)turn)
            : null;
    }
}
