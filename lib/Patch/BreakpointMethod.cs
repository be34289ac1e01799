using System.Threading;
using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>
/// Changes a batch with the breakpoint method, while all other threads run: the steps that
/// <see cref="BreakpointSequence{TMachine, TSteps}"/> puts in order.
/// </summary>
internal unsafe struct BreakpointMethod : IBreakpointSteps
{
    private readonly PatchBatch _batch;
    private readonly PatchRequest _request;
    private BatchGate _gate;
    private FtracePatch* _copy; // memory for the entries, in case they have to outlive the call: touched only then
    private ulong _mask;

    private BreakpointMethod(PatchBatch batch, PatchRequest request, NmiThread* self)
    {
        _batch = batch;
        _request = request;
        _gate = new BatchGate(self, FtraceMethod.Breakpoint);
    }

    /// <summary>Changes the batch. Called outside of a window.</summary>
    /// <returns>0 or -errno; -EOPNOTSUPP if the system, or a location, does not allow the method.</returns>
    public static int Patch(PatchBatch batch, PatchRequest request, NmiThread* self)
    {
        int error = Check(batch);
        if (error != 0)
        {
            return error;
        }

        var steps = new BreakpointMethod(batch, request, self);
        return BreakpointSequence<X86Machine, BreakpointMethod>.Run(ref steps);
    }

    /// <summary>Whether the system, and each location, allow the method.</summary>
    /// <returns>0 or -EOPNOTSUPP, with the errors of locations set that cannot be patched in this way.</returns>
    private static int Check(PatchBatch batch)
    {
        if (!StopMachine.HasSyncCore(StopState.Shared) || Native.Table->ForbidsBreakpoints() != 0 || TaskFiles.IsTraced())
        {
            return -Errno.EOPNOTSUPP;
        }

        bool failed = false;
        for (int rank = 0; rank < batch.Count; rank++)
        {
            if (!IsSuitable(batch[rank]))
            {
                batch[rank]->Error = -Errno.EOPNOTSUPP;
                failed = true;
            }
        }

        return failed ? batch.FirstError() : 0;
    }

    private static bool IsSuitable(FtracePatch* patch) =>
        X86Emulator.CanReplace(patch->OldCode, patch->Len) && X86Emulator.CanExecute(patch->NewCode, patch->Len);

    private readonly nuint CopyBytes => (nuint)_batch.Count * (nuint)sizeof(FtracePatch);

    /// <inheritdoc/>
    public int OpenGate() => _gate.Open();

    /// <inheritdoc/>
    public void CloseGate() => _gate.Close();

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

    /// <inheritdoc/>
    public readonly int OpenPages()
    {
        TrapState* state = TrapState.Shared;
        state->Locations = _batch.Locations;
        state->Count = _batch.Count;
        state->Protocol.Code = (uint)PatchCode.Old;
        Volatile.Write(ref state->Open, 1);
        int error = TextPages.Open(_batch, _request.Writer);
        if (error != 0)
        {
            Volatile.Write(ref state->Open, 0);
        }

        return error;
    }

    /// <inheritdoc/>
    public readonly void ClosePages()
    {
        TextPages.Close();
        Volatile.Write(ref TrapState.Shared->Open, 0);
    }

    /// <inheritdoc/>
    public readonly int ErrorOfWrite(int error) => TextPages.ErrorOfWrite(error);

    /// <summary>
    /// Breakpoints are left that threads will run into for as long as the process lives: so the entries move to memory that
    /// stays, and the keys, if there are any, stay with them.
    /// </summary>
    public readonly int Keep()
    {
        TrapState* state = TrapState.Shared;
        PatchState.Shared->Killed = 1;
        for (int rank = 0; rank < _batch.Count; rank++)
        {
            _copy[rank] = *_batch[rank];
        }

        if (state->Locations.Stride == sizeof(FtracePatch))
        {
            state->Locations.Start = (byte*)_copy;
            return -Errno.EIO;
        }

        for (int rank = 0; rank < _batch.Count; rank++)
        {
            ((PatchKey*)state->Locations.From(rank))->Patch = _copy + rank;
        }

        return -Errno.EIO;
    }

    /// <summary>True if the keys of a batch have to stay.</summary>
    public static bool IsKept(PatchBatch batch) =>
        PatchState.Shared->Killed != 0 && TrapState.Shared->Locations.Start == batch.Locations.Start;

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
