namespace Ftrace.Bench;

/// <summary>A file with diagrams, side by side.</summary>
internal sealed record Plot(string Name, string Title, Panel[] Panels);
