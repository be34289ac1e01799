namespace Ftrace.Bench;

/// <summary>A row, or a point of a curve, as the bench writes it.</summary>
internal sealed record Row(string Part, string Section, string What, string Unit)
{
    /// <summary>What <see cref="N"/> counts, if this is a point of a curve.</summary>
    public string Axis { get; init; } = "";

    public long N { get; init; }

    public int Rounds { get; init; }

    /// <summary>Null if it was not measured: see <see cref="Why"/>.</summary>
    public Spread? Here { get; init; }

    public string Against { get; init; } = "";

    public Spread? Peer { get; init; }

    public Spread? Ratio { get; init; }

    public string RatioOf { get; init; } = "";

    public Target? Target { get; init; }

    /// <summary>met, missed, noisy, not measured; or nothing.</summary>
    public string Verdict { get; init; } = "";

    public string Why { get; init; } = "";

    /// <summary>What it is called in the list of all rows: the points of a curve have one line.</summary>
    public string Key => string.Join(" | ", Part, Section, What, Unit, Against, Axis);
}
