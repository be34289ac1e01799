using System.Text;

namespace Ftrace.Tool.Reading;

/// <summary>Text of a trace for a terminal.</summary>
internal static class CleanText
{
    /// <summary>Replaces control characters, which a terminal obeys, by U+FFFD.</summary>
    public static string Of(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            clean.Append(Rune.IsControl(rune) ? Rune.ReplacementChar.ToString() : rune.ToString());
        }

        return clean.ToString();
    }
}
