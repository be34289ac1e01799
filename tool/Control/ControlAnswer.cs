namespace Ftrace.Tool.Control;

/// <summary>What the library answers.</summary>
/// <param name="Error">0, or an errno.</param>
/// <param name="Text">Of the request status: lines <c>key=value</c>.</param>
internal readonly record struct ControlAnswer(int Error, string Text);
