using System;

namespace Ftrace.Tool.Recording;

/// <summary>A block of events in what the program has recorded. Those of one thread are in the order of their numbers.</summary>
/// <param name="Thread">Its number.</param>
/// <param name="Sequence">The block's number.</param>
/// <param name="Offset">Where it is.</param>
internal readonly record struct RecordedBlock(uint Thread, ulong Sequence, long Offset) : IComparable<RecordedBlock>
{
    public bool IsSameAs(RecordedBlock other) => Thread == other.Thread && Sequence == other.Sequence;

    public int CompareTo(RecordedBlock other)
    {
        int order = Thread.CompareTo(other.Thread);
        order = order != 0 ? order : Sequence.CompareTo(other.Sequence);
        return order != 0 ? order : Offset.CompareTo(other.Offset);
    }
}
