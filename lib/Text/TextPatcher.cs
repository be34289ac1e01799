using System;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.X86;

namespace Ftrace.Text;


/// <summary>
/// Changes a batch of locations, all or nothing.
/// </summary>
/// <remarks>
/// <para>In order; at the start the text is readable and executable, and other threads run:</para>
/// <list type="number">
/// <item>lengths and overlaps are checked, without looking at the text</item>
/// <item>the gate is opened and the other threads are parked, unless the caller has done so</item>
/// <item>each location is looked up in the memory map, read safely and compared; each parked thread's position
/// is compared with the locations. Until here nothing was changed: any error ends it.</item>
/// <item>the pages are made writable and faulted in; still nothing was changed</item>
/// <item>one location after another is changed by the protocol</item>
/// <item>the pages get their protection back, threads inside of a site are moved to its end</item>
/// <item>the threads go on, the gate is closed</item>
/// </list>
/// </remarks>
internal static unsafe class TextPatcher
{
    /// <summary>The largest batch.</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>Changes <paramref name="count"/> locations. The errors are those of <c>ftrace_patch_text()</c>.</summary>
    /// <param name="patches">The caller's array; each Error is set.</param>
    /// <param name="count">1 to <see cref="MaxCount"/>.</param>
    /// <param name="timeoutMs">For the other threads to stop, and for NMIs that run to end.</param>
    /// <param name="acceptNops">Take any nops for the old code, and note in OldCode which they were.</param>
    public static int Patch(FtracePatch* patches, int count, uint timeoutMs, bool acceptNops = false)
    {
        NmiThread* self = Native.CurrentThread;
        PatchState* state = &SharedState.Get->Patch;
        bool prepared = state->Owner == (ulong)self;
        bool open = StopMachine.IsOpen(self);
        nuint bytes = (nuint)count * (nuint)sizeof(PatchBatch.Key);
        PatchBatch.Key single;
        PatchBatch.Key* keys = count == 1 ? &single : (PatchBatch.Key*)Memory.Map(bytes);
        if (keys == null)
        {
            return -Errno.ENOMEM;
        }

        var batch = new PatchBatch(patches, new Span<PatchBatch.Key>(keys, count));
        int error = batch.Order();
        if (open && !prepared)
        {
            batch.ClearErrors();
            error = -Errno.EPERM;
        }

        if (error == 0 && !prepared)
        {
            error = CodeModify.Prepare(self);
        }

        if (error == 0)
        {
            if (!open)
            {
                error = StopMachine.Open(self, timeoutMs);
            }

            if (error == 0)
            {
                error = PatchStopped(batch, timeoutMs, acceptNops);
                if (!open)
                {
                    StopMachine.Close();
                }
            }

            if (!prepared)
            {
                CodeModify.PostProcess(self);
            }
        }

        if (count != 1)
        {
            Memory.Unmap(keys, bytes);
        }

        return error;
    }

    /// <summary>Called in a window with the gate open.</summary>
    private static int PatchStopped(PatchBatch batch, uint timeoutMs, bool acceptNops)
    {
        int error = TextPages.Lookup(batch);
        if (error != 0)
        {
            return error;
        }

        for (int i = 0; i < batch.Count; i++)
        {
            if (batch[i]->Error == 0)
            {
                batch[i]->Error = Compare(batch[i], acceptNops);
            }
        }

        error = batch.FirstError();
        if (error == 0)
        {
            error = CheckThreads(batch, move: false);
        }

        if (error == 0)
        {
            error = NmiDrain.WaitForQuiet(X86Nmi.State, timeoutMs);
        }

        if (error == 0)
        {
            error = TextPages.MakeWritable(batch);
        }

        if (error != 0)
        {
            return error;
        }

        ProtocolState* protocol = X86Nmi.State;
        for (int i = 0; i < batch.Count; i++)
        {
            NmiProtocol<X86Machine>.ModifyCode(protocol, batch[i]->Ip, batch[i]->NewCode, batch[i]->Len);
        }

        TextPages.Restore();
        CheckThreads(batch, move: true);
        SharedState.Get->Patch.Patches += (uint)batch.Count;
        StopMachine.MarkTextChanged();
        Native.SyncCore();
        return 0;
    }

    private static int Compare(FtracePatch* patch, bool acceptNops)
    {
        var current = new ReadOnlySpan<byte>((byte*)patch->Ip, (int)patch->Len);
        var expected = new Span<byte>(patch->OldCode, (int)patch->Len);
        if (acceptNops && X86Instruction.AreNops(current))
        {
            current.CopyTo(expected);
        }

        return current.SequenceEqual(expected) ? 0 : -Errno.EINVAL;
    }

    /// <summary>
    /// Finds parked threads that stand inside of a location, which then is several instructions. If the rest of
    /// it are nops, the thread can go on behind them.
    /// </summary>
    private static int CheckThreads(PatchBatch batch, bool move)
    {
        int error = 0;
        StopState* stop = &SharedState.Get->Stop;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || record->ParkedGeneration != stop->Generation || record->Context == 0)
            {
                continue;
            }

            ulong* rip = Ucontext.Rip(record->Context);
            FtracePatch* patch = batch.Around(*rip);
            if (patch == null)
            {
                continue;
            }

            int inside = (int)(*rip - patch->Ip);
            if (move)
            {
                *rip = patch->Ip + patch->Len;
            }
            else if (!X86Instruction.AreNops(new ReadOnlySpan<byte>(patch->OldCode + inside, (int)patch->Len - inside)))
            {
                patch->Error = error = -Errno.EBUSY;
            }
        }

        return error;
    }
}
