namespace Ftrace.Tool.Reading;

/// <summary>A call that is under way, in <see cref="CallTracker"/>.</summary>
internal struct CallSlot
{
    public ulong Address;
    public ulong Start;
    public ulong InCallees;

    /// <summary>Index of the thread; -1: no call has this number.</summary>
    public int Thread;

    /// <summary>The number of the call that made it; -1: none.</summary>
    public int Parent;

    /// <summary>The number of the next call of the thread, made by this one; -1: none.</summary>
    public int Child;
    public int Depth;

    /// <summary>How many gaps the thread had.</summary>
    public uint Gaps;
    public int Tag;
}
