using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;

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
        record->Words = (ulong)CurrentThread.Words;
        record->StackPointer = context != null ? *Ucontext.Rsp((ulong)context) : (ulong)&generation;
        if (StopRequest<X86Threads>.Join(&stop->Word, &stop->WakeAt, &record->ParkedGeneration, generation))
        {
            WaitForRelease(stop, generation);
        }
    }

    /// <summary>Stays until the stop is over. NMIs run on top of this.</summary>
    public static void WaitForRelease(StopState* stop, uint generation)
    {
        StopRequest<X86Threads>.WaitForRelease(&stop->Word, generation, stop->Spins);
        ReleaseProtocol<X86Machine>.GoOn();
    }
}
