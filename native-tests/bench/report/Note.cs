namespace Ftrace.Bench;

/// <summary>What is to be known of the rows of a section.</summary>
internal sealed record Note(string Section, string Text);
