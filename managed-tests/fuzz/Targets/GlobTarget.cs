using System;
using System.Collections.Generic;
using Ftrace.Names;

namespace Ftrace.Fuzz;

/// <summary>
/// The input is a pattern, a 0, and a text. Compared with all ways to match, taken at once. With empty brackets that stand for
/// themselves it only has to end.
/// </summary>
public static class GlobTarget
{
    private const int MostBytes = 512;

    public static void Run(byte[] input)
    {
        int end = Array.IndexOf(input, (byte)0);
        if (end < 0 || input.Length > MostBytes)
        {
            return;
        }

        ReadOnlySpan<byte> pattern = input.AsSpan(0, end);
        ReadOnlySpan<byte> text = input.AsSpan(end + 1);
        if (Glob.IsValid(pattern, GlobSyntax.Cxx))
        {
            Glob.Matches(pattern, text, GlobSyntax.Cxx);
        }

        bool matches = Glob.Matches(pattern, text);
        if (Glob.IsValid(pattern))
        {
            Finding.Unless(matches == Matches(Parse(pattern), text), $"matches: {matches}");
        }
    }

    /// <summary>For each element the characters that it takes; null: any text.</summary>
    private static List<bool[]?> Parse(ReadOnlySpan<byte> pattern)
    {
        var elements = new List<bool[]?>();
        while (!pattern.IsEmpty)
        {
            bool[] taken = new bool[256];
            int length = 1;
            switch ((char)pattern[0])
            {
                case '*':
                    elements.Add(null);
                    pattern = pattern[1..];
                    continue;
                case '?':
                    Array.Fill(taken, true);
                    break;
                case '\\':
                    taken[pattern[1]] = true;
                    length = 2;
                    break;
                case '[':
                    int first = pattern[1] is (byte)'!' or (byte)'^' ? 2 : 1;
                    int close = first + 1 + pattern[(first + 1)..].IndexOf((byte)']');
                    Fill(taken, pattern[first..close], first == 1);
                    length = close + 1;
                    break;
                default:
                    taken[pattern[0]] = true;
                    break;
            }

            elements.Add(taken);
            pattern = pattern[length..];
        }

        return elements;
    }

    private static void Fill(bool[] taken, ReadOnlySpan<byte> set, bool value)
    {
        Array.Fill(taken, !value);
        while (!set.IsEmpty)
        {
            bool isRange = set.Length > 2 && set[1] == '-';
            for (int c = set[0]; c <= (isRange ? set[2] : set[0]); c++)
            {
                taken[c] = value;
            }

            set = set[(isRange ? 3 : 1)..];
        }
    }

    private static bool Matches(List<bool[]?> elements, ReadOnlySpan<byte> text)
    {
        bool[] reached = new bool[elements.Count + 1];
        reached[0] = true;
        for (int position = 0; ; position++)
        {
            for (int i = 0; i < elements.Count; i++)
            {
                reached[i + 1] |= reached[i] && elements[i] == null;
            }

            if (position == text.Length)
            {
                return reached[^1];
            }

            for (int i = elements.Count; i >= 0; i--)
            {
                bool stays = i < elements.Count && elements[i] == null && reached[i];
                reached[i] = stays || (i > 0 && reached[i - 1] && elements[i - 1] is { } taken && taken[text[position]]);
            }
        }
    }
}
