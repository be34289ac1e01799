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

    /// <summary>Sleeps; a signal may end it early.</summary>
    public static void Sleep(long ns)
    {
        var time = new Timespec { Seconds = ns / NsPerSecond, Nanoseconds = ns % NsPerSecond };
        Native.Syscall(SyscallNumber.Nanosleep, (nint)(&time));
    }
}
