using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Breakpoint;

/// <summary>The vectored exception handler's part that is not C: Native/Windows/traps.c.</summary>
[NoInstr]
internal static unsafe class TrapExceptions
{
    /// <param name="ip">The address of the breakpoint.</param>
    /// <param name="context">The registers, CONTEXT.</param>
    /// <returns>0: it is not ours, so other handlers are asked; 1: the thread goes on.</returns>
    public static int OnException(ulong ip, void* context)
    {
        TrapAction action = TrapHandler.Decide(TrapState.Shared, ip, context);
        if (action == TrapAction.Again)
        {
            *Ucontext.Rip((ulong)context) = ip;
        }

        return action == TrapAction.Foreign ? 0 : 1;
    }
}
