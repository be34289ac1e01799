namespace Ftrace.Tool.Reading;

/// <summary>The state in the header of a trace file.</summary>
internal enum TraceState : uint
{
    /// <summary>Being recorded, or the process was killed meanwhile.</summary>
    Recording = 1,

    Finished = 2,
    Snapshot = 3,
}
