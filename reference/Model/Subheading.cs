namespace Ftrace.Reference.Model;

internal sealed record Subheading(string Text) : Block;
