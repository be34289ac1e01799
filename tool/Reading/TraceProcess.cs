using System.Collections.Generic;

namespace Ftrace.Tool.Reading;

/// <summary>The recorded process. Empty texts: not known.</summary>
internal sealed class TraceProcess
{
    public int Id { get; init; }

    public int ParentId { get; init; }

    public ulong Time { get; init; }

    /// <summary>Path of the executable.</summary>
    public string Executable { get; init; } = "";

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public string WorkingDirectory { get; init; } = "";

    public string HostName { get; init; } = "";
}
