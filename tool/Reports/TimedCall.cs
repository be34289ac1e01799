namespace Ftrace.Tool.Reports;

/// <summary>A call that <see cref="CallStatistics"/> has yet to count. Durations are in the trace's unit of time.</summary>
internal struct TimedCall
{
    public ulong Address;
    public ulong Start;
    public ulong Duration;
    public ulong Self;

    /// <summary>What it adds to the total of its function: 0 if it is nested in another call of it.</summary>
    public ulong Total;
    public int Thread;

    /// <summary>Of the function, once it was looked up.</summary>
    public int Row;
}
