namespace Ftrace.Manual.Model;

internal sealed record Subheading(string Text) : Block;
