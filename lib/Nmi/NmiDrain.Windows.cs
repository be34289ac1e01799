using System.Threading;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>Keeps threads that leave their last announced NMI from running on while others are being stopped.</summary>
/// <remarks>
/// A thread inside an announced NMI is not suspended there: the patcher would wait for it. It goes on until the NMI has left, and stays
/// here, so that it cannot enter another one before it is suspended.
/// </remarks>
[NoInstr]
internal static unsafe class NmiDrain
{
    /// <summary>How many times the patcher spins between two calls of <see cref="Check"/>.</summary>
    public const uint SpinsPerCheck = 256;

    private const long PauseNs = Clock.NsPerMs;

    /// <summary>Called by the patcher from time to time while it waits.</summary>
    public static void Check(uint turn) => Clock.Yield(turn / SpinsPerCheck * Clock.NsPerMs / SpinsPerCheck);

    /// <summary>In a window, before anything is written.</summary>
    /// <returns>0; -ETIMEDOUT if an announced NMI runs: on this thread, because all others stand still outside of them.</returns>
    public static int WaitForQuiet(ProtocolState* protocol, uint timeoutMs) =>
        Volatile.Read(ref protocol->NmiRunning) == 0 ? 0 : -Errno.ETIMEDOUT;

    /// <summary>Called when the outermost announced NMI of a thread has left. Stays here until the stop is over, if one is on.</summary>
    public static void AfterNmi(NmiThread* thread)
    {
        // No wait on an address: its lock may be held by the code that this NMI has interrupted.
        StopState* stop = StopState.Shared;
        uint generation = Volatile.Read(ref stop->Generation);
        while ((generation & 1) != 0 && (ulong)thread != stop->Owner && Volatile.Read(ref stop->Generation) == generation)
        {
            Clock.Sleep(PauseNs);
        }
    }
}
