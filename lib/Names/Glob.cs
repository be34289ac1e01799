using System;

namespace Ftrace.Names;

/// <summary>
/// Patterns of names: <c>*</c> any text, <c>?</c> any character, <c>[a-z]</c>, <c>[!a-z]</c> one of a set, <c>\</c> the
/// next character itself. The kernel's lib/glob.c has the same syntax and the same backtracking: only to the last star.
/// </summary>
internal static class Glob
{
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, GlobSyntax syntax = GlobSyntax.Plain)
    {
        int at = 0;
        int position = 0;
        int star = -1; // where to resume in the pattern after a mismatch
        int retry = 0; // and in the text
        while (position < text.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = ++at;
                retry = position;
                continue;
            }

            if (at < pattern.Length && MatchesOne(pattern, ref at, text[position], syntax))
            {
                position++;
                continue;
            }

            if (star < 0)
            {
                return false;
            }

            at = star;
            position = ++retry;
        }

        while (at < pattern.Length && pattern[at] == '*')
        {
            at++;
        }

        return at == pattern.Length;
    }

    /// <summary>False for a set without an end, a backslash at the end, and an empty pattern.</summary>
    public static bool IsValid(ReadOnlySpan<byte> pattern, GlobSyntax syntax = GlobSyntax.Plain)
    {
        for (int at = 0; at < pattern.Length; at++)
        {
            if (pattern[at] == '\\')
            {
                if (++at == pattern.Length)
                {
                    return false;
                }
            }
            else if (IsSet(pattern, at, syntax))
            {
                int end = EndOfSet(pattern, at);
                if (end < 0)
                {
                    return false;
                }

                at = end;
            }
        }

        return !pattern.IsEmpty;
    }

    /// <summary>The length of the set, with its brackets, that begins here; 0: none does.</summary>
    public static int LengthOfSet(ReadOnlySpan<byte> pattern, int at, GlobSyntax syntax) =>
        IsSet(pattern, at, syntax) ? Math.Max(EndOfSet(pattern, at) + 1 - at, 0) : 0;

    private static bool MatchesOne(ReadOnlySpan<byte> pattern, ref int at, byte c, GlobSyntax syntax)
    {
        int here = at;
        switch (pattern[at])
        {
            case (byte)'?':
                at++;
                return true;
            case (byte)'[' when IsSet(pattern, at, syntax):
                int end = EndOfSet(pattern, at);
                at = end + 1;
                bool found = end > 0 && IsInSet(pattern[(here + 1)..end], c);
                at = found ? at : here;
                return found;
            case (byte)'\\' when at + 1 < pattern.Length:
                here++;
                goto default;
            default:
                if (pattern[here] != c)
                {
                    return false;
                }

                at = here + 1;
                return true;
        }
    }

    private static bool IsSet(ReadOnlySpan<byte> pattern, int at, GlobSyntax syntax) =>
        pattern[at] == '[' && !(syntax == GlobSyntax.Cxx && (pattern[at..].StartsWith("[]"u8) || pattern[at..].StartsWith("[abi:"u8)));

    /// <summary>The closing bracket; a bracket that comes first in the set belongs to it. -1: there is none.</summary>
    private static int EndOfSet(ReadOnlySpan<byte> pattern, int open)
    {
        int first = open + 1;
        if (first < pattern.Length && pattern[first] is (byte)'!' or (byte)'^')
        {
            first++;
        }

        for (int at = first + 1; at < pattern.Length; at++)
        {
            if (pattern[at] == ']')
            {
                return at;
            }
        }

        return -1;
    }

    private static bool IsInSet(ReadOnlySpan<byte> set, byte c)
    {
        bool inverted = set[0] is (byte)'!' or (byte)'^';
        bool found = false;
        for (int at = inverted ? 1 : 0; at < set.Length; at++)
        {
            byte last = set[at];
            byte first = last;
            if (at + 2 < set.Length && set[at + 1] == '-')
            {
                last = set[at + 2];
                at += 2;
            }

            found |= c >= first && c <= last;
        }

        return found != inverted;
    }
}
