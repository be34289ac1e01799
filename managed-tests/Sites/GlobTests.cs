using System;
using System.Text;
using Ftrace.Names;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>Patterns of names, by a table and against the obvious recursive matcher.</summary>
public sealed class GlobTests
{
    private static bool Matches(string pattern, string text) =>
        Glob.Matches(Encoding.Latin1.GetBytes(pattern), Encoding.Latin1.GetBytes(text));

    [TestCase("a", "a", true)]
    [TestCase("a", "b", false)]
    [TestCase("a", "ab", false)]
    [TestCase("ab", "a", false)]
    [TestCase("*", "", true)]
    [TestCase("*", "anything", true)]
    [TestCase("**", "x", true)]
    [TestCase("a*", "a", true)]
    [TestCase("a*c", "abbbc", true)]
    [TestCase("a*c", "abbb", false)]
    [TestCase("*a*b*", "xaxbx", true)]
    [TestCase("*ab", "aab", true)]
    [TestCase("*aab", "aaaab", true)]
    [TestCase("?", "", false)]
    [TestCase("?", "x", true)]
    [TestCase("a?c", "abc", true)]
    [TestCase("[abc]", "b", true)]
    [TestCase("[abc]", "d", false)]
    [TestCase("[a-c]x", "bx", true)]
    [TestCase("[a-c]", "d", false)]
    [TestCase("[!a-c]", "d", true)]
    [TestCase("[!a-c]", "b", false)]
    [TestCase("[^a]", "b", true)]
    [TestCase("[]]", "]", true)]
    [TestCase("[]a]", "a", true)]
    [TestCase("[!]]", "]", false)]
    [TestCase("[!]]", "x", true)]
    [TestCase("[a-]", "-", true)]
    [TestCase("[-a]", "-", true)]
    [TestCase("[c-a]", "b", false)]
    [TestCase("[!]", "!", false)]
    [TestCase("\\*", "*", true)]
    [TestCase("\\*", "x", false)]
    [TestCase("\\\\", "\\", true)]
    [TestCase("\\[a]", "[a]", true)]
    [TestCase("*[0-9]", "a1b2", true)]
    [TestCase("*[0-9]", "a1b", false)]
    [TestCase("", "", true)]
    [TestCase("", "a", false)]
    [TestCase("\u00ff*", "\u00ffx", true)]
    [TestCase("[\u0080-\u00ff]", "\u00e4", true)]
    public void Table(string pattern, string text, bool expected) => Assert.That(Matches(pattern, text), Is.EqualTo(expected));

    [TestCase("a", true)]
    [TestCase("[a]", true)]
    [TestCase("[]]", true)]
    [TestCase("[!]]", true)]
    [TestCase("\\[", true)]
    [TestCase("", false)]
    [TestCase("[", false)]
    [TestCase("[]", false)]
    [TestCase("[!]", false)]
    [TestCase("[a", false)]
    [TestCase("a\\", false)]
    [TestCase("[a]\\", false)]
    public void Validity(string pattern, bool expected) => Assert.That(Glob.IsValid(Encoding.Latin1.GetBytes(pattern)), Is.EqualTo(expected));

    [TestCase("operator[]", "operator[]", true)]
    [TestCase("operator[]", "operator[", false)]
    [TestCase("*[]*", "a[]b", true)]
    [TestCase("[]]", "[]]", true)]
    [TestCase("[]]", "]", false)]
    [TestCase("[a][]", "a[]", true)]
    [TestCase("[!]]", "x", true)]
    [TestCase("\\[abi]", "[abi]", true)]
    public void EmptyBracketsMayStandForThemselves(string pattern, string text, bool expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(pattern);
        Assert.That(Glob.IsValid(bytes, GlobSyntax.Cxx), Is.True);
        Assert.That(Glob.Matches(bytes, Encoding.Latin1.GetBytes(text), GlobSyntax.Cxx), Is.EqualTo(expected));
    }

    [Test]
    public void RandomPatternsAgreeWithTheRecursiveMatcher()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        int matched = 0;
        for (int i = 0; i < 300_000; i++)
        {
            string pattern = Make(random, "aab**?[]!-\\", 10);
            string text = Make(random, "aaab]-!", 10);
            if (!Glob.IsValid(Encoding.Latin1.GetBytes(pattern)))
            {
                Matches(pattern, text); // whatever it says, it ends
                continue;
            }

            bool expected = Recursive(pattern, text);
            matched += expected ? 1 : 0;
            Assert.That(Matches(pattern, text), Is.EqualTo(expected), $"seed {seed}: '{pattern}' and '{text}'");
        }

        Assert.That(matched, Is.GreaterThan(1000));
    }

    [Test]
    public void ManyStarsTakeNoExponentialTime()
    {
        string pattern = string.Concat(System.Linq.Enumerable.Repeat("*a", 200)) + "b";
        Assert.That(Matches(pattern, new string('a', 2000)), Is.False);
    }

    private static string Make(Random random, string letters, int most)
    {
        var text = new StringBuilder();
        for (int length = random.Next(most); length > 0; length--)
        {
            text.Append(letters[random.Next(letters.Length)]);
        }

        return text.ToString();
    }

    private static bool Recursive(string pattern, string text)
    {
        if (pattern.Length == 0)
        {
            return text.Length == 0;
        }

        if (pattern[0] == '*')
        {
            return Recursive(pattern[1..], text) || (text.Length > 0 && Recursive(pattern, text[1..]));
        }

        if (text.Length == 0)
        {
            return false;
        }

        if (pattern[0] == '[')
        {
            int first = pattern[1] is '!' or '^' ? 2 : 1;
            int end = pattern.IndexOf(']', first + 1);
            return InSet(pattern[first..end], text[0]) != (first == 2) && Recursive(pattern[(end + 1)..], text[1..]);
        }

        int escaped = pattern[0] == '\\' ? 1 : 0;
        bool same = (pattern[0] == '?' && escaped == 0) || pattern[escaped] == text[0];
        return same && Recursive(pattern[(escaped + 1)..], text[1..]);
    }

    private static bool InSet(string set, char c)
    {
        if (set.Length == 0)
        {
            return false;
        }

        return set.Length >= 3 && set[1] == '-'
            ? (c >= set[0] && c <= set[2]) || InSet(set[3..], c)
            : c == set[0] || InSet(set[1..], c);
    }
}
