namespace Ftrace.Protocol;

/// <summary>How threads are asked to stand still, join the stop, and resume at its end.</summary>
/// <remarks>
/// <para>The word of a stop: the generation in its upper half, odd while a stop is on; in the lower one how many threads have
/// joined. Both halves are futexes.</para>
/// <code>
/// patcher                                      thread
/// Begin: generation odd, count 0
/// Request: requested = generation   [ask]      Accept, in the signal's handler: sent = 0   [ask]
/// sent, and a signal pending? then done        read requested
/// else sent = 1, and a signal                  Join: parked = generation
/// Expect: wake-at = how many        [wake]     still that generation? count + 1 in the same step   [join] [wake]
/// read the count; sleep on it                  read wake-at; wake the patcher
/// Release: generation even, count 0 [join]     WaitForRelease: sleep on the generation
/// </code>
/// <para>[ask] Either the handler reads this generation, or the patcher sees that the handler has cleared sent, and sends another signal.
/// If a signal is pending, its handler has not begun. So no request is lost between two stops.</para>
/// <para>[join] One word, so a thread joins only the stop that asked for it, and the release knows whether a thread has to be woken.</para>
/// <para>[wake] Either the patcher reads the count of the last thread, or that thread reads wake-at and wakes the patcher.</para>
/// </remarks>
internal static unsafe class StopRequest<TMachine>
    where TMachine : struct, IThreadMachine
{
    /// <summary>A stop begins. Called by the patcher with the stop mutex held; all threads run.</summary>
    /// <returns>Its generation.</returns>
    public static uint Begin(ulong* word)
    {
        uint generation = TMachine.Read(Generation(word)) + 1;
        TMachine.Xchg(word, (ulong)generation << 32);
        return generation;
    }

    /// <summary>Asks a thread. Called by the patcher while the stop of <paramref name="generation"/> is on.</summary>
    /// <returns>True if the thread has to be sent a signal; false if one is under way.</returns>
    public static bool Request(uint* requested, uint* sent, uint generation, int tid)
    {
        TMachine.Xchg(requested, generation); // before looking whether a signal is under way; pairs with Accept
        if (TMachine.Read(sent) != 0 && TMachine.IsStopPending(tid))
        {
            return false;
        }

        TMachine.Write(sent, 1);
        return true;
    }

    /// <summary>The signal has arrived. Called by the thread, with the signal blocked.</summary>
    /// <returns>The generation for which it was asked last.</returns>
    [NoInstr]
    public static uint Accept(uint* requested, uint* sent)
    {
        TMachine.Xchg(sent, 0); // before the generation is read; pairs with Request
        return TMachine.Read(requested);
    }

    /// <summary>Counts the calling thread, if the stop of <paramref name="generation"/> is still on. The thread's record is complete.</summary>
    /// <returns>False if that stop is over.</returns>
    [NoInstr]
    public static bool Join(ulong* word, uint* wakeAt, uint* parked, uint generation)
    {
        TMachine.Write(parked, generation);
        ulong before = TMachine.Read(word);
        for (; ; )
        {
            if ((uint)(before >> 32) != generation)
            {
                return false;
            }

            // Full barrier: the thread's record before the count; the count before wake-at, pairs with Expect.
            ulong found = TMachine.Cmpxchg(word, before, before + 1);
            if (found == before)
            {
                break;
            }

            before = found;
        }

        if ((uint)before + 1 == TMachine.Read(wakeAt))
        {
            TMachine.FutexWake(Joined(word), 1);
        }

        return true;
    }

    /// <summary>Stays until the stop of <paramref name="generation"/> is over. NMIs run on top of this.</summary>
    [NoInstr]
    public static void WaitForRelease(ulong* word, uint generation, uint spins)
    {
        for (uint i = spins; i > 0 && TMachine.Read(Generation(word)) == generation; i--)
        {
            TMachine.CpuRelax();
        }

        while (TMachine.Read(Generation(word)) == generation)
        {
            TMachine.FutexWait(Generation(word), generation);
        }
    }

    /// <summary>Sets the count at which the patcher is woken.</summary>
    /// <returns>How many threads have joined; the patcher may sleep while that does not change.</returns>
    public static uint Expect(ulong* word, uint* wakeAt, uint count)
    {
        TMachine.Write(wakeAt, count);
        TMachine.SmpMb(); // before the count is read; pairs with Join
        return TMachine.Read(Joined(word));
    }

    /// <summary>The stop is over, complete or given up: all threads that have joined resume.</summary>
    public static void Release(ulong* word)
    {
        // Only the exchange itself returns the final count: a thread may join until then.
        uint generation = TMachine.Read(Generation(word)) + 1;
        ulong before = TMachine.Xchg(word, (ulong)generation << 32);
        if ((uint)before != 0)
        {
            TMachine.FutexWake(Generation(word), int.MaxValue);
        }
    }

    [NoInstr]
    private static uint* Joined(ulong* word) => (uint*)word;

    [NoInstr]
    private static uint* Generation(ulong* word) => (uint*)word + 1;
}
