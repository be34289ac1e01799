using System;

namespace Ftrace.Names;

/// <summary>What can be found out about a pattern of C++ names before it is compared with any.</summary>
internal static class CxxPattern
{
    /// <summary>Endings of names for which a symbol has an abbreviation, or which are not a name.</summary>
    private static ReadOnlySpan<byte> NotInSymbols => "string\0stream\0allocator\0operator\0decltype\0"u8;

    /// <summary>What a name may begin with that symbols abbreviate: a namespace, and the types of Rust.</summary>
    private static ReadOnlySpan<byte> Abbreviated =>
        "std\0str\0bool\0char\0i8\0u8\0i16\0u16\0i32\0u32\0i64\0u64\0i128\0u128\0isize\0usize\0f16\0f32\0f64\0f128\0"u8;

    private static ReadOnlySpan<byte> Anonymous => "(anonymous namespace)"u8;

    private static ReadOnlySpan<byte> Scope => "::"u8;

    /// <summary>
    /// A word that every function the pattern matches has in its symbol, so that the others need not be demangled: the longest name of a
    /// namespace, class or function.
    /// </summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="start">Where the word begins.</param>
    /// <returns>The length of the word; 0: none is certain.</returns>
    public static int FindWord(ReadOnlySpan<byte> pattern, out int start)
    {
        int longest = 0;
        int depth = 0; // of template arguments
        start = 0;
        for (int at = 0; at < pattern.Length && pattern[at] is not (byte)'[' and not (byte)'\\';)
        {
            if (pattern[at..].StartsWith(Anonymous))
            {
                at += Anonymous.Length;
                continue;
            }

            if (pattern[at] == '(')
            {
                break; // parameters
            }

            int length = LengthOfWord(pattern[at..]);
            if (length == 0)
            {
                depth += DepthOf(pattern, at);
                at++;
                continue;
            }

            if (pattern.Slice(at, length).SequenceEqual("operator"u8))
            {
                break; // what follows may be a type
            }

            if (length > longest && depth == 0 && IsName(pattern, at, length))
            {
                start = at;
                longest = length;
            }

            at += length;
        }

        return longest;
    }

    private static int LengthOfWord(ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (length < text.Length && CxxName.IsWord(text[length]))
        {
            length++;
        }

        return length;
    }

    private static int DepthOf(ReadOnlySpan<byte> pattern, int at) => pattern[at] switch
    {
        (byte)'<' => 1,
        (byte)'>' when at == 0 || pattern[at - 1] != '-' => -1,
        _ => 0,
    };

    /// <summary>True for the whole name of something in a scope, as the symbol has it too.</summary>
    private static bool IsName(ReadOnlySpan<byte> pattern, int at, int length)
    {
        ReadOnlySpan<byte> word = pattern.Slice(at, length);
        ReadOnlySpan<byte> after = pattern[(at + length)..];
        bool isScope = after.StartsWith(Scope);
        bool isWhole = isScope || after.IsEmpty || after[0] is (byte)'(' or (byte)'<' or (byte)'[';

        // After anything else than a scope it may be the end of a longer word, or the type that an operator converts to.
        bool isFirst = at == 0;
        if (!isWhole || !(isFirst || pattern[..at].EndsWith(Scope)) || word.IndexOfAnyInRange((byte)0x80, (byte)0xff) >= 0)
        {
            return false;
        }

        // std::wstreambuf is a basic_streambuf.
        bool isAbbreviated = (isScope && ((isFirst && IsListed(Abbreviated, word)) || word[0] == '_'))
            || (word[0] is (byte)'w' or (byte)'u' && pattern[..at].EndsWith("std::"u8));
        return !isAbbreviated && !HasAbbreviation(word);
    }

    private static bool IsListed(ReadOnlySpan<byte> list, ReadOnlySpan<byte> word)
    {
        while (!list.IsEmpty)
        {
            int length = list.IndexOf((byte)0);
            if (word.SequenceEqual(list[..length]))
            {
                return true;
            }

            list = list[(length + 1)..];
        }

        return false;
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
