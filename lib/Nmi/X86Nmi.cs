using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The protocol on the shipped machine, as functions whose addresses can be taken.</summary>
[NoInstr]
internal static unsafe class X86Nmi
{
    /// <summary>Of <see cref="State"/>, in <see cref="SharedState"/>.</summary>
    public const int StateOffset = 0;

    /// <summary>The protocol's words.</summary>
    public static ProtocolState* State => (ProtocolState*)SharedState.At(StateOffset);

    /// <summary>From the native file, when the gate was open.</summary>
    public static void EnterSlow(NmiThread* thread)
    {
        NmiPath<X86Machine>.Enter(thread);
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

        NmiPath<X86Machine>.Exit(thread);
    }

    /// <summary>In the child of a fork: the NMIs of other threads are gone; those that this thread is in will count down.</summary>
    public static void AfterFork(NmiThread* self)
    {
        self->StopPending = 0;
        ProtocolState* state = State;
        state->NmiRunning = 0;
        for (ulong saved = self->Saved; NmiThread.IsAnnounced(saved); saved &= saved - 1)
        {
            state->NmiRunning++;
        }
    }
}
