namespace Ftrace.Tool.Reports;

/// <summary>A series of durations in <see cref="DurationSketches"/>: chunks of its memory. 0: none yet; negative: there was no memory.</summary>
internal struct DurationSeries
{
    /// <summary>The latest values, which are not yet in the histogram.</summary>
    public int Latest;

    /// <summary>The table of the histogram.</summary>
    public int Table;
}
