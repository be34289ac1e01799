namespace Ftrace.Tool.Attach;

/// <summary>What a thread that is waited for has done.</summary>
internal enum StopKind
{
    /// <summary>It has stopped.</summary>
    Stopped,

    /// <summary>It has ended.</summary>
    Ended,

    /// <summary>Nothing, for as long as it was waited for.</summary>
    Late,
}
