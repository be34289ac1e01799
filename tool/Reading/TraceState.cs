namespace Ftrace.Tool.Reading;

/// <summary>The state in the header of a trace file.</summary>
internal enum TraceState : uint
{
    /// <summary>Being recorded, or the process was killed meanwhile.</summary>
    Recording = 1,

    Finished = 2,
    Snapshot = 3,

    /// <summary>The process ended without finishing it, and <c>ftrace record</c> did.</summary>
    Ended = 4,
}
