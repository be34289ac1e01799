using System;

namespace Ftrace.Tool.Reading;

/// <summary>The header of a trace file.</summary>
internal sealed class TraceHeader
{
    /// <summary>The version of the format that this reader knows.</summary>
    public const uint KnownVersion = 1;

    public required int BlockSize { get; init; }

    /// <summary>True if times of events are of the TSC; else they are nanoseconds of <c>CLOCK_MONOTONIC</c>.</summary>
    public required bool IsTsc { get; init; }

    /// <summary>True if the process was to write all events; what is missing was lost.</summary>
    public required bool IsStreamed { get; init; }

    /// <summary>Of the process; 0: as many as the file has.</summary>
    public required ulong BlockCount { get; init; }

    public required int ProcessId { get; init; }

    public required TraceState State { get; init; }

    public required ClockPair Start { get; init; }

    /// <summary>Null: there is none yet.</summary>
    public required ClockPair? End { get; init; }

    /// <summary>Events lost because their thread had no buffer.</summary>
    public required ulong LostWithoutBuffer { get; init; }

    /// <summary>Of the library that wrote the file.</summary>
    public required Version LibraryVersion { get; init; }
}
