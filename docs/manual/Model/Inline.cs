namespace Ftrace.Manual.Model;

/// <summary>A piece of text.</summary>
internal sealed record Inline(InlineKind Kind, string Text, string? Target = null)
{
    public static Inline Of(string text) => new(InlineKind.Text, text);

    public static Inline Literal(string text) => new(InlineKind.Literal, text);

    public static Inline Variable(string text) => new(InlineKind.Variable, text);

    /// <summary>NAME(SECTION).</summary>
    public static Inline Reference(string name, string section) => new(InlineKind.Reference, name, $"{name}.{section}");
}
