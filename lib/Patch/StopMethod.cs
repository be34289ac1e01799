using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>
/// Changes a batch while all other threads stand still: the steps that <see cref="StopSequence{TMachine, TSteps}"/> puts in order.
/// </summary>
internal unsafe struct StopMethod : IStopSteps
{
    private readonly PatchBatch _batch;
    private readonly PatchRequest _request;
    private readonly OldCodeMatch _match;
    private readonly NmiThread* _self;
    private BatchGate _gate;
    private PositionSearch _search;

    private StopMethod(PatchBatch batch, PatchRequest request, OldCodeMatch match, NmiThread* self)
    {
        _batch = batch;
        _request = request;
        _match = match;
        _self = self;
        _gate = new BatchGate(self, FtraceMethod.StopMachine);
    }

    /// <summary>Changes the batch in a window of its own.</summary>
    /// <param name="batch">The locations.</param>
    /// <param name="request">How.</param>
    /// <param name="match">What counts as the old code.</param>
    /// <param name="self">The calling thread, which has none open.</param>
    public static int Patch(PatchBatch batch, PatchRequest request, OldCodeMatch match, NmiThread* self)
    {
        var steps = new StopMethod(batch, request, match, self);
        return StopSequence<X86Machine, StopMethod>.Run(ref steps);
    }

    /// <summary>The same in a window that the calling thread has open, which has prepared before.</summary>
    public static int PatchInWindow(PatchBatch batch, PatchRequest request, OldCodeMatch match, NmiThread* self)
    {
        var steps = new StopMethod(batch, request, match, self);
        int error = steps.OpenGate();
        return error == 0 ? StopSequence<X86Machine, StopMethod>.RunInWindow(ref steps) : error;
    }

    /// <inheritdoc/>
    public readonly int Count => _batch.Count;

    /// <inheritdoc/>
    public int OpenGate() => _gate.Open();

    /// <inheritdoc/>
    public void CloseGate() => _gate.Close();

    /// <inheritdoc/>
    public readonly int OpenWindow() =>
        _request.IsQuiet ? StopMachine.TryOpen(_self, _request.TimeoutMs, out _) : StopMachine.Open(_self, _request.TimeoutMs);

    /// <inheritdoc/>
    public readonly void CloseWindow() => StopMachine.Close();

    /// <summary>
    /// Each location is looked up in the memory map, read safely and compared; each parked thread's position is compared with the
    /// locations; the pages are opened.
    /// </summary>
    public int Prepare()
    {
        if (!TextPages.Reserve())
        {
            return -Errno.ENOMEM;
        }

        int error = TextComparison.Verify(_batch, _request.AllowsOwnText, _match, out bool divisible);
        if (error != 0)
        {
            return error;
        }

        _search = ThreadPositions.SearchFor(_batch, divisible);
        error = ThreadPositions.Check(_batch, _search);
        if (error != 0)
        {
            return error;
        }

        error = NmiDrain.WaitForQuiet(X86Nmi.State, _request.TimeoutMs);
        return error != 0 ? error : TextPages.OpenInWindow(_batch, _request.Writer);
    }

    /// <inheritdoc/>
    public readonly TextUnit NextUnit(int from, int to, PatchCode code)
    {
        TextState* state = TextState.Shared;
        PatchOrder locations = _batch.Locations;
        int end = TextWriter.EndOfUnit(state, locations, to, from);
        var unit = new PatchOrder { Start = locations.From(from), Stride = locations.Stride };
        uint length = TextWriter.Prepare(state, unit, end - from, TextPart.Whole, code, out byte* newcode);
        return new TextUnit(unit.IpOf(0), (nint)newcode, length, end);
    }

    /// <inheritdoc/>
    public readonly void ClosePages() => TextPages.Close();

    /// <inheritdoc/>
    public readonly void MoveThreads() => ThreadPositions.Move(_batch, _search);

    /// <inheritdoc/>
    public readonly int ErrorOfWrite(int error) => TextPages.ErrorOfWrite(error);

    /// <inheritdoc/>
    public readonly int GiveUp()
    {
        PatchState.Shared->Killed = 1;
        return -Errno.EIO;
    }
}
