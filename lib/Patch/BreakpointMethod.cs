using System.Threading;
using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>Changes a batch with the breakpoint method, while all other threads run.</summary>
/// <remarks>
/// <para>In order; the gate is open:</para>
/// <list type="number">
/// <item>the stop mutex is taken, undeclared signals are blocked on this thread, and SIGTRAP is not</item>
/// <item>the locations are looked up, read and compared. Until here nothing was changed: any error ends it.</item>
/// <item>every thread has been seen with SIGTRAP unblocked, by a mask that is its own</item>
/// <item>this thread blocks NMIs too; those of all others unblock SIGTRAP</item>
/// <item>the pages are opened for writing</item>
/// <item>the steps of <see cref="BreakpointProtocol{TMachine}"/></item>
/// <item>all is put back, the stop mutex released</item>
/// </list>
/// </remarks>
internal static unsafe class BreakpointMethod
{
    /// <summary>Whether the system, and each location, allow the method.</summary>
    /// <returns>0 or -EOPNOTSUPP, with the errors of locations set that cannot be patched in this way.</returns>
    public static int Check(PatchBatch batch)
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

    /// <summary>Changes the batch. Called with the gate open, outside of a window.</summary>
    public static int Patch(PatchBatch batch, PatchRequest request)
    {
        StopState* stop = StopState.Shared;
        StopTurn.Lock();
        ulong mask = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
        SignalSet.BlockLess(SignalSet.Of(SignalSet.Sigtrap));
        stop->DeadlineNs = Clock.NowNs() + request.TimeoutMs * Clock.NsPerMs;

        // Room for the entries, in case they have to outlive the call: touched only then.
        nuint bytes = (nuint)batch.Count * (nuint)sizeof(FtracePatch);
        var room = (FtracePatch*)Memory.Map(bytes);
        int error = room != null && TaskFiles.Reserve() && TextPages.Reserve() && TrapDelivery.Reserve() ? 0 : -Errno.ENOMEM;
        if (error == 0)
        {
            error = PatchRunning(batch, request, stop, room);
        }

        if (room != null && error != -Errno.EIO)
        {
            Memory.Unmap(room, bytes);
        }

        StopTurn.Unlock();
        SignalSet.Set(mask);
        return error;
    }

    private static int PatchRunning(PatchBatch batch, PatchRequest request, StopState* stop, FtracePatch* room)
    {
        TrapState* state = TrapState.Shared;
        int error = TextComparison.Verify(batch, request.AllowsOwnText, acceptNops: false, out _);
        if (error == 0)
        {
            error = TrapSignal.Verify(state);
        }

        // What runs on any core has read the gate since.
        if (error == 0 && X86Machine.SyncCores() != 0)
        {
            stop->SerializeParked = 1; // forbidden since
            error = -Errno.EOPNOTSUPP;
        }

        if (error == 0)
        {
            error = TrapDelivery.Wait(stop->DeadlineNs);
        }

        if (error == 0)
        {
            // A handler that executes locations takes a trap for each. At a high rate the handlers of this thread would leave
            // it no time to take the breakpoints away. Patch() puts the mask back.
            SignalSet.BlockMore(stop->NmiSignals & ~SignalSet.Faults);
            error = BreakpointProtocol<X86Machine>.Arm(&state->Protocol) ? 0 : -Errno.ETIMEDOUT;
            if (error == 0)
            {
                error = PatchArmed(batch, request, state, room);
            }

            if (PatchState.Shared->Killed == 0)
            {
                BreakpointProtocol<X86Machine>.Disarm(&state->Protocol);
            }
        }

        return error;
    }

    private static int PatchArmed(PatchBatch batch, PatchRequest request, TrapState* state, FtracePatch* room)
    {
        state->Locations = batch.Locations;
        state->Count = batch.Count;
        state->Protocol.Code = 0;
        Volatile.Write(ref state->Open, 1);
        int error = TextPages.Open(batch, request.Writer);
        if (error != 0)
        {
            Volatile.Write(ref state->Open, 0);
            return error;
        }

        error = BreakpointProtocol<X86Machine>.Change(&state->Protocol, out bool stuck);
        TextPages.Close();
        Volatile.Write(ref state->Open, 0);
        if (stuck)
        {
            Keep(batch, state, room);

            // Whoever was in the trap handler before may be looking at the caller's entries.
            X86Machine.SmpMb();
            TrapDelivery.Wait(StopState.Shared->DeadlineNs);
        }

        return stuck ? -Errno.EIO : TextPages.ErrorOfWrite(error);
    }

    /// <summary>
    /// Breakpoints are left that threads will run into for as long as the process lives: so the entries move to memory that
    /// stays, and the keys, if there are any, stay with them.
    /// </summary>
    private static void Keep(PatchBatch batch, TrapState* state, FtracePatch* room)
    {
        PatchState.Shared->Killed = 1;
        for (int rank = 0; rank < batch.Count; rank++)
        {
            room[rank] = *batch[rank];
        }

        if (state->Locations.Stride == sizeof(FtracePatch))
        {
            state->Locations.Start = (byte*)room;
            return;
        }

        for (int rank = 0; rank < batch.Count; rank++)
        {
            ((PatchKey*)state->Locations.From(rank))->Patch = room + rank;
        }
    }

    /// <summary>True if the keys of a batch have to stay.</summary>
    public static bool Keeps(PatchBatch batch) =>
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
            bool old = words->Code == 0;
            bool written = (TextPages.ReopenInChild() || TextPages.MakeWritableInChild())
                && TextWriter.WriteAll(TextState.Shared, state->Locations, state->Count, TextPart.Whole, old) == 0;
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
