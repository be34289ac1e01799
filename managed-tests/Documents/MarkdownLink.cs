namespace Ftrace.Tests.Documents;

/// <summary>A link or a picture: where it leads, as it is written.</summary>
internal sealed record MarkdownLink(int Line, string Target);
