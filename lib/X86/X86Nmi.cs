using Ftrace.Protocol;

namespace Ftrace.X86;

/// <summary>The protocol on the shipped machine, as functions whose addresses can be taken.</summary>
[NoInstr]
internal static unsafe class X86Nmi
{
    /// <summary>The protocol's words.</summary>
    public static ProtocolState* State => &SharedState.Get->Protocol;

    /// <summary>From the native file, when the gate was open.</summary>
    public static void EnterSlow(NmiThread* thread)
    {
        BreakpointProtocol<X86Machine>.EnterNmi(&SharedState.Get->Breakpoint, thread);
        NmiProtocol<X86Machine>.EnterAnnounced(State);
        if (!NmiThread.IsAnnounced(thread->Saved >> 1))
        {
            thread->AnnouncedAt = (ulong)&thread;
        }
    }

    /// <summary>From the native file, when the saved bit is set.</summary>
    public static void ExitSlow(NmiThread* thread)
    {
        if (!NmiThread.IsAnnounced(thread->Saved >> 1))
        {
            thread->AnnouncedAt = 0;
        }

        BreakpointProtocol<X86Machine>.ExitNmi(&SharedState.Get->Breakpoint, thread);
        NmiProtocol<X86Machine>.ExitAnnounced(State, thread);
    }
}
