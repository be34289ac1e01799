using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The protocol on the machine that ships, as functions whose addresses can be taken.</summary>
[NoInstr]
internal static unsafe class X86Nmi
{
    /// <summary>Offset of <see cref="State"/> in <see cref="SharedState"/>.</summary>
    public const int StateOffset = 0;

    /// <summary>The protocol's words.</summary>
    public static ProtocolState* State => (ProtocolState*)SharedState.At(StateOffset);

    /// <summary>Called by Native/gate.c when the gate is open on entry.</summary>
    public static void EnterSlow(NmiThread* thread)
    {
        NmiPath<X86Machine>.Enter(thread);
        if (!NmiThread.IsAnnounced(thread->Saved >> 1))
        {
            thread->AnnouncedAt = (ulong)&thread;
        }
    }

    /// <summary>Called by Native/gate.c when the saved bit of the level is set.</summary>
    public static void ExitSlow(NmiThread* thread)
    {
        if (!NmiThread.IsAnnounced(thread->Saved >> 1))
        {
            thread->AnnouncedAt = 0;
        }

        NmiPath<X86Machine>.Exit(thread);
    }

    /// <summary>In the child of a fork: the NMIs of other threads are not there; only those that this thread is in are counted.</summary>
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
