namespace Ftrace.Text;

/// <summary>Pages of one mapping that hold locations of a batch.</summary>
internal struct TextRegion
{
    public ulong Start;
    public ulong End;

    /// <summary>The first byte of a location in it.</summary>
    public ulong First;

    /// <summary>The mapping's protection, to be restored.</summary>
    public int Protection;

    /// <summary>Each page holds a location, or part of one.</summary>
    public bool EveryPage;
}
