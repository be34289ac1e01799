namespace Ftrace.Tool.Reading;

/// <summary>A call that has ended, or was under way at the end of the trace. Times are as in events.</summary>
internal struct FinishedCall
{
    /// <summary>Of the function: <see cref="Symbols.FunctionAt"/>.</summary>
    public ulong Address;

    /// <summary>0, if <see cref="HasBeginning"/> is false.</summary>
    public ulong Start;

    public ulong End;

    /// <summary>Time in calls that were made by this one.</summary>
    public ulong InCallees;

    /// <summary>The thread in which it began; if that was not seen, the one in which it ended.</summary>
    public int Thread;

    /// <summary>The thread in which it ended.</summary>
    public int EndThread;

    /// <summary>How many calls it is nested in.</summary>
    public int Depth;

    /// <summary>The call that made it; -1: none that is known. For <see cref="CallTracker.IsUnderWay"/> and <see cref="CallTracker.AddressOf"/>.</summary>
    public int Parent;

    /// <summary>Its number, which others get after it.</summary>
    public ushort Number;

    public CallEnd How;

    /// <summary>False: the entry is not in the trace; it was overwritten or lost.</summary>
    public bool HasBeginning;

    /// <summary>What the user of <see cref="CallTracker"/> set for it at its beginning.</summary>
    public int Tag;

    /// <summary>True if the times of both ends are known.</summary>
    public readonly bool HasDuration => HasBeginning && How <= CallEnd.Unwound;

    public readonly ulong Duration => HasDuration && End > Start ? End - Start : 0;

    /// <summary>Without the calls that it made.</summary>
    public readonly ulong SelfTime => Duration > InCallees ? Duration - InCallees : 0;
}
