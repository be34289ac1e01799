using System;

namespace Ftrace.Tool.Reading;

/// <summary>A block in the index.</summary>
/// <param name="Sequence">Its sequence number.</param>
/// <param name="Block">Its place in the file, in blocks.</param>
internal readonly record struct BlockEntry(ulong Sequence, uint Block) : IComparable<BlockEntry>
{
    public int CompareTo(BlockEntry other)
    {
        int order = Sequence.CompareTo(other.Sequence);
        return order != 0 ? order : Block.CompareTo(other.Block);
    }
}
