using System;
using System.Runtime.CompilerServices;
using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>
/// Changes a batch of locations, all or nothing.
/// </summary>
/// <remarks>
/// <para>With the stop method, in order; at the start the text is readable and executable, and other threads run:</para>
/// <list type="number">
/// <item>lengths and overlaps are checked, without looking at the text</item>
/// <item>the gate is opened and the other threads are parked, unless the caller has done so</item>
/// <item>each location is looked up in the memory map, read safely and compared; each parked thread's position
/// is compared with the locations. Until here nothing was changed: any error ends it.</item>
/// <item>the pages are opened for writing; still nothing was changed</item>
/// <item>one unit of locations after another is changed by the protocol</item>
/// <item>the pages are closed, threads inside of a site are moved to its end</item>
/// <item>the threads go on, the gate is closed</item>
/// </list>
/// <para>The other method is <see cref="BreakpointPatcher"/>.</para>
/// </remarks>
internal static unsafe class TextPatcher
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
        if (!BreakpointPatcher.Keeps(batch))
        {
            batch.Free();
        }

        return error;
    }

    private static int Patch(PatchBatch batch, int error, PatchRequest request, bool acceptNops)
    {
        NmiThread* self = Native.CurrentThread;
        bool prepared = SharedState.Get->Patch.Owner == (ulong)self;
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
            error = BreakpointPatcher.Check(batch);
        }

        if (error == 0 && !prepared)
        {
            error = CodeModify.Prepare(self);
        }

        if (error != 0)
        {
            return error;
        }

        SharedState.Get->Patch.LastMethod = method;
        error = SharedState.Get->Breakpoint.Killed != 0 ? -Errno.EIO
            : method == FtraceMethod.Breakpoint ? BreakpointPatcher.Patch(batch, request)
            : open ? PatchStopped(batch, request, acceptNops)
            : Stop(batch, request, acceptNops, self);
        if (!prepared)
        {
            CodeModify.PostProcess(self);
        }

        return error;
    }

    private static int Stop(PatchBatch batch, PatchRequest request, bool acceptNops, NmiThread* self)
    {
        int error = StopMachine.Open(self, request.TimeoutMs);
        if (error == 0)
        {
            error = PatchStopped(batch, request, acceptNops);
            StopMachine.Close();
        }

        return error;
    }

    /// <summary>Called in a window with the gate open.</summary>
    private static int PatchStopped(PatchBatch batch, PatchRequest request, bool acceptNops)
    {
        int error = Verify(batch, request, acceptNops, out bool odd);
        bool several = error == 0 && odd && ThreadTable.Used != 0 && HasSeveral(batch);
        if (error == 0)
        {
            error = CheckThreads(batch, odd, several, move: false);
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
            SharedState.Get->Breakpoint.Killed |= stuck ? 1u : 0u;
            return stuck ? -Errno.EIO : ErrorOfWrite(error);
        }

        CheckThreads(batch, odd, several, move: true);
        SharedState.Get->Patch.Patches += (uint)batch.Count;
        return 0;
    }

    /// <summary>What it means to the caller that text could not be written, although the pages were open.</summary>
    public static int ErrorOfWrite(int error) => error is 0 or -Errno.ENOMEM ? error : -Errno.EPERM;

    /// <summary>Looks every location up, and compares it with what is expected there. Called with the stop mutex held.</summary>
    /// <param name="batch">The locations.</param>
    /// <param name="request">How they are to be changed.</param>
    /// <param name="acceptNops">See <see cref="Patch(FtracePatch*, int, PatchRequest, bool)"/>.</param>
    /// <param name="odd">Not all of them are calls, jumps, and the usual nop: a thread may stand inside of some.</param>
    public static int Verify(PatchBatch batch, PatchRequest request, bool acceptNops, out bool odd)
    {
        odd = true;
        int error = TextPages.Lookup(batch, request.AllowsOwnText);
        if (error != 0)
        {
            return error;
        }

        if (batch.CoversItsPages && !acceptNops && TextPages.FoundAll && AreCalls(batch.Locations, batch.Count, out odd))
        {
            return 0;
        }

        bool failed = false;
        PatchOrder order = batch.Locations;
        for (int count = batch.Count; count > 0; count--, order.Start += order.Stride)
        {
            FtracePatch* patch = order[0];
            if (patch->Error == 0 && !Compare(patch, acceptNops))
            {
                patch->Error = -Errno.EINVAL;
            }

            failed |= patch->Error != 0;
        }

        return failed ? batch.FirstError() : 0;
    }

    /// <summary>True if all locations are of five bytes, as most are, and hold what is expected.</summary>
    private static bool AreCalls(PatchOrder order, int count, out bool odd)
    {
        const uint Nop = 0x00441f0f; // four bytes of the 5-byte nop, whatever its displacement
        uint others = 0;
        FtracePatch* patch = order[0];
        FtracePatch* behind = patch + count;
        uint different = 0;
        for (; patch != behind && patch->Len == X86Instruction.CallSize; patch++)
        {
            byte* current = (byte*)patch->Ip;
            uint expected = Unsafe.ReadUnaligned<uint>(patch->OldCode);
            different |= Unsafe.ReadUnaligned<uint>(current) ^ expected;
            different |= (uint)(current[4] ^ patch->OldCode[4]);
            others |= Math.Min(expected ^ Nop, (expected & 0xfe) ^ X86Instruction.CallOpcode); // 0: that nop, a call or a jump
        }

        odd = others != 0;
        return patch == behind && different == 0;
    }

    /// <summary>Changes locations by the protocol, unit by unit.</summary>
    private static int WriteUnits(PatchBatch batch, int count, bool old, out int written)
    {
        ProtocolState* protocol = X86Nmi.State;
        PatchState* state = &SharedState.Get->Patch;
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

    private static bool Compare(FtracePatch* patch, bool acceptNops)
    {
        byte* current = (byte*)patch->Ip;
        byte* expected = patch->OldCode;
        int length = (int)patch->Len;
        if (length == X86Instruction.CallSize && Unsafe.ReadUnaligned<uint>(current) == Unsafe.ReadUnaligned<uint>(expected) && current[4] == expected[4])
        {
            return true;
        }

        if (acceptNops && X86Instruction.AreNops(new ReadOnlySpan<byte>(current, length)))
        {
            for (int i = 0; i < length; i++)
            {
                expected[i] = current[i];
            }
        }

        int same = 0;
        while (same < length && current[same] == expected[same])
        {
            same++;
        }

        return same == length;
    }

    /// <summary>True if a thread can stand inside of some location, because that holds more than one instruction.</summary>
    private static bool HasSeveral(PatchBatch batch)
    {
        PatchOrder order = batch.Locations;
        bool several = false;
        for (int count = batch.Count; count > 0 && !several; count--, order.Start += order.Stride)
        {
            several = !IsOne(order[0]);
        }

        return several;
    }

    private static bool IsOne(FtracePatch* patch)
    {
        const uint Prefixes = 0x66666666; // of PatchableEntry.Nop5FromAnywhere, which most entries hold: with one more byte, one instruction

        return (patch->Len == X86Instruction.CallSize && Unsafe.ReadUnaligned<uint>(patch->OldCode) == Prefixes)
            || X86Instruction.IsOne(new ReadOnlySpan<byte>(patch->OldCode, (int)patch->Len));
    }

    /// <summary>
    /// Finds parked threads that stand inside of a location, or will when a handler that is under way returns. If the rest of it are
    /// nops, the thread can go on after them.
    /// </summary>
    /// <param name="batch">The locations.</param>
    /// <param name="odd">A thread's own registers are compared: they are certain, whatever the location holds.</param>
    /// <param name="several">Its stacks are searched: what is found there counts only in a location of several instructions.</param>
    /// <param name="move">Let the threads go on after the nops.</param>
    private static int CheckThreads(PatchBatch batch, bool odd, bool several, bool move)
    {
        int error = 0;
        StopState* stop = &SharedState.Get->Stop;
        for (int i = 0; odd && i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || !record->StandsStill(stop->Generation))
            {
                continue;
            }

            if (record->SeizedGeneration == stop->Generation)
            {
                error = Check(batch, ref record->Rip, certain: true, move) ? error : -Errno.EBUSY;
            }
            else if (record->Context != 0)
            {
                error = Check(batch, ref *Ucontext.Rip(record->Context), certain: true, move) ? error : -Errno.EBUSY;
            }

            if (several)
            {
                error = CheckStacks(batch, record, move) ? error : -Errno.EBUSY;
            }
        }

        return error;
    }

    private static bool CheckStacks(PatchBatch batch, ThreadRecord* record, bool move)
    {
        bool good = true;
        var saved = new SavedContexts(record->StackPointer);
        while (saved.Next(out ulong context))
        {
            ulong rip = *Ucontext.Rip(context);
            good &= Check(batch, ref rip, certain: false, move);
            if (rip != *Ucontext.Rip(context))
            {
                OwnMemory.Write((ulong)Ucontext.Rip(context), rip);
            }
        }

        return good && !saved.IsIncomplete;
    }

    /// <returns>False if the address is inside of a location, and cannot be moved to its end.</returns>
    private static bool Check(PatchBatch batch, ref ulong rip, bool certain, bool move)
    {
        FtracePatch* patch = batch.Around(rip);
        if (patch == null || (!certain && IsOne(patch)))
        {
            return true;
        }

        int inside = (int)(rip - patch->Ip);
        if (move)
        {
            rip = patch->Ip + patch->Len;
        }
        else if (!X86Instruction.AreNops(new ReadOnlySpan<byte>(patch->OldCode + inside, (int)patch->Len - inside)))
        {
            patch->Error = -Errno.EBUSY;
            return false;
        }

        return true;
    }
}
