namespace Ftrace.Linux;

/// <summary>futex(2), for words that are not shared with other processes, unless the name says so.</summary>
[NoInstr]
internal static unsafe class Futex
{
    private const int WaitPrivate = 0 | 128;
    private const int WakePrivate = 1 | 128;
    private const int WakeAny = 1;

    /// <summary>Sleeps while <paramref name="word"/> holds <paramref name="value"/>; may wake early.</summary>
    /// <returns>0 or -errno; -ETIMEDOUT after <paramref name="timeoutNs"/> nanoseconds, if that is not 0.</returns>
    public static int Wait(uint* word, uint value, long timeoutNs = 0)
    {
        Timespec timeout;
        timeout.Seconds = timeoutNs / Clock.NsPerSecond;
        timeout.Nanoseconds = timeoutNs % Clock.NsPerSecond;
        return (int)Native.Syscall(SyscallNumber.Futex, (nint)word, WaitPrivate, (nint)value, timeoutNs == 0 ? 0 : (nint)(&timeout));
    }

    /// <summary>Wakes all sleepers, of any process, on a word in shared memory.</summary>
    public static void WakeShared(uint* word) => Native.Syscall(SyscallNumber.Futex, (nint)word, WakeAny, int.MaxValue);

    /// <summary>Wakes at most <paramref name="count"/> sleepers.</summary>
    public static void Wake(uint* word, int count) =>
        Native.Syscall(SyscallNumber.Futex, (nint)word, WakePrivate, count);
}
