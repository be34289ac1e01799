using System;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>Compares the bytes at the locations of a batch with the old code.</summary>
internal static unsafe class TextComparison
{
    /// <summary>Finds the mapping of every location, and compares its bytes with the old code. Called with the stop mutex held.</summary>
    /// <param name="batch">The locations.</param>
    /// <param name="allowsOwnText">They may be this library's text.</param>
    /// <param name="match">What counts as the old code.</param>
    /// <param name="divisible">Not all of them are calls, jumps, and the usual nop: a thread may be inside of some.</param>
    public static int Verify(PatchBatch batch, bool allowsOwnText, OldCodeMatch match, out bool divisible)
    {
        divisible = true;
        int error = TextPages.Lookup(batch, allowsOwnText, out bool foundAll);
        if (error != 0)
        {
            return error;
        }

        if (batch.CoversItsPages && match == OldCodeMatch.Exact && foundAll && AreCalls(batch.Locations, batch.Count, out divisible))
        {
            return 0;
        }

        bool failed = false;
        PatchOrder order = batch.Locations;
        for (int count = batch.Count; count > 0; count--, order.Start += order.Stride)
        {
            FtracePatch* patch = order[0];
            if (patch->Error == 0 && !Compare(patch, match))
            {
                patch->Error = -Errno.EINVAL;
            }

            failed |= patch->Error != 0;
        }

        return failed ? batch.FirstError() : 0;
    }

    /// <summary>True if all locations are of five bytes, as most are, and hold what is expected.</summary>
    private static bool AreCalls(PatchOrder order, int count, out bool divisible)
    {
        const uint Nop = 0x00441f0f; // four bytes of the 5-byte nop, whatever its displacement
        uint others = 0;
        FtracePatch* patch = order[0];
        FtracePatch* end = patch + count;
        uint different = 0;
        for (; patch != end && patch->Len == X86Instruction.CallSize; patch++)
        {
            byte* current = (byte*)patch->Ip;
            uint expected = CallBytes.Word(patch->OldCode);
            different |= CallBytes.Word(current) ^ expected;
            different |= (uint)(CallBytes.Tail(current) ^ CallBytes.Tail(patch->OldCode));
            others |= Math.Min(expected ^ Nop, (expected & 0xfe) ^ X86Instruction.CallOpcode); // 0: that nop, a call or a jump
        }

        divisible = others != 0;
        return patch == end && different == 0;
    }

    private static bool Compare(FtracePatch* patch, OldCodeMatch match)
    {
        byte* current = (byte*)patch->Ip;
        byte* expected = patch->OldCode;
        int length = (int)patch->Len;
        if (length == X86Instruction.CallSize && CallBytes.AreSame(current, expected))
        {
            return true;
        }

        if (match == OldCodeMatch.AnyNops && X86Instruction.AreNops(new ReadOnlySpan<byte>(current, length)))
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
}
