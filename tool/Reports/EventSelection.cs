using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>Which events of a trace are looked at, as if the trace had no others.</summary>
internal sealed class EventSelection
{
    public static readonly EventSelection All = new();

    /// <summary>Null: all.</summary>
    public IReadOnlyList<TraceThread>? Threads { get; init; }

    /// <summary>The first time, as in events.</summary>
    public ulong From { get; init; }

    /// <summary>The last time.</summary>
    public ulong To { get; init; } = ulong.MaxValue;

    public bool IsAll => Threads == null && From == 0 && To == ulong.MaxValue;

    /// <summary>How many blocks there are to read, at most.</summary>
    public long CountBlocks(TraceFile file)
    {
        long count = 0;
        foreach (TraceThread thread in Threads ?? file.Threads)
        {
            count += thread.Blocks.Count;
        }

        return count;
    }

    public MergedEvents Read(TraceFile file) => file.ReadMerged(Threads ?? file.Threads);
}
