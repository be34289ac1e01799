using System.Collections.Generic;

namespace Ftrace.Tool.Reading;

/// <summary>A thread of the recorded process.</summary>
internal sealed class TraceThread
{
    /// <summary>Its index in <see cref="TraceFile.Threads"/>, which events have.</summary>
    public required int Index { get; set; }

    /// <summary>Its number in the file.</summary>
    public required uint Number { get; init; }

    /// <summary>Its id in the system. Two threads that did not exist at the same time can have the same.</summary>
    public int Id { get; internal set; }

    /// <summary>Empty: not known.</summary>
    public string Name { get; internal set; } = "";

    public ulong? StartTime { get; internal set; }

    public ulong? EndTime { get; internal set; }

    /// <summary>Units that were lost, as far as the headers of blocks say, and records of information.</summary>
    public ulong Lost { get; internal set; }

    /// <summary>Blocks that are missing between those that the file has.</summary>
    public ulong MissingBlocks { get; internal set; }

    /// <summary>True if the first blocks of the thread are not in the file: it is a ring, which has the last ones.</summary>
    public bool IsBeginningCut { get; internal set; }

    /// <summary>Sorted by sequence number once the file is open.</summary>
    internal List<BlockEntry> Blocks { get; } = [];

    /// <summary>Not later than its first event, for the merge; 0: not known.</summary>
    internal ulong FirstTime { get; set; }

    /// <summary>Of the block that <see cref="FirstTime"/> is from.</summary>
    internal ulong FirstSequence { get; set; } = ulong.MaxValue;

    /// <summary>The sequence number of its first block, whether that is in the file or not; 0: not known.</summary>
    internal ulong FirstOfAll { get; set; }

    /// <summary>The highest count in a header.</summary>
    internal ulong LostInHeaders { get; set; }

    internal ulong LostInRecords { get; set; }
}
