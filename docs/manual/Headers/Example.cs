namespace Ftrace.Manual.Headers;

/// <summary>A program in examples/, without its license line.</summary>
internal sealed record Example(string Name, string Text);
