namespace Ftrace.Tool.Reading;

/// <summary>How a call ended.</summary>
internal enum CallEnd : byte
{
    /// <summary>The function has returned.</summary>
    Returned,

    /// <summary>The function ended with a jump to another one.</summary>
    Tail,

    /// <summary>The call was left by an exception, longjmp(3) or the like, at the end time or before.</summary>
    Unwound,

    /// <summary>It has ended at the end time or before: the exit was not recorded, or lost.</summary>
    NotSeen,

    /// <summary>It was under way at the end of the trace.</summary>
    Unfinished,
}
