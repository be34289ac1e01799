namespace Ftrace.Tests.Documents;

/// <summary>A fenced block of code.</summary>
/// <param name="Line">Of its fence, from 1.</param>
/// <param name="Language">What follows the fence; "" for none.</param>
internal sealed record MarkdownBlock(int Line, string Language);
