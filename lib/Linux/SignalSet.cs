namespace Ftrace.Linux;

/// <summary>Signal masks in the kernel's format: bit n - 1 is signal n.</summary>
[NoInstr]
internal static unsafe class SignalSet
{
    private const int Block = 0;
    private const int Unblock = 1;
    private const int SetMask = 2;

    /// <summary>Highest signal number.</summary>
    public const int Count = 64;

    /// <summary>First real-time signal that the C library leaves to programs.</summary>
    public const int FirstRealTime = 34;

    public const int Sigill = 4;
    public const int Sigtrap = 5;
    public const int Sigabrt = 6;
    public const int Sigbus = 7;
    public const int Sigfpe = 8;
    public const int Sigkill = 9;
    public const int Sigsegv = 11;
    public const int Sigchld = 17;
    public const int Sigstop = 19;
    public const int Sigio = 29;
    public const int Sigsys = 31;

    /// <summary>
    /// Signals that an instruction raises. If they were blocked, an NMI handler that probes memory under a handler of its own
    /// would kill the process, so they are never blocked.
    /// </summary>
    public const ulong Faults =
        1ul << (Sigill - 1) | 1ul << (Sigtrap - 1) | 1ul << (Sigbus - 1) |
        1ul << (Sigfpe - 1) | 1ul << (Sigsegv - 1) | 1ul << (Sigsys - 1);

    public static ulong Of(int signo) => 1ul << (signo - 1);

    /// <summary>A number for which a program can install a handler.</summary>
    public static bool IsUsable(int signo) =>
        signo is >= 1 and <= Count and not Sigkill and not Sigstop and not 32 and not 33;

    /// <summary>Blocks more signals on this thread.</summary>
    /// <returns>The mask before.</returns>
    public static ulong BlockMore(ulong signals) => Change(Block, signals);

    /// <summary>Unblocks signals on this thread.</summary>
    /// <returns>The mask before.</returns>
    public static ulong BlockLess(ulong signals) => Change(Unblock, signals);

    /// <summary>Sets this thread's mask.</summary>
    /// <returns>The mask before.</returns>
    public static ulong Set(ulong signals) => Change(SetMask, signals);

    private static ulong Change(int how, ulong signals)
    {
        ulong before;
        Native.Syscall(SyscallNumber.RtSigprocmask, how, (nint)(&signals), (nint)(&before), sizeof(ulong));
        return before;
    }
}
