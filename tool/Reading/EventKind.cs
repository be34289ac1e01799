namespace Ftrace.Tool.Reading;

/// <summary>What happened.</summary>
internal enum EventKind : byte
{
    /// <summary>A function was called; <see cref="TraceEvent.Call"/> is the number of the call.</summary>
    Entry,

    /// <summary>A call has returned.</summary>
    Exit,

    /// <summary>A call was left by an exception, longjmp(3) or the like, at this time or before.</summary>
    Unwound,

    /// <summary>A call ended with a jump to another function.</summary>
    Tail,

    /// <summary>A function was called whose exit is not traced; <see cref="TraceEvent.ReturnAddress"/>.</summary>
    FunctionEntry,

    /// <summary>A text of the host: <see cref="TraceEvent.Data"/>.</summary>
    Mark,

    /// <summary>A sample: <see cref="TraceEvent.Address"/> was executing; <see cref="TraceEvent.FrameCount"/>.</summary>
    Sample,

    /// <summary>Events were lost before this one: <see cref="TraceEvent.Address"/> units of 16 bytes; an entry or an exit is one.</summary>
    Lost,

    /// <summary>Recording was switched on (<see cref="TraceEvent.Address"/> is 1) or off (0).</summary>
    Switched,

    /// <summary>Blocks of the thread are missing: <see cref="TraceEvent.Address"/> of them.</summary>
    Gap,
}
