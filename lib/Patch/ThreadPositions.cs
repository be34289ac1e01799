using System;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Stop;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>Where parked threads stand, and what is about to change: a thread must not be in the middle of it.</summary>
internal static unsafe class ThreadPositions
{
    /// <summary>True if a thread can stand inside of some location, because that holds more than one instruction.</summary>
    public static bool HasSeveral(PatchBatch batch)
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

        return (patch->Len == X86Instruction.CallSize && CallBytes.Word(patch->OldCode) == Prefixes)
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
    public static int Check(PatchBatch batch, bool odd, bool several, bool move)
    {
        int error = 0;
        StopState* stop = StopState.Shared;
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
        FtracePatch* patch = batch.LocationAround(rip);
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
