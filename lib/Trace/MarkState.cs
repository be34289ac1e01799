namespace Ftrace.Trace;

/// <summary>Where a thread is, seen from a mark.</summary>
internal enum MarkState
{
    /// <summary>In the handler, or in something on top of it; or it cannot be told.</summary>
    Around,

    /// <summary>Not there any more, and it cannot come back.</summary>
    Left,

    /// <summary>On another stack. It may come back, or not.</summary>
    Elsewhere,
}
