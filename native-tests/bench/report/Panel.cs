namespace Ftrace.Bench;

/// <summary>One of the diagrams of a plot. All its values are times.</summary>
internal sealed record Panel(string Title, string XLabel, Line[] Lines);
