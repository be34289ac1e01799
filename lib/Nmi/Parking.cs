using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>
/// Parks a thread: in the stop signal's handler, or on its way out of an announced NMI. Who may run against whom, and the order of a
/// stop: <c>StopHandler</c>.
/// </summary>
[NoInstr]
internal static unsafe class Parking
{
    /// <summary>
    /// Joins the stop of <paramref name="cookie"/> and stays until the release; returns at once if the stop is over
    /// already. Called in the stop signal's handler, or by an NMI that leaves.
    /// </summary>
    public static void Park(ulong cookie, void* context)
    {
        StopState* stop = StopState.Shared;
        uint generation = (uint)(cookie >> 32);

        if (context == null)
        {
            // On the way out of an NMI: the NMI's mask is not the one that a parked thread needs.
            ulong before = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
            ThreadRecord* record = stop->Records + (uint)cookie;
            Volatile.Write(ref record->Parking, 1);
            Join(stop, generation, record, null);
            Volatile.Write(ref record->Parking, 0);
            SignalSet.Set(before);
            return;
        }

        Join(stop, generation, stop->Records + (uint)cookie, context);
    }

    private static void Join(StopState* stop, uint generation, ThreadRecord* record, void* context)
    {
        record->Context = (ulong)context;
        record->StackPointer = context != null ? *Ucontext.Rsp((ulong)context) : (ulong)&generation;
        Volatile.Write(ref record->ParkedGeneration, generation);

        ulong before = Volatile.Read(ref stop->Word);
        for (; ; )
        {
            if ((uint)(before >> 32) != generation)
            {
                return;
            }

            // Full barrier: the record before the count; the count before WakeAt, see StopAttempt.WaitForThreads.
            ulong found = Interlocked.CompareExchange(ref stop->Word, before + 1, before);
            if (found == before)
            {
                break;
            }

            before = found;
        }

        if ((uint)before + 1 == Volatile.Read(ref stop->WakeAt))
        {
            Futex.Wake(&stop->Joined, 1);
        }

        WaitForRelease(stop, generation);
    }

    /// <summary>Stays until the stop is over. NMIs run on top of this.</summary>
    public static void WaitForRelease(StopState* stop, uint generation)
    {
        for (uint i = stop->Spins; i > 0 && Volatile.Read(ref stop->Generation) == generation; i--)
        {
            X86Base.Pause();
        }

        while (Volatile.Read(ref stop->Generation) == generation)
        {
            Futex.Wait(&stop->Generation, generation);
        }

        if (stop->SerializeParked != 0)
        {
            Native.SyncCore();
        }
    }
}
