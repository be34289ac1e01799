using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>The conductor: changes a batch of locations, all or nothing.</summary>
/// <remarks>
/// <list type="number">
/// <item>lengths and overlaps are checked, without looking at the text</item>
/// <item>the method is chosen: <see cref="StopMethod"/> or <see cref="BreakpointMethod"/></item>
/// <item>the method opens the gate, unless the caller has done so; changes the batch, or nothing; and closes the gate. In which
/// order: <see cref="StopSequence{TMachine, TSteps}"/>, <see cref="BreakpointSequence{TMachine, TSteps}"/></item>
/// </list>
/// </remarks>
internal static unsafe class Patcher
{
    /// <summary>The largest batch.</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>Changes <paramref name="count"/> locations. The errors are those of <c>ftrace_patch_text()</c>.</summary>
    /// <param name="patches">The caller's array; each Error is set.</param>
    /// <param name="count">1 to <see cref="MaxCount"/>.</param>
    /// <param name="request">How.</param>
    /// <param name="match">What counts as the old code; by the stop method only.</param>
    public static int Patch(FtracePatch* patches, int count, PatchRequest request, OldCodeMatch match = OldCodeMatch.Exact)
    {
        NmiThread* self = CurrentThread.Words;
        var batch = new PatchBatch(patches, count);
        if (StopMachine.IsOpen(self) && !PatchGate.IsOwner(self))
        {
            batch.ClearErrors();
            return -Errno.EPERM; // too late to open the gate
        }

        int error = batch.Order();
        if (error == 0)
        {
            error = Change(batch, request, match, self);
        }

        if (!BreakpointMethod.IsKept(batch))
        {
            batch.Free();
        }

        return error;
    }

    private static int Change(PatchBatch batch, PatchRequest request, OldCodeMatch match, NmiThread* self)
    {
        int error = ChangeByMethod(batch, request, match, self);
        if (error == 0)
        {
            Interlocked.Add(ref PatchState.Shared->Patches, (ulong)batch.Count);
        }

        return error;
    }

    private static int ChangeByMethod(PatchBatch batch, PatchRequest request, OldCodeMatch match, NmiThread* self)
    {
        if (StopMachine.IsOpen(self))
        {
            return StopMethod.PatchInWindow(batch, request, match, self); // everybody stands still, whatever is asked for
        }

        // Only where it is asked for: a thread that blocks SIGTRAP later than the look at it would end the process.
        return request.Method == FtraceMethod.Breakpoint
            ? BreakpointMethod.Patch(batch, request, self)
            : StopMethod.Patch(batch, request, match, self);
    }
}
