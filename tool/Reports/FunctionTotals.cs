namespace Ftrace.Tool.Reports;

/// <summary>What <see cref="CallStatistics"/> keeps of a function, or of a function in a thread. Times are nanoseconds.</summary>
internal struct FunctionTotals
{
    /// <summary>Stands for all functions that there was no room for.</summary>
    public const int Others = -1;

    /// <summary>Calls whose beginning and end are known. Only these have times.</summary>
    public ulong Timed;

    /// <summary>The time of the outermost ones: a function that calls itself has its time once.</summary>
    public ulong Total;

    /// <summary>Without the time of the calls that they made.</summary>
    public ulong Self;

    /// <summary>The time of all, nested ones too.</summary>
    public ulong Sum;
    public ulong Min;
    public ulong Max;

    public DurationSeries Series;
    public int Function;

    /// <summary>Calls whose beginning is not in the trace.</summary>
    public ulong WithoutEntry;

    /// <summary>Calls whose end is not in the trace.</summary>
    public ulong WithoutExit;

    /// <summary>Calls of which only entries are recorded.</summary>
    public ulong Entries;

    /// <summary>Samples in the function itself.</summary>
    public ulong Samples;

    /// <summary>Samples in it or in what it called.</summary>
    public ulong SamplesInside;

    /// <summary>The last sample that was counted in <see cref="SamplesInside"/>.</summary>
    public ulong LastSample;

    /// <summary>Index of the thread; -1: all threads.</summary>
    public int Thread;
}
