using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>
/// Changes a batch with the breakpoint method, while all other threads run: the steps that
/// <see cref="BreakpointSequence{TMachine, TSteps}"/> puts in order.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal unsafe partial struct BreakpointMethod : IBreakpointSteps
{
    private readonly PatchBatch _batch;
    private readonly PatchRequest _request;
    private BatchGate _gate;
    private FtracePatch* _copy; // memory for the entries, in case they have to outlive the call: touched only then

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
        if (IsForbidden)
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
        X86Emulator.CanReplace(patch->OldCode, patch->Len) && X86Emulator.CanExecute(patch->NewCode, patch->Len) && CanTrapAt(patch->Ip);

    private readonly nuint CopyBytes => (nuint)_batch.Count * (nuint)sizeof(FtracePatch);

    /// <inheritdoc/>
    public int OpenGate() => _gate.Open();

    /// <inheritdoc/>
    public void CloseGate() => _gate.Close();

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
}
