using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Breakpoint;

/// <summary>Who has SIGTRAP.</summary>
internal static unsafe class TrapSignal
{
    /// <summary>
    /// Takes SIGTRAP at the first batch, and makes sure that it is still ours at the others. It stays ours: a trap may be
    /// delivered long after its batch. Called with the stop mutex held.
    /// </summary>
    /// <returns>0, or -EBUSY: somebody replaced our handler.</returns>
    public static int Verify(TrapState* state)
    {
        KernelSigaction current;
        KernelSigaction.Exchange(SignalSet.Sigtrap, null, &current);
        if (state->Installed != 0)
        {
            return current.Handler == Handler ? 0 : -Errno.EBUSY;
        }

        state->Previous = current;
        var action = KernelSigaction.Of(&TrapHandler.OnSignal, HostFlags(current), ~SignalSet.Faults);
        KernelSigaction.Exchange(SignalSet.Sigtrap, &action, &state->Previous);
        state->Installed = 1;
        return 0;
    }

    private static ulong Handler => (ulong)(delegate*<int, Siginfo*, void*, void>)&TrapHandler.OnSignal;

    /// <summary>
    /// The host's handler runs under ours, on the stack that it was installed for, and a system call that a signal for it
    /// interrupts goes on or not as it was installed. Without one, ours takes the alternate stack where the stop signal does.
    /// </summary>
    private static ulong HostFlags(KernelSigaction current)
    {
        const ulong Flags = KernelSigaction.SaOnstack | KernelSigaction.SaRestart;

        return current.Handler is KernelSigaction.Default or KernelSigaction.Ignore
            ? KernelSigaction.SaRestart | AlternateStack.FlagOfHandlers(SignalSet.Sigtrap)
            : current.Flags & Flags;
    }
}
