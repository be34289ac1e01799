using System;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Attach;

/// <summary>A process cannot be attached to: <c>PID: reason; remedy</c>. The process runs on, as before.</summary>
/// <remarks>The message may have words of the process: a terminal obeys none of them.</remarks>
internal sealed class AttachException(AttachRefusal refusal, string message) : Exception(CleanText.Of(message))
{
    /// <summary>Its number is the exit status.</summary>
    public AttachRefusal Refusal { get; } = refusal;

    /// <summary>It will be possible soon: what another one has started is just being ended.</summary>
    public bool IsTemporary { get; init; }
}
