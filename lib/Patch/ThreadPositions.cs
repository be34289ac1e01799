using System;
using Ftrace.Linux;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>Where parked threads stand, and what is about to change: a thread must not be in the middle of it.</summary>
internal static unsafe partial class ThreadPositions
{
    /// <summary>What is done about a thread that is inside of a location.</summary>
    private enum Action
    {
        /// <summary>The rest of the location must be nops; otherwise the location gets its error.</summary>
        Check,

        /// <summary>The thread goes on at the location's end.</summary>
        Move,
    }

    /// <summary>Where a batch makes it necessary to look.</summary>
    /// <param name="batch">The locations.</param>
    /// <param name="divisible">A thread may be inside of some: see <see cref="TextComparison.Verify"/>.</param>
    public static PositionSearch SearchFor(PatchBatch batch, bool divisible)
    {
        if (!divisible || !HasThreads)
        {
            return PositionSearch.None;
        }

        return HasSequence(batch) ? PositionSearch.Stacks : PositionSearch.Registers;
    }

    /// <summary>
    /// Finds parked threads that are inside of a location, or will be when a handler that is under way returns. If the rest of it are
    /// nops, the thread can go on after them.
    /// </summary>
    /// <returns>0, or -EBUSY with the errors of locations set.</returns>
    public static int Check(PatchBatch batch, PositionSearch search) => Run(batch, search, Action.Check);

    /// <summary>Lets those threads go on after the nops.</summary>
    public static void Move(PatchBatch batch, PositionSearch search) => Run(batch, search, Action.Move);

    /// <summary>True if some location holds more than one instruction.</summary>
    private static bool HasSequence(PatchBatch batch)
    {
        PatchOrder order = batch.Locations;
        for (int count = batch.Count; count > 0; count--, order.Start += order.Stride)
        {
            if (!IsOne(order[0]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOne(FtracePatch* patch)
    {
        const uint Prefixes = 0x66666666; // of PatchableEntry.Nop5FromAnywhere, which most entries hold: with one more byte, one instruction

        return (patch->Len == X86Instruction.CallSize && CallBytes.Word(patch->OldCode) == Prefixes)
            || X86Instruction.IsOne(new ReadOnlySpan<byte>(patch->OldCode, (int)patch->Len));
    }

    /// <returns>False if the address is inside of a location, and cannot be moved to its end.</returns>
    private static bool LookAt(PatchBatch batch, ref ulong rip, bool certain, Action action)
    {
        FtracePatch* patch = batch.LocationAround(rip);
        if (patch == null || (!certain && IsOne(patch)))
        {
            return true;
        }

        if (action == Action.Move)
        {
            rip = patch->Ip + patch->Len;
            return true;
        }

        int inside = (int)(rip - patch->Ip);
        if (X86Instruction.AreNops(new ReadOnlySpan<byte>(patch->OldCode + inside, (int)patch->Len - inside)))
        {
            return true;
        }

        patch->Error = -Errno.EBUSY;
        return false;
    }
}
