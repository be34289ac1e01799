using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <content>Traps are signals, which threads can block.</content>
internal unsafe partial struct BreakpointMethod
{
    private ulong _mask;

    private static bool IsForbidden =>
        !StopMachine.HasSyncCore(StopState.Shared) || Native.Table->ForbidsBreakpoints() != 0 || TaskFiles.IsTraced();

    /// <summary>The kernel calls the handler.</summary>
    private static bool CanTrapAt(ulong ip) => true;

    /// <summary>
    /// The stop mutex is taken; undeclared signals are blocked on this thread, and SIGTRAP is not; the locations are looked up, read
    /// and compared.
    /// </summary>
    public int Begin()
    {
        StopState* stop = StopState.Shared;
        StopTurn.Lock();
        _mask = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
        SignalSet.BlockLess(SignalSet.Of(SignalSet.Sigtrap));
        stop->DeadlineNs = Clock.NowNs() + _request.TimeoutMs * Clock.NsPerMs;
        _copy = (FtracePatch*)Memory.Map(CopyBytes);
        if (_copy == null || !TaskFiles.Reserve() || !TextPages.Reserve() || !TrapDelivery.Reserve())
        {
            return -Errno.ENOMEM;
        }

        int error = TextComparison.Verify(_batch, _request.AllowsOwnText, OldCodeMatch.Exact, out _);
        return error != 0 ? error : TrapSignal.Verify(TrapState.Shared);
    }

    /// <inheritdoc/>
    public readonly void End(int error)
    {
        if (_copy != null && error != -Errno.EIO)
        {
            Memory.Unmap(_copy, CopyBytes);
        }

        StopTurn.Unlock();
        SignalSet.Set(_mask);
    }

    /// <summary>The system has forbidden it since <see cref="Check"/>.</summary>
    public readonly int ErrorOfSync(int error)
    {
        StopState.Shared->Release.SerializeParked = 1;
        return -Errno.EOPNOTSUPP;
    }

    /// <inheritdoc/>
    public readonly int LookAtMasks() => TrapDelivery.Wait(StopState.Shared->DeadlineNs);

    /// <summary>
    /// A handler that executes locations takes a trap for each. At a high rate the handlers of this thread would leave it no time to
    /// take the breakpoints away.
    /// </summary>
    public readonly void BlockNmis() => SignalSet.BlockMore(StopState.Shared->NmiSignals & ~SignalSet.Faults);

    /// <summary>
    /// In the child of a fork that came while another thread was changing a batch: completes it, or takes it back if it had not
    /// come far. Nobody else is there to trap. If it came in a handler on the patcher itself, that one goes on in the child.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        TrapState* state = TrapState.Shared;
        BreakpointState* words = &state->Protocol;
        PatchState* patch = PatchState.Shared;
        if (PatchGate.IsOwner(self))
        {
            TextPages.ReopenInChild();
        }
        else if (state->Open != 0 && patch->Killed == 0)
        {
            var code = (PatchCode)words->Code;
            bool written = (TextPages.ReopenInChild() || TextPages.MakeWritableInChild())
                && TextWriter.WriteAll(TextState.Shared, state->Locations, state->Count, TextPart.Whole, code) == 0;
            TextPages.Close();
            Native.SyncCore();
            state->Open = 0;
            words->Active = written ? 0 : words->Active;
            patch->Killed = words->Active;
        }
        else
        {
            TextPages.Abandon();
        }

        words->Handlers = 0;
        words->Armed = patch->Killed;
        words->HeldNmis = 0;
        for (ulong held = self->Held; held != 0; held &= held - 1)
        {
            words->HeldNmis++;
        }
    }
}
