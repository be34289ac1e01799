using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// The order of several copies of this library in one process: <c>struct turn</c> in Native/native.h. All use the stop mutex of the one
/// that stopped threads first: two that stop each other's patchers would wait for each other.
/// </summary>
/// <remarks>
/// A copy finds the others by the handlers that they have for their stop signals: in front of the function that such a handler returns
/// to stand a word that marks it, and the way to the copy's own turn. Nothing else is known to all copies, which may be in
/// different namespaces of the loader.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.StopTurn_SizeOf)]
internal unsafe struct StopTurn
{
    /// <summary>A <see cref="FutexMutex"/>.</summary>
    [FieldOffset(Offsets.StopTurn_Mutex)] public uint Mutex;

    /// <summary>The turn whose mutex this copy uses; null: it has not stopped anything yet.</summary>
    [FieldOffset(Offsets.StopTurn_First)] public StopTurn* First;

    private const ulong Mark = 0x01_00_65_63_61_72_74_66; // "ftrace\0\1"
    private const ulong MarkOffset = Offsets.StopTurn_MarkOffset;
    private const ulong TurnOffset = Offsets.StopTurn_TurnOffset;
    private const int LooksAtOther = 1000;

    private static StopTurn* Own => (StopTurn*)Native.Table->Turn;

    /// <summary>Takes the stop mutex. The caller's signals must be deliverable: whoever holds it may be stopping this thread.</summary>
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

    /// <summary>Gives back the own one, which does not count any more.</summary>
    public static void UnlockOwn() => FutexMutex.Unlock(&Own->Mutex);

    private static StopTurn* Current => (StopTurn*)Volatile.Read(ref *(nint*)&Own->First) is var first && first != null ? first : Own;

    /// <summary>
    /// Looks for copies that were here before, once the own handler is in place, and finds out whose mutex counts. Called with the own one held.
    /// </summary>
    /// <returns>True if it is another one: that has to be taken now.</returns>
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

            // One that has its handler but no turn yet is looking for us at this moment: the higher signal counts.
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

    /// <summary>In the child of a fork nobody else holds it.</summary>
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
