namespace Ftrace.Record;

/// <summary>Memory of a ring as it was at the cut.</summary>
internal struct CutRing
{
    /// <summary>Where it is mapped.</summary>
    public ulong Start;

    /// <summary>Where it is in the file.</summary>
    public ulong Offset;

    /// <summary>The block that was entered last.</summary>
    public ulong Last;

    /// <summary>Of that block, where the first unit is that was not reserved.</summary>
    public ulong Pos;

    /// <summary>The number of the ring's thread, and its id.</summary>
    public uint Thread;
    public uint Tid;

    /// <summary>A ring that has no memory now.</summary>
    public uint Emptied;

    /// <summary>The thread's name is to be written, and that it has ended.</summary>
    public bool NeedsName;
    public bool NeedsEnd;
}
