namespace Ftrace.Linux;

/// <summary>CLOCK_MONOTONIC through a raw system call: the C library's may be patched code.</summary>
[NoInstr]
internal static unsafe class Clock
{
    public const long NsPerSecond = 1_000_000_000;
    public const long NsPerMs = 1_000_000;
    private const int Monotonic = 1;

    /// <summary>Nanoseconds since some moment in the past.</summary>
    public static long NowNs()
    {
        Timespec now;
        Native.Syscall(SyscallNumber.ClockGettime, Monotonic, (nint)(&now));
        return now.Seconds * NsPerSecond + now.Nanoseconds;
    }

    /// <summary>Sleeps, through all signals.</summary>
    public static void Sleep(long ns)
    {
        long end = NowNs() + ns;
        for (long rest = ns; rest > 0; rest = end - NowNs())
        {
            var time = new Timespec { Seconds = rest / NsPerSecond, Nanoseconds = rest % NsPerSecond };
            Native.Syscall(SyscallNumber.Nanosleep, (nint)(&time));
        }
    }

    /// <summary>
    /// Lets another thread have this CPU, in a wait that has taken some time already: after a millisecond by sleeping, because a thread of
    /// a lower priority gets no CPU from sched_yield(2).
    /// </summary>
    public static void Yield(long waitedNs)
    {
        if (waitedNs < NsPerMs)
        {
            Native.Syscall(SyscallNumber.SchedYield);
        }
        else
        {
            Sleep(NsPerMs / 20);
        }
    }
}
