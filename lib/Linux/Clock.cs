namespace Ftrace.Linux;

/// <summary>CLOCK_MONOTONIC through a raw system call: the C library's may be patched code.</summary>
[NoInstr]
internal static unsafe class Clock
{
    public const long NsPerSecond = 1_000_000_000;
    public const long NsPerMs = 1_000_000;
    private const int Monotonic = 1;

    /// <summary>The time in nanoseconds.</summary>
    public static long NowNs()
    {
        Timespec now;
        Native.Syscall(SyscallNumber.ClockGettime, Monotonic, (nint)(&now));
        return now.Seconds * NsPerSecond + now.Nanoseconds;
    }

    /// <summary>Sleeps for so long, also if signals interrupt it.</summary>
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
    /// Yields the CPU to another thread, in a wait. If the wait has taken a millisecond already it sleeps, because sched_yield(2) does not
    /// yield to a thread of lower priority.
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

    /// <summary>The clock of a thread's CPU time, for system calls.</summary>
    public static nint OfThread(int tid)
    {
        const int PerThread = 4; // CPUCLOCK_PERTHREAD_MASK
        const int Scheduler = 2; // CPUCLOCK_SCHED

        return ~tid << 3 | PerThread | Scheduler;
    }

    /// <summary>The CPU time in nanoseconds that a thread of the process has used; -1 if it has ended, or the time is not known.</summary>
    public static long RunTimeOf(int tid)
    {
        Timespec used;
        nint error = Native.Syscall(SyscallNumber.ClockGettime, OfThread(tid), (nint)(&used));
        return error != 0 ? -1 : used.Seconds * NsPerSecond + used.Nanoseconds;
    }
}
