using System.Collections.Generic;

namespace Ftrace.Tool.Recording;

/// <summary>What to record, and how. Empty, 0 and null: as the library does by itself.</summary>
internal sealed record RecordOptions
{
    public required string Output { get; init; }

    public IReadOnlyList<string> Filters { get; init; } = [];

    public IReadOnlyList<string> Notrace { get; init; } = [];

    public IReadOnlyList<string> Triggers { get; init; } = [];

    /// <summary><c>graph</c>, <c>function</c> or <c>sample</c>.</summary>
    public string? Plugin { get; init; }

    /// <summary>Of each thread, in bytes.</summary>
    public long Buffer { get; init; }

    public long MaxSize { get; init; }

    public bool IsStream { get; init; }

    public int Depth { get; init; }

    /// <summary>In nanoseconds.</summary>
    public long MinTime { get; init; }

    public int Hz { get; init; }

    public bool HasChildren { get; init; } = true;

    public int SnapshotSignal { get; init; }

    /// <summary>Tracing is off at first.</summary>
    public bool IsOff { get; init; }

    public bool IsQuiet { get; init; }
}
