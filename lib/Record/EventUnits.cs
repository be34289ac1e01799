using System;

namespace Ftrace.Record;

/// <summary>The units of a block of events: docs/trace-format.md.</summary>
internal static unsafe class EventUnits
{
    /// <summary>Of a unit in bytes.</summary>
    public const uint Size = 16;

    private const ulong TagMask = Offsets.TraceEvent_TagMask;
    private const ulong Tags = 13;

    /// <summary>The tag of the units in the block with a sequence number.</summary>
    public static ulong TagOf(ulong sequence) => sequence % Tags + 1;

    /// <summary>Makes all units of a block padding.</summary>
    public static void Fill(TraceBlock* block, ulong tag)
    {
        var first = (ulong*)(block + 1);
        ulong units = (RecorderWords.Shared->BlockSize - (uint)sizeof(TraceBlock)) / Size;
        first[1] = (ulong)Offsets.TraceEvent_Padding << 4 | units - 1 << 16;
        first[0] = tag;
    }

    /// <summary>Counts units that were reserved, and not written.</summary>
    /// <param name="block">The block, or a copy.</param>
    /// <param name="units">How many were reserved.</param>
    public static uint CountMissing(TraceBlock* block, uint units)
    {
        ulong tag = TagOf(block->Sequence);
        var first = (ulong*)(block + 1);
        uint missing = 0;
        for (uint i = 0; i < units; i++)
        {
            if ((first[2 * i] & TagMask) != tag)
            {
                missing++;
                continue;
            }

            ulong what = first[2 * i + 1];
            if ((what & TagMask) != 0)
            {
                continue;
            }

            if (((what >> 4) & TagMask) == Offsets.TraceEvent_Padding)
            {
                i += (uint)Math.Min(what >> 16, units);
                continue;
            }

            // Data: only their tags mean what they do in other units.
            for (ulong data = Math.Min((what >> 8) & 0xff, units - i - 1); data != 0; data--)
            {
                i++;
                missing += (first[2 * i] & TagMask) != tag ? 1u : 0u;
            }
        }

        return missing;
    }
}
