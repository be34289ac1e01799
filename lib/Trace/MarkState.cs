namespace Ftrace.Trace;

/// <summary>Where a thread is, relative to a mark.</summary>
internal enum MarkState
{
    /// <summary>In the handler, or in something that the handler called or that interrupted it; or this is not known.</summary>
    Around,

    /// <summary>It has left the handler, and cannot come back.</summary>
    Left,

    /// <summary>On another stack. It may come back to the handler.</summary>
    Elsewhere,
}
