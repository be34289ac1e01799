using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The signal that starts a snapshot. Its handler stays when the recording ends: a signal that comes late must not end the process.</summary>
internal static unsafe class SnapshotSignal
{
    private static int s_signo;

    /// <summary>The recording was not begun.</summary>
    public static void GiveBack()
    {
        if (s_signo != 0)
        {
            KernelSigaction.Reset(s_signo);
            s_signo = 0;
        }
    }

    /// <returns>0; -EINVAL if a program cannot or should not handle it; -EBUSY if it does already, or ignores it.</returns>
    public static int Take(int signo)
    {
        s_signo = 0;
        if (signo == 0)
        {
            return 0;
        }

        ulong excluded = SignalSet.Faults | SignalSet.Of(SignalSet.Sigkill) | SignalSet.Of(SignalSet.Sigstop);
        KernelSigaction before;
        if (signo < 0 || signo > SignalSet.Count || (excluded & SignalSet.Of(signo)) != 0 || KernelSigaction.Exchange(signo, null, &before) != 0)
        {
            return -Errno.EINVAL;
        }

        if (before.Handler == (ulong)Native.Table->OnSnapshotSignal)
        {
            return 0;
        }

        if (before.Handler != KernelSigaction.Default)
        {
            return -Errno.EBUSY;
        }

        var action = new KernelSigaction
        {
            Handler = (ulong)Native.Table->OnSnapshotSignal,
            Flags = KernelSigaction.SaSiginfo | KernelSigaction.SaRestorer | KernelSigaction.SaRestart | KernelSigaction.SaOnstack,
            Restorer = (ulong)Native.Table->Restorer,
        };
        int error = KernelSigaction.Exchange(signo, &action, &before);
        if (error == 0 && before.Handler != KernelSigaction.Default)
        {
            // The host has installed its own meanwhile.
            KernelSigaction.Exchange(signo, &before, null);
            error = -Errno.EBUSY;
        }

        s_signo = error == 0 ? signo : 0;
        return error;
    }
}
