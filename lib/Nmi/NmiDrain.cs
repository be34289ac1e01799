using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>
/// Drains NMIs: ends a stream of them that would keep the patcher waiting forever.
/// </summary>
/// <remarks>
/// When a wait has lasted some milliseconds, the patcher blocks the NMI signals on its own thread and publishes
/// that; then each announced NMI that leaves on another thread blocks them too and stays there until the
/// release. So every thread can run one more NMI (with those nested in it) but no second one, and the wait ends.
/// No parked thread has to be woken for that, and it works for a thread that never gets back to its wait loop.
/// </remarks>
[NoInstr]
internal static unsafe class NmiDrain
{
    /// <summary>How many times the patcher spins between two readings of the clock.</summary>
    public const uint SpinsPerCheck = 256;

    private const long PatienceNs = 2 * Clock.NsPerMs;

    /// <summary>Called by the patcher from time to time while it waits; <paramref name="turn"/> is 0 the first time.</summary>
    public static void Check(uint turn)
    {
        StopState* stop = StopState.Shared;
        long now = Clock.NowNs();
        if (turn == 0)
        {
            stop->WaitStartNs = now;
            return;
        }

        if (stop->DrainGeneration != stop->Generation && now - stop->WaitStartNs >= PatienceNs)
        {
            SignalSet.BlockMore(stop->NmiSignals & ~SignalSet.Faults);
            Volatile.Write(ref stop->DrainGeneration, stop->Generation);
            stop->MaskedStops++;
        }
        else
        {
            Clock.Yield(now - stop->WaitStartNs); // an NMI that still runs may need this CPU
        }
    }

    /// <summary>
    /// Waits until no announced NMI runs. Called by the patcher in a window, before anything is written, while it can
    /// still give up: a handler may wait, against the rules, for a thread that is parked.
    /// </summary>
    /// <returns>0 or -ETIMEDOUT.</returns>
    public static int WaitForQuiet(ProtocolState* protocol, uint timeoutMs)
    {
        for (uint turn = 0; Volatile.Read(ref protocol->NmiRunning) != 0; turn++)
        {
            protocol->NmiWaitCount += turn == 0 ? 1u : 0u;
            X86Base.Pause();
            if (turn % SpinsPerCheck == 0)
            {
                Check(turn);
                if (Clock.NowNs() - StopState.Shared->WaitStartNs >= timeoutMs * Clock.NsPerMs)
                {
                    return -Errno.ETIMEDOUT;
                }
            }
        }

        return 0;
    }

    /// <summary>
    /// Called when the outermost announced NMI of a thread has left. If NMIs are being drained, stays here until the release,
    /// with the NMI signals blocked; not on the patcher's own thread.
    /// </summary>
    public static void AfterNmi(NmiThread* thread)
    {
        StopState* stop = StopState.Shared;
        uint drain = Volatile.Read(ref stop->DrainGeneration);
        if (drain == 0 || drain != Volatile.Read(ref stop->Generation) || (ulong)thread == stop->Owner)
        {
            return;
        }

        ulong before = SignalSet.BlockMore(~SignalSet.Faults);
        Parking.WaitForRelease(stop, drain);
        SignalSet.Set(before);
    }
}
