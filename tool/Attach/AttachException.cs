using System;

namespace Ftrace.Tool.Attach;

/// <summary>A process cannot be attached to: <c>PID: reason; remedy</c>. The process runs on, as before.</summary>
internal sealed class AttachException(AttachRefusal refusal, string message) : Exception(message)
{
    /// <summary>Its number is the exit status.</summary>
    public AttachRefusal Refusal { get; } = refusal;

    /// <summary>It will be possible soon: what another one has started is just being ended.</summary>
    public bool IsTemporary { get; init; }
}
