using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Record;

/// <summary>
/// The signal of samples: the highest real-time signal with its default disposition, as the stop signal, while samples are taken. It is
/// declared as an NMI. Called with the recorder's mutex held.
/// </summary>
internal static unsafe class SampleSignal
{
    private static int s_signo;

    /// <summary>0: there is none.</summary>
    [NoInstr]
    public static int Number => s_signo;

    private static ulong Handler => (ulong)Native.Table->OnSample;

    /// <summary>Chooses a signal and installs the handler.</summary>
    /// <returns>0, or -EBUSY if none is free.</returns>
    public static int Take()
    {
        // As for the stop signal: one that is blocked is probably waited for.
        ulong blocked = StopState.Shared->OwnerMask;
        bool taken = TryTakeHighest(blocked) || TryTakeHighest(0);
        return taken ? 0 : -Errno.EBUSY;
    }

    private static bool TryTakeHighest(ulong without)
    {
        for (int signo = SignalSet.Count; signo >= SignalSet.FirstRealTime; signo--)
        {
            if ((without & SignalSet.Of(signo)) == 0 && TryTake(signo))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryTake(int signo)
    {
        StopState* stop = StopState.Shared;
        if (signo == stop->Signal || signo == Native.Table->StopSignal || (stop->NmiSignals & SignalSet.Of(signo)) != 0
            || !TryInstall(signo))
        {
            return false;
        }

        TryInstall(SignalSet.Sigio); // one of the program's own will do
        s_signo = signo;
        Interlocked.Or(ref stop->NmiSignals, SignalSet.Of(signo));
        return true;
    }

    private static bool TryInstall(int signo)
    {
        KernelSigaction before;
        if (KernelSigaction.Exchange(signo, null, &before) != 0 || !IsFree(before))
        {
            return false;
        }

        KernelSigaction action = Action(AlternateStack.FlagOfHandlers(signo));
        if (KernelSigaction.Exchange(signo, &action, &before) != 0)
        {
            return false;
        }

        if (!IsFree(before))
        {
            // The host has installed its own meanwhile.
            KernelSigaction.Exchange(signo, &before, null);
            return false;
        }

        return true;
    }

    /// <summary>Nobody's, or ours since a recording before.</summary>
    private static bool IsFree(in KernelSigaction action) => action.Handler == KernelSigaction.Default || action.Handler == Handler;

    private static KernelSigaction Action(ulong onAlternateStack) => new()
    {
        Handler = Handler,
        Flags = KernelSigaction.SaSiginfo | KernelSigaction.SaRestorer | KernelSigaction.SaRestart | onAlternateStack,
        Restorer = (ulong)Native.Table->Restorer,
        Mask = Mask,
    };

    /// <summary>A handler of the host's might leave ours by siglongjmp(): all its signals wait, but those that are declared.</summary>
    private static ulong Mask
    {
        get
        {
            StopState* stop = StopState.Shared;
            return ~(stop->NmiSignals | SignalSet.Faults | (stop->Signal != 0 ? SignalSet.Of(stop->Signal) : 0));
        }
    }

    /// <summary>Checks that the host has not installed a handler of its own. The stop signal may have been chosen since.</summary>
    public static bool Verify()
    {
        KernelSigaction current;
        if (!IsOurs(&current))
        {
            return false;
        }

        if (current.Mask != (Mask & ~(SignalSet.Of(SignalSet.Sigkill) | SignalSet.Of(SignalSet.Sigstop))))
        {
            KernelSigaction action = Action(current.Flags & KernelSigaction.SaOnstack);
            KernelSigaction.Exchange(s_signo, &action, null);
        }

        return true;
    }

    [NoInstr]
    private static bool IsOurs(KernelSigaction* current) =>
        KernelSigaction.Exchange(s_signo, null, current) == 0 && current->Handler == (ulong)Native.Table->OnSample;

    /// <summary>
    /// Ends the use of the signal, once none is sent any more. Those that are pending go away when the signal is ignored: the kernel
    /// discards them in all threads. The handler stays, and does nothing: a thread may have taken the signal and not looked at its disposition
    /// yet, for as long as whoever traces it likes (ptrace(2), signal-delivery-stop). The default one would end the process.
    /// </summary>
    public static void GiveBack()
    {
        KernelSigaction current;
        if (IsOurs(&current))
        {
            var ignored = new KernelSigaction { Handler = KernelSigaction.Ignore };
            KernelSigaction.Exchange(s_signo, &ignored, null);
            KernelSigaction.Exchange(s_signo, &current, null);
        }

        Interlocked.And(ref StopState.Shared->NmiSignals, ~SignalSet.Of(s_signo));
        s_signo = 0;
    }

    /// <summary>In the child of a fork, which gets no signals of the parent's timers.</summary>
    [NoInstr]
    public static void AfterFork()
    {
        if (s_signo == 0)
        {
            return;
        }

        KernelSigaction current;
        if (IsOurs(&current))
        {
            KernelSigaction.Reset(s_signo);
        }

        StopState.Shared->NmiSignals &= ~SignalSet.Of(s_signo);
        s_signo = 0;
    }
}
