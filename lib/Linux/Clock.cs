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
}
