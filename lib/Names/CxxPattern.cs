using System;

namespace Ftrace.Names;

/// <summary>What can be found out about a pattern of C++ names before it is compared with any.</summary>
internal static class CxxPattern
{
    /// <summary>Names for which a symbol has an abbreviation, or which are not a name.</summary>
    private static ReadOnlySpan<byte> NotInSymbols => "string\0stream\0allocator\0operator\0"u8;

    /// <summary>
    /// A word that every function the pattern matches has in its symbol, so that the others need not be demangled: the name of the function,
    /// or of the first template.
    /// </summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="start">Where the word begins.</param>
    /// <returns>The length of the word; 0: none is certain.</returns>
    public static int FindWord(ReadOnlySpan<byte> pattern, out int start)
    {
        int end = pattern.IndexOfAny((byte)'(', (byte)'<', (byte)'[');
        end = end < 0 ? pattern.Length : end;
        start = end;
        while (start > 0 && pattern[start - 1] < 0x80 && CxxName.IsWord(pattern[start - 1]))
        {
            start--;
        }

        // After anything else than a scope it may be the type that an operator converts to, the end of a longer word, or "lambda".
        ReadOnlySpan<byte> word = pattern[start..end];
        return (start == 0 || pattern[start - 1] == ':') && !HasAbbreviation(word) ? word.Length : 0;
    }

    /// <summary>True if a text is what a pattern says literally, without the special meaning of its characters.</summary>
    public static bool IsLiteral(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        int at = 0;
        foreach (byte c in text)
        {
            at += at < pattern.Length && pattern[at] == '\\' ? 1 : 0;
            if (at >= pattern.Length || pattern[at] != c)
            {
                return false;
            }

            at++;
        }

        return at == pattern.Length;
    }

    private static bool HasAbbreviation(ReadOnlySpan<byte> word)
    {
        ReadOnlySpan<byte> list = NotInSymbols;
        while (!list.IsEmpty)
        {
            int length = list.IndexOf((byte)0);
            if (word.EndsWith(list[..length]))
            {
                return true;
            }

            list = list[(length + 1)..];
        }

        return false;
    }
}
