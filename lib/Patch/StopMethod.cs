using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>Changes a batch while all other threads stand still.</summary>
/// <remarks>
/// <para>In order; the gate is open, the text is readable and executable, and other threads run:</para>
/// <list type="number">
/// <item>the other threads are parked, unless the caller has done so</item>
/// <item>each location is looked up in the memory map, read safely and compared; each parked thread's position
/// is compared with the locations. Until here nothing was changed: any error ends it.</item>
/// <item>the pages are opened for writing; still nothing was changed</item>
/// <item>one unit of locations after another is changed by the protocol</item>
/// <item>the pages are closed, threads inside of a site are moved to its end</item>
/// <item>the threads go on</item>
/// </list>
/// </remarks>
internal static unsafe class StopMethod
{
    /// <summary>Changes the batch in a window of its own.</summary>
    /// <param name="batch">The locations.</param>
    /// <param name="request">How.</param>
    /// <param name="acceptNops">See <see cref="Patcher"/>.</param>
    /// <param name="self">The calling thread, which has none open.</param>
    public static int Patch(PatchBatch batch, PatchRequest request, bool acceptNops, NmiThread* self)
    {
        int error = StopMachine.Open(self, request.TimeoutMs);
        if (error == 0)
        {
            error = PatchStopped(batch, request, acceptNops);
            StopMachine.Close();
        }

        return error;
    }

    /// <summary>The same in a window that is open.</summary>
    public static int PatchStopped(PatchBatch batch, PatchRequest request, bool acceptNops)
    {
        if (!TextPages.Reserve())
        {
            return -Errno.ENOMEM;
        }

        int error = TextComparison.Verify(batch, request.AllowsOwnText, acceptNops, out bool odd);
        bool several = error == 0 && odd && ThreadTable.Used != 0 && ThreadPositions.HasSeveral(batch);
        if (error == 0)
        {
            error = ThreadPositions.Check(batch, odd, several, move: false);
        }

        if (error == 0)
        {
            error = NmiDrain.WaitForQuiet(X86Nmi.State, request.TimeoutMs);
        }

        if (error == 0)
        {
            error = TextPages.Open(batch, request.Writer);
        }

        if (error != 0)
        {
            return error;
        }

        error = WriteUnits(batch, batch.Count, old: false, out int written);
        bool stuck = error != 0 && WriteUnits(batch, written, old: true, out _) != 0;
        TextPages.Close();
        StopMachine.MarkTextChanged();
        Native.SyncCore();
        if (error != 0)
        {
            PatchState.Shared->Killed |= stuck ? 1u : 0u;
            return stuck ? -Errno.EIO : TextPages.ErrorOfWrite(error);
        }

        ThreadPositions.Check(batch, odd, several, move: true);
        return 0;
    }

    /// <summary>Changes locations by the protocol, unit by unit.</summary>
    private static int WriteUnits(PatchBatch batch, int count, bool old, out int written)
    {
        ProtocolState* protocol = X86Nmi.State;
        TextState* state = TextState.Shared;
        int error = 0;
        written = 0;
        while (written < count && error == 0)
        {
            PatchOrder locations = batch.Locations;
            int end = TextWriter.EndOfUnit(state, locations, count, written);
            var unit = new PatchOrder { Start = locations.From(written), Stride = locations.Stride };
            uint length = TextWriter.Prepare(state, unit, end - written, TextPart.Whole, old, out byte* newcode);
            error = NmiProtocol<X86Machine>.ModifyCode(protocol, unit.IpOf(0), newcode, length);
            written = end; // also if it failed: part of it may be written
        }

        return error;
    }
}
