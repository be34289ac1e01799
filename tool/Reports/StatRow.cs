namespace Ftrace.Tool.Reports;

/// <summary>A line of <c>ftrace stat</c>. Times are nanoseconds, and null if no call has one.</summary>
internal sealed class StatRow
{
    public required string Name { get; init; }

    /// <summary>Name of the object. Empty: not known.</summary>
    public required string Object { get; init; }

    /// <summary>Of the thread; 0: all threads.</summary>
    public int ThreadId { get; init; }

    public string ThreadName { get; init; } = "";

    /// <summary>All that are in the trace, with or without times.</summary>
    public ulong Calls { get; init; }

    public ulong WithoutEntry { get; init; }

    public ulong WithoutExit { get; init; }

    public ulong? Total { get; init; }

    public ulong? Self { get; init; }

    public ulong? Average { get; init; }

    public ulong? Min { get; init; }

    public ulong? Max { get; init; }

    public ulong? P50 { get; init; }

    public ulong? P99 { get; init; }

    public ulong Samples { get; init; }

    public ulong SamplesInside { get; init; }

    /// <summary>The value of a column that is a number.</summary>
    public ulong? this[StatField field] => field switch
    {
        StatField.Total => Total,
        StatField.Self => Self,
        StatField.Calls => Calls,
        StatField.Avg => Average,
        StatField.Min => Min,
        StatField.Max => Max,
        StatField.P50 => P50,
        StatField.P99 => P99,
        _ => null,
    };
}
