using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>stack_t</c>: the calling thread's stack for signal handlers, sigaltstack(2).</summary>
[StructLayout(LayoutKind.Sequential)]
[NoInstr]
internal unsafe struct AlternateStack
{
    private const int Disabled = 2; // SS_DISABLE: none is set, or a handler runs on one with SS_AUTODISARM

    public ulong Start;
    private int _flags;
    public ulong Size;

    /// <summary>The calling thread's; its size is 0 if there is none.</summary>
    public static AlternateStack Current
    {
        get
        {
            AlternateStack current;
            nint error = Native.Syscall(SyscallNumber.Sigaltstack, 0, (nint)(&current));
            current.Size = error == 0 && (current._flags & Disabled) == 0 ? current.Size : 0;
            return current;
        }
    }

    /// <summary>
    /// SA_ONSTACK if the handler of any signal that may come at any time has this flag, else 0. Faults, SIGABRT and the C library's own
    /// signals are ignored.
    /// </summary>
    /// <param name="except">Another signal to ignore.</param>
    public static ulong FlagOfHandlers(int except)
    {
        for (int signo = 1; signo <= SignalSet.Count; signo++)
        {
            KernelSigaction action;
            if (signo != except && SignalSet.IsUsable(signo) && (SignalSet.Of(signo) & (SignalSet.Faults | SignalSet.Of(SignalSet.Sigabrt))) == 0
                && KernelSigaction.Exchange(signo, null, &action) == 0
                && action.Handler is not (KernelSigaction.Default or KernelSigaction.Ignore)
                && (action.Flags & KernelSigaction.SaOnstack) != 0)
            {
                return KernelSigaction.SaOnstack;
            }
        }

        return 0;
    }

    public readonly bool Contains(ulong address) => address - Start < Size;
}
