using System.Collections.Generic;

namespace Ftrace.Tool.Recording;

/// <summary>What <c>ftrace list</c> shows.</summary>
internal sealed record ListOptions
{
    /// <summary>A path, a command, or the id of a process.</summary>
    public required string Target { get; init; }

    public IReadOnlyList<string> Filters { get; init; } = [];

    /// <summary>Also functions that cannot be traced.</summary>
    public bool All { get; init; }

    /// <summary>Names as in the symbol table.</summary>
    public bool IsRaw { get; init; }

    public bool IsJson { get; init; }
}
