using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Breakpoint;

/// <content>The handler of SIGTRAP.</content>
internal static unsafe partial class TrapHandler
{
    private const byte TrapVector = 3;

    /// <summary>SA_SIGINFO, everything blocked but other faults.</summary>
    public static void OnSignal(int signo, Siginfo* info, void* context)
    {
        TrapState* state = TrapState.Shared;
        ulong* rip = Ucontext.Rip((ulong)context);
        ulong ip = *rip - 1; // of the breakpoint, if the trap is one

        // Single steps, watchpoints and signals that were sent have other codes; but a process may send itself a signal with any code.
        TrapAction action = info->Code == Siginfo.CodeKernel && Ucontext.TrapNumber((ulong)context) == TrapVector
            ? Decide(state, ip, context)
            : TrapAction.Foreign;
        switch (action)
        {
            case TrapAction.Executed:
                break;
            case TrapAction.Again:
                *rip = ip;
                break;
            default:
                Forward(state, signo, info, context);
                break;
        }
    }

    /// <summary>Passes a trap of the host's to its handler, as if ours did not exist.</summary>
    private static void Forward(TrapState* state, int signo, Siginfo* info, void* context)
    {
        KernelSigaction* previous = &state->Previous;
        ulong handler = previous->Handler;
        if (handler == KernelSigaction.Ignore && info->Code <= 0)
        {
            return; // it was sent by kill(2) or the like
        }

        if (handler is KernelSigaction.Default or KernelSigaction.Ignore)
        {
            // A fault cannot be ignored. The same signal is raised again, and is delivered when this handler has returned.
            KernelSigaction.Reset(signo);
            nint tid = Native.Syscall(SyscallNumber.Gettid);
            Native.Syscall(SyscallNumber.RtTgsigqueueinfo, Native.Syscall(SyscallNumber.Getpid), tid, signo, (nint)info);
            return;
        }

        ulong own = (previous->Flags & KernelSigaction.SaNodefer) != 0 ? 0 : SignalSet.Of(signo);
        if ((previous->Flags & KernelSigaction.SaResethand) != 0)
        {
            previous->Handler = KernelSigaction.Default;
        }

        SignalSet.Set(Ucontext.Mask((ulong)context) | previous->Mask | own);
        Native.Table->CallHandler((void*)handler, signo, info, context);
    }
}
