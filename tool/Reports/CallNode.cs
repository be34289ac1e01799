namespace Ftrace.Tool.Reports;

/// <summary>A function called by another one, in <see cref="CallTree"/>.</summary>
internal struct CallNode
{
    public int Caller;
    public int Function;
    public int Depth;

    /// <summary>The one asked for last, which mostly is the next one. -1: none.</summary>
    public int LastCallee;

    /// <summary>Nanoseconds, samples or entries, without those of the callees.</summary>
    public ulong Self;
    public ulong Calls;
}
