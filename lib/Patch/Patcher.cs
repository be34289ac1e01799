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
/// <item>the gate is opened, unless the caller has done so</item>
/// <item>the method changes the batch, or nothing</item>
/// <item>the gate is closed</item>
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
    /// <param name="acceptNops">Take any nops for the old code, and note in OldCode which they were.</param>
    public static int Patch(FtracePatch* patches, int count, PatchRequest request, bool acceptNops = false)
    {
        var batch = new PatchBatch(patches, count);
        int error = batch.Order();
        error = Patch(batch, error, request, acceptNops);
        if (!BreakpointMethod.Keeps(batch))
        {
            batch.Free();
        }

        return error;
    }

    private static int Patch(PatchBatch batch, int error, PatchRequest request, bool acceptNops)
    {
        NmiThread* self = CurrentThread.Words;
        bool prepared = PatchGate.IsOwner(self);
        bool open = StopMachine.IsOpen(self);
        if (open && !prepared)
        {
            batch.ClearErrors();
            error = -Errno.EPERM;
        }

        // Only where it is asked for: a thread that blocks SIGTRAP later than the look at it would end the process. In a window
        // everybody stands still, whatever is asked for.
        FtraceMethod method = request.Method == FtraceMethod.Breakpoint && !open ? FtraceMethod.Breakpoint : FtraceMethod.StopMachine;
        if (error == 0 && method == FtraceMethod.Breakpoint)
        {
            error = BreakpointMethod.Check(batch);
        }

        if (error == 0 && !prepared)
        {
            error = PatchGate.Prepare(self);
        }

        if (error != 0)
        {
            return error;
        }

        PatchState* state = PatchState.Shared;
        state->LastMethod = method;
        error = state->Killed != 0 ? -Errno.EIO
            : method == FtraceMethod.Breakpoint ? BreakpointMethod.Patch(batch, request)
            : open ? StopMethod.PatchStopped(batch, request, acceptNops)
            : StopMethod.Patch(batch, request, acceptNops, self);
        state->Patches += error == 0 ? (uint)batch.Count : 0;
        if (!prepared)
        {
            PatchGate.PostProcess(self);
        }

        return error;
    }
}
