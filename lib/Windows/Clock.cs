namespace Ftrace.Windows;

/// <summary>The performance counter, and waits, by system calls.</summary>
[NoInstr]
internal static unsafe class Clock
{
    public const long NsPerSecond = 1_000_000_000;
    public const long NsPerMs = 1_000_000;

    private const long NsPerTick = 100;

    /// <summary>The time in nanoseconds.</summary>
    public static long NowNs()
    {
        long count;
        long frequency;
        Ntdll.NtQueryPerformanceCounter(&count, &frequency);
        return count / frequency * NsPerSecond + count % frequency * NsPerSecond / frequency;
    }

    /// <summary>Sleeps for so long, or until the next tick of the system's timer after that.</summary>
    public static void Sleep(long ns)
    {
        long interval = -(ns / NsPerTick); // negative: from now on
        Ntdll.NtDelayExecution(0, &interval);
    }

    /// <summary>Yields the CPU to another thread, in a wait. If the wait has taken a millisecond already it sleeps.</summary>
    public static void Yield(long waitedNs)
    {
        if (waitedNs < NsPerMs)
        {
            Ntdll.NtYieldExecution();
        }
        else
        {
            Sleep(NsPerMs / 20);
        }
    }
}
