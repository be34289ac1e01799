using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Breakpoint;

/// <summary>The handler of SIGTRAP: installs it, and checks that it is still installed.</summary>
internal static unsafe class TrapSignal
{
    /// <summary>
    /// Installs the handler before the first batch, and checks before each other batch that it is still there. It stays installed: a
    /// trap may be delivered long after its batch. Called with the stop mutex held.
    /// </summary>
    /// <returns>0, or -EBUSY if the host has replaced our handler.</returns>
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
    /// Our handler calls the host's, so it has the flags that the host's was installed with: for the stack that it runs on, and for
    /// whether an interrupted system call is restarted. If the host has none, ours uses the alternate stack if the stop signal's does.
    /// </summary>
    private static ulong HostFlags(KernelSigaction current)
    {
        const ulong Flags = KernelSigaction.SaOnstack | KernelSigaction.SaRestart;

        return current.Handler is KernelSigaction.Default or KernelSigaction.Ignore
            ? KernelSigaction.SaRestart | AlternateStack.FlagOfHandlers(SignalSet.Sigtrap)
            : current.Flags & Flags;
    }
}
