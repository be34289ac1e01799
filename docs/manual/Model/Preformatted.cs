namespace Ftrace.Manual.Model;

/// <summary>Lines that stay as they are.</summary>
/// <param name="Text">The lines, without a newline at the end.</param>
/// <param name="IsSynopsis">True: they are the synopsis of the page.</param>
internal sealed record Preformatted(string Text, bool IsSynopsis = false) : Block;
