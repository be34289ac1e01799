using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>What a report shows.</summary>
internal sealed class ReportOptions
{
    /// <summary>Null: as the trace was recorded.</summary>
    public ReportFormat? Format { get; init; }

    /// <summary>One thread after the other; else merged by time.</summary>
    public bool ByThread { get; init; }

    /// <summary>Null: all.</summary>
    public IReadOnlyList<TraceThread>? Threads { get; init; }

    /// <summary>The first time to show, as in events.</summary>
    public ulong From { get; init; }

    /// <summary>The last time to show.</summary>
    public ulong To { get; init; } = ulong.MaxValue;

    /// <summary>How many lines to show, at the end; null: all.</summary>
    public long? Tail { get; init; }

    /// <summary>Times of day; else seconds since the recording began.</summary>
    public bool Utc { get; init; }

    /// <summary>Symbols as they are.</summary>
    public bool Mangled { get; init; }

    public bool Colours { get; init; }
}
