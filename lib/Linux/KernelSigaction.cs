namespace Ftrace.Linux;

/// <summary><c>struct sigaction</c> as the kernel has it, and rt_sigaction(2).</summary>
internal unsafe struct KernelSigaction
{
    /// <summary>SIG_DFL.</summary>
    public const ulong Default = 0;

    /// <summary>SIG_IGN.</summary>
    public const ulong Ignore = 1;

    public const ulong SaSiginfo = 0x4;
    public const ulong SaRestorer = 0x04000000;
    public const ulong SaOnstack = 0x08000000;
    public const ulong SaRestart = 0x10000000;
    public const ulong SaNodefer = 0x40000000;
    public const ulong SaResethand = 0x80000000;

    public ulong Handler;
    public ulong Flags;
    public ulong Restorer;
    public ulong Mask;

    /// <summary>The action for a handler of ours: it gets the context, and returns through Native/syscall.S.</summary>
    public static KernelSigaction Of(delegate*<int, Siginfo*, void*, void> handler, ulong flags, ulong mask) => new()
    {
        Handler = (ulong)handler,
        Flags = SaSiginfo | SaRestorer | flags,
        Restorer = (ulong)Native.Table->Restorer,
        Mask = mask,
    };

    /// <summary>Resets a signal to its default disposition.</summary>
    [NoInstr]
    public static void Reset(int signo)
    {
        KernelSigaction action = default;
        Exchange(signo, &action, null);
    }

    /// <summary>Reads a disposition, and replaces it if <paramref name="next"/> is not null.</summary>
    [NoInstr]
    public static int Exchange(int signo, KernelSigaction* next, KernelSigaction* before) =>
        (int)Native.Syscall(SyscallNumber.RtSigaction, signo, (nint)next, (nint)before, sizeof(ulong));
}
