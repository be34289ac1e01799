using System.Runtime.CompilerServices;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Breakpoint;

/// <summary>The side of the breakpoint method that runs on threads that execute a breakpoint.</summary>
[NoInstr]
internal static unsafe partial class TrapHandler
{
    private const byte IntOpcode = 0xcd;
    private const byte IntNumber = 3;

    /// <summary>Executes the location, if there is one of ours.</summary>
    /// <param name="state">The batch.</param>
    /// <param name="ip">The address of the breakpoint.</param>
    /// <param name="context">The registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TrapAction Decide(TrapState* state, ulong ip, void* context)
    {
        TrapAction action = BreakpointProtocol<X86Machine>.Trap(&state->Protocol, ip, context);
        return action == TrapAction.Again && IsTwoByteForm(ip) ? TrapAction.Foreign : action;
    }

    /// <summary>True for the bytes cd 03, which raise the same trap, if they end at <paramref name="last"/>.</summary>
    private static bool IsTwoByteForm(ulong last) => *(byte*)last == IntNumber && *(byte*)(last - 1) == IntOpcode;
}
