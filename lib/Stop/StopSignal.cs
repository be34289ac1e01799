using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// The signal that stops threads: the highest real-time signal that has its default disposition when it is
/// first needed, or the one that FTRACE_STOP_SIGNAL names.
/// </summary>
internal static unsafe class StopSignal
{
    /// <summary>
    /// Takes a signal if there is none yet, and makes sure that it is still ours. Called with the stop mutex held.
    /// </summary>
    /// <returns>0, or -EBUSY: no signal is free, or somebody replaced our handler.</returns>
    public static int Verify(StopState* stop)
    {
        if (stop->Signal == 0)
        {
            return Choose(stop);
        }

        KernelSigaction current;
        KernelSigaction.Exchange(stop->Signal, null, &current);
        if (current.Handler != Handler)
        {
            return -Errno.EBUSY;
        }

        if (current.Mask != WantedMask(stop))
        {
            Install(stop, stop->Signal, &current);
        }

        return 0;
    }

    private static ulong Handler => (ulong)(delegate*<int, Siginfo*, void*, void>)&StopHandler.OnSignal;

    /// <summary>All but NMIs and faults, and the two that the kernel takes out of every mask.</summary>
    private static ulong WantedMask(StopState* stop) =>
        ~(stop->NmiSignals | SignalSet.Faults | SignalSet.Of(SignalSet.Sigkill) | SignalSet.Of(SignalSet.Sigstop));

    private static int Choose(StopState* stop)
    {
        long wanted = Native.Table->StopSignal;
        if (wanted != 0)
        {
            bool possible = wanted is >= SignalSet.FirstRealTime and <= SignalSet.Count;
            return possible && TryTake(stop, (int)wanted) ? 0 : -Errno.EBUSY;
        }

        // One that this thread had blocked is likely to be waited for with sigwait() or a descriptor.
        return TryTakeHighest(stop, stop->OwnerMask) || TryTakeHighest(stop, 0) ? 0 : -Errno.EBUSY;
    }

    private static bool TryTakeHighest(StopState* stop, ulong without)
    {
        for (int signo = SignalSet.Count; signo >= SignalSet.FirstRealTime; signo--)
        {
            if ((without & SignalSet.Of(signo)) == 0 && TryTake(stop, signo))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryTake(StopState* stop, int signo)
    {
        if ((stop->NmiSignals & SignalSet.Of(signo)) != 0)
        {
            return false;
        }

        KernelSigaction before;
        KernelSigaction.Exchange(signo, null, &before);
        if (before.Handler != KernelSigaction.Default)
        {
            return false;
        }

        Install(stop, signo, &before);
        if (before.Handler != KernelSigaction.Default)
        {
            // The host was faster.
            KernelSigaction.Exchange(signo, &before, null);
            return false;
        }

        stop->Signal = signo;
        return true;
    }

    /// <summary>
    /// SA_ONSTACK: some hosts run threads on stacks too small for a signal frame, with another one for handlers.
    /// </summary>
    private static void Install(StopState* stop, int signo, KernelSigaction* before)
    {
        KernelSigaction action;
        action.Handler = Handler;
        action.Flags = KernelSigaction.SaSiginfo | KernelSigaction.SaRestorer | KernelSigaction.SaOnstack | KernelSigaction.SaRestart;
        action.Restorer = (ulong)Native.Table->Restorer;
        action.Mask = WantedMask(stop);
        KernelSigaction.Exchange(signo, &action, before);
    }
}
