namespace Ftrace.Tool.Reports;

/// <summary>What <c>ftrace graph</c> shows.</summary>
internal sealed class GraphOptions
{
    /// <summary>A name or a pattern. Null: the whole tree.</summary>
    public string? Function { get; init; }

    /// <summary>False: threads or times were selected.</summary>
    public bool IsAll { get; init; } = true;

    /// <summary>Functions above each other.</summary>
    public int MaxDepth { get; init; } = int.MaxValue;

    /// <summary>Hundredths of a percent that a line must have.</summary>
    public ulong MinHundredths { get; init; }

    /// <summary>Lines of drawing characters; else of ASCII.</summary>
    public bool IsUtf8 { get; init; }
}
