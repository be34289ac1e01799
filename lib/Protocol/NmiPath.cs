using System.Runtime.CompilerServices;

namespace Ftrace.Protocol;

/// <summary>What an NMI does after the gate, for both protocols. The thread's saved word has been pushed by the gate.</summary>
[NoInstr]
internal static unsafe class NmiPath<TMachine>
    where TMachine : struct, IMachine
{
    /// <summary>After the gate of <c>ftrace_nmi_enter()</c>, if that is open. Any context.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(NmiThread* thread)
    {
        BreakpointProtocol<TMachine>.EnterNmi(TMachine.BreakpointWords, thread);
        NmiProtocol<TMachine>.EnterAnnounced(TMachine.NmiWords);
    }

    /// <summary>After the gate of <c>ftrace_nmi_exit()</c>, if the saved bit is set: undoes <see cref="Enter"/>, and pops.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(NmiThread* thread)
    {
        BreakpointProtocol<TMachine>.ExitNmi(TMachine.BreakpointWords, thread);
        NmiProtocol<TMachine>.ExitAnnounced(TMachine.NmiWords, thread);
    }
}
