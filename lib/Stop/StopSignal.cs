using System;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>
/// The stop signal: the highest real-time signal that has its default disposition when it is first needed, or the one that
/// FTRACE_STOP_SIGNAL names.
/// </summary>
internal static unsafe class StopSignal
{
    /// <summary>FTRACE_STOP_SIGNAL is none: threads are seized.</summary>
    private const long None = Offsets.StopSignal_None;

    private const nint NonBlocking = 1; // GRND_NONBLOCK
    private const long LookAgainNs = Clock.NsPerSecond;

    private static ulong s_onAlternateStack; // SA_ONSTACK or 0
    private static bool s_hasFaultStack;
    private static long s_inspectedNs;

    /// <summary>Chooses the secret that marks our signals, once.</summary>
    public static bool Reserve(StopState* stop)
    {
        uint secret = 0;
        if (stop->Secret == 0 && Native.Syscall(SyscallNumber.Getrandom, (nint)(&secret), sizeof(uint), NonBlocking) != sizeof(uint))
        {
            secret = (uint)Clock.NowNs() * 2654435761u;
        }

        stop->Secret = stop->Secret != 0 ? stop->Secret : Math.Max(secret, 1);
        return true;
    }

    /// <summary>In the child of a fork: signals of the parent's stops must not be accepted.</summary>
    [NoInstr]
    public static void AfterFork(StopState* stop) => stop->Secret = 0;

    /// <summary>
    /// Chooses a signal if there is none yet; otherwise checks that it is still ours. Called with the stop mutex held.
    /// </summary>
    /// <param name="stop">The words of a stop.</param>
    /// <param name="now">The time.</param>
    /// <param name="usable">False if no signal is left for us, and threads have to be seized.</param>
    /// <returns>0, or -EBUSY if the signal that FTRACE_STOP_SIGNAL names cannot be used.</returns>
    public static int Verify(StopState* stop, long now, out bool usable)
    {
        usable = false;
        if (stop->Signal == 0)
        {
            return Choose(stop, now, out usable);
        }

        KernelSigaction current;
        if (KernelSigaction.Exchange(stop->Signal, null, &current) != 0 || current.Handler != Handler)
        {
            return 0;
        }

        s_onAlternateStack |= current.Flags & KernelSigaction.SaOnstack; // the host may have set it: Go's runtime does
        LookForAlternateStacks(stop, now);
        bool isAsWanted = current.Mask == WantedMask(stop) && (current.Flags & KernelSigaction.SaOnstack) == s_onAlternateStack;
        usable = isAsWanted || Install(stop, stop->Signal, &current) == 0;
        return 0;
    }

    /// <summary>
    /// Some hosts run threads on stacks that are too small for a signal frame: they have an alternate stack, and SA_ONSTACK for all
    /// signals that may come at any time. Other hosts have it for faults only. The handler of a fault may then have switched to another stack
    /// while it still needs what is on the alternate one, as .NET's handler of SIGSEGV does: no other handler must use it.
    /// </summary>
    private static void LookForAlternateStacks(StopState* stop, long now)
    {
        // At each stop: a tool may stop threads before the host's runtime has installed its handlers.
        KernelSigaction faults;
        s_hasFaultStack = KernelSigaction.Exchange(SignalSet.Sigsegv, null, &faults) == 0
            && faults.Handler is not (KernelSigaction.Default or KernelSigaction.Ignore)
            && (faults.Flags & KernelSigaction.SaOnstack) != 0;
        if (s_inspectedNs != 0 && now - s_inspectedNs < LookAgainNs)
        {
            return;
        }

        s_inspectedNs = now;
        s_onAlternateStack |= AlternateStack.FlagOfHandlers(stop->Signal);
    }

    /// <summary>
    /// True if the host handles faults on an alternate stack, and has not set FTRACE_STOP_SIGNAL. There may be no room for another
    /// signal's frame on it, and then the process ends, as one with .NET does. So threads should be stopped without a signal.
    /// </summary>
    public static bool RisksFaultStack => s_hasFaultStack && Native.Table->StopSignal == 0;

    private static ulong Handler => (ulong)(delegate*<int, Siginfo*, void*, void>)&StopHandler.OnSignal;

    /// <summary>All signals but NMIs, faults, and the two that the kernel removes from every mask.</summary>
    private static ulong WantedMask(StopState* stop) =>
        ~(stop->NmiSignals | SignalSet.Faults | SignalSet.Of(SignalSet.Sigkill) | SignalSet.Of(SignalSet.Sigstop));

    private static int Choose(StopState* stop, long now, out bool usable)
    {
        long wanted = Native.Table->StopSignal;
        usable = false;
        if (wanted == None)
        {
            return 0;
        }

        LookForAlternateStacks(stop, now);
        if (wanted != 0)
        {
            usable = wanted is >= SignalSet.FirstRealTime and <= SignalSet.Count && TryTake(stop, (int)wanted);
            return usable ? 0 : -Errno.EBUSY;
        }

        // A signal that this thread had blocked is probably waited for with sigwait() or a descriptor: the last choice.
        usable = TryTakeHighest(stop, stop->OwnerMask) || TryTakeHighest(stop, 0);
        return 0;
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
        if (KernelSigaction.Exchange(signo, null, &before) != 0 || before.Handler != KernelSigaction.Default
            || Install(stop, signo, &before) != 0)
        {
            return false;
        }

        if (before.Handler != KernelSigaction.Default)
        {
            // The host has installed its own meanwhile.
            KernelSigaction.Exchange(signo, &before, null);
            return false;
        }

        stop->Signal = signo;
        return true;
    }

    private static int Install(StopState* stop, int signo, KernelSigaction* before)
    {
        var action = KernelSigaction.Of(&StopHandler.OnSignal, KernelSigaction.SaRestart | s_onAlternateStack, WantedMask(stop));
        return KernelSigaction.Exchange(signo, &action, before);
    }
}
